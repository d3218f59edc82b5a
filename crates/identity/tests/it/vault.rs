use std::sync::Arc;

use yunhai_identity::{DatabaseKeyRing, Role};
use yunhai_test_support::on_every_database;
use yunhai_vault::{Error, LocalKey, Vault};

use crate::world::World;

on_every_database! {
    async fn rotation_reseals_everything_and_keeps_sessions(url: &str) {
        let world = World::new(url).await;
        let ann = world.user("ann", Role::Viewer).await;
        world.identity.begin_second_factor(ann.id).await.unwrap();
        let session = world.login("ann").await;
        world.identity.audit().checkpoint().await.unwrap().unwrap();
        let old = world.vault.keys()[0].id.clone();
        let report = world.vault.rotate(&[&world.identity]).await.unwrap();
        assert_eq!(report.resealed, [("identity".to_owned(), 2)]);
        world.vault.retire(&old).await.unwrap();

        let world = world.restart(|_| {}).await;
        let sealed = world.text("SELECT totp_secret AS t FROM users").await;
        assert!(sealed.starts_with(&format!("v1.{}.", report.key_id)));
        world.identity.authenticate_session(&session.token, &crate::world::origin()).await.unwrap();
        let verification = world.identity.audit().verify().await.unwrap();
        assert!(verification.is_whole(), "{verification:?}");
        assert_eq!(world.vault.keys().len(), 1);
    }

    async fn a_server_without_the_key_file_is_refused(url: &str) {
        let world = World::new(url).await;
        let elsewhere = tempfile::tempdir().unwrap();
        let path = elsewhere.path().join("master.key");
        let open = async || {
            let ring = DatabaseKeyRing::open(world.database.clone(), &*world.clock).await.unwrap();
            Vault::open_with_key_file(Arc::new(ring), &path, world.clock.clone()).await.unwrap_err()
        };
        assert!(matches!(open().await, Error::KeyFileMissing { .. }));
        assert!(!path.exists());
        LocalKey::create(&path).unwrap();
        assert!(matches!(open().await, Error::WrongMasterKey { .. }));
    }
}
