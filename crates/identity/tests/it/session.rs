use std::time::Duration;

use yunhai_identity::{Action, Caller, Denied, Error, Role, UserChange};
use yunhai_model::{Clock, PageRequest, Secret};
use yunhai_test_support::on_every_database;
use yunhai_vault::random_token;

use crate::world::{PASSWORD, World, from, origin, search};

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;

on_every_database! {
    async fn a_session_ends_when_idle_and_at_last_in_any_case(url: &str) {
        let world = World::new(url).await;
        world.user("ann", Role::Viewer).await;
        let is_good = async |token: &Secret| {
            world.identity.authenticate_session(token, &origin()).await.is_ok()
        };
        let idle = world.login("ann").await;
        let busy = world.login("ann").await;
        assert!(!is_good(&random_token()).await);
        for _ in 0..13 {
            world.clock.advance_ms(HOUR_MS);
            assert!(is_good(&busy.token).await);
        }
        assert!(!is_good(&idle.token).await);
        while world.clock.now_ms() + HOUR_MS < busy.expires_at_ms {
            world.clock.advance_ms(HOUR_MS);
            assert!(is_good(&busy.token).await);
        }
        world.clock.set(busy.expires_at_ms);
        assert!(!is_good(&busy.token).await);
        // Two sessions, and the count of attempts of the address.
        assert_eq!(world.identity.delete_expired().await.unwrap(), 3);
    }

    async fn sessions_are_listed_and_revoked(url: &str) {
        let world = World::new(url).await;
        let ann = world.user("ann", Role::Viewer).await;
        let bob = world.user("bob", Role::Viewer).await;
        let (first, second, third) =
            (world.login("ann").await, world.login("ann").await, world.login("ann").await);
        world.login("bob").await;
        world.clock.advance_ms(5 * MINUTE_MS);
        world.identity.authenticate_session(&second.token, &from("198.51.100.9")).await.unwrap();
        let request = PageRequest::default();
        let page = world.identity.sessions(&request, Some(ann.id)).await.unwrap();
        assert_eq!(page.total, 3);
        assert_eq!(page.items[0].address.as_deref(), Some("198.51.100.9"));
        assert_eq!(page.items[0].device.as_deref(), Some("Firefox on Linux"));
        assert_eq!(page.items[0].last_seen_at_ms - page.items[0].created_at_ms, 5 * MINUTE_MS);
        assert_eq!(world.identity.sessions(&request, None).await.unwrap().total, 4);
        assert_eq!(world.identity.sessions(&search("198.51"), None).await.unwrap().total, 1);

        let caller = Caller::of(&first.principal, &origin());
        let id = second.principal.session_id().unwrap();
        let of_another = world.identity.revoke_session(&caller, bob.id, id).await;
        assert!(matches!(of_another, Err(Error::NotFound { kind: "session", .. })));
        world.identity.revoke_session(&caller, ann.id, id).await.unwrap();
        let ended = world
            .identity
            .revoke_sessions(&caller, ann.id, first.principal.session_id())
            .await
            .unwrap();
        assert_eq!(ended, 1);
        for (session, is_good) in [(&first, true), (&second, false), (&third, false)] {
            let outcome = world.identity.authenticate_session(&session.token, &origin()).await;
            assert_eq!(outcome.is_ok(), is_good);
        }
        world.identity.logout(&first.principal, &origin()).await.unwrap();
        assert!(world.identity.authenticate_session(&first.token, &origin()).await.is_err());
    }

    async fn a_new_role_rotates_the_token_with_grace_for_requests_under_way(url: &str) {
        let world = World::new(url).await;
        let ann = world.user("ann", Role::Viewer).await;
        let session = world.login("ann").await;
        let authenticate = async |token: &Secret| {
            world.identity.authenticate_session(token, &origin()).await
        };
        let change = UserChange { role: Some(Role::Operator), ..UserChange::default() };
        world.identity.update_user(&Caller::system(), ann.id, change).await.unwrap();
        let first = authenticate(&session.token).await.unwrap();
        assert_eq!(first.principal.user.role, Role::Operator);
        let fresh = first.rotated.unwrap();
        // A request that was sent before the answer came.
        let parallel = authenticate(&session.token).await.unwrap();
        assert!(parallel.rotated.is_none());
        assert!(authenticate(&fresh).await.unwrap().rotated.is_none());
        world.clock.advance_ms(31_000);
        assert!(matches!(authenticate(&session.token).await, Err(Error::Unauthenticated)));
        authenticate(&fresh).await.unwrap();
    }

    async fn the_forgery_token_belongs_to_its_session(url: &str) {
        let world = World::new(url).await;
        world.user("ann", Role::Viewer).await;
        let (first, second) = (world.login("ann").await, world.login("ann").await);
        let identity = &world.identity;
        assert!(identity.is_csrf_token(&first.principal, first.csrf_token.expose()));
        assert!(!identity.is_csrf_token(&first.principal, second.csrf_token.expose()));
        assert!(!identity.is_csrf_token(&first.principal, ""));
    }

    async fn something_dangerous_takes_the_password_again(url: &str) {
        let world = World::new(url).await;
        world.user("ann", Role::Viewer).await;
        let session = world.login("ann").await;
        let max_age = Duration::from_mins(10);
        let recent = |principal: &yunhai_identity::Principal| {
            principal.require_recent_authentication(world.clock.now_ms(), max_age)
        };
        assert_eq!(recent(&session.principal), Ok(()));
        world.clock.advance_ms(11 * MINUTE_MS);
        assert_eq!(recent(&session.principal), Err(Denied::ReauthenticationRequired));
        let again = async |password: &str| {
            world
                .identity
                .reauthenticate(&session.principal, &Secret::new(password), None, &origin())
                .await
        };
        assert!(matches!(again("wrong").await, Err(Error::WrongPassword)));
        again(PASSWORD).await.unwrap();
        let fresh = world.identity.authenticate_session(&session.token, &origin()).await.unwrap();
        assert_eq!(recent(&fresh.principal), Ok(()));
        assert!(fresh.rotated.is_some());
        assert_eq!(world.count(Action::Reauthenticated).await, 2);
    }
}
