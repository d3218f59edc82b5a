//! Silences and maintenance windows: times in which alerts do not notify.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

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
    /// `pending`, `active` or `expired`.
    pub state: String,
}

/// Makes a silence.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct CreateSilenceRequest {
    /// What alerts must match; at least one that does not match everything.
    pub matchers: Vec<LabelMatcher>,
    /// From when; unset: now.
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
}
