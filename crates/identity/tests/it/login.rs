use yunhai_identity::{Action, AuditFilter, Error, LoginOutcome, Outcome, Role};
use yunhai_model::PageRequest;
use yunhai_test_support::on_every_database;

use crate::world::{PASSWORD, World, origin};

on_every_database! {
    async fn name_and_password_open_a_session(url: &str) {
        let world = World::new(url).await;
        world.user("ann", Role::Operator).await;
        let session = world.login("ann").await;
        let again = world.identity.authenticate_session(&session.token, &origin()).await.unwrap();
        assert_eq!(again.principal.user.name, "ann");
        assert!(again.rotated.is_none());
        assert_eq!(world.identity.user_named("ann").await.unwrap().last_login_at_ms, Some(crate::world::NOW_MS));
        let stored = world.text("SELECT token_hash AS t FROM sessions").await;
        assert!(!stored.contains(session.token.expose()));
    }

    async fn a_wrong_name_and_a_wrong_password_answer_alike(url: &str) {
        let world = World::new(url).await;
        world.user("ann", Role::Viewer).await;
        let name = world.try_login("nobody", PASSWORD).await.unwrap_err();
        let password = world.try_login("ann", "wrong").await.unwrap_err();
        assert_eq!(name.to_string(), password.to_string());
        let filter = AuditFilter {
            action: Some(Action::LoginFailed),
            outcome: Some(Outcome::Failure),
            ..AuditFilter::default()
        };
        let page = world.identity.audit().list(&PageRequest::default(), &filter).await.unwrap();
        let reasons: Vec<_> = page.items.iter().map(|entry| entry.reason.as_deref().unwrap()).collect();
        assert_eq!(reasons, ["wrong password", "no such user"]);
        assert_eq!(page.items[0].address.as_deref(), Some("192.0.2.7"));
    }

    async fn a_hash_of_old_parameters_is_renewed(url: &str) {
        let world = World::new(url).await;
        world.user("ann", Role::Viewer).await;
        let world = world.restart(|config| config.password_iterations = 2).await;
        assert!(world.text("SELECT password_hash AS t FROM users").await.contains("t=1,"));
        world.login("ann").await;
        assert!(world.text("SELECT password_hash AS t FROM users").await.contains("t=2,"));
        assert!(matches!(world.try_login("ann", PASSWORD).await, Ok(LoginOutcome::SignedIn(_))));
    }

    async fn passwords_are_nowhere_in_the_clear(url: &str) {
        let world = World::new(url).await;
        world.user("ann", Role::Viewer).await;
        world.login("ann").await;
        let _ = world.try_login("ann", "geheim-geheim").await;
        let page = world.identity.audit().list(&PageRequest::default(), &AuditFilter::default()).await.unwrap();
        let text = serde_json::to_string(&page).unwrap();
        assert!(!text.contains("geheim") && !text.contains(PASSWORD), "{text}");
        let error: Error = world.try_login("ann", "geheim-geheim").await.unwrap_err();
        assert!(!format!("{error:?} {:?}", world.identity).contains("geheim"));
    }
}
