//! Silences: people keep firing alerts from being told, for a while.

use serde::{Deserialize, Serialize};
use yunhai_model::{Labels, SilenceId, TimestampMs};

use crate::label_matcher::{LabelMatcher, all_match};

/// A time in which some alerts are not told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Silence {
    /// Its id.
    pub id: SilenceId,
    /// Which alerts.
    pub matchers: Vec<LabelMatcher>,
    /// Why.
    pub comment: String,
    /// Who has set it.
    pub author: String,
    /// From when.
    pub starts_at_ms: TimestampMs,
    /// Until when.
    pub ends_at_ms: TimestampMs,
    /// When it was set.
    pub created_at_ms: TimestampMs,
    /// Who has changed it last, and when.
    #[serde(default)]
    pub changed: Option<SilenceChange>,
}

/// Who has changed a silence, and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SilenceChange {
    /// The user's name.
    pub user: String,
    /// When.
    pub at_ms: TimestampMs,
}

/// Where a silence stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SilenceState {
    /// It has not begun.
    Pending,
    /// It holds.
    Active,
    /// It is over.
    Expired,
}

impl SilenceState {
    /// The state as it is shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Active => "active",
            Self::Expired => "expired",
        }
    }
}

/// Which silences are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SilenceFilter {
    /// In one of these states; none for any.
    pub states: Vec<SilenceState>,
    /// Set by this user.
    pub author: Option<String>,
}

impl Silence {
    /// Where the silence stands at a moment.
    pub fn state(&self, now_ms: TimestampMs) -> SilenceState {
        if self.ends_at_ms <= now_ms {
            SilenceState::Expired
        } else if self.starts_at_ms > now_ms {
            SilenceState::Pending
        } else {
            SilenceState::Active
        }
    }

    /// Tells whether the silence keeps an alert from being told.
    pub fn applies(&self, labels: &Labels, now_ms: TimestampMs) -> bool {
        self.state(now_ms) == SilenceState::Active && all_match(&self.matchers, labels)
    }
}

/// What a new silence is made of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewSilence {
    /// Which alerts; at least one matcher that does not match everything.
    pub matchers: Vec<LabelMatcher>,
    /// Why.
    pub comment: String,
    /// From when; `None` for now.
    #[serde(default)]
    pub starts_at_ms: Option<TimestampMs>,
    /// Until when.
    pub ends_at_ms: TimestampMs,
}

impl NewSilence {
    pub(crate) fn faults(&self, now_ms: TimestampMs) -> Vec<String> {
        let mut faults = matcher_faults("matchers", &self.matchers);
        let starts_at_ms = self.starts_at_ms.unwrap_or(now_ms);
        if self.ends_at_ms <= starts_at_ms.max(now_ms) {
            faults.push("ends_at_ms: it must lie in the future and after the start".to_owned());
        }
        if self.comment.trim().is_empty() {
            faults.push("comment: say why, for those who wonder".to_owned());
        }
        faults
    }
}

/// Matchers that take everything are a mistake where they hold alerts back, as in Alertmanager.
pub(crate) fn matcher_faults(field: &str, matchers: &[LabelMatcher]) -> Vec<String> {
    if matchers.is_empty() {
        return vec![format!("{field}: name at least one")];
    }
    if all_match(matchers, &Labels::default()) {
        return vec![format!(
            "{field}: at least one must not match the empty text"
        )];
    }
    Vec::new()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_silence_applies_in_its_time_only() {
        let silence = Silence {
            id: SilenceId::new(),
            matchers: vec!["server=web-1".parse().unwrap()],
            comment: "x".into(),
            author: "a".into(),
            starts_at_ms: 10,
            ends_at_ms: 20,
            created_at_ms: 0,
            changed: None,
        };
        let labels = Labels::new([("server", "web-1")]);
        assert_eq!(
            [9, 10, 19, 20].map(|now| silence.applies(&labels, now)),
            [false, true, true, false]
        );
        assert!(!silence.applies(&Labels::default(), 15));
    }

    #[test]
    fn every_fault_of_a_silence_is_named() {
        let silence = NewSilence {
            matchers: vec!["a=~\".*\"".parse().unwrap()],
            comment: String::new(),
            starts_at_ms: None,
            ends_at_ms: 5,
        };
        assert_eq!(silence.faults(10).len(), 3);
    }
}
