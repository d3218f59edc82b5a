//! Channels and their secrets.

use sea_orm::{ConnectionTrait, Statement};
use serde_json::json;
use yunhai_monitor::{Channel, Error, Language, MessageSettings, NewChannel, NotifyError, Route};

use super::support::{House, change, on_every_database};

const NOTHING: [&str; 0] = [];

fn new_of(channel: &Channel) -> NewChannel {
    NewChannel {
        name: channel.name.clone(),
        config: channel.config.clone(),
        is_enabled: channel.is_enabled,
        message: channel.message.clone(),
        quiet_hours: channel.quiet_hours.clone(),
    }
}

const RAISED: &str = "groups: [{name: g, rules: [{alert: High, expr: cpu > 0.9}]}]";

on_every_database! {
    async fn a_secret_goes_in_and_never_comes_out(house: &mut House) {
        let shown = house.monitor.channel(house.channel).await.unwrap();
        assert_eq!(shown.config, json!({"kind": "test", "token": "********"}));
        let backend = house.database.backend();
        let statement = Statement::from_string(backend, "SELECT body FROM monitor_channel");
        let row = house.database.connection().query_one_raw(statement).await.unwrap().unwrap();
        let stored: String = row.try_get("", "body").unwrap();
        assert!(stored.contains("hsuh") && !stored.contains("hush"), "{stored}");
        let change = NewChannel { name: "ops2".into(), config: shown.config, is_enabled: true, ..NewChannel::default() };
        change!(house.database, house.monitor => change_channel(house.channel, change)).unwrap();
        house.monitor.test_channel(house.channel, "ann").await.unwrap();
        assert_eq!(house.recorder.sent.lock().unwrap()[0].0["token"], "hush", "the hidden secret stays");
    }

    async fn wrong_channels_are_refused(house: &mut House) {
        let twice = NewChannel { name: "ops".into(), config: json!({"kind": "test"}), is_enabled: true, ..NewChannel::default() };
        assert!(matches!(change!(house.database, house.monitor => add_channel(twice)), Err(Error::Conflict(_))));
        let wrong = NewChannel { name: " ".into(), config: json!({}), is_enabled: true, ..NewChannel::default() };
        let error = change!(house.database, house.monitor => add_channel(wrong)).unwrap_err().to_string();
        assert!(error.contains("name:") && error.contains("`kind` is missing"), "{error}");
        assert!(matches!(change!(house.database, house.monitor => delete_channel(house.channel)), Err(Error::Conflict(_))));
        change!(house.database, house.monitor => put_route(&Route::default())).unwrap();
        change!(house.database, house.monitor => delete_channel(house.channel)).unwrap();
        assert!(matches!(house.monitor.channel(house.channel).await, Err(Error::NotFound { .. })));
    }

    async fn a_channel_says_what_its_templates_say(house: &mut House) {
        let message = MessageSettings {
            language: Some(Language::SimplifiedChinese),
            title: Some("{{ .CommonLabels.alertname }} x{{ len .Alerts.Firing }}".into()),
            body: Some("{{ range .Alerts }}{{ .Labels.server }} 在 {{ .Value }}{{ end }}".into()),
        };
        let channel = house.monitor.channel(house.channel).await.unwrap();
        let new = NewChannel { message: message.clone(), ..new_of(&channel) };
        change!(house.database, house.monitor => change_channel(house.channel, new)).unwrap();
        house.restart().await;
        house.rules(RAISED).await;
        house.clock.advance_ms(1000);
        house.measure("cpu", "a", 0.95);
        house.monitor.evaluate_once().await.unwrap();
        let (_, _, told) = house.recorder.sent.lock().unwrap().pop().unwrap();
        assert_eq!(told.title.as_deref(), Some("High x1"));
        assert_eq!(told.body.as_deref(), Some("a 在 0.95"));
        assert_eq!(told.language, Some(Language::SimplifiedChinese));
        let preview = house.monitor.preview_message(&json!({"kind": "test"}), &message).unwrap();
        assert!(preview.title.starts_with("CpuHigh x2") && preview.body.contains("web-1 在 0.97"), "{preview:?}");

        let wrong = MessageSettings { body: Some("a\n{{ .Server }}".into()), ..message.clone() };
        let error = house.monitor.preview_message(&json!({}), &wrong).unwrap_err().to_string();
        assert!(error.contains("body_template: line 2, column"), "{error}");
        let new = NewChannel { message: wrong, ..new_of(&channel) };
        let refused = change!(house.database, house.monitor => change_channel(house.channel, new));
        assert!(matches!(refused, Err(Error::Invalid { .. })), "{refused:?}");
        let data = NewChannel { config: json!({"kind": "data"}), message, ..new_of(&channel) };
        let error = change!(house.database, house.monitor => change_channel(house.channel, data)).unwrap_err();
        assert!(error.to_string().contains("carries data"), "{error}");
    }

    async fn every_attempt_and_every_test_counts_for_all_channels_over_one_robot(house: &mut House) {
        let limited = json!({"kind": "robot", "robot": "r2", "limit": 3});
        let other = house.add_channel("other", limited.clone()).await;
        house.channel = house.add_channel("robot", limited).await;
        house.route(Route::default()).await;
        house.rules(RAISED).await;
        for _ in 0..2 {
            house.recorder.failures.lock().unwrap().push(NotifyError {
                message: "busy".into(),
                is_retryable: true,
                retry_after_ms: None,
                max_attempts: None,
            });
        }
        assert_eq!(house.step(1, &[("a", 0.95)]).await, NOTHING, "the first attempt fails");
        assert_eq!(house.step(8, &[("a", 0.95)]).await, NOTHING, "the second one too");
        house.monitor.test_channel(other, "ann").await.unwrap();
        house.told();

        let Error::Notify(refused) = house.monitor.test_channel(other, "ann").await.unwrap_err() else {
            panic!("not refused for its speed");
        };
        assert!(refused.message.contains("try again in 53 s"), "{refused}");
        house.restart().await;
        assert_eq!(house.step(52, &[("a", 0.95)]).await, NOTHING, "the first attempt still counts");
        assert_eq!(house.step(1, &[("a", 0.95)]).await, ["a firing"]);
        assert!(house.monitor.test_channel(other, "ann").await.is_err(), "the place is taken again");

        // What is long over is forgotten, what is not stays.
        house.monitor.prune().await.unwrap();
        assert!(house.monitor.test_channel(other, "ann").await.is_err());
    }

    async fn a_clock_that_is_set_back_holds_no_limited_channel_up(house: &mut House) {
        house.channel = house.add_channel("robot", json!({"kind": "robot", "limit": 1})).await;
        house.monitor.test_channel(house.channel, "ann").await.unwrap();
        house.clock.advance_ms(-3_600_000);
        assert!(house.monitor.test_channel(house.channel, "ann").await.is_err());
        house.clock.advance_ms(60_499);
        assert!(house.monitor.test_channel(house.channel, "ann").await.is_err());
        house.clock.advance_ms(1);
        house.monitor.test_channel(house.channel, "ann").await.unwrap();
    }
}
