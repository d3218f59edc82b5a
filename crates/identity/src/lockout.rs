//! Slows down guessing: failed attempts are counted by user name and by network address.
//!
//! An attempt counts before its password is looked at, so that many at once gain nothing, and is
//! taken back when it was right. Names that do not exist are counted alike, so that a lock does
//! not tell which ones do.

use sea_orm::sea_query::{Expr, ExprTrait, OnConflict};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter, QuerySelect,
};
use yunhai_model::TimestampMs;

use crate::entity::login_failure;
use crate::user::name_key;
use crate::{Action, AuditEvent, Caller, Error, Identity, Origin, Result, Target, TargetKind};

/// The kind of failures that are counted by user name.
pub(crate) const USER: &str = "user";

const ADDRESS: &str = "address";

/// After this time without a failure the count begins anew.
const FORGET_MS: i64 = 24 * 3600 * 1000;

/// An attempt that has been counted.
#[derive(Debug)]
pub(crate) struct Attempt {
    name_key: String,
    address: Option<String>,
    /// What stays locked should the attempt prove wrong.
    locks: Vec<Target>,
}

impl Identity {
    /// Counts an attempt, or refuses it while name or address are locked.
    pub(crate) async fn begin_attempt(&self, name: &str, origin: &Origin) -> Result<Attempt> {
        let mut attempt = Attempt {
            name_key: name_key(name).chars().take(191).collect(),
            address: origin.address.map(|address| address.to_string()),
            locks: Vec::new(),
        };
        let transaction = self.database.begin().await?;
        let mut locks = Vec::new();
        for (kind, subject, limit) in self.subjects(&attempt) {
            if self.count(&transaction, kind, subject, limit).await? {
                let kind = if kind == USER {
                    TargetKind::User
                } else {
                    TargetKind::Address
                };
                locks.push(Target {
                    kind,
                    id: None,
                    name: subject.to_owned(),
                });
            }
        }
        transaction.commit().await?;
        attempt.locks = locks;
        Ok(attempt)
    }

    /// Leaves the attempt counted and records the locks that it brought about.
    pub(crate) async fn attempt_failed(&self, attempt: Attempt, caller: &Caller) -> Result<()> {
        for target in attempt.locks {
            let action = if target.kind == TargetKind::User {
                Action::UserLocked
            } else {
                Action::AddressLocked
            };
            self.audit()
                .record(caller, AuditEvent::new(action, target))
                .await?;
        }
        Ok(())
    }

    fn subjects<'a>(&self, attempt: &'a Attempt) -> Vec<(&'static str, &'a str, u32)> {
        let mut subjects = vec![(
            USER,
            attempt.name_key.as_str(),
            self.config.lockout_failures,
        )];
        if let Some(address) = &attempt.address {
            subjects.push((ADDRESS, address, self.config.lockout_address_failures));
        }
        subjects
    }

    /// Counts one failure; true when it is the one that locks.
    async fn count(
        &self,
        transaction: &DatabaseTransaction,
        kind: &str,
        subject: &str,
        limit: u32,
    ) -> Result<bool> {
        let now_ms = self.now_ms();
        let first = login_failure::ActiveModel {
            kind: Set(kind.to_owned()),
            subject: Set(subject.to_owned()),
            failures: Set(0),
            last_at_ms: Set(now_ms),
            locked_until_ms: Set(0),
        };
        login_failure::Entity::insert(first)
            .on_conflict(
                OnConflict::columns([login_failure::Column::Kind, login_failure::Column::Subject])
                    .do_nothing_on([login_failure::Column::Kind])
                    .to_owned(),
            )
            .exec_without_returning(transaction)
            .await?;
        let row = login_failure::Entity::find_by_id((kind.to_owned(), subject.to_owned()))
            .lock_exclusive()
            .one(transaction)
            .await?
            .ok_or_else(|| Error::not_found("count of failures for", subject))?;
        if row.locked_until_ms > now_ms {
            return Err(Error::TooManyAttempts {
                retry_at_ms: row.locked_until_ms,
                wait_ms: row.locked_until_ms - now_ms,
            });
        }
        let failures = if now_ms - row.last_at_ms > FORGET_MS {
            1
        } else {
            row.failures + 1
        };
        let over = failures - i64::from(limit);
        let locked_until_ms = if over >= 0 {
            now_ms + self.delay_ms(over)
        } else {
            0
        };
        let change = login_failure::ActiveModel {
            kind: Set(kind.to_owned()),
            subject: Set(subject.to_owned()),
            failures: Set(failures),
            last_at_ms: Set(now_ms),
            locked_until_ms: Set(locked_until_ms),
        };
        login_failure::Entity::update(change)
            .exec(transaction)
            .await?;
        Ok(over >= 0)
    }

    /// The lock doubles with each failure over the limit.
    fn delay_ms(&self, over: i64) -> i64 {
        let delay_ms = self
            .config
            .lockout_delay
            .as_millis()
            .saturating_mul(1 << over.clamp(0, 20));
        Ord::min(delay_ms, self.config.lockout_max_delay.as_millis())
    }

    /// Forgets the failures of the name, since its user has signed in, and takes the attempt back
    /// from the address.
    pub(crate) async fn attempt_succeeded(
        &self,
        transaction: &DatabaseTransaction,
        attempt: &Attempt,
    ) -> Result<()> {
        login_failure::Entity::delete_by_id((USER.to_owned(), attempt.name_key.clone()))
            .exec(transaction)
            .await?;
        if let Some(address) = &attempt.address {
            take_back(
                transaction,
                ADDRESS,
                address,
                self.config.lockout_address_failures,
            )
            .await?;
        }
        Ok(())
    }

    /// Takes an attempt back that was neither right nor wrong yet: only the second factor is
    /// missing.
    pub(crate) async fn attempt_unfinished(&self, attempt: &Attempt) -> Result<()> {
        let transaction = self.database.begin().await?;
        for (kind, subject, limit) in self.subjects(attempt) {
            take_back(&transaction, kind, subject, limit).await?;
        }
        Ok(transaction.commit().await?)
    }

    /// Deletes counts that are of no more use. The server calls it now and then.
    pub(crate) async fn forget_failures(&self, now_ms: TimestampMs) -> Result<u64> {
        let deleted = login_failure::Entity::delete_many()
            .filter(login_failure::Column::LastAtMs.lt(now_ms - FORGET_MS))
            .filter(login_failure::Column::LockedUntilMs.lt(now_ms))
            .exec(self.database.connection())
            .await?;
        Ok(deleted.rows_affected)
    }
}

async fn take_back(
    transaction: &DatabaseTransaction,
    kind: &str,
    subject: &str,
    limit: u32,
) -> Result<()> {
    use login_failure::Column as C;
    let only = |update: sea_orm::UpdateMany<login_failure::Entity>| {
        update
            .filter(C::Kind.eq(kind))
            .filter(C::Subject.eq(subject))
    };
    only(login_failure::Entity::update_many())
        .col_expr(C::Failures, Expr::col(C::Failures).sub(1))
        .filter(C::Failures.gt(0))
        .exec(transaction)
        .await?;
    only(login_failure::Entity::update_many())
        .col_expr(C::LockedUntilMs, Expr::value(0_i64))
        .filter(C::Failures.lt(i64::from(limit)))
        .exec(transaction)
        .await?;
    Ok(())
}
