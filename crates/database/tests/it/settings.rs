use yunhai_database::{Database, Error, SETTINGS_MIGRATIONS};
use yunhai_model::ManualClock;
use yunhai_test_support::on_every_database;

on_every_database! {
async fn settings_are_kept_and_replaced(url: &str) {
    let database = Database::connect(url).await.unwrap();
    let clock = ManualClock::new(7);
    database.migrate(SETTINGS_MIGRATIONS, &clock).await.unwrap();
    assert_eq!(database.setting::<u32>("interval").await.unwrap(), None);
    for value in [60_u32, 300] {
        database
            .set_setting("interval", &value, &clock)
            .await
            .unwrap();
        assert_eq!(database.setting("interval").await.unwrap(), Some(value));
    }
    let wrong = database.setting::<Vec<String>>("interval").await;
    assert!(matches!(wrong, Err(Error::Setting { name, .. }) if name == "interval"));
}
}
