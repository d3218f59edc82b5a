//! The first start: a one-time code, shown where the server runs, makes the first administrator.

use sea_orm::{EntityTrait, PaginatorTrait};
use serde::{Deserialize, Serialize};
use yunhai_model::{Secret, TimestampMs};
use yunhai_vault::{constant_time_eq, random_bytes};

use crate::entity::{setting, user};
use crate::user::{insert, target};
use crate::{
    Action, AuditEvent, Caller, Error, Identity, NewSession, NewUser, Origin, Result, Role, User,
    UserState,
};

const CODE: &str = "setup_code";

/// A code that makes the first administrator.
#[derive(Clone, Debug)]
pub struct SetupCode {
    /// The code, to be shown where only the machine's owner sees it.
    pub code: Secret,
    /// When it ends.
    pub expires_at_ms: TimestampMs,
}

/// The code as it is kept.
#[derive(Serialize, Deserialize)]
struct StoredCode {
    hash: String,
    expires_at_ms: TimestampMs,
}

impl Identity {
    /// Tells whether there is no user yet.
    pub async fn needs_setup(&self) -> Result<bool> {
        Ok(user::Entity::find()
            .count(self.database.connection())
            .await?
            == 0)
    }

    /// Makes a set-up code, which replaces the one before; none when there are users already.
    pub async fn issue_setup_code(&self) -> Result<Option<SetupCode>> {
        if !self.needs_setup().await? {
            return Ok(None);
        }
        let code = random_code();
        let expires_at_ms = self.now_ms() + self.config.setup_code_valid.as_millis();
        let stored = StoredCode {
            hash: self.setup_hash(&code),
            expires_at_ms,
        };
        let stored = serde_json::to_string(&stored).expect("the code has texts and numbers only");
        self.put_setting(self.database.connection(), CODE, stored)
            .await?;
        Ok(Some(SetupCode {
            code,
            expires_at_ms,
        }))
    }

    /// Makes the first administrator and signs them in. The code is used up.
    pub async fn complete_setup(
        &self,
        code: &Secret,
        mut new: NewUser,
        origin: &Origin,
    ) -> Result<NewSession> {
        if !self.needs_setup().await? {
            return Err(Error::AlreadySetUp);
        }
        // Wrong codes count as failed attempts, so that nobody can try them all.
        let attempt = self.begin_attempt("set-up", origin).await?;
        new.role = Role::Administrator;
        let caller = Caller::anonymous(&new.name, origin);
        let connection = self.database.connection();
        let stored = self.setting(connection, CODE).await?;
        let is_right = stored
            .as_deref()
            .and_then(|stored| serde_json::from_str::<StoredCode>(stored).ok())
            .is_some_and(|stored| {
                stored.expires_at_ms > self.now_ms()
                    && constant_time_eq(stored.hash.as_bytes(), self.setup_hash(code).as_bytes())
            });
        if !is_right {
            self.attempt_failed(attempt, &caller).await?;
            return Err(Error::InvalidSetupCode);
        }
        let row = match self.new_row(new, UserState::Active).await {
            Ok(row) => row,
            Err(error) => {
                // The code was right; a weak password is no attempt at guessing it.
                self.attempt_unfinished(&attempt).await?;
                return Err(error);
            }
        };
        let transaction = self.database.begin().await?;
        self.attempt_succeeded(&transaction, &attempt).await?;
        // Of two requests with the code only one deletes it.
        let deleted = setting::Entity::delete_by_id(CODE)
            .exec(&transaction)
            .await?;
        if deleted.rows_affected != 1 {
            return Err(Error::InvalidSetupCode);
        }
        insert(&transaction, &row).await?;
        let user = User::try_from(row.clone())?;
        let session = self.start_session(&transaction, user, origin).await?;
        let caller = Caller::of(&session.principal, origin);
        let event = AuditEvent::new(Action::SetupCompleted, target(&row));
        self.audit().commit(transaction, &caller, event).await?;
        Ok(session)
    }

    fn setup_hash(&self, code: &Secret) -> String {
        let folded: String = code
            .expose()
            .chars()
            .filter(char::is_ascii_alphanumeric)
            .map(|c| c.to_ascii_uppercase())
            .collect();
        self.hasher.hash("setup", &folded)
    }
}

/// Makes a code of 60 bits that is easily typed, such as `7KQ2-9XWM-4TBA`.
fn random_code() -> Secret {
    const LETTERS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    let mut code = String::new();
    for (at, byte) in random_bytes::<12>().into_iter().enumerate() {
        if at > 0 && at % 4 == 0 {
            code.push('-');
        }
        code.push(char::from(LETTERS[usize::from(byte % 32)]));
    }
    Secret::new(code)
}
