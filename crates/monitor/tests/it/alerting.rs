//! From measured values to what people are told.

use yunhai_model::PageRequest;
use yunhai_monitor::{
    AlertFilter, AlertState, EventKind, MaintenanceSettings, NewSilence, NotifyError, OutboxFilter,
    OutboxState, Route, RuleKey, SilenceFilter, SilenceState,
};

use super::support::{House, START_MS, change, on_every_database};

const NOTHING: [&str; 0] = [];

const HIGH_CPU: &str = r#"
groups:
  - name: cpu
    rules:
      - alert: HighCpu
        expr: cpu > 0.9
        for: 2m
        labels:
          severity: warning
        annotations:
          summary: "{{ $labels.server }} at {{ $value | humanizePercentage }}"
          yunhai_recovery_threshold: "0.8"
"#;

async fn only_alert(house: &House) -> yunhai_monitor::Alert {
    let mut page = house
        .monitor
        .alerts(&AlertFilter::default(), &PageRequest::default())
        .await
        .unwrap();
    assert_eq!(page.total, 1);
    page.items.pop().unwrap()
}

on_every_database! {
    async fn an_alert_lives_from_pending_to_resolved(house: &mut House) {
        house.rules(HIGH_CPU).await;
        assert_eq!(house.step(60, &[("a", 0.95)]).await, NOTHING);
        assert_eq!(only_alert(house).await.instance.state, AlertState::Pending);
        house.restart().await;
        assert_eq!(house.step(60, &[("a", 0.95)]).await, NOTHING);
        assert_eq!(house.step(60, &[("a", 0.97)]).await, ["a firing"], "the pending time survives a restart");
        assert_eq!(house.step(60, &[("a", 0.85)]).await, NOTHING, "not yet past the recovery threshold");
        assert_eq!(house.step(60, &[("a", 0.75)]).await, ["a resolved"]);
        assert_eq!(house.step(60, &[("a", 0.75)]).await, NOTHING);
        let alert = only_alert(house).await;
        assert_eq!(alert.instance.fired_at_ms, Some(START_MS + 180_000));
        assert_eq!(alert.annotations["summary"], "a at 97%");
        let detail = house.monitor.alert(alert.id).await.unwrap();
        let events: Vec<_> = detail
            .timeline
            .iter()
            .map(|event| serde_json::to_value(event).unwrap()["event"].as_str().unwrap().to_owned())
            .collect();
        assert_eq!(events, ["pending", "fired", "queued", "delivered", "resolved", "queued", "delivered"]);
        assert_eq!(detail.explanation.unwrap().reason, "0.75 is not > 0.9");
    }

    async fn the_reason_is_told_for_every_series(house: &mut House) {
        house.rules(HIGH_CPU).await;
        house.step(60, &[("a", 0.95), ("b", 0.5)]).await;
        house.step(30, &[("a", 0.95), ("b", 0.5)]).await;
        let key = RuleKey { file: "test".into(), group: "cpu".into(), rule: "HighCpu".into() };
        let mut reasons: Vec<_> =
            house.monitor.explain(&key).await.unwrap().into_iter().map(|one| one.reason).collect();
        reasons.sort();
        assert_eq!(
            reasons,
            [
                "0.5 is not > 0.9",
                "0.95 is > 0.9; pending since 2026-01-01T00:01:00.000Z, fires after 2m (in 1m30s)",
            ]
        );
    }

    async fn an_acknowledged_alert_is_not_repeated_and_ends(house: &mut House) {
        house.rules(&HIGH_CPU.replace("for: 2m", "for: 0s")).await;
        assert_eq!(house.step(60, &[("a", 0.95)]).await, ["a firing"]);
        assert_eq!(house.step(4 * 3600, &[("a", 0.95)]).await, ["a firing"], "repeated");
        let alert = only_alert(house).await;
        let (_, acknowledged) = change!(house.database, house.monitor => acknowledge(alert.id, "ann", "on it")).unwrap();
        assert_eq!(acknowledged.instance.state, AlertState::Acknowledged);
        assert_eq!(house.step(5 * 3600, &[("a", 0.95)]).await, NOTHING);
        change!(house.database, house.monitor => comment(alert.id, "bob", "disk ordered")).unwrap();
        assert_eq!(house.step(60, &[("a", 0.1)]).await, ["a resolved"]);
        assert!(change!(house.database, house.monitor => acknowledge(alert.id, "ann", "")).is_err());
        let timeline = house.monitor.alert(alert.id).await.unwrap().timeline;
        assert!(timeline.iter().any(|event| event.kind
            == EventKind::Acknowledged { user: "ann".into(), comment: "on it".into() }));
    }

    async fn a_silence_and_a_window_hold_notifications(house: &mut House) {
        house.rules(&HIGH_CPU.replace("for: 2m", "for: 0s")).await;
        let new = NewSilence {
            matchers: vec!["server=a".parse().unwrap()],
            comment: "moving".into(),
            starts_at_ms: None,
            ends_at_ms: START_MS + 600_000,
        };
        let silence = change!(house.database, house.monitor => add_silence(new, "ann")).unwrap();
        let told = house.step(60, &[("a", 0.95), ("b", 0.95)]).await;
        assert_eq!(told, ["b firing"]);
        let page = PageRequest { query: Some("SERVER=A".into()), ..PageRequest::default() };
        let found = house.monitor.alerts(&AlertFilter::default(), &page).await.unwrap();
        assert_eq!((found.total, found.items[0].muted_by.len()), (1, 1));
        let current = SilenceFilter {
            states: vec![SilenceState::Pending, SilenceState::Active],
            author: Some("ann".into()),
        };
        assert_eq!(house.monitor.silences(&current, &PageRequest::default()).await.unwrap().total, 1);
        change!(house.database, house.monitor => expire_silence(silence.id, "ann")).unwrap();
        assert_eq!(house.step(60, &[("a", 0.95), ("b", 0.95)]).await, ["a firing"]);
        assert_eq!(house.monitor.silences(&current, &PageRequest::default()).await.unwrap().total, 0);
        assert_eq!(house.monitor.silences(&SilenceFilter::default(), &PageRequest::default()).await.unwrap().total, 1);
        let settings = MaintenanceSettings {
            name: "night".into(),
            matchers: vec!["server=c".parse().unwrap()],
            cron: "0 0 * * *".into(),
            duration: "1h".parse().unwrap(),
            time_zone: "UTC".into(),
            comment: String::new(),
            is_enabled: true,
            ends_at_ms: None,
        };
        let window = change!(house.database, house.monitor => add_window(settings, "ann")).unwrap();
        assert_eq!(house.step(60, &[("c", 0.95)]).await, NOTHING);
        change!(house.database, house.monitor => delete_window(window.id)).unwrap();
        assert_eq!(house.step(60, &[("c", 0.95)]).await, ["c firing"]);
    }

    async fn missing_data_are_an_alert_of_their_own(house: &mut House) {
        let rules = HIGH_CPU.replace("yunhai_recovery_threshold: \"0.8\"", "yunhai_no_data: alert\n          yunhai_no_data_for: 3m");
        house.rules(&rules).await;
        assert_eq!(house.step(60, &[("a", 0.5), ("b", 0.5)]).await, NOTHING);
        // Beyond the look-back of 5 minutes `a` is gone.
        assert_eq!(house.step(360, &[("b", 0.5)]).await, NOTHING);
        house.restart().await;
        assert_eq!(house.step(180, &[("b", 0.5)]).await, ["a firing"]);
        let alert = only_alert(house).await;
        assert_eq!(alert.labels.get("alert_kind"), Some("no_data"));
        assert_eq!(house.step(60, &[("a", 0.5), ("b", 0.5)]).await, ["a resolved"]);
    }

    async fn a_failed_attempt_is_repeated_under_the_same_id(house: &mut House) {
        house.rules(&HIGH_CPU.replace("for: 2m", "for: 0s")).await;
        house.recorder.failures.lock().unwrap().push(NotifyError {
            message: "busy".into(),
            is_retryable: true,
            retry_after_ms: Some(20_000),
            max_attempts: None,
        });
        assert_eq!(house.step(60, &[("a", 0.95)]).await, NOTHING);
        let log = house.monitor.notifications(&OutboxFilter::default(), &PageRequest::default()).await.unwrap();
        assert_eq!((log.items[0].state, log.items[0].error.as_deref()), (OutboxState::Pending, Some("busy")));
        let id = log.items[0].id.clone();
        assert_eq!(house.step(19, &[("a", 0.95)]).await, NOTHING, "the receiver wants 20 s of peace");
        house.clock.advance_ms(1000);
        house.monitor.evaluate_once().await.unwrap();
        assert_eq!(house.recorder.sent.lock().unwrap()[0].1, id);
        house.told();
        house.recorder.failures.lock().unwrap().push(NotifyError {
            message: "no such robot".into(),
            is_retryable: false,
            retry_after_ms: None,
            max_attempts: None,
        });
        assert_eq!(house.step(60, &[("a", 0.1)]).await, NOTHING);
        let failed = OutboxFilter { states: vec![OutboxState::Failed], ..OutboxFilter::default() };
        assert_eq!(house.monitor.notifications(&failed, &PageRequest::default()).await.unwrap().total, 1);
    }

    async fn what_may_be_tried_a_few_times_is_given_up_then_and_not_sooner(house: &mut House) {
        house.rules(&HIGH_CPU.replace("for: 2m", "for: 0s")).await;
        let failure = |max_attempts| NotifyError {
            message: "odd".into(),
            is_retryable: true,
            retry_after_ms: None,
            max_attempts,
        };
        // The last of the list is the first to come: two that pass by themselves do not count.
        let failures = [Some(3), None, Some(3), Some(3), None].map(failure);
        house.recorder.failures.lock().unwrap().extend(failures);
        let page = PageRequest::default();
        let mut states = Vec::new();
        // After the second failure of the kind that counts, it waits as long as it may.
        for wait_secs in [60, 20, 40, 300, 300, 100] {
            assert_eq!(house.step(wait_secs, &[("a", 0.95)]).await, NOTHING);
            let log = house.monitor.notifications(&OutboxFilter::default(), &page).await.unwrap();
            states.push((log.items[0].attempts, log.items[0].state));
        }
        let pending = |attempts| (attempts, OutboxState::Pending);
        assert_eq!(states[..5], [pending(1), pending(2), pending(3), pending(3), pending(4)]);
        assert_eq!(states[5], (5, OutboxState::Failed));
    }

    async fn over_the_limit_a_digest_tells_the_rest(house: &mut House) {
        house.channel = house.add_channel("robot", serde_json::json!({"kind": "robot", "limit": 2})).await;
        house.route(Route::default()).await;
        house.rules(&HIGH_CPU.replace("for: 2m", "for: 0s")).await;
        let told = house.step(60, &[("a", 0.95), ("b", 0.95), ("c", 0.95), ("d", 0.95)]).await;
        assert_eq!(told.len(), 1, "one digest");
        let mut alerts: Vec<_> = told[0].split(", ").collect();
        alerts.sort_unstable();
        assert_eq!(alerts, ["a firing", "b firing", "c firing", "d firing"]);
        let merged = OutboxFilter { states: vec![OutboxState::Merged], ..OutboxFilter::default() };
        let log = house.monitor.notifications(&merged, &PageRequest::default()).await.unwrap();
        assert_eq!(log.total, 4);
        assert!(log.items.iter().all(|entry| entry.merged_into.is_some()));
    }

    async fn an_alert_flaps_and_calms_down(house: &mut House) {
        house.config.flapping_changes = 4;
        house.config.flapping_window = "10m".parse().unwrap();
        house.restart().await;
        house.rules(&HIGH_CPU.replace("for: 2m", "for: 0s")).await;
        assert_eq!(house.step(60, &[("a", 0.95)]).await, ["a firing"]);
        assert_eq!(house.step(60, &[("a", 0.1)]).await, ["a resolved"]);
        assert_eq!(house.step(60, &[("a", 0.95)]).await, ["a firing"]);
        assert_eq!(house.step(60, &[("a", 0.1)]).await, NOTHING, "it flaps");
        assert_eq!(house.step(60, &[("a", 0.95)]).await, NOTHING);
        assert_eq!(house.step(60, &[("a", 0.1)]).await, NOTHING);
        let mut told = Vec::new();
        for _ in 0..10 {
            told.extend(house.step(60, &[("a", 0.1)]).await);
        }
        assert_eq!(told, ["a resolved"], "calm again");
    }

    async fn one_shot_tells_without_waiting_for_company(house: &mut House) {
        let route = Route { group_wait: Some("30s".parse().unwrap()), ..Route::default() };
        house.route(route).await;
        house.rules(&HIGH_CPU.replace("for: 2m", "for: 0s")).await;
        house.clock.advance_ms(60_000);
        house.measure("cpu", "a", 0.95);
        let summary = house.monitor.evaluate_once().await.unwrap();
        assert_eq!((summary.firing, summary.pending, summary.failed_rules), (1, 0, 0));
        assert_eq!(house.told(), ["a firing"]);
    }

    async fn running_evaluates_tells_and_stops(house: &mut House) {
        house.config.dispatch_interval = "10ms".parse().unwrap();
        house.restart().await;
        house.rules(&HIGH_CPU.replace("for: 2m", "for: 0s").replace("- name: cpu", "- name: cpu\n    interval: 10ms")).await;
        house.measure("cpu", "a", 0.95);
        let mut changes = house.monitor.changes();
        let cancel = tokio_util::sync::CancellationToken::new();
        let running = tokio::spawn({
            let (monitor, cancel) = (house.monitor.clone(), cancel.clone());
            async move { monitor.run(cancel).await }
        });
        loop {
            let change = changes.recv().await.unwrap();
            house.clock.advance_ms(10);
            if matches!(change, yunhai_monitor::StateChange::Notification { is_delivered: true, .. }) {
                break;
            }
        }
        cancel.cancel();
        running.await.unwrap().unwrap();
        assert_eq!(house.told(), ["a firing"]);
    }

    async fn lists_are_paged_sorted_and_filtered(house: &mut House) {
        house.rules(&HIGH_CPU.replace("for: 2m", "for: 0s")).await;
        house.step(60, &[("a", 0.95), ("b", 0.95), ("c", 0.95)]).await;
        house.step(60, &[("a", 0.95), ("b", 0.1), ("c", 0.95)]).await;
        let page = PageRequest::parse(Some(1), Some(2), Some("-server"), None).unwrap();
        let filter = AlertFilter { states: vec![AlertState::Firing], severity: Some("warning".into()), ..AlertFilter::default() };
        let found = house.monitor.alerts(&filter, &page).await.unwrap();
        let servers: Vec<_> = found.items.iter().map(|alert| alert.labels.get("server").unwrap()).collect();
        assert_eq!((found.total, servers), (2, vec!["c", "a"]));
        let page = PageRequest::parse(None, None, Some("body"), None).unwrap();
        assert!(house.monitor.alerts(&filter, &page).await.is_err());
        let ended_ms = yunhai_model::Clock::now_ms(&*house.clock);
        for (ended_after_ms, total) in [(ended_ms - 1, 3), (ended_ms, 2)] {
            let filter = AlertFilter { ended_after_ms: Some(ended_after_ms), ..AlertFilter::default() };
            let found = house.monitor.alerts(&filter, &PageRequest::default()).await.unwrap();
            assert_eq!(found.total, total, "ended after {ended_after_ms}");
        }
    }
}
