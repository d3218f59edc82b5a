//! The second factor: codes of an authenticator app (RFC 6238), and recovery codes.

use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveValue::Set, ColumnTrait, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter,
};
use serde::Serialize;
use totp_rs::{Builder, Totp};
use yunhai_model::{Secret, SessionId, TimestampMs, UserId};
use yunhai_vault::{Place, random_bytes};

use crate::entity::{recovery_code, session, user};
use crate::user::{find, target};
use crate::{Action, AuditEvent, Caller, Error, Identity, Outcome, Result};

const RECOVERY_CODES: usize = 10;

/// What stood in for the second factor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Proof {
    App,
    RecoveryCode,
}

/// What an authenticator app needs.
#[derive(Clone, Debug)]
pub struct SecondFactorSetup {
    /// The secret in base 32, to be typed.
    pub secret: Secret,
    /// The same as an `otpauth://` address, to be shown as a QR code.
    pub url: Secret,
}

/// Where a user stands with the second factor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct SecondFactorStatus {
    /// Whether signing in takes a code.
    pub enabled: bool,
    /// Since when; none while it is off.
    pub enabled_at_ms: Option<TimestampMs>,
    /// How many recovery codes are left.
    pub recovery_codes_left: u64,
}

/// Where the sealed secret of a user stands.
pub(crate) fn place(user_id: &str) -> Place {
    Place::new("users", user_id, "totp_secret")
}

impl Identity {
    /// Returns where a user stands.
    pub async fn second_factor(&self, id: UserId) -> Result<SecondFactorStatus> {
        let connection = self.database.connection();
        let row = find(connection, id).await?;
        let left = recovery_code::Entity::find()
            .filter(recovery_code::Column::UserId.eq(&row.id))
            .filter(recovery_code::Column::UsedAtMs.is_null())
            .count(connection)
            .await?;
        Ok(SecondFactorStatus {
            enabled: row.totp_enabled,
            enabled_at_ms: row.totp_enabled_at_ms,
            recovery_codes_left: left,
        })
    }

    /// Begins the set-up: makes a secret that counts once [`Self::confirm_second_factor`] has
    /// seen a code of it.
    pub async fn begin_second_factor(&self, id: UserId) -> Result<SecondFactorSetup> {
        let row = find(self.database.connection(), id).await?;
        let secret = totp_rs::Secret::generate().to_base32();
        let secret = Secret::new(secret);
        let url = self.totp(&row, &secret)?.to_url().map_err(internal)?;
        let sealed = self.vault.seal_secret(&place(&row.id), &secret);
        // Only while it is off: a set-up that was begun twice must not replace a confirmed one.
        let updated = user::Entity::update_many()
            .col_expr(user::Column::TotpSecret, Expr::value(sealed))
            .col_expr(user::Column::TotpLastStep, Expr::value(0_i64))
            .filter(user::Column::Id.eq(&row.id))
            .filter(user::Column::TotpEnabled.eq(false))
            .exec(self.database.connection())
            .await?;
        if updated.rows_affected == 0 {
            return Err(Error::SecondFactorEnabled);
        }
        Ok(SecondFactorSetup {
            secret,
            url: Secret::new(url),
        })
    }

    /// Turns the second factor on and returns the recovery codes, which are shown once. Other
    /// sessions end.
    pub async fn confirm_second_factor(
        &self,
        caller: &Caller,
        id: UserId,
        code: &Secret,
        keep: Option<SessionId>,
    ) -> Result<Vec<Secret>> {
        let row = find(self.database.connection(), id).await?;
        if row.totp_enabled {
            return Err(Error::SecondFactorEnabled);
        }
        let attempt = self.begin_attempt(&row.name, &caller.origin).await?;
        let Some(step) = self.matching_step(&row, code).await? else {
            self.attempt_failed(attempt, caller).await?;
            return Err(Error::WrongCode);
        };
        let transaction = self.database.begin().await?;
        self.attempt_succeeded(&transaction, &attempt).await?;
        let change = user::ActiveModel {
            id: Set(row.id.clone()),
            totp_enabled: Set(true),
            totp_enabled_at_ms: Set(Some(self.now_ms())),
            totp_last_step: Set(step),
            ..Default::default()
        };
        user::Entity::update(change).exec(&transaction).await?;
        let codes = self.replace_recovery_codes(&transaction, &row.id).await?;
        let mut others = session::Entity::delete_many().filter(session::Column::UserId.eq(&row.id));
        if let Some(keep) = keep {
            others = others.filter(session::Column::Id.ne(keep.to_string()));
            session::Entity::update_many()
                .col_expr(session::Column::Rotate, Expr::value(true))
                .filter(session::Column::Id.eq(keep.to_string()))
                .exec(&transaction)
                .await?;
        }
        others.exec(&transaction).await?;
        let event = AuditEvent::new(Action::SecondFactorEnabled, target(&row));
        self.audit().commit(transaction, caller, event).await?;
        Ok(codes)
    }

    /// Turns the second factor off; the caller has authenticated the user again, or is an
    /// administrator who helps someone who lost their phone.
    pub async fn disable_second_factor(&self, caller: &Caller, id: UserId) -> Result<()> {
        let transaction = self.database.begin().await?;
        let row = find(&transaction, id).await?;
        if !row.totp_enabled {
            return Err(Error::SecondFactorMissing);
        }
        let change = user::ActiveModel {
            id: Set(row.id.clone()),
            totp_enabled: Set(false),
            totp_enabled_at_ms: Set(None),
            totp_secret: Set(None),
            totp_last_step: Set(0),
            ..Default::default()
        };
        user::Entity::update(change).exec(&transaction).await?;
        recovery_code::Entity::delete_many()
            .filter(recovery_code::Column::UserId.eq(&row.id))
            .exec(&transaction)
            .await?;
        let event = AuditEvent::new(Action::SecondFactorDisabled, target(&row));
        self.audit().commit(transaction, caller, event).await
    }

    /// Makes new recovery codes, which are shown once; the old ones end.
    pub async fn renew_recovery_codes(&self, caller: &Caller, id: UserId) -> Result<Vec<Secret>> {
        let transaction = self.database.begin().await?;
        let row = find(&transaction, id).await?;
        if !row.totp_enabled {
            return Err(Error::SecondFactorMissing);
        }
        let codes = self.replace_recovery_codes(&transaction, &row.id).await?;
        let event = AuditEvent::new(Action::RecoveryCodesCreated, target(&row));
        self.audit().commit(transaction, caller, event).await?;
        Ok(codes)
    }

    async fn replace_recovery_codes(
        &self,
        transaction: &sea_orm::DatabaseTransaction,
        user_id: &str,
    ) -> Result<Vec<Secret>> {
        recovery_code::Entity::delete_many()
            .filter(recovery_code::Column::UserId.eq(user_id))
            .exec(transaction)
            .await?;
        let codes: Vec<Secret> = (0..RECOVERY_CODES)
            .map(|_| random_recovery_code())
            .collect();
        let rows = codes.iter().map(|code| {
            recovery_code::Model {
                user_id: user_id.to_owned(),
                code_hash: self.recovery_hash(code),
                used_at_ms: None,
            }
            .into_active_model()
        });
        recovery_code::Entity::insert_many(rows)
            .exec_without_returning(transaction)
            .await?;
        Ok(codes)
    }

    /// Uses up a code; none when it is wrong or was used before. The caller has counted the
    /// attempt.
    pub(crate) async fn use_second_factor(
        &self,
        row: &user::Model,
        code: &Secret,
    ) -> Result<Option<Proof>> {
        let connection = self.database.connection();
        if let Some(step) = self.matching_step(row, code).await? {
            // The database decides between two requests with the same code.
            let updated = user::Entity::update_many()
                .col_expr(user::Column::TotpLastStep, Expr::value(step))
                .filter(user::Column::Id.eq(&row.id))
                .filter(user::Column::TotpLastStep.lt(step))
                .exec(connection)
                .await?;
            return Ok((updated.rows_affected == 1).then_some(Proof::App));
        }
        let updated = recovery_code::Entity::update_many()
            .col_expr(recovery_code::Column::UsedAtMs, Expr::value(self.now_ms()))
            .filter(recovery_code::Column::UserId.eq(&row.id))
            .filter(recovery_code::Column::CodeHash.eq(self.recovery_hash(code)))
            .filter(recovery_code::Column::UsedAtMs.is_null())
            .exec(connection)
            .await?;
        Ok((updated.rows_affected == 1).then_some(Proof::RecoveryCode))
    }

    /// Uses up a code of a signed-in user, under the same limits as signing in.
    pub(crate) async fn require_second_factor(
        &self,
        caller: &Caller,
        row: &user::Model,
        code: Option<&Secret>,
    ) -> Result<()> {
        let Some(code) = code else {
            return Err(Error::invalid(
                "code",
                "enter a code of your authenticator app",
            ));
        };
        let attempt = self.begin_attempt(&row.name, &caller.origin).await?;
        let Some(proof) = self.use_second_factor(row, code).await? else {
            let event = AuditEvent::new(Action::Reauthenticated, target(row))
                .outcome(Outcome::Failure)
                .because("wrong code");
            self.audit().record(caller, event).await?;
            self.attempt_failed(attempt, caller).await?;
            return Err(Error::WrongCode);
        };
        let transaction = self.database.begin().await?;
        self.attempt_succeeded(&transaction, &attempt).await?;
        if proof == Proof::RecoveryCode {
            let event = AuditEvent::new(Action::RecoveryCodeUsed, target(row));
            return self.audit().commit(transaction, caller, event).await;
        }
        Ok(transaction.commit().await?)
    }

    /// Returns the time step whose code this is, if it is one that was not used yet; a clock may
    /// be off by one step of 30 s.
    async fn matching_step(&self, row: &user::Model, code: &Secret) -> Result<Option<i64>> {
        let sealed = row
            .totp_secret
            .as_deref()
            .ok_or(Error::SecondFactorMissing)?;
        let secret = self.vault.open_latest(&place(&row.id), sealed).await?;
        let digits: String = code
            .expose()
            .chars()
            .filter(|c| !c.is_whitespace())
            .collect();
        let now_secs = (self.now_ms() / 1000).max(0) as u64;
        Ok(self
            .totp(row, &secret)?
            .check(&digits, now_secs)
            .map(|step| step as i64)
            .filter(|step| *step > row.totp_last_step))
    }

    fn totp(&self, row: &user::Model, secret: &Secret) -> Result<Totp> {
        let secret = totp_rs::Secret::try_from_base32(secret.expose()).map_err(internal)?;
        Builder::new()
            .with_secret(secret)
            .with_issuer(Some(self.config.issuer.clone()))
            .with_account_name(row.name.clone())
            .build()
            .map_err(internal)
    }

    fn recovery_hash(&self, code: &Secret) -> String {
        let folded: String = code
            .expose()
            .chars()
            .filter(char::is_ascii_alphanumeric)
            .map(|c| c.to_ascii_lowercase())
            .collect();
        self.hasher.hash("recovery", &folded)
    }
}

fn internal(error: impl std::fmt::Display) -> Error {
    Error::Internal {
        action: "use the second factor",
        reason: error.to_string(),
    }
}

/// Makes a code of 80 bits, such as `8f3k-2mpa-…`, without letters that look like digits.
fn random_recovery_code() -> Secret {
    const LETTERS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
    let mut code = String::new();
    for (at, byte) in random_bytes::<16>().into_iter().enumerate() {
        if at > 0 && at % 4 == 0 {
            code.push('-');
        }
        code.push(char::from(LETTERS[usize::from(byte % 32)]));
    }
    Secret::new(code)
}
