//! Silences that change, inhibitions, and what people say on an alert.

use yunhai_model::PageRequest;
use yunhai_monitor::{
    Alert, AlertFilter, Error, EventKind, InhibitionEffect, InhibitionSettings, Muting, NewSilence,
};

use super::support::{House, START_MS, change, on_every_database};

const RULES: &str = r"
groups:
  - name: cpu
    rules:
      - {alert: Down, expr: cpu > 0.9, labels: {severity: critical}}
      - {alert: Slow, expr: cpu > 0.5, labels: {severity: warning}}
";

const NOTHING: [&str; 0] = [];

async fn alert_named(house: &House, name: &str) -> Alert {
    let filter = AlertFilter {
        name: Some(name.to_owned()),
        group: Some("test".to_owned()),
        ..AlertFilter::default()
    };
    let page = PageRequest::default();
    house
        .monitor
        .alerts(&filter, &page)
        .await
        .unwrap()
        .items
        .pop()
        .unwrap()
}

fn silence_of(server: &str, ends_at_ms: i64) -> NewSilence {
    NewSilence {
        matchers: vec![format!("server={server}").parse().unwrap()],
        comment: "moving".into(),
        starts_at_ms: None,
        ends_at_ms,
    }
}

on_every_database! {
    async fn an_inhibition_holds_back_until_its_source_ends(house: &mut House) {
        house.rules(RULES).await;
        let settings = InhibitionSettings {
            name: "critical over warning".into(),
            source: vec!["severity=critical".parse().unwrap()],
            target: vec!["severity=warning".parse().unwrap()],
            equal: vec!["server".into()],
            is_enabled: true,
        };
        let inhibition = change!(house.database, house.monitor => add_inhibition(settings.clone(), "ann")).unwrap();
        assert_eq!(house.step(60, &[("a", 0.95)]).await, ["a firing"], "the critical one alone");
        let (down, slow) = (alert_named(house, "Down").await, alert_named(house, "Slow").await);
        assert_eq!(slow.muted_by, [Muting::Inhibition(down.id.to_string())]);
        let effects = house.monitor.inhibition_effects(std::slice::from_ref(&inhibition)).await.unwrap();
        assert_eq!(effects, [InhibitionEffect { sources: 1, held: 1 }]);
        let mut told = house.step(60, &[("a", 0.7)]).await;
        told.sort();
        assert_eq!(told, ["a firing", "a resolved"], "the warning is told once the critical one is over");

        let off = InhibitionSettings { is_enabled: false, ..settings.clone() };
        let (_, changed) = change!(house.database, house.monitor => change_inhibition(inhibition.id, off)).unwrap();
        assert_eq!((changed.author.as_str(), changed.created_at_ms), ("ann", inhibition.created_at_ms));
        change!(house.database, house.monitor => delete_inhibition(inhibition.id)).unwrap();
        assert!(house.monitor.inhibitions().await.unwrap().is_empty());
        let gone = change!(house.database, house.monitor => change_inhibition(inhibition.id, settings.clone()));
        assert!(matches!(gone, Err(Error::NotFound { .. })));
        let wrong = InhibitionSettings { source: Vec::new(), ..settings };
        let error = change!(house.database, house.monitor => add_inhibition(wrong, "ann")).unwrap_err().to_string();
        assert!(error.contains("source: name at least one"), "{error}");
    }

    async fn a_silence_is_extended_and_narrowed(house: &mut House) {
        house.rules(RULES).await;
        let silence = change!(house.database, house.monitor => add_silence(silence_of("a", START_MS + 120_000), "ann")).unwrap();
        house.step(60, &[("a", 0.6)]).await;
        let longer = silence_of("a", START_MS + 600_000);
        let (_, changed) = change!(house.database, house.monitor => change_silence(silence.id, longer.clone(), "bob")).unwrap();
        assert_eq!((changed.author.as_str(), changed.starts_at_ms), ("ann", START_MS));
        assert_eq!(changed.changed.unwrap().user, "bob");
        assert_eq!(house.step(120, &[("a", 0.6)]).await, NOTHING, "it holds longer than at first");
        let found = house.monitor.preview_silence(&longer.matchers).await.unwrap();
        assert_eq!(found.len(), 1);
        change!(house.database, house.monitor => change_silence(silence.id, silence_of("b", START_MS + 600_000), "bob")).unwrap();
        assert_eq!(house.step(60, &[("a", 0.6)]).await, ["a firing"], "it no longer matches");
        change!(house.database, house.monitor => expire_silence(silence.id, "bob")).unwrap();
        let late = change!(house.database, house.monitor => change_silence(silence.id, longer, "bob"));
        assert!(matches!(late, Err(Error::Conflict(_))));
        assert!(house.monitor.preview_silence(&[]).await.is_err());
    }

    async fn a_comment_stands_in_the_timeline_also_after_the_end(house: &mut House) {
        house.rules(RULES).await;
        house.step(60, &[("a", 0.6)]).await;
        house.step(60, &[("a", 0.1)]).await;
        let id = alert_named(house, "Slow").await.id;
        change!(house.database, house.monitor => comment(id, "ann", "it was the backup")).unwrap();
        let timeline = house.monitor.timeline(id).await.unwrap();
        let said = EventKind::Commented { user: "ann".into(), comment: "it was the backup".into() };
        assert!(timeline.iter().any(|event| event.kind == said));
        for wrong in [" ", &"x".repeat(4001)] {
            assert!(matches!(change!(house.database, house.monitor => comment(id, "ann", wrong)), Err(Error::Invalid { .. })));
        }
    }
}
