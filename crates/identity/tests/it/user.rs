use yunhai_identity::{Action, Caller, Error, NewUser, Role, UserChange, UserFilter, UserState};
use yunhai_model::{PageRequest, Secret, UserId};
use yunhai_test_support::on_every_database;

use crate::world::{PASSWORD, World, new_user, origin, search};

fn role(role: Role) -> UserChange {
    UserChange {
        role: Some(role),
        ..UserChange::default()
    }
}

fn state(state: UserState) -> UserChange {
    UserChange {
        state: Some(state),
        ..UserChange::default()
    }
}

on_every_database! {
    async fn users_are_made_changed_and_deleted(url: &str) {
        let world = World::new(url).await;
        let identity = &world.identity;
        let root = Caller::local("root");
        world.user("ann", Role::Administrator).await;
        let mut new = new_user("王雷", Role::Viewer);
        new.display_name = String::from("王 雷");
        let wang = identity.create_user(&root, new).await.unwrap();
        assert_eq!((wang.display_name.as_str(), wang.state), ("王 雷", UserState::Active));
        let change = UserChange {
            display_name: Some("Wang Lei".to_owned()),
            email: Some(String::new()),
            role: Some(Role::Operator),
            ..UserChange::default()
        };
        let changed = identity.update_user(&root, wang.id, change).await.unwrap();
        assert_eq!(changed.email, None);
        assert_eq!(changed.role, Role::Operator);
        assert_eq!(identity.user_named("王雷").await.unwrap(), changed);
        identity.delete_user(&root, wang.id).await.unwrap();
        assert!(matches!(identity.user(wang.id).await, Err(Error::NotFound { kind: "user", .. })));
        assert_eq!(world.actions().await, ["user.created", "user.created", "user.updated", "user.deleted"]);
        let entry = identity.audit().entry(3).await.unwrap();
        assert_eq!(entry.before.unwrap()["role"], "viewer");
        assert_eq!(entry.after.unwrap()["role"], "operator");
        assert_eq!((entry.actor_kind.as_str(), entry.actor_name.as_str()), ("local", "root"));
    }

    async fn a_name_is_taken_whatever_its_case(url: &str) {
        let world = World::new(url).await;
        world.user("Ann", Role::Viewer).await;
        let twice = world
            .identity
            .create_user(&Caller::local("root"), new_user("aNN", Role::Viewer))
            .await;
        assert!(matches!(twice, Err(Error::NameTaken(name)) if name == "aNN"));
        world.login("ANN").await;
    }

    async fn wrong_fields_are_named(url: &str) {
        let world = World::new(url).await;
        let check = async |change: fn(&mut NewUser), expected: &str| {
            let mut new = new_user("ann", Role::Viewer);
            change(&mut new);
            let error = world.identity.create_user(&Caller::system(), new).await.unwrap_err();
            assert!(error.to_string().starts_with(expected), "{error}");
        };
        check(|new| new.name = "a b".into(), "name: use 2 to 64").await;
        check(|new| new.name = "x".into(), "name: use 2 to 64").await;
        check(|new| new.email = Some("ann".to_owned()), "email: write an address").await;
        check(|new| new.display_name = "a\u{7}".into(), "display_name: use at most").await;
        check(|new| new.password = Secret::new("short"), "The password has 5").await;
        check(|new| new.password = Secret::new("password123"), "This is one of").await;
        assert!(world.actions().await.is_empty());
    }

    async fn the_last_administrator_stays(url: &str) {
        let world = World::new(url).await;
        let identity = &world.identity;
        let root = Caller::local("root");
        let ann = world.user("ann", Role::Administrator).await;
        let is_last = |result: Result<_, Error>| matches!(result, Err(Error::LastAdministrator));
        let update = async |id, change| identity.update_user(&root, id, change).await.map(drop);
        assert!(is_last(update(ann.id, role(Role::Viewer)).await));
        assert!(is_last(update(ann.id, state(UserState::Disabled)).await));
        assert!(is_last(identity.delete_user(&root, ann.id).await));
        let bob = world.user("bob", Role::Administrator).await;
        update(ann.id, state(UserState::Disabled)).await.unwrap();
        assert!(is_last(update(bob.id, role(Role::Operator)).await));
        update(ann.id, state(UserState::Active)).await.unwrap();
        identity.delete_user(&root, bob.id).await.unwrap();
        assert!(is_last(identity.delete_user(&root, ann.id).await));
    }

    async fn two_administrators_cannot_depose_each_other(url: &str) {
        let world = World::new(url).await;
        let ann = world.user("ann", Role::Administrator).await;
        let bob = world.user("bob", Role::Administrator).await;
        let depose = |id: UserId| {
            let identity = world.identity.clone();
            tokio::spawn(async move {
                identity.update_user(&Caller::system(), id, role(Role::Viewer)).await
            })
        };
        let (first, second) = tokio::join!(depose(ann.id), depose(bob.id));
        let outcomes = [first.unwrap(), second.unwrap()];
        assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1, "{outcomes:?}");
    }

    async fn lists_are_paged_sorted_filtered_and_searched(url: &str) {
        let world = World::new(url).await;
        let identity = &world.identity;
        for (name, role) in [
            ("ann", Role::Administrator),
            ("bob", Role::Viewer),
            ("cyd_1", Role::Viewer),
            ("dan", Role::Operator),
        ] {
            world.user(name, role).await;
        }
        let names = async |request: &PageRequest, filter| {
            let page = identity.users(request, filter).await.unwrap();
            let names: Vec<String> = page.items.into_iter().map(|user| user.name).collect();
            (names.join(" "), page.total)
        };
        let page = |page, size, sort| PageRequest::parse(Some(page), Some(size), Some(sort), None).unwrap();
        let all = UserFilter::default();
        assert_eq!(names(&page(2, 3, "name"), all).await, ("dan".to_owned(), 4));
        assert_eq!(names(&page(1, 2, "-name"), all).await, ("dan cyd_1".to_owned(), 4));
        let viewers = UserFilter { role: Some(Role::Viewer), state: None };
        assert_eq!(names(&page(1, 9, "name"), viewers).await, ("bob cyd_1".to_owned(), 2));
        assert_eq!(names(&search("B@EXAMPLE"), all).await, ("bob".to_owned(), 1));
        assert_eq!(names(&search("_"), all).await, ("cyd_1".to_owned(), 1));
        assert_eq!(names(&search("%"), all).await, (String::new(), 0));
        let error = identity.users(&page(1, 9, "shoe"), all).await.unwrap_err().to_string();
        assert!(error.starts_with("cannot sort by `shoe`; choose one of name,"), "{error}");
    }

    async fn a_password_change_takes_the_old_one_and_ends_other_sessions(url: &str) {
        let world = World::new(url).await;
        let identity = &world.identity;
        let ann = world.user("ann", Role::Viewer).await;
        let (own, other) = (world.login("ann").await, world.login("ann").await);
        let caller = Caller::of(&own.principal, &origin());
        let fresh = Secret::new("amber-window-counts-rivers");
        let change = async |current: &str, new: &Secret| {
            let keep = own.principal.session_id();
            identity.change_password(&caller, ann.id, &Secret::new(current), new, keep).await
        };
        assert!(matches!(change("wrong", &fresh).await, Err(Error::WrongPassword)));
        assert!(matches!(change(PASSWORD, &Secret::new("password123")).await, Err(Error::WeakPassword(_))));
        change(PASSWORD, &fresh).await.unwrap();
        assert!(world.try_login("ann", PASSWORD).await.is_err());
        world.try_login("ann", fresh.expose()).await.unwrap();
        let ended = identity.authenticate_session(&other.token, &origin()).await;
        assert!(matches!(ended, Err(Error::Unauthenticated)));
        let kept = identity.authenticate_session(&own.token, &origin()).await.unwrap();
        assert!(kept.rotated.is_some());
        assert_eq!(world.count(Action::PasswordChanged).await, 1);
    }

    async fn a_disabled_user_is_out_at_once(url: &str) {
        let world = World::new(url).await;
        let ann = world.user("ann", Role::Viewer).await;
        let session = world.login("ann").await;
        world
            .identity
            .update_user(&Caller::system(), ann.id, state(UserState::Disabled))
            .await
            .unwrap();
        let session = world.identity.authenticate_session(&session.token, &origin()).await;
        assert!(matches!(session, Err(Error::Unauthenticated)));
        assert!(matches!(world.try_login("ann", PASSWORD).await, Err(Error::UserDisabled)));
        // Without the password nobody learns that.
        assert!(matches!(world.try_login("ann", "wrong").await, Err(Error::InvalidCredentials)));
    }
}
