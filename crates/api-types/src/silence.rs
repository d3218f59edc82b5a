//! Silences, maintenance windows and inhibitions: when alerts do not notify.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::LabelMatcher;

/// A silence.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Silence {
    /// The silence's id.
    pub id: String,
    /// What alerts must match.
    pub matchers: Vec<LabelMatcher>,
    /// From when.
    pub starts_at_ms: i64,
    /// Until when.
    pub ends_at_ms: i64,
    /// Who made it.
    pub created_by: String,
    /// When it was made.
    pub created_at_ms: i64,
    /// Why.
    pub comment: String,
    /// Who changed it last.
    pub changed_by: Option<String>,
    /// When it was last changed.
    pub changed_at_ms: Option<i64>,
    /// `pending`, `active` or `expired`.
    pub state: String,
    /// Names this version of what is edited; a change that sends it as `If-Match` is refused where it is
    /// no longer this.
    pub version: String,
}

/// Which silences are asked for.
#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct SilenceFilter {
    /// Only silences in this state: `pending`, `active` or `expired`; `current` for both of the
    /// first.
    pub state: Option<String>,
    /// Only silences that this user made.
    pub created_by: Option<String>,
}

/// Asks which alerts a silence would hold back.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SilencePreviewRequest {
    /// What alerts must match.
    pub matchers: Vec<LabelMatcher>,
}

/// Makes a silence, or changes one.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateSilenceRequest {
    /// What alerts must match; at least one that does not match everything.
    pub matchers: Vec<LabelMatcher>,
    /// From when; unset: now, and on a change: as before.
    #[serde(default)]
    pub starts_at_ms: Option<i64>,
    /// Until when.
    pub ends_at_ms: i64,
    /// Why.
    pub comment: String,
}

/// A recurring time in which alerts do not notify.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct MaintenanceWindow {
    /// The window's id.
    pub id: String,
    /// What makes it up.
    #[serde(flatten)]
    pub spec: MaintenanceWindowSpec,
    /// Who made it.
    pub created_by: String,
    /// Whether it is open now.
    pub active: bool,
    /// When it opens next.
    pub next_start_ms: Option<i64>,
    /// Names this version of what is edited; a change that sends it as `If-Match` is refused where it is
    /// no longer this.
    pub version: String,
}

/// What makes up a maintenance window.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct MaintenanceWindowSpec {
    /// What it is for.
    pub name: String,
    /// When it opens, as a cron expression.
    pub cron: String,
    /// For how long, in seconds.
    #[schema(minimum = 60)]
    pub duration_secs: u64,
    /// The time zone of the cron expression, such as `Asia/Shanghai`.
    pub time_zone: String,
    /// What alerts must match; none: all.
    #[serde(default)]
    pub matchers: Vec<LabelMatcher>,
    /// Why.
    #[serde(default)]
    pub comment: String,
    /// Whether it is in force.
    #[serde(default = "enabled")]
    pub enabled: bool,
    /// When it stops coming back; unset: never. What is open then is cut short.
    #[serde(default)]
    pub ends_at_ms: Option<i64>,
}

fn enabled() -> bool {
    true
}

/// Which maintenance windows are asked for.
#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct MaintenanceWindowFilter {
    /// Only windows that are open now, or only those that are not.
    pub active: Option<bool>,
    /// Only windows that are in force, or only those that are switched off.
    pub enabled: Option<bool>,
}

/// Alerts that hold others back while they fire.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Inhibition {
    /// The inhibition's id.
    pub id: String,
    /// What makes it up.
    #[serde(flatten)]
    pub spec: InhibitionSpec,
    /// Who made it.
    pub created_by: String,
    /// When it was made.
    pub created_at_ms: i64,
    /// How many firing alerts match its source now.
    pub sources: u32,
    /// How many firing alerts it holds back now.
    pub held: u32,
    /// Names this version of what is edited; a change that sends it as `If-Match` is refused where it is
    /// no longer this.
    pub version: String,
}

/// What makes up an inhibition.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct InhibitionSpec {
    /// What it is for.
    pub name: String,
    /// What the alerts that hold others back match.
    pub source: Vec<LabelMatcher>,
    /// What the alerts that are held back match.
    pub target: Vec<LabelMatcher>,
    /// The labels that must have the same value in both.
    #[serde(default)]
    pub equal: Vec<String>,
    /// Whether it is in force.
    #[serde(default = "enabled")]
    pub enabled: bool,
}

/// Which inhibitions are asked for.
#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct InhibitionFilter {
    /// Only inhibitions that are in force, or only those that are switched off.
    pub enabled: Option<bool>,
}
