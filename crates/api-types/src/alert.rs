//! Alerts: instances of a rule that hold, or held, for one set of labels.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Where an alert stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AlertState {
    /// The condition holds, not yet for long enough.
    Pending,
    /// The condition has held for long enough.
    Firing,
    /// Firing, and somebody is on it.
    Acknowledged,
    /// The condition holds no more.
    Resolved,
}

/// An alert.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Alert {
    /// The alert's id.
    pub id: String,
    /// The rule's name.
    pub rule: String,
    /// The group that the rule stands in.
    pub group: String,
    /// Where it stands.
    pub state: AlertState,
    /// How bad it is: `critical`, `warning`, `info` or what the rule says.
    pub severity: String,
    /// What the alert is about.
    pub labels: BTreeMap<String, String>,
    /// What the rule says of it.
    pub annotations: BTreeMap<String, String>,
    /// The value at the last evaluation.
    pub value: Option<f64>,
    /// Since when the condition holds.
    pub started_at_ms: i64,
    /// Since when it is firing.
    pub fired_at_ms: Option<i64>,
    /// Since when it is resolved.
    pub resolved_at_ms: Option<i64>,
    /// Who is on it.
    pub acknowledged: Option<Acknowledgement>,
    /// The silences that hold its notifications back.
    pub silenced_by: Vec<String>,
    /// Everything that holds its notifications back, silences among it.
    pub muted_by: Vec<Muting>,
    /// Whether it changes so often that its notifications are held back.
    pub flapping: bool,
}

/// Something that holds the notifications of an alert back.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Muting {
    /// `silence`, `maintenance` or `inhibition`.
    pub kind: String,
    /// The id of the silence or the maintenance window, or of the alert that inhibits this one.
    pub id: String,
}

/// Who is on an alert.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Acknowledgement {
    /// The user's name.
    pub by: String,
    /// Since when.
    pub at_ms: i64,
    /// What they said.
    pub comment: String,
}

/// An alert with what happened to it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct AlertDetail {
    /// The alert.
    #[serde(flatten)]
    pub alert: Alert,
    /// The rule's expression.
    pub expr: Option<String>,
    /// Why it stands where it stands.
    pub why: Option<String>,
    /// What happened to it, oldest first.
    pub timeline: Vec<AlertEvent>,
}

/// Something that happened to an alert.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct AlertEvent {
    /// When.
    pub time_ms: i64,
    /// What: `pending`, `firing`, `acknowledged`, `resolved`, `notified`, …
    pub kind: String,
    /// Who, where it was a person.
    pub actor: Option<String>,
    /// More about it.
    pub detail: String,
}

/// Which events of an alert are asked for.
#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct AlertEventFilter {
    /// Only events of this kind.
    pub kind: Option<String>,
}

/// Says something on an alert.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CommentRequest {
    /// What one wants to say.
    #[schema(min_length = 1, max_length = 4000)]
    pub comment: String,
}

/// Which alerts are asked for.
#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct AlertFilter {
    /// Only alerts in this state; `active` for all but the resolved.
    pub state: Option<String>,
    /// Only alerts of this severity.
    pub severity: Option<String>,
    /// Only alerts of this server.
    pub server: Option<String>,
    /// Only alerts of this rule.
    pub rule: Option<String>,
    /// Only alerts of this group of rules.
    pub group: Option<String>,
    /// Only alerts that began at this time or later.
    pub from_ms: Option<i64>,
    /// Only alerts that began before this time.
    pub until_ms: Option<i64>,
    /// Only alerts that ended after this time, or have not ended.
    pub ended_after_ms: Option<i64>,
}

/// Says that one is on it.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AcknowledgeRequest {
    /// What one wants to say.
    #[serde(default)]
    pub comment: String,
}
