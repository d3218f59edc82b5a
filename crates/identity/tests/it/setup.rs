use yunhai_identity::{Action, Error, Role};
use yunhai_model::Secret;
use yunhai_test_support::on_every_database;

use crate::world::{World, new_user, origin};

on_every_database! {
    async fn the_set_up_code_makes_one_administrator(url: &str) {
        let world = World::new(url).await;
        let identity = &world.identity;
        let code = identity.issue_setup_code().await.unwrap().unwrap().code;
        let stored = world.text("SELECT content AS t FROM identity_settings WHERE id = 'setup_code'").await;
        assert!(!stored.contains(code.expose()));
        let wrong = identity
            .complete_setup(&Secret::new("AAAA-BBBB-CCCC"), new_user("ann", Role::Viewer), &origin())
            .await;
        assert!(matches!(wrong, Err(Error::InvalidSetupCode)));
        let mut weak = new_user("ann", Role::Viewer);
        weak.password = Secret::new("short");
        let weak = identity.complete_setup(&code, weak, &origin()).await;
        assert!(matches!(weak, Err(Error::WeakPassword(_))));
        // Typed in lower case and without the signs between.
        let typed = Secret::new(code.expose().replace('-', " ").to_lowercase());
        let session = identity
            .complete_setup(&typed, new_user("ann", Role::Viewer), &origin())
            .await
            .unwrap();
        assert_eq!(session.principal.user.role, Role::Administrator);
        identity.authenticate_session(&session.token, &origin()).await.unwrap();
        let again = identity.complete_setup(&code, new_user("bob", Role::Viewer), &origin()).await;
        assert!(matches!(again, Err(Error::AlreadySetUp)));
        assert!(identity.issue_setup_code().await.unwrap().is_none());
        assert_eq!(world.count(Action::SetupCompleted).await, 1);
    }

    async fn a_set_up_code_expires_and_the_next_replaces_it(url: &str) {
        let world = World::new(url).await;
        let identity = &world.identity;
        let first = identity.issue_setup_code().await.unwrap().unwrap();
        world.clock.set(first.expires_at_ms);
        let setup = async |code: &Secret| {
            identity.complete_setup(code, new_user("ann", Role::Viewer), &origin()).await
        };
        assert!(matches!(setup(&first.code).await, Err(Error::InvalidSetupCode)));
        let second = identity.issue_setup_code().await.unwrap().unwrap();
        assert!(matches!(setup(&first.code).await, Err(Error::InvalidSetupCode)));
        setup(&second.code).await.unwrap();
    }
}
