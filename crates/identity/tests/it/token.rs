use yunhai_identity::{
    Caller, Denied, Error, Identity, IdentityConfig, NewToken, Permission, Principal, Role,
    TokenEnd, UserChange, UserState,
};
use yunhai_model::{PageRequest, Secret, TokenId};
use yunhai_test_support::on_every_database;

use crate::world::{NOW_MS, World, origin, search};

fn new_token(scopes: &[Permission]) -> NewToken {
    NewToken {
        name: "grafana".to_owned(),
        scopes: scopes.iter().copied().collect(),
        end: TokenEnd::At(NOW_MS + 1000),
    }
}

on_every_database! {
    async fn a_token_allows_its_scopes_until_it_ends(url: &str) {
        let world = World::new(url).await;
        let identity = &world.identity;
        let ann = world.user("ann", Role::Operator).await;
        let session = world.login("ann").await;
        let wanted = new_token(&[Permission::ServersRead, Permission::RulesWrite]);
        let (listed, token) = identity.create_token(&session.principal, &origin(), wanted).await.unwrap();
        assert!(token.expose().starts_with("yh_"));
        assert!(!world.text("SELECT token_hash AS t FROM api_tokens").await.contains(token.expose()));

        let principal = identity.authenticate_token(&token, &origin()).await.unwrap();
        assert_eq!(principal.require(Permission::RulesWrite), Ok(()));
        assert_eq!(
            principal.require(Permission::ChannelsWrite),
            Err(Denied::Scope(Permission::ChannelsWrite))
        );
        // A lower role lowers the token too.
        let change = UserChange { role: Some(Role::Viewer), ..UserChange::default() };
        identity.update_user(&Caller::system(), ann.id, change).await.unwrap();
        let principal = identity.authenticate_token(&token, &origin()).await.unwrap();
        assert_eq!(
            principal.require(Permission::RulesWrite),
            Err(Denied::Permission(Permission::RulesWrite))
        );
        assert_eq!(principal.permissions().len(), 1);

        let page = identity.tokens(&PageRequest::default(), Some(ann.id)).await.unwrap();
        assert_eq!(page.items[0].id, listed.id);
        assert_eq!(page.items[0].last_used_at_ms, Some(NOW_MS));
        assert_eq!(identity.tokens(&search("GRAF"), None).await.unwrap().total, 1);
        world.clock.set(NOW_MS + 1000);
        let ended = identity.authenticate_token(&token, &origin()).await;
        assert!(matches!(ended, Err(Error::Unauthenticated)));
    }

    async fn a_token_cannot_allow_more_than_its_maker_may(url: &str) {
        let world = World::new(url).await;
        let identity = &world.identity;
        let ann = world.user("ann", Role::Viewer).await;
        let session = world.login("ann").await;
        let make = async |principal, scopes: &[Permission]| {
            identity.create_token(principal, &origin(), new_token(scopes)).await
        };
        let wide = make(&session.principal, &[Permission::UsersManage]).await;
        assert!(matches!(wide, Err(Error::Denied(Denied::Permission(_)))));
        // Nor can a token make one that allows more than itself.
        let (_, token) = make(&session.principal, &[Permission::TokensOwn]).await.unwrap();
        let by_token = identity.authenticate_token(&token, &origin()).await.unwrap();
        let wide = make(&by_token, &[Permission::ServersRead]).await;
        assert!(matches!(wide, Err(Error::Denied(Denied::Scope(_)))));
        let offline = identity
            .create_token_for(&Caller::local("root"), ann.id, new_token(&[Permission::RulesWrite]))
            .await;
        assert!(matches!(offline, Err(Error::Denied(_))));
    }

    async fn a_token_ends_after_90_days_or_with_its_maker(url: &str) {
        const DAY_MS: i64 = 86_400_000;
        let world = World::new(url).await;
        let identity = &world.identity;
        world.user("ann", Role::Viewer).await;
        let session = world.login("ann").await;
        let make = async |principal, end| {
            let new = NewToken { end, ..new_token(&[Permission::TokensOwn]) };
            identity.create_token(principal, &origin(), new).await
        };
        let (usual, _) = make(&session.principal, TokenEnd::Usual).await.unwrap();
        assert_eq!(usual.expires_at_ms, Some(NOW_MS + 90 * DAY_MS));
        let (_, lasting) = make(&session.principal, TokenEnd::Never).await.unwrap();
        let (_, ending) = make(&session.principal, TokenEnd::At(NOW_MS + DAY_MS)).await.unwrap();

        let lasting = identity.authenticate_token(&lasting, &origin()).await.unwrap();
        let (made, _) = make(&lasting, TokenEnd::Usual).await.unwrap();
        assert_eq!(made.expires_at_ms, Some(NOW_MS + 90 * DAY_MS));
        let ending = identity.authenticate_token(&ending, &origin()).await.unwrap();
        let (made, _) = make(&ending, TokenEnd::Usual).await.unwrap();
        assert_eq!(made.expires_at_ms, Some(NOW_MS + DAY_MS));
        make(&ending, TokenEnd::At(NOW_MS + DAY_MS)).await.unwrap();
        for (maker, end) in [
            (&lasting, TokenEnd::Never),
            (&ending, TokenEnd::Never),
            (&ending, TokenEnd::At(NOW_MS + DAY_MS + 1)),
        ] {
            let refused = make(maker, end).await;
            assert!(
                matches!(refused, Err(Error::Invalid { field: "expires_at_ms", .. })),
                "{end:?}: {refused:?}"
            );
        }
    }

    async fn a_revoked_or_mistyped_token_is_nobody(url: &str) {
        let world = World::new(url).await;
        let identity = &world.identity;
        let ann = world.user("ann", Role::Viewer).await;
        let bob = world.user("bob", Role::Viewer).await;
        let root = Caller::local("root");
        let lasting = NewToken { end: TokenEnd::Never, ..new_token(&[Permission::ServersRead]) };
        let (listed, token) = identity.create_token_for(&root, ann.id, lasting).await.unwrap();
        let mistyped = Secret::new(format!("{}x", token.expose()));
        assert!(identity.authenticate_token(&mistyped, &origin()).await.is_err());
        let of_another = identity.revoke_token(&root, listed.id, Some(bob.id)).await;
        assert!(matches!(of_another, Err(Error::NotFound { kind: "token", .. })));
        // Both this server and another one on the same database have just let the token in.
        let other = Identity::new(
            world.database.clone(),
            world.vault.clone(),
            world.clock.clone(),
            IdentityConfig::default(),
        )
        .await
        .unwrap();
        assert!(identity.authenticate_token(&token, &origin()).await.is_ok());
        assert!(other.authenticate_token(&token, &origin()).await.is_ok());
        identity.revoke_token(&root, listed.id, Some(ann.id)).await.unwrap();
        let revoked = identity.authenticate_token(&token, &origin()).await;
        assert!(matches!(revoked, Err(Error::Unauthenticated)));
        world.clock.set(NOW_MS + 1000);
        let elsewhere = other.authenticate_token(&token, &origin()).await;
        assert!(matches!(elsewhere, Err(Error::Unauthenticated)), "a second later");
        for (wrong, field) in [
            (NewToken { name: " ".to_owned(), ..new_token(&[Permission::ServersRead]) }, "name: "),
            (new_token(&[]), "scopes: "),
            (NewToken { end: TokenEnd::At(NOW_MS), ..new_token(&[Permission::ServersRead]) }, "expires_at_ms: "),
        ] {
            let error = identity.create_token_for(&root, ann.id, wrong).await.unwrap_err();
            assert!(error.to_string().starts_with(field), "{error}");
        }
    }
    async fn what_a_token_made_is_revoked_with_it(url: &str) {
        let world = World::new(url).await;
        let identity = &world.identity;
        let ann = world.user("ann", Role::Viewer).await;
        let session = world.login("ann").await;
        let make = async |principal: &Principal, name: &str| {
            let name = name.to_owned();
            let new = NewToken { name, ..new_token(&[Permission::TokensOwn]) };
            let (listed, token) = identity.create_token(principal, &origin(), new).await.unwrap();
            let principal = identity.authenticate_token(&token, &origin()).await.unwrap();
            (listed, token, principal)
        };
        let (taken, taken_text, by_taken) = make(&session.principal, "taken").await;
        let (child, child_text, by_child) = make(&by_taken, "child").await;
        let (grandchild, grandchild_text, _) = make(&by_child, "grandchild").await;
        let (other, other_text, by_other) = make(&session.principal, "other").await;
        let (_, others_child, _) = make(&by_other, "child of the other").await;
        assert_eq!((taken.made_by, child.made_by), (None, Some(taken.id)));
        assert_eq!((grandchild.made_by, other.made_by), (Some(child.id), None));

        identity.revoke_token(&Caller::local("root"), taken.id, Some(ann.id)).await.unwrap();
        for (token, lives) in [
            (&taken_text, false),
            (&child_text, false),
            (&grandchild_text, false),
            (&other_text, true),
            (&others_child, true),
        ] {
            let found = identity.authenticate_token(token, &origin()).await;
            assert_eq!(found.is_ok(), lives, "{found:?}");
        }
        assert_eq!(identity.tokens(&PageRequest::default(), Some(ann.id)).await.unwrap().total, 2);
        let revoked: Vec<_> = world.actions().await.into_iter().rev().take(3).collect();
        assert_eq!(revoked, ["token.revoked"; 3]);
        // Whoever was let in a moment before makes none any more.
        let late = identity.create_token(&by_child, &origin(), new_token(&[Permission::TokensOwn])).await;
        assert!(matches!(late, Err(Error::Unauthenticated)), "{late:?}");
        let revoked_alone = identity.revoke_token(&Caller::local("root"), child.id, None).await;
        assert!(matches!(revoked_alone, Err(Error::NotFound { kind: "token", .. })));
    }

    async fn a_user_has_no_more_tokens_than_can_be_revoked_at_once(url: &str) {
        let world = World::new(url).await;
        let identity = &world.identity;
        let ann = world.user("ann", Role::Viewer).await;
        let session = world.login("ann").await;
        let new = new_token(&[Permission::TokensOwn]);
        let (stolen, text) = identity.create_token(&session.principal, &origin(), new.clone()).await.unwrap();
        let thief = identity.authenticate_token(&text, &origin()).await.unwrap();
        let made: Vec<_> = (1..1000)
            .map(|number| {
                format!(
                    "('{}', '{}', 'a', 'hash {number}', '[]', 1, {}, '{}')",
                    TokenId::new(),
                    ann.id,
                    NOW_MS + 1000,
                    stolen.id
                )
            })
            .collect();
        world.sql(&format!(
            "INSERT INTO api_tokens \
             (id, user_id, name, token_hash, scopes, created_at_ms, expires_at_ms, made_by) VALUES {}",
            made.join(", ")
        ))
        .await;
        let refused = identity.create_token(&thief, &origin(), new.clone()).await.unwrap_err();
        assert!(matches!(refused, Error::TooManyTokens { most: 1000 }), "{refused}");
        world.user("bob", Role::Viewer).await;
        let bob = world.login("bob").await;
        identity.create_token(&bob.principal, &origin(), new.clone()).await.unwrap();

        // What has ended makes room.
        world.sql(&format!("UPDATE api_tokens SET expires_at_ms = {NOW_MS} WHERE token_hash IN ('hash 7', 'hash 8')")).await;
        let number = async || {
            let page = identity.tokens(&PageRequest::default(), Some(ann.id)).await;
            page.unwrap().total
        };
        assert_eq!(number().await, 1000);
        identity.create_token(&thief, &origin(), new.clone()).await.unwrap();
        assert_eq!(number().await, 999);
        identity.create_token(&thief, &origin(), new.clone()).await.unwrap();
        assert!(identity.create_token(&thief, &origin(), new).await.is_err());

        identity.revoke_token(&Caller::local("root"), stolen.id, Some(ann.id)).await.unwrap();
        assert_eq!(number().await, 0);
    }

    async fn a_token_and_what_it_made_are_nobodys_with_their_user(url: &str) {
        let world = World::new(url).await;
        let identity = &world.identity;
        let root = Caller::local("root");
        world.user("root", Role::Administrator).await;
        let ann = world.user("ann", Role::Viewer).await;
        let session = world.login("ann").await;
        let make = async |principal| {
            let new = new_token(&[Permission::TokensOwn]);
            identity.create_token(principal, &origin(), new).await.unwrap().1
        };
        let token = make(&session.principal).await;
        let principal = identity.authenticate_token(&token, &origin()).await.unwrap();
        let made = make(&principal).await;
        let living = async || {
            let mut living = 0;
            for token in [&token, &made] {
                living += u32::from(identity.authenticate_token(token, &origin()).await.is_ok());
            }
            living
        };
        assert_eq!(living().await, 2);
        let set = async |state| {
            let change = UserChange { state: Some(state), ..UserChange::default() };
            identity.update_user(&root, ann.id, change).await.unwrap();
        };
        set(UserState::Disabled).await;
        assert_eq!(living().await, 0);
        set(UserState::Active).await;
        assert_eq!(living().await, 2);
        world.clock.set(NOW_MS + 1000);
        assert_eq!(living().await, 0, "what was made ends with its maker");
        world.clock.set(NOW_MS);
        assert_eq!(living().await, 2);
        identity.delete_user(&root, ann.id).await.unwrap();
        assert_eq!(living().await, 0);
        assert_eq!(identity.tokens(&PageRequest::default(), None).await.unwrap().total, 0);
    }
}
