//! Probes: whether another machine answers as it should, how fast, and how long its certificate
//! is still good.
//!
//! A probe is one connection to a `tcp://`, `tls://`, `http://` or `https://` address. Its outcome
//! is a set of series in which failure is a value, not an error.

mod certificate;
mod config;
mod http;
mod tcp;

use std::time::{Duration, Instant};

use yunhai_model::{TimeSeries, TimestampMs};

use crate::recorder::Recorder;
use certificate::{SeenCertificates, TrustedRoots};
pub use config::{HttpMethod, InvalidProbe, ProbeConfig, StatusRanges, target_label};

/// Why a target did not answer as it should.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureReason {
    /// The settings cannot work.
    Config,
    /// The name has no address.
    NameLookup,
    /// Nobody takes the connection.
    Connection,
    /// It took too long.
    Timeout,
    /// TLS failed; mostly the certificate is not trusted.
    Tls,
    /// The answer is no HTTP, or broke off.
    Protocol,
    /// The HTTP status is another than expected.
    Status,
    /// The body does not match the pattern.
    Body,
}

impl FailureReason {
    /// Returns the word that the label `reason` has for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Config => "config",
            Self::NameLookup => "name_lookup",
            Self::Connection => "connection",
            Self::Timeout => "timeout",
            Self::Tls => "tls",
            Self::Protocol => "protocol",
            Self::Status => "status",
            Self::Body => "body",
        }
    }
}

/// A target that did not answer as it should.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ProbeFailure {
    /// The kind of failure.
    pub reason: FailureReason,
    /// What happened, for people; without secrets.
    pub message: String,
}

impl ProbeFailure {
    fn new(reason: FailureReason, message: impl Into<String>) -> Self {
        Self {
            reason,
            message: message.into(),
        }
    }
}

/// What a probe found.
#[derive(Clone, Debug)]
pub struct ProbeReport {
    /// One sample per series.
    pub series: Vec<TimeSeries>,
    /// How long the whole probe took, name look-up included.
    pub duration: Duration,
    /// The HTTP status of the answer, after redirects.
    pub status: Option<u16>,
    /// Whether the body matched, where it was compared.
    pub body_matched: Option<bool>,
    /// When the first certificate of the chain expires, in seconds since the Unix epoch.
    pub certificate_expiry_secs: Option<i64>,
    /// Why the target failed, if it did.
    pub failure: Option<ProbeFailure>,
}

/// What was seen on the way to success or failure.
#[derive(Debug, Default)]
struct Observed {
    status: Option<u16>,
    body_matched: Option<bool>,
}

/// Asks targets. It holds the certificates that this machine trusts.
#[derive(Debug, Default)]
pub struct Prober {
    roots: TrustedRoots,
}

impl Prober {
    /// Makes a prober; the trusted certificates are read when the first probe needs them.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks one target; the samples carry `now_ms`. Never fails: what goes wrong is the result.
    pub async fn probe(&self, config: &ProbeConfig, now_ms: TimestampMs) -> ProbeReport {
        let certificates = SeenCertificates::default();
        let mut observed = Observed::default();
        let started = Instant::now();
        let attempt = async {
            match config.target.scheme() {
                "tcp" => tcp::connect(&config.target).await.map(drop),
                "tls" => tcp::handshake(config, &self.roots, &certificates).await,
                "http" | "https" => {
                    http::ask(config, &self.roots, &certificates, &mut observed).await
                }
                scheme => Err(ProbeFailure::new(
                    FailureReason::Config,
                    format!("`{scheme}` targets cannot be probed"),
                )),
            }
        };
        let timeout = config.timeout.0;
        let outcome = tokio::time::timeout(timeout, attempt)
            .await
            .unwrap_or_else(|_| {
                Err(ProbeFailure::new(
                    FailureReason::Timeout,
                    format!("no complete answer within {}", config.timeout),
                ))
            });
        let duration = started.elapsed();

        let labels = config.labels();
        let mut recorder = Recorder::new(&labels, now_ms);
        let success = f64::from(u8::from(outcome.is_ok()));
        recorder.record("probe_success", &[], success);
        recorder.record("probe_duration_seconds", &[], duration.as_secs_f64());
        if let Some(status) = observed.status {
            recorder.record("probe_http_status_code", &[], f64::from(status));
        }
        if let Some(matched) = observed.body_matched {
            let matched = f64::from(u8::from(matched));
            recorder.record("probe_http_body_matched", &[], matched);
        }
        let certificate_expiry_secs = certificates.earliest_expiry_secs();
        if let Some(expiry) = certificate_expiry_secs {
            recorder.record("probe_tls_expiry_timestamp_seconds", &[], expiry as f64);
        }
        let failure = outcome.err();
        if let Some(failure) = &failure {
            let labels = [("reason", failure.reason.as_str())];
            recorder.record("probe_failure_info", &labels, 1.0);
        }
        ProbeReport {
            series: recorder.finish(),
            duration,
            status: observed.status,
            body_matched: observed.body_matched,
            certificate_expiry_secs,
            failure,
        }
    }
}
