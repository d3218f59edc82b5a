//! Notes how the evaluation of rules goes, and tells of it in the log where that changes.

use std::sync::PoisonError;

use super::{Monitor, RuleStatus};
use crate::alert::RuleKey;
use crate::rule_file::{Rule, RuleGroup};

impl Monitor {
    /// Keeps the status of a rule for those who ask. A failure is told when it changes only: a rule
    /// that is evaluated every second would fill the log.
    pub(super) fn note_status(
        &self,
        key: RuleKey,
        group: &RuleGroup,
        rule: &Rule,
        status: RuleStatus,
    ) {
        let file = key.file.clone();
        let error = status.error.clone();
        let before = self
            .0
            .status
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(key, status)
            .and_then(|before| before.error);
        let (group, rule) = (group.name.as_str(), rule.name());
        match (before, error) {
            (Some(before), Some(error)) if differ_in_numbers_only(&before, &error) => {}
            (_, Some(error)) => {
                tracing::warn!(file, group, rule, error, "a rule could not be evaluated");
            }
            (Some(_), None) => {
                tracing::info!(file, group, rule, "a rule can be evaluated again");
            }
            (None, None) => {}
        }
    }
}

/// Tells whether texts are the same but for numbers, such as times.
fn differ_in_numbers_only(one: &str, other: &str) -> bool {
    let words = |text: &'_ str| -> String {
        let is_word = |char: &char| !char.is_ascii_digit();
        text.chars().filter(is_word).collect()
    };
    words(one) == words(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_that_tells_another_time_is_the_same_failure() {
        let first = "older than 2026-11-23T03:17:52Z";
        assert!(differ_in_numbers_only(
            first,
            "older than 2026-11-24T00:00:01Z"
        ));
        assert!(!differ_in_numbers_only(
            first,
            "newer than 2026-11-23T03:17:52Z"
        ));
    }
}
