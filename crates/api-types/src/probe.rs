//! Probes: addresses that are asked again and again, and what they answered.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Whether a probe's target answers as it should.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ProbeState {
    /// It does not.
    Down,
    /// It does.
    Up,
    /// It has not been asked since the server started.
    Pending,
    /// It is not asked.
    Paused,
}

/// An HTTP method that a probe may use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum ProbeMethod {
    /// `GET`
    #[default]
    Get,
    /// `HEAD`
    Head,
    /// `POST`
    Post,
    /// `PUT`
    Put,
    /// `OPTIONS`
    Options,
}

/// A probe and how it went last. The values of headers and the body are secrets and never shown.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[allow(clippy::struct_excessive_bools)] // Each is a switch of its own.
pub struct Probe {
    /// The probe's id.
    pub id: String,
    /// The probe's name: the label `probe` of its series.
    pub name: String,
    /// `tcp://host:port`, `tls://host:port`, `http://…` or `https://…`.
    pub target: String,
    /// The target as the label `target` has it: without what stands behind `?`.
    pub target_label: String,
    /// Whether it runs.
    pub enabled: bool,
    /// How often it runs, in seconds.
    pub interval_secs: u64,
    /// How long everything may take, in milliseconds.
    pub timeout_ms: u64,
    /// The HTTP method.
    pub method: ProbeMethod,
    /// HTTP headers to send; their values are `null`, as they are secret.
    pub headers: BTreeMap<String, Option<String>>,
    /// Whether a body is sent.
    pub has_body: bool,
    /// Which HTTP statuses are right, as `200-299,401`.
    pub expected_status: String,
    /// A regular expression that the first MiB of the body must match.
    pub body_match: Option<String>,
    /// Whether to go where the answer redirects to, up to ten times.
    pub follow_redirects: bool,
    /// Whether the certificate must be trusted.
    pub verify_certificate: bool,
    /// A certificate (PEM) to trust besides those of the system.
    pub ca_certificate_pem: Option<String>,
    /// More labels for the series.
    pub labels: BTreeMap<String, String>,
    /// Whether the target answers.
    pub state: ProbeState,
    /// The last run since the server started.
    pub last: Option<ProbeResult>,
    /// When it was made.
    pub created_at_ms: i64,
    /// When it was changed last.
    pub updated_at_ms: i64,
    /// Names this version of what is edited; a change that sends it as `If-Match` is refused where it is
    /// no longer this.
    pub version: String,
}

/// How a probe went once.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ProbeResult {
    /// When it began.
    pub at_ms: i64,
    /// Whether the target answered as it should.
    pub ok: bool,
    /// How long it took, name look-up included, in milliseconds.
    pub duration_ms: f64,
    /// What kind of failure it was: `config`, `name_lookup`, `connection`, `timeout`, `tls`,
    /// `protocol`, `status` or `body`.
    pub reason: Option<String>,
    /// What went wrong, for people.
    pub message: Option<String>,
    /// The HTTP status of the answer, after redirects.
    pub status: Option<u16>,
    /// Whether the body matched, where it was compared.
    pub body_matched: Option<bool>,
    /// When the first certificate of the chain expires.
    pub certificate_expires_ms: Option<i64>,
}

/// Makes or changes a probe. On a change, a header whose value is `null` keeps the value that it
/// has.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProbeRequest {
    /// The probe's name: the label `probe` of its series.
    #[schema(min_length = 1, max_length = 191)]
    pub name: String,
    /// `tcp://host:port`, `tls://host:port`, `http://…` or `https://…`.
    #[schema(max_length = 2048)]
    pub target: String,
    /// Whether it runs.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// How often it runs, in seconds.
    #[serde(default = "default_interval_secs")]
    #[schema(minimum = 1, maximum = 600)]
    pub interval_secs: u64,
    /// How long everything may take, in milliseconds.
    #[serde(default = "default_timeout_ms")]
    #[schema(minimum = 100, maximum = 30000)]
    pub timeout_ms: u64,
    /// The HTTP method.
    #[serde(default)]
    pub method: ProbeMethod,
    /// HTTP headers to send.
    #[serde(default)]
    pub headers: BTreeMap<String, Option<String>>,
    /// The body to send; on a change `null` keeps the one that there is, an empty text sends none.
    pub body: Option<String>,
    /// Which HTTP statuses are right, as `200-299,401`.
    #[serde(default = "default_expected_status")]
    pub expected_status: String,
    /// A regular expression that the first MiB of the body must match.
    pub body_match: Option<String>,
    /// Whether to go where the answer redirects to, up to ten times.
    #[serde(default = "yes")]
    pub follow_redirects: bool,
    /// Whether the certificate must be trusted.
    #[serde(default = "yes")]
    pub verify_certificate: bool,
    /// A certificate (PEM) to trust besides those of the system.
    pub ca_certificate_pem: Option<String>,
    /// More labels for the series.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
}

fn yes() -> bool {
    true
}

fn default_interval_secs() -> u64 {
    60
}

fn default_timeout_ms() -> u64 {
    10_000
}

fn default_expected_status() -> String {
    "200-299".to_owned()
}

impl ProbeRequest {
    /// The usual settings for a target.
    pub fn new(name: impl Into<String>, target: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            target: target.into(),
            enabled: true,
            interval_secs: default_interval_secs(),
            timeout_ms: default_timeout_ms(),
            method: ProbeMethod::Get,
            headers: BTreeMap::new(),
            body: None,
            expected_status: default_expected_status(),
            body_match: None,
            follow_redirects: true,
            verify_certificate: true,
            ca_certificate_pem: None,
            labels: BTreeMap::new(),
        }
    }
}

impl From<Probe> for ProbeRequest {
    /// What leaves the probe as it is.
    fn from(probe: Probe) -> Self {
        Self {
            name: probe.name,
            target: probe.target,
            enabled: probe.enabled,
            interval_secs: probe.interval_secs,
            timeout_ms: probe.timeout_ms,
            method: probe.method,
            headers: probe.headers,
            body: None,
            expected_status: probe.expected_status,
            body_match: probe.body_match,
            follow_redirects: probe.follow_redirects,
            verify_certificate: probe.verify_certificate,
            ca_certificate_pem: probe.ca_certificate_pem,
            labels: probe.labels,
        }
    }
}

/// Tries settings without keeping them.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProbeTestRequest {
    /// The settings.
    pub probe: ProbeRequest,
    /// The probe whose secrets stand in for those that are `null`.
    pub id: Option<String>,
}

/// Which probes are asked for.
#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ProbeFilter {
    /// Only probes in this state.
    #[param(inline)]
    pub state: Option<ProbeState>,
    /// Only probes of this kind: `tcp`, `tls`, `http` or `https`.
    pub scheme: Option<String>,
}
