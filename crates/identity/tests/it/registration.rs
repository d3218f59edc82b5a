use yunhai_identity::{
    Caller, Error, InvitationFilter, InvitationState, NewInvitation, NewRegistration, Registration,
    Role, UserState,
};
use yunhai_model::{PageRequest, Secret};
use yunhai_test_support::on_every_database;

use crate::world::{PASSWORD, World, origin, search};

fn registration(name: &str, invitation: Option<&Secret>) -> NewRegistration {
    NewRegistration {
        name: name.to_owned(),
        display_name: String::new(),
        email: None,
        password: Secret::new(PASSWORD),
        language: None,
        invitation: invitation.cloned(),
    }
}

fn invitation(role: Role) -> NewInvitation {
    NewInvitation {
        role,
        email: Some("bob@example.com".to_owned()),
        expires_at_ms: None,
    }
}

on_every_database! {
    async fn registration_is_closed_unless_opened(url: &str) {
        let world = World::new(url).await;
        let identity = &world.identity;
        let root = Caller::local("root");
        let closed = identity.register(&origin(), registration("ann", None)).await;
        assert!(matches!(closed, Err(Error::RegistrationClosed)));
        identity.set_registration(&root, Registration::Open).await.unwrap();
        let ann = identity.register(&origin(), registration("ann", None)).await.unwrap();
        assert_eq!((ann.state, ann.role), (UserState::Pending, Role::Viewer));
        assert!(matches!(world.try_login("ann", PASSWORD).await, Err(Error::PendingApproval)));
        identity.approve_user(&root, ann.id).await.unwrap();
        world.login("ann").await;
        assert_eq!(
            world.actions().await,
            ["settings.changed", "user.registered", "login.failed", "user.approved", "login.succeeded"]
        );
    }

    async fn an_invitation_is_good_for_one_person_and_its_role(url: &str) {
        let world = World::with(url, |config| config.registration = Registration::Invitation).await;
        let identity = &world.identity;
        let root = Caller::local("root");
        let without = identity.register(&origin(), registration("ann", None)).await;
        assert!(matches!(without, Err(Error::InvalidInvitation)));
        let (listed, code) = identity.create_invitation(&root, invitation(Role::Operator)).await.unwrap();
        assert_eq!(listed.state, InvitationState::Open);
        // What fails for another reason does not use the invitation up.
        world.user("bob", Role::Viewer).await;
        let taken = identity.register(&origin(), registration("bob", Some(&code))).await;
        assert!(matches!(taken, Err(Error::NameTaken(_))));
        let cyd = identity.register(&origin(), registration("cyd", Some(&code))).await.unwrap();
        assert_eq!((cyd.state, cyd.role), (UserState::Active, Role::Operator));
        world.login("cyd").await;
        let twice = identity.register(&origin(), registration("dan", Some(&code))).await;
        assert!(matches!(twice, Err(Error::InvalidInvitation)));
        let used = InvitationFilter { state: Some(InvitationState::Used) };
        let page = identity.invitations(&PageRequest::default(), used).await.unwrap();
        assert_eq!(page.items[0].used_by.as_deref(), Some("cyd"));
    }

    async fn invitations_expire_and_can_be_withdrawn(url: &str) {
        let world = World::with(url, |config| config.registration = Registration::Invitation).await;
        let identity = &world.identity;
        let root = Caller::local("root");
        let (withdrawn, code) = identity.create_invitation(&root, invitation(Role::Viewer)).await.unwrap();
        identity.revoke_invitation(&root, withdrawn.id).await.unwrap();
        let gone = identity.register(&origin(), registration("ann", Some(&code))).await;
        assert!(matches!(gone, Err(Error::InvalidInvitation)));
        let (listed, code) = identity.create_invitation(&root, invitation(Role::Viewer)).await.unwrap();
        world.clock.set(listed.expires_at_ms);
        let late = identity.register(&origin(), registration("ann", Some(&code))).await;
        assert!(matches!(late, Err(Error::InvalidInvitation)));
        let page = identity.invitations(&search("BOB@"), InvitationFilter::default()).await.unwrap();
        assert_eq!((page.total, page.items[0].state), (1, InvitationState::Expired));
    }
}
