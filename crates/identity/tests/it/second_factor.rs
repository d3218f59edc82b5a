use totp_rs::{Builder, Totp};
use yunhai_identity::{Action, Caller, Error, Login, LoginOutcome, Role, User};
use yunhai_model::{Clock, Secret};
use yunhai_test_support::on_every_database;

use crate::world::{PASSWORD, World, login, origin, signed_in};

const STEP_MS: i64 = 30_000;

/// The authenticator app of a user.
struct App(Totp);

impl App {
    fn code(&self, now_ms: i64) -> Secret {
        Secret::new(self.0.generate((now_ms / 1000) as u64).to_string())
    }
}

async fn set_up(world: &World, user: &User) -> (App, Vec<Secret>) {
    let setup = world.identity.begin_second_factor(user.id).await.unwrap();
    let url = setup.url.expose();
    assert!(
        url.starts_with("otpauth://totp/Yunhai:ann?") && url.contains("issuer=Yunhai"),
        "{url}"
    );
    let secret = totp_rs::Secret::try_from_base32(setup.secret.expose()).unwrap();
    let app = App(Builder::new()
        .with_secret(secret)
        .with_account_name("ann")
        .build()
        .unwrap());
    let caller = Caller::system();
    let wrong = world
        .identity
        .confirm_second_factor(&caller, user.id, &Secret::new("000000"), None)
        .await;
    assert!(matches!(wrong, Err(Error::WrongCode)));
    let code = app.code(world.clock.now_ms());
    let codes = world
        .identity
        .confirm_second_factor(&caller, user.id, &code, None)
        .await
        .unwrap();
    (app, codes)
}

async fn with_code(world: &World, code: &Secret) -> Result<LoginOutcome, Error> {
    let login = Login {
        code: Some(code.clone()),
        ..login("ann", PASSWORD)
    };
    world.identity.login(&login).await
}

on_every_database! {
    async fn a_code_is_asked_for_and_good_once(url: &str) {
        let world = World::new(url).await;
        let ann = world.user("ann", Role::Viewer).await;
        let (app, _) = set_up(&world, &ann).await;
        let without = world.try_login("ann", PASSWORD).await.unwrap();
        assert!(matches!(without, LoginOutcome::SecondFactorRequired));
        // The code that confirmed the set-up is used up.
        let used = with_code(&world, &app.code(world.clock.now_ms())).await;
        assert!(matches!(used, Err(Error::WrongCode)));
        world.clock.advance_ms(STEP_MS);
        let code = app.code(world.clock.now_ms());
        signed_in(with_code(&world, &code).await);
        assert!(matches!(with_code(&world, &code).await, Err(Error::WrongCode)));
        // The next step's code counts already, the one after it does not.
        let now_ms = world.clock.now_ms();
        assert!(with_code(&world, &app.code(now_ms + 2 * STEP_MS)).await.is_err());
        signed_in(with_code(&world, &app.code(now_ms + STEP_MS)).await);
        assert!(!world.text("SELECT totp_secret AS t FROM users").await.contains("otpauth"));
        assert!(world.text("SELECT totp_secret AS t FROM users").await.starts_with("v1."));
    }

    async fn a_code_used_twice_at_once_is_good_once(url: &str) {
        let world = World::new(url).await;
        let ann = world.user("ann", Role::Viewer).await;
        let (app, _) = set_up(&world, &ann).await;
        world.clock.advance_ms(STEP_MS);
        let code = app.code(world.clock.now_ms());
        let (first, second) = tokio::join!(with_code(&world, &code), with_code(&world, &code));
        assert_eq!([first.is_ok(), second.is_ok()].iter().filter(|ok| **ok).count(), 1);
    }

    async fn recovery_codes_stand_in_once_each(url: &str) {
        let world = World::new(url).await;
        let ann = world.user("ann", Role::Viewer).await;
        let (_, codes) = set_up(&world, &ann).await;
        assert_eq!(codes.len(), 10);
        let typed = Secret::new(codes[0].expose().to_uppercase().replace('-', ""));
        signed_in(with_code(&world, &typed).await);
        assert!(with_code(&world, &codes[0]).await.is_err());
        let status = world.identity.second_factor(ann.id).await.unwrap();
        assert_eq!((status.enabled, status.recovery_codes_left), (true, 9));
        assert_eq!(status.enabled_at_ms, Some(world.clock.now_ms()));
        assert_eq!(world.count(Action::RecoveryCodeUsed).await, 1);
        let fresh = world.identity.renew_recovery_codes(&Caller::system(), ann.id).await.unwrap();
        assert!(with_code(&world, &codes[1]).await.is_err());
        signed_in(with_code(&world, &fresh[1]).await);
    }

    async fn wrong_codes_lock_like_wrong_passwords(url: &str) {
        let world = World::new(url).await;
        let ann = world.user("ann", Role::Viewer).await;
        let (app, _) = set_up(&world, &ann).await;
        world.clock.advance_ms(STEP_MS);
        for _ in 0..5 {
            // Knowing the password does not reset the count.
            world.try_login("ann", PASSWORD).await.unwrap();
            with_code(&world, &Secret::new("000000")).await.unwrap_err();
        }
        let code = app.code(world.clock.now_ms());
        assert!(matches!(with_code(&world, &code).await, Err(Error::TooManyAttempts { .. })));
    }

    async fn it_is_turned_off_and_on_again(url: &str) {
        let world = World::new(url).await;
        let identity = &world.identity;
        let ann = world.user("ann", Role::Viewer).await;
        let off = identity.disable_second_factor(&Caller::system(), ann.id).await;
        assert!(matches!(off, Err(Error::SecondFactorMissing)));
        let (app, _) = set_up(&world, &ann).await;
        assert!(matches!(identity.begin_second_factor(ann.id).await, Err(Error::SecondFactorEnabled)));
        world.clock.advance_ms(STEP_MS);
        let session = signed_in(with_code(&world, &app.code(world.clock.now_ms())).await);
        world.clock.advance_ms(STEP_MS);
        let password = Secret::new(PASSWORD);
        let without = identity.reauthenticate(&session.principal, &password, None, &origin()).await;
        assert!(matches!(without, Err(Error::Invalid { field: "code", .. })));
        let code = app.code(world.clock.now_ms());
        identity.reauthenticate(&session.principal, &password, Some(&code), &origin()).await.unwrap();
        identity.disable_second_factor(&Caller::system(), ann.id).await.unwrap();
        world.login("ann").await;
        set_up(&world, &ann).await;
    }
}
