//! An account as people set it, and how it fares.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use yunhai_cloud::{AccountCheck, Missing, Provider, Usage};
use yunhai_model::{CloudAccountId, Secret, TimestampMs};

use crate::budget::Budget;

/// How often an account can be asked, in seconds.
pub(crate) const INTERVAL_SECS: std::ops::RangeInclusive<u64> = 60..=86_400;

const MAX_NAME: usize = 63;

/// What people set, without the credentials.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountSettings {
    /// The name; it is the label `account` of what is measured.
    pub name: String,
    /// Whose cloud it is.
    pub provider: Provider,
    /// How often it is asked, in seconds.
    pub interval_secs: u64,
    /// What the questions may cost in a month, in millionths of a US dollar; no limit if absent.
    pub monthly_budget_micro_usd: Option<u64>,
    /// Whether it is left alone.
    pub is_paused: bool,
}

/// An account to be kept.
#[derive(Clone, Debug)]
pub struct NewAccount {
    /// What people set.
    pub settings: AccountSettings,
    /// Credentials, regions and endpoint as the provider's crate reads them (JSON). Where it is
    /// absent, a change keeps what was there; where a secret within it is `null`, that secret.
    pub access: Option<Secret>,
}

/// What came of the last round of questions.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoundReport {
    /// When it began.
    pub at_ms: TimestampMs,
    /// How long it took.
    pub took_ms: i64,
    /// How many servers were found.
    pub servers: u64,
    /// How many samples were stored.
    pub samples: u64,
    /// What could not be had, each once.
    pub missing: Vec<Missing>,
    /// What it took.
    pub usage: Usage,
    /// Whether metrics were left out, as they would have cost more than the month's budget.
    pub is_over_budget: bool,
    /// Whether nothing could be had at all, not even which servers there are.
    pub is_failed: bool,
}

/// An account and how it fares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountView {
    /// Its id.
    pub id: CloudAccountId,
    /// What people set.
    pub settings: AccountSettings,
    /// Credentials, regions and endpoint, with `null` for each secret.
    pub access: Value,
    /// What it turned out to be when its credentials were tried.
    pub check: Option<AccountCheck>,
    /// The last round.
    pub last_round: Option<RoundReport>,
    /// What was spent this month.
    pub budget: Budget,
    /// When it was made.
    pub created_at_ms: TimestampMs,
    /// When people changed it last; no two versions have the same.
    pub updated_at_ms: TimestampMs,
}

impl AccountSettings {
    /// Tells everything that is wrong, `field: what`.
    pub(crate) fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let is_word = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | ' ');
        if self.name.trim() != self.name
            || self.name.is_empty()
            || self.name.chars().count() > MAX_NAME
            || !self.name.chars().all(is_word)
        {
            faults.push("name: 1 to 63 letters, digits, blanks, - _ .".to_owned());
        }
        if !INTERVAL_SECS.contains(&self.interval_secs) {
            faults.push("interval_secs: from a minute (60) to a day (86400)".to_owned());
        }
        faults
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_is_named_with_its_field() {
        let mut settings = AccountSettings {
            name: "生产 AWS".to_owned(),
            provider: Provider::Aws,
            interval_secs: 300,
            monthly_budget_micro_usd: None,
            is_paused: false,
        };
        assert_eq!(settings.faults(), [""; 0]);
        settings.name = "a/b".to_owned();
        settings.interval_secs = 10;
        assert_eq!(settings.faults().len(), 2);
    }
}
