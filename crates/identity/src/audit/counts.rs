//! Counts what the audit log has recorded of attempts to get in and to do what is not allowed, and
//! reads there what it was last found to be.

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect};

use super::log::head;
use super::{Action, AuditLog, Outcome};
use crate::Result;
use crate::entity::audit_entry;

/// How many entries are looked at in one query, so that none takes long.
const SPAN: i64 = 100_000;

/// How often the whole log records what may be an attack. All servers on a database count the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SecurityCounts {
    /// Wrong passwords and codes, at the sign-in page and where they are asked for again.
    pub sign_in_failures: u64,
    /// Locks of user names and of addresses.
    pub lockouts: u64,
    /// Requests that were refused for want of a permission.
    pub permission_denials: u64,
    /// The newest entry on a verification, and whether that found the log whole.
    verified: Option<(i64, bool)>,
    /// The last entry that was counted.
    counted_until: i64,
}

impl AuditLog {
    /// Counts the entries that have come since `before` was counted.
    pub async fn count_security_events(&self, before: SecurityCounts) -> Result<SecurityCounts> {
        use audit_entry::Column as C;
        let connection = self.0.database.connection();
        // Entries are written one after the other, so that none comes later before this one.
        let Some(end) = head(connection).await? else {
            return Ok(before);
        };
        // Where a copy of the state was put back, what was counted is not there any more.
        let mut counts = if end.sequence < before.counted_until {
            SecurityCounts::default()
        } else {
            before
        };
        while counts.counted_until < end.sequence {
            let until = end.sequence.min(counts.counted_until + SPAN);
            // Not limited to actions: SQLite would then read all entries of those, from the first on.
            let found: Vec<(String, String, i64, i64)> = audit_entry::Entity::find()
                .select_only()
                .column(C::Action)
                .column(C::Outcome)
                .column_as(C::Sequence.count(), "number")
                .column_as(C::Sequence.max(), "newest")
                .filter(C::Sequence.gt(counts.counted_until))
                .filter(C::Sequence.lte(until))
                .group_by(C::Action)
                .group_by(C::Outcome)
                .into_tuple()
                .all(connection)
                .await?;
            for (action, outcome, number, newest) in found {
                counts.add(&action, &outcome, number.unsigned_abs(), newest);
            }
            counts.counted_until = until;
        }
        Ok(counts)
    }
}

impl SecurityCounts {
    /// Tells whether the newest verification found the log whole, where it has come since `before`
    /// was counted: this server's, another one's, or that of a command beside them.
    pub fn verified_since(&self, before: &Self) -> Option<bool> {
        self.verified
            .filter(|_| self.verified != before.verified)
            .map(|(_, is_whole)| is_whole)
    }

    fn add(&mut self, action: &str, outcome: &str, number: u64, newest: i64) {
        let is_failure = outcome == Outcome::Failure.as_str();
        match action.parse() {
            Ok(Action::LoginFailed) => self.sign_in_failures += number,
            Ok(Action::Reauthenticated) if is_failure => self.sign_in_failures += number,
            Ok(Action::UserLocked | Action::AddressLocked) => self.lockouts += number,
            Ok(Action::AccessDenied) => self.permission_denials += number,
            Ok(Action::AuditVerified) => {
                self.verified = self.verified.max(Some((newest, !is_failure)));
            }
            _ => {}
        }
    }
}
