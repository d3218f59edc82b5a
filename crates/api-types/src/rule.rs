//! Alert rules: groups in the form of Prometheus's rule files.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::Fault;

/// A group of rules.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct RuleGroup {
    /// The name under which the group is stored: its own, or `file/group` where another file has a
    /// group of its name.
    pub name: String,
    /// The file that it came from, where it was applied from one.
    pub file: Option<String>,
    /// How often it is evaluated, in seconds.
    pub interval_secs: f64,
    /// The group as a Prometheus rule file.
    pub source: String,
    /// When it was last changed.
    pub updated_at_ms: i64,
    /// How many evaluations were left out since the start, as the one before was not done in time.
    pub skipped: u64,
    /// Its rules and how they stand.
    pub rules: Vec<RuleStatus>,
}

/// A rule and how it stands.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct RuleStatus {
    /// The rule's id in its group: the name, and `name#2`, `name#3` … where a name comes again.
    pub id: String,
    /// The rule's name.
    pub name: String,
    /// `alerting` or `recording`.
    pub kind: String,
    /// The expression.
    pub expr: String,
    /// For how long it must hold, in seconds.
    pub for_secs: f64,
    /// How bad it is.
    pub severity: Option<String>,
    /// `ok`, `err` or `unknown`.
    pub health: String,
    /// Why it could not be evaluated.
    pub last_error: Option<String>,
    /// When it was last evaluated.
    pub last_evaluation_ms: Option<i64>,
    /// How long that took.
    pub duration_ms: Option<f64>,
    /// How many alerts of it are pending.
    pub pending: u32,
    /// How many alerts of it are firing.
    pub firing: u32,
    /// The form that made it, where a form did.
    pub form: Option<RuleForm>,
}

/// Which groups are asked for: those with a rule that fits, with all their rules.
#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct RuleFilter {
    /// `alerting` or `recording`.
    pub kind: Option<String>,
    /// The severity that the rule gives.
    pub severity: Option<String>,
    /// `ok`, `err` or `unknown`.
    pub health: Option<String>,
    /// `firing`, `pending` or `inactive`.
    pub state: Option<String>,
}

/// Which series of a rule are asked for.
#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct RuleReasonFilter {
    /// `inactive`, `pending`, `firing` or `acknowledged`.
    pub state: Option<String>,
}

/// A rule file, as YAML.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RuleSource {
    /// The text.
    pub source: String,
    /// The name of the file that it comes from. Names of groups are unique in a file only.
    #[serde(default)]
    pub file: Option<String>,
}

/// What is wrong with a rule file.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct RuleCheck {
    /// The faults, with line and column; none where the file is good.
    pub faults: Vec<Fault>,
    /// The names of the groups in it.
    pub groups: Vec<String>,
}

/// A threshold rule as a form.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RuleForm {
    /// The rule's name.
    pub name: String,
    /// The metric.
    pub metric: String,
    /// `>`, `>=`, `<`, `<=`, `==` or `!=`.
    pub comparison: String,
    /// What the metric is compared with.
    pub threshold: f64,
    /// Below (or above) what it counts as recovered.
    #[serde(default)]
    pub recovery_threshold: Option<f64>,
    /// For how long it must hold, in seconds.
    #[serde(default)]
    pub for_secs: u64,
    /// For how long it still fires after the comparison held last, in seconds.
    #[serde(default)]
    pub keep_firing_for_secs: u64,
    /// What it means when a series no longer comes: `ok` (the default), `keep` or `alert`.
    #[serde(default)]
    pub no_data: Option<String>,
    /// For how long data must be missing before that is an alert, in seconds; unset: 10 minutes.
    #[serde(default)]
    pub no_data_for_secs: Option<u64>,
    /// How bad it is.
    pub severity: String,
    /// Which servers, by label: `server`, `provider`, `tag_…`.
    #[serde(default)]
    pub matchers: Vec<LabelMatcher>,
    /// A summary for people.
    #[serde(default)]
    pub summary: Option<String>,
    /// More for people.
    #[serde(default)]
    pub description: Option<String>,
    /// Where the way to mend it is written down.
    #[serde(default)]
    pub runbook_url: Option<String>,
    /// Whether it is evaluated.
    #[serde(default = "enabled")]
    pub enabled: bool,
}

fn enabled() -> bool {
    true
}

/// The rule that a form makes.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct FormRule {
    /// The expression.
    pub expr: String,
    /// The rule as a Prometheus rule file.
    pub source: String,
}

/// A condition on a label.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LabelMatcher {
    /// The label's name.
    pub name: String,
    /// `=`, `!=`, `=~` or `!~`.
    pub op: String,
    /// The value or the regular expression.
    pub value: String,
}

/// Tries a rule on stored data.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BacktestRequest {
    /// The expression.
    pub expr: String,
    /// For how long it must hold, in seconds.
    #[serde(default)]
    pub for_secs: u64,
    /// From when.
    pub from_ms: i64,
    /// Until when.
    pub to_ms: i64,
}

/// When a rule would have been pending or firing.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Backtest {
    /// The intervals, oldest first.
    pub intervals: Vec<BacktestInterval>,
}

/// One stretch of time in which a rule would have been pending or firing.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct BacktestInterval {
    /// For which labels.
    pub labels: BTreeMap<String, String>,
    /// From when.
    pub from_ms: i64,
    /// Until when.
    pub to_ms: i64,
    /// `pending` or `firing`.
    pub state: String,
}

/// Why a rule does or does not fire for one series.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct RuleReason {
    /// The series.
    pub labels: BTreeMap<String, String>,
    /// Its value at the last evaluation.
    pub value: Option<f64>,
    /// `inactive`, `pending`, `firing`, …
    pub state: String,
    /// The reason, for people.
    pub reason: String,
}
