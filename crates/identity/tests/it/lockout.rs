use yunhai_identity::{Action, Caller, Error, Login, Role, UserFilter, UserState};
use yunhai_model::PageRequest;
use yunhai_test_support::on_every_database;

use crate::world::{NOW_MS, PASSWORD, World, from, login};

async fn retry_at_ms(world: &World, name: &str) -> Option<i64> {
    match world.try_login(name, PASSWORD).await {
        Err(Error::TooManyAttempts { retry_at_ms, .. }) => Some(retry_at_ms),
        _ => None,
    }
}

on_every_database! {
    async fn failures_lock_a_name_for_a_growing_while(url: &str) {
        let world = World::new(url).await;
        let ann = world.user("ann", Role::Viewer).await;
        // A name that nobody has behaves alike.
        for name in ["ann", "nobody"] {
            world.clock.set(NOW_MS);
            for _ in 0..5 {
                let error = world.try_login(name, "wrong").await.unwrap_err();
                assert!(matches!(error, Error::InvalidCredentials), "{error}");
            }
            assert_eq!(retry_at_ms(&world, name).await, Some(NOW_MS + 30_000));
            world.clock.set(NOW_MS + 30_000);
            assert!(matches!(world.try_login(name, "wrong").await, Err(Error::InvalidCredentials)));
            assert_eq!(retry_at_ms(&world, name).await, Some(NOW_MS + 90_000));
        }
        assert_eq!(world.count(Action::UserLocked).await, 4);
        let locked = UserFilter { role: None, state: Some(UserState::Locked) };
        let page = world.identity.users(&PageRequest::default(), locked).await.unwrap();
        assert_eq!(page.items.len(), 1);
        assert_eq!(page.items[0].locked_until_ms, Some(NOW_MS + 90_000));

        world.identity.unlock_user(&Caller::local("root"), ann.id).await.unwrap();
        world.login("ann").await;
        assert_eq!(world.identity.user(ann.id).await.unwrap().state, UserState::Active);
    }

    async fn success_forgets_the_failures(url: &str) {
        let world = World::new(url).await;
        world.user("ann", Role::Viewer).await;
        for _ in 0..3 {
            for _ in 0..4 {
                world.try_login("ann", "wrong").await.unwrap_err();
            }
            world.login("ann").await;
        }
        assert_eq!(world.count(Action::UserLocked).await, 0);
    }

    async fn failures_lock_an_address_whatever_the_name(url: &str) {
        let world = World::with(url, |config| config.lockout_address_failures = 4).await;
        world.user("ann", Role::Viewer).await;
        for name in ["a1", "a2", "a3", "a4"] {
            world.try_login(name, "wrong").await.unwrap_err();
        }
        assert!(retry_at_ms(&world, "ann").await.is_some());
        let elsewhere = Login { origin: from("2001:db8::1"), ..login("ann", PASSWORD) };
        world.identity.login(&elsewhere).await.unwrap();
        assert_eq!(world.count(Action::AddressLocked).await, 1);
    }

    async fn many_attempts_at_once_gain_nothing(url: &str) {
        let world = World::new(url).await;
        world.user("ann", Role::Viewer).await;
        let attempts: Vec<_> = (0..12)
            .map(|_| {
                let identity = world.identity.clone();
                tokio::spawn(async move { identity.login(&login("ann", "wrong")).await.unwrap_err() })
            })
            .collect();
        let mut heard = 0;
        for attempt in attempts {
            match attempt.await.unwrap() {
                Error::InvalidCredentials => heard += 1,
                Error::TooManyAttempts { .. } => {}
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(heard, 5);
    }

    async fn old_failures_are_forgotten(url: &str) {
        let world = World::new(url).await;
        world.user("ann", Role::Viewer).await;
        for _ in 0..4 {
            world.try_login("ann", "wrong").await.unwrap_err();
        }
        world.clock.advance_ms(24 * 3600 * 1000 + 1);
        assert_eq!(world.identity.delete_expired().await.unwrap(), 2);
        for _ in 0..4 {
            world.try_login("ann", "wrong").await.unwrap_err();
        }
        world.login("ann").await;
    }
}
