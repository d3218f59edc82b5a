//! An alert as it is stored: what names it, what it says, and where its life stands.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use yunhai_model::{AlertId, Labels};

use crate::dispatch::Muting;
use crate::notification::{AlertStatus, NotifiedAlert};
use crate::rule_file::SEVERITY;
use crate::state_machine::{AlertState, Instance};

/// The label with the alert's name.
pub const ALERT_NAME: &str = "alertname";

/// The rule that an alert comes from.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RuleKey {
    /// The name under which the rule file is stored.
    pub file: String,
    /// The group in the file.
    pub group: String,
    /// The rule's id in the group, as [`crate::RuleGroup::identified`] gives it.
    pub rule: String,
}

/// What raises an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlertKind {
    /// The rule's expression.
    Expression,
    /// A series that no longer comes.
    NoData,
}

/// One alert: an episode of one rule for one set of labels.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Alert {
    /// Its id.
    pub id: AlertId,
    /// The rule that it comes from.
    pub rule: RuleKey,
    /// What raises it.
    pub kind: AlertKind,
    /// A digest of rule and labels: the same for every episode.
    pub fingerprint: String,
    /// Its labels, `alertname` among them.
    pub labels: Labels,
    /// Its texts.
    pub annotations: BTreeMap<String, String>,
    /// Where its life stands.
    #[serde(flatten)]
    pub instance: Instance,
    /// The labels of the measured series, by which the next evaluation finds it again.
    pub series: Labels,
    /// What keeps it from being told, as of the last look.
    #[serde(default)]
    pub muted_by: Vec<Muting>,
    /// Counts the changes of the row, so that nobody writes over a change that they have not seen.
    #[serde(skip)]
    pub version: i64,
}

impl Alert {
    /// The alert's name.
    pub fn name(&self) -> &str {
        self.labels.get(ALERT_NAME).unwrap_or_default()
    }

    /// The alert's severity; empty where the rule sets none.
    pub fn severity(&self) -> &str {
        self.labels.get(SEVERITY).unwrap_or_default()
    }

    /// Whether people are told that it fires. While an alert flaps it counts as firing
    /// throughout, so that they are not told of every change.
    pub(crate) fn told_status(&self) -> AlertStatus {
        let is_held =
            self.instance.flapping_since_ms.is_some() && self.instance.fired_at_ms.is_some();
        if self.instance.state.is_raised()
            || (is_held && self.instance.state == AlertState::Resolved)
        {
            AlertStatus::Firing
        } else {
            AlertStatus::Resolved
        }
    }

    pub(crate) fn to_notified(&self, external_url: &str) -> NotifiedAlert {
        let status = self.told_status();
        let mut annotations = self.annotations.clone();
        if self.instance.flapping_since_ms.is_some() {
            let text = format!(
                "changed {} times lately; further changes are held until it calms down",
                self.instance.changes_ms.len()
            );
            annotations.insert("flapping".to_owned(), text);
        }
        if let Some(acknowledgement) = &self.instance.acknowledgement {
            annotations.insert("acknowledged_by".to_owned(), acknowledgement.user.clone());
        }
        NotifiedAlert {
            fingerprint: self.fingerprint.clone(),
            status,
            labels: self.labels.clone(),
            annotations,
            starts_at_ms: self
                .instance
                .fired_at_ms
                .unwrap_or(self.instance.active_since_ms),
            ends_at_ms: self
                .instance
                .ended_at_ms
                .filter(|_| status == AlertStatus::Resolved),
            generator_url: format!("{external_url}/alerts/{}", self.id),
            value: Some(self.instance.value).filter(|value| value.is_finite()),
        }
    }
}

/// The fingerprint of an alert: 32 hexadecimal digits over rule, kind and labels.
pub(crate) fn fingerprint(rule: &RuleKey, kind: AlertKind, labels: &Labels) -> String {
    let mut text = format!("{}\0{}\0{}\0{kind:?}", rule.file, rule.group, rule.rule);
    for (name, value) in labels.iter() {
        write!(text, "\0{name}\0{value}").expect("writing to a text does not fail");
    }
    digest(&text)
}

/// 32 hexadecimal digits of SHA-256.
pub(crate) fn digest(text: &str) -> String {
    hex::encode(&Sha256::digest(text.as_bytes())[..16])
}
