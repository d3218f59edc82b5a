//! Servers and the overview of the fleet.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Whether a server reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ServerState {
    /// It reports.
    Up,
    /// It said that it is down, or it stopped reporting.
    Down,
    /// Nothing was heard of it yet.
    Unknown,
}

/// A server and its newest measurements.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ServerSummary {
    /// The server's name.
    pub name: String,
    /// Where it runs: `local`, `aws`, `azure`, `gcp`, …
    pub provider: String,
    /// The account it belongs to.
    pub account: Option<String>,
    /// The region it runs in.
    pub region: Option<String>,
    /// Whether it reports.
    pub state: ServerState,
    /// CPU in use, 0 to 1.
    pub cpu_ratio: Option<f64>,
    /// Memory in use, 0 to 1.
    pub memory_ratio: Option<f64>,
    /// The fullest file system, 0 to 1.
    pub disk_ratio: Option<f64>,
    /// Bytes received a second, over all devices.
    pub receive_bytes_per_sec: Option<f64>,
    /// Bytes sent a second, over all devices.
    pub transmit_bytes_per_sec: Option<f64>,
    /// Runnable tasks, averaged over a minute.
    pub load1: Option<f64>,
    /// Seconds since it was started.
    pub uptime_secs: Option<f64>,
    /// When it was last heard of.
    pub last_seen_ms: Option<i64>,
    /// How often its measurements are expected, in seconds.
    pub interval_secs: u64,
    /// Whether it is the machine that Yunhai runs on and measures itself.
    pub is_local: bool,
    /// The server's tags.
    pub tags: BTreeMap<String, String>,
    /// How many of its alerts are firing.
    pub alerts: u32,
}

/// Which servers are asked for.
#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ServerFilter {
    /// Only servers in this state.
    #[param(inline)]
    pub state: Option<ServerState>,
    /// Only servers with this tag: `name=value`.
    pub tag: Option<String>,
    /// Only servers of this provider.
    pub provider: Option<String>,
    /// Only servers of this account.
    pub account: Option<String>,
    /// Only servers in this region.
    pub region: Option<String>,
}

/// A metric that a server has.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct MetricInfo {
    /// The metric's name.
    pub name: String,
    /// `gauge`, `counter`, …
    pub kind: String,
    /// The base unit, such as `bytes`, `seconds`, `ratio`.
    pub unit: String,
    /// What it means.
    pub help: String,
    /// The labels that tell its series of this server apart.
    pub labels: Vec<String>,
}

/// A server with everything known of it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ServerDetail {
    /// The newest measurements.
    #[serde(flatten)]
    pub summary: ServerSummary,
    /// The metrics that it has.
    pub metrics: Vec<MetricInfo>,
    /// What was set for it.
    pub settings: ServerSettings,
}

/// What is set for a server. What is `null` is not set: the configuration says it, or the
/// server's own measurements do.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ServerSettings {
    /// How often its measurements come, in seconds: how often the machine that Yunhai runs on is
    /// measured, and for others when they count as down.
    #[schema(minimum = 1, maximum = 86400)]
    pub interval_secs: Option<u64>,
    /// The account that it belongs to; only for the machine that Yunhai runs on.
    pub account: Option<String>,
    /// The region or site that it stands in; only for the machine that Yunhai runs on.
    pub region: Option<String>,
    /// Its tags; only for the machine that Yunhai runs on.
    pub tags: Option<BTreeMap<String, String>>,
}

/// The state of the fleet.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Overview {
    /// How many servers report.
    pub servers: ServerCounts,
    /// How many alerts there are.
    pub alerts: AlertCounts,
    /// Who uses the most.
    pub top: TopConsumers,
}

/// Servers by state.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct ServerCounts {
    /// All of them.
    pub total: u32,
    /// Those that report.
    pub up: u32,
    /// Those that do not.
    pub down: u32,
    /// Those never heard of.
    pub unknown: u32,
}

/// Alerts by severity and state.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct AlertCounts {
    /// Firing, critical.
    pub critical: u32,
    /// Firing, warning.
    pub warning: u32,
    /// Firing, anything else.
    pub info: u32,
    /// Not yet for long enough.
    pub pending: u32,
    /// Firing, and somebody is on it.
    pub acknowledged: u32,
}

/// Who uses the most.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct TopConsumers {
    /// By CPU in use.
    pub cpu: Vec<Consumer>,
    /// By memory in use.
    pub memory: Vec<Consumer>,
    /// By the fullest file system.
    pub disk: Vec<Consumer>,
}

/// A server and how much it uses.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Consumer {
    /// The server's name.
    pub server: String,
    /// How much it uses, 0 to 1.
    pub value: f64,
}
