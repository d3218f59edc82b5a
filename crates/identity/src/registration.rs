//! Registration: people who make a user of their own.

use yunhai_model::Secret;

use crate::user::{insert, target};
use crate::{
    Action, AuditEvent, Caller, Error, Identity, NewUser, Origin, Registration, Result, Role, User,
    UserState,
};

const MODE: &str = "registration";

/// What someone registers with.
#[derive(Clone, Debug)]
pub struct NewRegistration {
    /// The name to sign in with.
    pub name: String,
    /// The name to show; empty means the name.
    pub display_name: String,
    /// The e-mail address.
    pub email: Option<String>,
    /// The password.
    pub password: Secret,
    /// The language of the interface.
    pub language: Option<String>,
    /// The code of an invitation.
    pub invitation: Option<Secret>,
}

impl Identity {
    /// Returns who may register: what was set in the interface, or else in the configuration.
    pub async fn registration(&self) -> Result<Registration> {
        match self.setting(self.database.connection(), MODE).await? {
            Some(mode) => Ok(mode.parse()?),
            None => Ok(self.config.registration),
        }
    }

    /// Sets who may register.
    pub async fn set_registration(&self, caller: &Caller, mode: Registration) -> Result<()> {
        let before = self.registration().await?;
        let transaction = self.database.begin().await?;
        self.put_setting(&transaction, MODE, mode.to_string())
            .await?;
        let event = AuditEvent::new(
            Action::SettingsChanged,
            crate::Target::only(crate::TargetKind::Registration),
        )
        .before(&before)
        .after(&mode);
        self.audit().commit(transaction, caller, event).await
    }

    /// Makes a user of their own: at once with an invitation, after approval otherwise. An
    /// invitation is good unless registration is closed.
    pub async fn register(&self, origin: &Origin, registration: NewRegistration) -> Result<User> {
        let mode = self.registration().await?;
        let state = match (mode, &registration.invitation) {
            (Registration::Closed, _) => return Err(Error::RegistrationClosed),
            (Registration::Invitation, None) => return Err(Error::InvalidInvitation),
            (_, Some(_)) => UserState::Active,
            (Registration::Open, None) => UserState::Pending,
        };
        let new = NewUser {
            name: registration.name,
            display_name: registration.display_name,
            email: registration.email,
            role: Role::Viewer,
            password: registration.password,
            language: registration.language,
        };
        let mut row = self.new_row(new, state).await?;
        let transaction = self.database.begin().await?;
        if let Some(code) = &registration.invitation {
            let role = self.use_invitation(&transaction, code, &row.name).await?;
            row.role = role.to_string();
        }
        insert(&transaction, &row).await?;
        let caller = Caller::anonymous(&row.name, origin);
        let how = match state {
            UserState::Active => "with an invitation",
            _ => "waits for approval",
        };
        let event = AuditEvent::new(Action::UserRegistered, target(&row)).because(how);
        self.audit().commit(transaction, &caller, event).await?;
        row.try_into()
    }
}
