//! A probe: an address that is asked again and again, what is expected of it, and how it went.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use url::Url;
use yunhai_collector::probe::{HttpMethod, ProbeConfig, ProbeFailure, ProbeReport, StatusRanges};
use yunhai_model::{HumanDuration, ProbeId, Secret, TimestampMs};

/// The shortest and the longest interval. Rules look back 15 minutes: a series with longer gaps
/// would come and go.
const INTERVAL_SECS: std::ops::RangeInclusive<u64> = 1..=600;
const TIMEOUT_MS: std::ops::RangeInclusive<u64> = 100..=30_000;
const MAX_TARGET: usize = 2048;
const MAX_TEXT: usize = 64 * 1024;
const MAX_PATTERN: usize = 1000;
const MAX_HEADERS: usize = 32;
const MAX_LABELS: usize = 16;

/// What a probe asks, and which answer is right. `S` is what stands for a secret: a sealed text
/// in the database, the text itself on the way to the target.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProbeSettings<S> {
    /// Its name, unique: the label `probe`.
    pub name: String,
    /// `tcp://host:port`, `tls://host:port`, `http://…` or `https://…`.
    pub target: String,
    /// Whether it runs.
    pub is_enabled: bool,
    /// How often it runs, in seconds.
    pub interval_secs: u64,
    /// How long everything may take, in milliseconds.
    pub timeout_ms: u64,
    /// The HTTP method.
    pub method: HttpMethod,
    /// HTTP headers to send; their values are secrets.
    pub headers: BTreeMap<String, S>,
    /// The body to send, a secret.
    pub body: Option<S>,
    /// Which HTTP statuses are right, as `200-299,401`.
    pub expected_status: String,
    /// A regular expression that the first MiB of the body must match.
    pub body_match: Option<String>,
    /// Whether to go where the answer redirects to.
    pub follow_redirects: bool,
    /// Whether the certificate must be trusted.
    pub verify_certificate: bool,
    /// A certificate (PEM) to trust besides those of the system.
    pub ca_certificate_pem: Option<String>,
    /// More labels for the series.
    pub labels: BTreeMap<String, String>,
}

/// A new or changed probe. A header without a value keeps the value that it has, and so does the
/// body.
pub type NewProbe = ProbeSettings<Option<Secret>>;

/// A probe as it is stored; its secrets are sealed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Probe {
    /// Its id.
    pub id: ProbeId,
    /// What it asks.
    pub settings: ProbeSettings<String>,
    /// When it was made.
    pub created_at_ms: TimestampMs,
    /// When it was changed last.
    pub updated_at_ms: TimestampMs,
}

/// How a probe went once.
#[derive(Clone, Debug, PartialEq)]
pub struct ProbeRun {
    /// When it began.
    pub at_ms: TimestampMs,
    /// How long it took, name look-up included.
    pub duration: Duration,
    /// Why the target failed, if it did.
    pub failure: Option<ProbeFailure>,
    /// The HTTP status of the answer, after redirects.
    pub status: Option<u16>,
    /// Whether the body matched, where it was compared.
    pub body_matched: Option<bool>,
    /// When the first certificate of the chain expires.
    pub certificate_expiry_ms: Option<TimestampMs>,
}

impl ProbeRun {
    pub(crate) fn of(report: &ProbeReport, at_ms: TimestampMs) -> Self {
        Self {
            at_ms,
            duration: report.duration,
            failure: report.failure.clone(),
            status: report.status,
            body_matched: report.body_matched,
            certificate_expiry_ms: report.certificate_expiry_secs.map(|secs| secs * 1000),
        }
    }
}

impl<S> ProbeSettings<S> {
    /// Replaces what stands for the secrets; `convert` gets the name of the field.
    pub(crate) fn with_secrets<T, E>(
        self,
        mut convert: impl FnMut(&str, S) -> Result<T, E>,
    ) -> Result<ProbeSettings<T>, E> {
        let headers = self
            .headers
            .into_iter()
            .map(|(name, value)| {
                let converted = convert(&format!("headers/{name}"), value)?;
                Ok((name, converted))
            })
            .collect::<Result<_, E>>()?;
        let body = self.body.map(|body| convert("body", body)).transpose()?;
        Ok(ProbeSettings {
            name: self.name,
            target: self.target,
            is_enabled: self.is_enabled,
            interval_secs: self.interval_secs,
            timeout_ms: self.timeout_ms,
            method: self.method,
            headers,
            body,
            expected_status: self.expected_status,
            body_match: self.body_match,
            follow_redirects: self.follow_redirects,
            verify_certificate: self.verify_certificate,
            ca_certificate_pem: self.ca_certificate_pem,
            labels: self.labels,
        })
    }
}

impl ProbeSettings<Secret> {
    /// Turns the settings into what the prober takes; every fault is named, `field: what`.
    pub(crate) fn to_config(&self) -> Result<ProbeConfig, Vec<String>> {
        let mut faults = self.sizes();
        let target = self.target.trim().parse::<Url>();
        if let Err(error) = &target {
            faults.push(format!(
                "target: `{}` is not an address: {error}; write it like https://example.com/health \
                 or tcp://db1:5432",
                self.target
            ));
        }
        let expected_status: Result<StatusRanges, _> = self.expected_status.parse();
        if let Err(error) = &expected_status {
            faults.push(format!("expected_status: {}", error.message));
        }
        let (Ok(target), Ok(expected_status)) = (target, expected_status) else {
            return Err(faults);
        };
        let config = ProbeConfig {
            timeout: HumanDuration(Duration::from_millis(self.timeout_ms)),
            verify_certificate: self.verify_certificate,
            ca_certificate_pem: self.ca_certificate_pem.clone(),
            method: self.method,
            headers: self.headers.clone(),
            body: self.body.clone(),
            expected_status,
            body_match: self.body_match.clone(),
            follow_redirects: self.follow_redirects,
            labels: self.labels.clone(),
            ..ProbeConfig::new(self.name.clone(), target)
        };
        if let Err(invalid) = config.validate() {
            faults.extend(
                invalid
                    .iter()
                    .map(|fault| format!("{}: {}", fault.field, fault.message)),
            );
        }
        if faults.is_empty() {
            Ok(config)
        } else {
            Err(faults)
        }
    }

    fn sizes(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let mut check = |is_right: bool, fault: &str| {
            if !is_right {
                faults.push(fault.to_owned());
            }
        };
        check(
            self.name.chars().count() <= 191,
            "name: at most 191 characters",
        );
        check(
            self.target.len() <= MAX_TARGET,
            "target: at most 2048 bytes",
        );
        check(
            INTERVAL_SECS.contains(&self.interval_secs),
            "interval_secs: from 1 second to 10 minutes (600)",
        );
        check(
            TIMEOUT_MS.contains(&self.timeout_ms),
            "timeout_ms: from 100 milliseconds to 30 seconds (30000)",
        );
        check(self.headers.len() <= MAX_HEADERS, "headers: at most 32");
        check(self.labels.len() <= MAX_LABELS, "labels: at most 16");
        check(
            !["probe", "target"]
                .iter()
                .any(|name| self.labels.contains_key(*name)),
            "labels: `probe` and `target` are set by the probe itself",
        );
        check(
            self.labels
                .values()
                .all(|value| value.chars().count() <= 191),
            "labels: values have at most 191 characters",
        );
        check(
            self.body
                .as_ref()
                .is_none_or(|body| body.expose().len() <= MAX_TEXT),
            "body: at most 64 KiB",
        );
        check(
            self.headers
                .values()
                .all(|value| value.expose().len() <= 8192),
            "headers: values have at most 8 KiB",
        );
        check(
            self.ca_certificate_pem
                .as_ref()
                .is_none_or(|pem| pem.len() <= MAX_TEXT),
            "ca_certificate_pem: at most 64 KiB",
        );
        check(
            self.body_match
                .as_ref()
                .is_none_or(|pattern| pattern.chars().count() <= MAX_PATTERN),
            "body_match: at most 1000 characters",
        );
        faults
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(crate) fn settings(target: &str) -> ProbeSettings<Secret> {
        ProbeSettings {
            name: "shop".to_owned(),
            target: target.to_owned(),
            is_enabled: true,
            interval_secs: 60,
            timeout_ms: 10_000,
            method: HttpMethod::Get,
            headers: BTreeMap::new(),
            body: None,
            expected_status: "200-299".to_owned(),
            body_match: None,
            follow_redirects: true,
            verify_certificate: true,
            ca_certificate_pem: None,
            labels: BTreeMap::new(),
        }
    }

    #[test]
    fn every_fault_is_named_with_its_field() {
        settings("https://example.com").to_config().unwrap();
        let mut wrong = settings("ftp://example.com");
        wrong.interval_secs = 0;
        wrong.timeout_ms = 1;
        wrong.body_match = Some("(".to_owned());
        wrong.labels.insert("probe".to_owned(), "x".to_owned());
        let faults = wrong.to_config().unwrap_err();
        let fields: Vec<_> = faults
            .iter()
            .filter_map(|fault| fault.split_once(": "))
            .map(|(field, _)| field)
            .collect();
        assert_eq!(
            fields,
            [
                "interval_secs",
                "timeout_ms",
                "labels",
                "target",
                "body_match"
            ]
        );
        let mut wrong = settings("nonsense");
        wrong.expected_status = "ok".to_owned();
        assert_eq!(wrong.to_config().unwrap_err().len(), 2);
    }
}
