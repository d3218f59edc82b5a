//! What the questions to a provider cost in a month, and when to stop asking.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use yunhai_cloud::Usage;
use yunhai_model::TimestampMs;

/// What was spent on an account in a month, counted in UTC as the providers bill.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Budget {
    /// The month: `2026-11`.
    pub month: String,
    /// How much of what the provider charges for was used.
    pub billed: u64,
    /// How many calls were made.
    pub calls: u64,
    /// What it cost at the list price, in millionths of a US dollar.
    pub spent_micro_usd: u64,
}

impl Budget {
    /// Begins anew when a month is over.
    pub(crate) fn at(self, now_ms: TimestampMs) -> Self {
        let present = month(now_ms);
        if self.month.is_empty() || self.month < present {
            return Self {
                month: present,
                ..Self::default()
            };
        }
        // A clock that was ahead, or is set back over the end of a month: what was spent stays
        // spent, and so nobody spends a budget twice, but in the month that it is.
        Self {
            month: present,
            ..self
        }
    }

    /// Tells whether something may still be asked.
    pub(crate) fn allows(&self, limit_micro_usd: Option<u64>, estimate: Usage) -> bool {
        limit_micro_usd.is_none_or(|limit| self.spent_micro_usd + estimate.cost_micro_usd <= limit)
    }

    /// Counts what was asked.
    pub(crate) fn add(&mut self, usage: Usage) {
        self.billed += usage.billed;
        self.calls += usage.calls;
        self.spent_micro_usd += usage.cost_micro_usd;
    }
}

fn month(now_ms: TimestampMs) -> String {
    let now = Timestamp::from_millisecond(now_ms).unwrap_or(Timestamp::UNIX_EPOCH);
    now.to_zoned(TimeZone::UTC).strftime("%Y-%m").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOVEMBER: i64 = 1_795_392_000_000; // 2026-11-23
    const DAY: i64 = 86_400_000;

    fn usage(cost_micro_usd: u64) -> Usage {
        Usage {
            calls: 1,
            billed: cost_micro_usd / 10,
            cost_micro_usd,
        }
    }

    #[test]
    fn a_budget_ends_before_it_is_overdrawn_and_begins_with_the_month() {
        let mut budget = Budget::default().at(NOVEMBER);
        assert_eq!(budget.month, "2026-11");
        assert!(budget.allows(Some(1000), usage(600)));
        budget.add(usage(600));
        assert!(!budget.allows(Some(1000), usage(600)));
        assert!(budget.allows(None, usage(600)));
        let december = budget.clone().at(NOVEMBER + 10 * DAY);
        assert_eq!(
            (december.month.as_str(), december.spent_micro_usd),
            ("2026-12", 0)
        );
        let mut ahead = december.at(NOVEMBER + 4000 * DAY);
        ahead.add(usage(900));
        let back = ahead.at(NOVEMBER);
        assert_eq!(
            (back.month.as_str(), back.spent_micro_usd),
            ("2026-11", 900)
        );
        assert_eq!(back.at(NOVEMBER + 10 * DAY).spent_micro_usd, 0);
    }
}
