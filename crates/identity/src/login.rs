//! Signing in.

use sea_orm::{ActiveValue::Set, EntityTrait};
use yunhai_model::Secret;

use crate::entity::user;
use crate::lockout::Attempt;
use crate::password::Verdict;
use crate::second_factor::Proof;
use crate::user::{by_name, target};
use crate::{
    Action, AuditEvent, Caller, Error, Identity, NewSession, Origin, Outcome, Result, Target,
    TargetKind, User, UserState,
};

/// What someone signs in with.
#[derive(Clone, Debug)]
pub struct Login {
    /// The user's name.
    pub name: String,
    /// The password.
    pub password: Secret,
    /// A code of the authenticator app, or a recovery code.
    pub code: Option<Secret>,
    /// From where.
    pub origin: Origin,
}

/// What came of it.
#[derive(Debug)]
pub enum LoginOutcome {
    /// Signed in.
    SignedIn(Box<NewSession>),
    /// The password is right; send it again with a code.
    SecondFactorRequired,
}

impl Identity {
    /// Signs someone in, or says with as little as possible why not.
    pub async fn login(&self, login: &Login) -> Result<LoginOutcome> {
        let attempt = self.begin_attempt(&login.name, &login.origin).await?;
        let row = by_name(self.database.connection(), &login.name).await?;
        let hash = row.as_ref().and_then(|row| row.password_hash.as_deref());
        let verdict = self.passwords.verify(&login.password, hash).await?;
        let (Some(row), Verdict::Right { outdated }) = (row.as_ref(), verdict) else {
            let reason = if row.is_some() {
                "wrong password"
            } else {
                "no such user"
            };
            self.login_failed(login, attempt, row.as_ref(), reason)
                .await?;
            return Err(Error::InvalidCredentials);
        };
        match row.state.parse()? {
            UserState::Active | UserState::Locked => {}
            UserState::Pending => {
                self.login_failed(login, attempt, Some(row), "not approved yet")
                    .await?;
                return Err(Error::PendingApproval);
            }
            UserState::Disabled => {
                self.login_failed(login, attempt, Some(row), "disabled")
                    .await?;
                return Err(Error::UserDisabled);
            }
        }
        let mut proof = None;
        if row.totp_enabled {
            let Some(code) = &login.code else {
                self.attempt_unfinished(&attempt).await?;
                return Ok(LoginOutcome::SecondFactorRequired);
            };
            proof = self.use_second_factor(row, code).await?;
            if proof.is_none() {
                self.login_failed(login, attempt, Some(row), "wrong code")
                    .await?;
                return Err(Error::WrongCode);
            }
        }
        let rehashed = if outdated {
            Some(self.passwords.hash(&login.password).await?)
        } else {
            None
        };
        let now_ms = self.now_ms();
        let transaction = self.database.begin().await?;
        self.attempt_succeeded(&transaction, &attempt).await?;
        let mut change = user::ActiveModel {
            id: Set(row.id.clone()),
            last_login_at_ms: Set(Some(now_ms)),
            ..Default::default()
        };
        if let Some(hash) = rehashed {
            change.password_hash = Set(Some(hash));
        }
        user::Entity::update(change).exec(&transaction).await?;
        let user = User {
            last_login_at_ms: Some(now_ms),
            ..User::try_from(row.clone())?
        };
        let session = self
            .start_session(&transaction, user, &login.origin)
            .await?;
        let caller = Caller::of(&session.principal, &login.origin);
        if proof == Some(Proof::RecoveryCode) {
            let event = AuditEvent::new(Action::RecoveryCodeUsed, target(row));
            self.audit().append(&transaction, &caller, event).await?;
        }
        let event = AuditEvent::new(Action::LoginSucceeded, target(row));
        self.audit().commit(transaction, &caller, event).await?;
        Ok(LoginOutcome::SignedIn(Box::new(session)))
    }

    async fn login_failed(
        &self,
        login: &Login,
        attempt: Attempt,
        row: Option<&user::Model>,
        reason: &str,
    ) -> Result<()> {
        let name = login.name.trim();
        let target = row.map_or_else(
            || Target {
                kind: TargetKind::User,
                id: None,
                name: name.to_owned(),
            },
            target,
        );
        let event = AuditEvent::new(Action::LoginFailed, target)
            .outcome(Outcome::Failure)
            .because(reason);
        let caller = Caller::anonymous(name, &login.origin);
        self.audit().record(&caller, event).await?;
        self.attempt_failed(attempt, &caller).await
    }

    /// Checks a signed-in user's password, under the same limits as signing in.
    pub(crate) async fn check_current_password(
        &self,
        caller: &Caller,
        row: &user::Model,
        password: &Secret,
    ) -> Result<()> {
        let attempt = self.begin_attempt(&row.name, &caller.origin).await?;
        let verdict = self
            .passwords
            .verify(password, row.password_hash.as_deref())
            .await?;
        if verdict == Verdict::Wrong {
            let event = AuditEvent::new(Action::Reauthenticated, target(row))
                .outcome(Outcome::Failure)
                .because("wrong password");
            self.audit().record(caller, event).await?;
            self.attempt_failed(attempt, caller).await?;
            return Err(Error::WrongPassword);
        }
        let transaction = self.database.begin().await?;
        self.attempt_succeeded(&transaction, &attempt).await?;
        Ok(transaction.commit().await?)
    }
}
