//! What is long over is forgotten, and nothing else.

use yunhai_model::PageRequest;
use yunhai_monitor::{
    AlertFilter, MaintenanceSettings, NewSilence, OutboxFilter, Pruned, SilenceFilter,
};

use super::support::{House, START_MS, change, on_every_database};

const RULES: &str = r"
groups:
  - name: cpu
    rules: [{alert: HighCpu, expr: cpu > 0.9}]
";

const DAY_SECS: i64 = 86_400;

on_every_database! {
    async fn what_is_long_over_is_forgotten_and_what_goes_on_is_kept(house: &mut House) {
        house.rules(RULES).await;
        house.step(60, &[("a", 0.95), ("b", 0.95)]).await;
        house.step(60, &[("a", 0.1), ("b", 0.95)]).await;
        house.step(60, &[("a", 0.1), ("b", 0.95)]).await;
        let matchers = vec!["server=a".parse().unwrap()];
        let silence = NewSilence {
            matchers: matchers.clone(),
            comment: "moving".into(),
            starts_at_ms: None,
            ends_at_ms: START_MS + 600_000,
        };
        change!(house.database, house.monitor => add_silence(silence, "ann")).unwrap();
        for ends_at_ms in [Some(START_MS + 600_000), None] {
            let window = MaintenanceSettings {
                name: "night".into(),
                matchers: matchers.clone(),
                cron: "0 3 * * *".into(),
                duration: "1h".parse().unwrap(),
                time_zone: "UTC".into(),
                comment: String::new(),
                is_enabled: true,
                ends_at_ms,
            };
            change!(house.database, house.monitor => add_window(window, "ann")).unwrap();
        }
        assert_eq!(house.monitor.prune().await.unwrap(), Pruned::default(), "nothing is old");

        house.clock.advance_ms(31 * DAY_SECS * 1000);
        let pruned = house.monitor.prune().await.unwrap();
        assert_eq!(pruned, Pruned { notifications: 3, ..Pruned::default() });

        house.step(60 * DAY_SECS, &[("b", 0.95)]).await;
        let pruned = house.monitor.prune().await.unwrap();
        assert_eq!((pruned.alerts, pruned.silences, pruned.windows), (1, 1, 1));
        let page = PageRequest::default();
        let alerts = house.monitor.alerts(&AlertFilter::default(), &page).await.unwrap();
        let servers: Vec<_> = alerts.items.iter().map(|alert| alert.labels.get("server").unwrap()).collect();
        assert_eq!(servers, ["b"], "it still fires");
        let timeline = house.monitor.timeline(alerts.items[0].id).await.unwrap();
        let oldest_ms = timeline.iter().map(|event| event.at_ms).min().unwrap();
        assert!(oldest_ms > START_MS + 60 * DAY_SECS * 1000, "{timeline:?}");
        assert_eq!(house.monitor.silences(&SilenceFilter::default(), &page).await.unwrap().total, 0);
        assert_eq!(house.monitor.windows().await.unwrap().len(), 1);
        // The repetition of b after 91 days is the one that is left.
        let log = house.monitor.notifications(&OutboxFilter::default(), &page).await.unwrap();
        assert_eq!(log.total, 1);
        assert_eq!(house.monitor.prune().await.unwrap(), Pruned::default());
    }

    async fn more_than_one_batch_goes_at_once(house: &mut House) {
        house.rules(RULES).await;
        let names: Vec<String> = (0..620).map(|n| format!("s{n}")).collect();
        let values = |value| names.iter().map(|name| (name.as_str(), value)).collect::<Vec<_>>();
        let page = PageRequest::default();
        change!(house.database, house.monitor => put_route(&yunhai_monitor::Route::default())).unwrap();
        house.step(60, &values(0.95)).await;
        // Past the interval in which a group tells its changes.
        house.step(600, &values(0.1)).await;
        house.clock.advance_ms(91 * DAY_SECS * 1000);
        assert_eq!(house.monitor.prune().await.unwrap().alerts, 620);
        assert_eq!(house.monitor.alerts(&AlertFilter::default(), &page).await.unwrap().total, 0);
    }

    async fn what_a_deleted_rule_has_seen_is_forgotten_and_what_others_have_is_kept(house: &mut House) {
        let rule = |name: &str| {
            format!(
                "{{alert: {name}, expr: cpu > 0.9, annotations: {{yunhai_no_data: alert, yunhai_no_data_for: 0s}}}}"
            )
        };
        let file = |rules: &[String]| {
            format!("groups:\n  - name: cpu\n    rules: [{}]\n", rules.join(", "))
        };
        house.rules(&file(&[rule("Kept"), rule("Gone")])).await;
        house.step(60, &[("a", 0.1)]).await;
        assert_eq!(house.monitor.prune().await.unwrap(), Pruned::default(), "both are there");

        house.rules(&file(&[rule("Kept")])).await;
        let pruned = house.monitor.prune().await.unwrap();
        assert_eq!(pruned, Pruned { rules: 1, ..Pruned::default() });
        assert_eq!(house.monitor.prune().await.unwrap(), Pruned::default());

        // The rule that stayed misses its series, the one that comes back never saw it.
        house.rules(&file(&[rule("Kept"), rule("Gone")])).await;
        house.step(600, &[]).await;
        let page = PageRequest::default();
        let alerts = house.monitor.alerts(&AlertFilter::default(), &page).await.unwrap();
        let names: Vec<_> = alerts.items.iter().map(yunhai_monitor::Alert::name).collect();
        assert_eq!(names, ["Kept"]);
    }
}
