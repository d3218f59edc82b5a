//! Inhibitions: alerts that hold others back while they fire, such as those of a server that is down.

use serde::{Deserialize, Serialize};
use yunhai_model::{InhibitionId, Labels, TimestampMs, is_valid_label_name};

use crate::label_matcher::{LabelMatcher, all_match};
use crate::silence::matcher_faults;

/// A rule by which alerts hold others back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Inhibition {
    /// Its id.
    pub id: InhibitionId,
    /// What it consists of.
    #[serde(flatten)]
    pub settings: InhibitionSettings,
    /// Who has made it.
    pub author: String,
    /// When it was made.
    pub created_at_ms: TimestampMs,
}

/// What an inhibition consists of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InhibitionSettings {
    /// What it is for.
    pub name: String,
    /// Which alerts hold back.
    pub source: Vec<LabelMatcher>,
    /// Which alerts are held back.
    pub target: Vec<LabelMatcher>,
    /// The labels that must have the same value in both.
    #[serde(default)]
    pub equal: Vec<String>,
    /// Whether it is in force.
    pub is_enabled: bool,
}

impl InhibitionSettings {
    /// Tells whether an alert with the labels holds others back while it fires.
    pub fn is_source(&self, labels: &Labels) -> bool {
        self.is_enabled && all_match(&self.source, labels)
    }

    /// Tells whether alerts with the labels are held back.
    pub fn is_target(&self, labels: &Labels) -> bool {
        all_match(&self.target, labels)
    }

    /// Tells whether `source` holds `target` back. An alert that is on both sides does not hold its
    /// like back.
    pub fn applies(&self, source: &Labels, target: &Labels) -> bool {
        self.is_source(source)
            && self.is_target(target)
            && !self.is_target(source)
            && self.equal_labels(source) == self.equal_labels(target)
    }

    /// Returns the values of the labels that must be equal in a source and its targets.
    pub fn equal_labels<'a>(&self, labels: &'a Labels) -> Vec<Option<&'a str>> {
        self.equal.iter().map(|name| labels.get(name)).collect()
    }

    pub(crate) fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        if self.name.trim().is_empty() {
            faults.push("name: the inhibition needs a name".to_owned());
        }
        faults.extend(matcher_faults("source", &self.source));
        faults.extend(matcher_faults("target", &self.target));
        for name in &self.equal {
            if !is_valid_label_name(name) {
                faults.push(format!("equal: `{name}` is not a label name"));
            }
        }
        faults
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_inhibition_needs_equal_labels_and_spares_its_like() {
        let inhibition = InhibitionSettings {
            name: "critical over warning".into(),
            source: vec!["severity=critical".parse().unwrap()],
            target: vec!["severity=~\"warning|critical\"".parse().unwrap()],
            equal: vec!["server".into()],
            is_enabled: true,
        };
        let alert = |severity, server| Labels::new([("severity", severity), ("server", server)]);
        assert!(!inhibition.applies(&alert("critical", "a"), &alert("warning", "a")));
        let mut inhibition = InhibitionSettings {
            target: vec!["severity=warning".parse().unwrap()],
            ..inhibition
        };
        assert!(inhibition.applies(&alert("critical", "a"), &alert("warning", "a")));
        assert!(!inhibition.applies(&alert("critical", "a"), &alert("warning", "b")));
        inhibition.is_enabled = false;
        assert!(!inhibition.applies(&alert("critical", "a"), &alert("warning", "a")));
    }

    #[test]
    fn an_inhibition_of_everything_is_refused() {
        let inhibition = InhibitionSettings {
            name: String::new(),
            source: Vec::new(),
            target: vec!["severity=~\".*\"".parse().unwrap()],
            equal: vec!["not a label".into()],
            is_enabled: true,
        };
        let faults = inhibition.faults().join("\n");
        for field in ["name:", "source:", "target:", "equal:"] {
            assert!(faults.contains(field), "{field} {faults}");
        }
    }
}
