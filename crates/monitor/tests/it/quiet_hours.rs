//! Quiet hours: what is held back, told afterwards, or never.

use serde_json::json;
use yunhai_model::PageRequest;
use yunhai_monitor::{
    AlertFilter, EventKind, NewChannel, OutboxFilter, OutboxState, QuietHours, Route,
};

use super::support::{House, change, on_every_database};

const RULES: &str = r"
groups:
  - name: cpu
    rules:
      - {alert: High, expr: cpu > 0.9, labels: {severity: warning}}
      - {alert: Broken, expr: disk > 0.9, labels: {severity: critical}}
";

const NOTHING: [&str; 0] = [];

/// Quiet from now on for an hour; the tests begin at midnight UTC.
async fn quiet_for_an_hour(house: &House) {
    let channel = house.monitor.channel(house.channel).await.unwrap();
    let new = NewChannel {
        name: channel.name,
        config: channel.config,
        is_enabled: true,
        quiet_hours: Some(QuietHours {
            time_zone: "UTC".into(),
            weekdays: Vec::new(),
            from: "00:00".into(),
            until: "01:00".into(),
            let_through: vec!["critical".into()],
        }),
        ..NewChannel::default()
    };
    change!(house.database, house.monitor => change_channel(house.channel, new)).unwrap();
}

/// Lets time pass with a disk that is full all the while.
async fn step(house: &House, secs: i64, values: &[(&str, f64)]) -> Vec<String> {
    house.clock.advance_ms(secs * 1000);
    house.measure("disk", "z", 0.95);
    house.step(0, values).await
}

async fn states(house: &House) -> Vec<OutboxState> {
    let page = PageRequest::default();
    let entries = house
        .monitor
        .notifications(&OutboxFilter::default(), &page)
        .await
        .unwrap();
    let mut states: Vec<_> = entries.items.iter().map(|entry| entry.state).collect();
    states.sort_by_key(|state| state.as_str());
    states
}

/// The history of the alert of a server, as words.
async fn history(house: &House, server: &str) -> Vec<&'static str> {
    let filter = AlertFilter::default();
    let alerts = house
        .monitor
        .alerts(&filter, &PageRequest::default())
        .await
        .unwrap();
    let alert = alerts
        .items
        .iter()
        .find(|alert| alert.labels.get("server") == Some(server))
        .unwrap();
    let detail = house.monitor.alert(alert.id).await.unwrap();
    detail
        .timeline
        .iter()
        .filter_map(|event| match event.kind {
            EventKind::Held { .. } => Some("held"),
            EventKind::Dropped { .. } => Some("dropped"),
            EventKind::Delivered { .. } => Some("delivered"),
            _ => None,
        })
        .collect()
}

on_every_database! {
    async fn what_is_not_severe_waits_and_is_summed_up_after_a_restart(house: &mut House) {
        house.rules(RULES).await;
        quiet_for_an_hour(house).await;
        assert_eq!(house.step(60, &[("a", 0.95), ("b", 0.95), ("c", 0.95)]).await, NOTHING);
        assert_eq!(step(house, 60, &[("a", 0.95), ("b", 0.1), ("c", 0.95)]).await, ["z firing"], "what is critical comes through");
        assert!(states(house).await.contains(&OutboxState::Held));
        house.restart().await;
        assert_eq!(step(house, 3300, &[("a", 0.95), ("b", 0.1), ("c", 0.95)]).await, NOTHING, "it is 00:57");
        let told = step(house, 180, &[("a", 0.95), ("b", 0.1), ("c", 0.95)]).await;
        assert_eq!(told, ["a firing, c firing"], "in one message, without what is over");
        assert_eq!(history(house, "b").await.last(), Some(&"dropped"));
        assert_eq!(history(house, "a").await, ["held", "delivered"]);
        assert!(!states(house).await.contains(&OutboxState::Held));
        assert_eq!(step(house, 60, &[("a", 0.1), ("b", 0.1), ("c", 0.95)]).await, ["a resolved"], "its end is told as ever");
    }

    async fn what_came_and_went_is_told_to_nobody(house: &mut House) {
        house.rules(RULES).await;
        quiet_for_an_hour(house).await;
        assert_eq!(house.step(60, &[("a", 0.95)]).await, NOTHING);
        assert_eq!(house.step(60, &[("a", 0.1)]).await, NOTHING);
        assert_eq!(house.step(3600, &[("a", 0.1)]).await, NOTHING);
        assert_eq!(states(house).await, [OutboxState::Dropped, OutboxState::Dropped]);
        assert!(history(house, "a").await.contains(&"dropped"));
    }

    async fn the_end_of_what_was_known_before_is_told_afterwards(house: &mut House) {
        house.rules(RULES).await;
        house.clock.advance_ms(-120_000);
        assert_eq!(house.step(60, &[("a", 0.95)]).await, ["a firing"]);
        quiet_for_an_hour(house).await;
        assert_eq!(house.step(120, &[("a", 0.1)]).await, NOTHING);
        assert_eq!(house.step(3600, &[("a", 0.1)]).await, ["a resolved"]);
    }

    async fn a_clock_that_jumps_and_quiet_hours_that_are_lifted_hold_nothing_up(house: &mut House) {
        house.rules(RULES).await;
        quiet_for_an_hour(house).await;
        assert_eq!(house.step(60, &[("a", 0.95)]).await, NOTHING);
        // Set back by two hours it is 22:01, and not quiet.
        house.clock.advance_ms(-7_200_000);
        assert_eq!(house.step(0, &[("a", 0.95)]).await, ["a firing"]);
        house.clock.advance_ms(7_200_000);
        assert_eq!(house.step(60, &[("a", 0.95), ("b", 0.95)]).await, NOTHING);
        let channel = house.monitor.channel(house.channel).await.unwrap();
        let loud = NewChannel { name: channel.name, config: channel.config, is_enabled: true, ..NewChannel::default() };
        change!(house.database, house.monitor => change_channel(house.channel, loud)).unwrap();
        assert_eq!(house.step(1, &[("a", 0.95), ("b", 0.95)]).await, ["b firing"]);
    }

    async fn a_channel_that_is_deleted_meanwhile_is_told_of(house: &mut House) {
        house.rules(RULES).await;
        quiet_for_an_hour(house).await;
        assert_eq!(house.step(60, &[("a", 0.95)]).await, NOTHING);
        change!(house.database, house.monitor => put_route(&Route::default())).unwrap();
        change!(house.database, house.monitor => delete_channel(house.channel)).unwrap();
        assert_eq!(house.step(1, &[("a", 0.95)]).await, NOTHING);
        assert!(states(house).await.contains(&OutboxState::Failed));
    }

    async fn wrong_quiet_hours_are_refused(house: &mut House) {
        let new = NewChannel {
            name: "wrong".into(),
            config: json!({"kind": "test"}),
            quiet_hours: Some(QuietHours {
                time_zone: "Mars".into(),
                weekdays: vec![8],
                from: "25:00".into(),
                until: "08:00".into(),
                let_through: Vec::new(),
            }),
            ..NewChannel::default()
        };
        let error = change!(house.database, house.monitor => add_channel(new)).unwrap_err().to_string();
        for field in ["quiet_hours.time_zone", "quiet_hours.weekdays", "quiet_hours.from"] {
            assert!(error.contains(field), "{error}");
        }
    }
}
