//! Channels and their secrets.

use sea_orm::{ConnectionTrait, Statement};
use serde_json::json;
use yunhai_monitor::{Error, NewChannel, Route};

use super::support::{House, on_every_database};

on_every_database! {
    async fn a_secret_goes_in_and_never_comes_out(house: &mut House) {
        let shown = house.monitor.channel(house.channel).await.unwrap();
        assert_eq!(shown.config, json!({"kind": "test", "token": "********"}));
        let backend = house.database.backend();
        let statement = Statement::from_string(backend, "SELECT body FROM monitor_channel");
        let row = house.database.connection().query_one_raw(statement).await.unwrap().unwrap();
        let stored: String = row.try_get("", "body").unwrap();
        assert!(stored.contains("hsuh") && !stored.contains("hush"), "{stored}");
        let change = NewChannel { name: "ops2".into(), config: shown.config, is_enabled: true };
        house.monitor.change_channel(house.channel, change).await.unwrap();
        house.monitor.test_channel(house.channel, "ann").await.unwrap();
        assert_eq!(house.recorder.sent.lock().unwrap()[0].0["token"], "hush", "the hidden secret stays");
    }

    async fn wrong_channels_are_refused(house: &mut House) {
        let twice = NewChannel { name: "ops".into(), config: json!({"kind": "test"}), is_enabled: true };
        assert!(matches!(house.monitor.add_channel(twice).await, Err(Error::Conflict(_))));
        let wrong = NewChannel { name: " ".into(), config: json!({}), is_enabled: true };
        let error = house.monitor.add_channel(wrong).await.unwrap_err().to_string();
        assert!(error.contains("name:") && error.contains("`kind` is missing"), "{error}");
        assert!(matches!(house.monitor.delete_channel(house.channel).await, Err(Error::Conflict(_))));
        house.monitor.put_route(&Route::default()).await.unwrap();
        house.monitor.delete_channel(house.channel).await.unwrap();
        assert!(matches!(house.monitor.channel(house.channel).await, Err(Error::NotFound { .. })));
    }
}
