//! Settings that administrators change while the server runs.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::RegistrationMode;

/// The settings and what the server was started with.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Settings {
    /// How people become users.
    pub registration: RegistrationMode,
    /// How often this machine is measured, in seconds.
    pub collect_interval_secs: u64,
    /// Yunhai's version.
    pub version: String,
    /// The kind of state database: `sqlite`, `postgres` or `mysql`.
    pub database: String,
    /// Where the metric blocks are stored.
    pub series_location: String,
    /// What the series store holds.
    pub series: SeriesStats,
    /// Which server evaluates the rules, and for how long alerting remembers.
    pub alerting: Alerting,
}

/// Which of the servers on this database evaluates the rules, and for how long alerting remembers.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Alerting {
    /// `leader` where this server evaluates and sends, `standby` where another one does, `waiting`
    /// where none does yet.
    pub role: String,
    /// This server's name.
    pub server: String,
    /// The name of the server that evaluates.
    pub leader: Option<String>,
    /// Since when, by that server's clock.
    pub since_ms: Option<i64>,
    /// How many times the task has changed hands.
    pub term: i64,
    /// For how long ended alerts and their timelines are kept, in seconds.
    pub keep_alerts_secs: u64,
    /// For how long notifications that are done with are kept, in seconds.
    pub keep_notifications_secs: u64,
    /// For how long silences and maintenance windows that are over are kept, in seconds.
    pub keep_silences_secs: u64,
}

/// What the series store holds.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct SeriesStats {
    /// Series in memory.
    pub series: u64,
    /// Samples in memory and in blocks.
    pub samples: u64,
    /// Bytes on disk.
    pub bytes: u64,
    /// Blocks.
    pub blocks: u64,
}

/// Changes settings; what is left out stays.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateSettingsRequest {
    /// How people become users.
    pub registration: Option<RegistrationMode>,
    /// How often this machine is measured, in seconds.
    #[schema(minimum = 1, maximum = 86400)]
    pub collect_interval_secs: Option<u64>,
}
