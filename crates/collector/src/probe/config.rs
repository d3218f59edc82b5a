//! What to ask of a target, and which answer is right.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

use regex::Regex;
use serde::{Deserialize, Serialize};
use url::Url;
use yunhai_model::{HumanDuration, Secret, is_valid_label_name};

/// One target, and what is expected of it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProbeConfig {
    /// The probe's name: the label `probe`.
    pub name: String,
    /// `tcp://host:port`, `tls://host:port`, `http://…` or `https://…`.
    pub target: Url,
    /// How long everything may take.
    #[serde(default = "default_timeout")]
    pub timeout: HumanDuration,
    /// Whether the certificate must be trusted.
    #[serde(default = "default_true")]
    pub verify_certificate: bool,
    /// A certificate (PEM) to trust besides those of the system.
    #[serde(default)]
    pub ca_certificate_pem: Option<String>,
    /// The HTTP method.
    #[serde(default)]
    pub method: HttpMethod,
    /// HTTP headers to send; their values are secrets.
    #[serde(default)]
    pub headers: BTreeMap<String, Secret>,
    /// The body to send.
    #[serde(default)]
    pub body: Option<Secret>,
    /// Which HTTP statuses are right.
    #[serde(default)]
    pub expected_status: StatusRanges,
    /// A regular expression that the first MiB of the body must match.
    #[serde(default)]
    pub body_match: Option<String>,
    /// Whether to go where the answer redirects to, up to ten times.
    #[serde(default = "default_true")]
    pub follow_redirects: bool,
    /// More labels for the series.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
}

fn default_timeout() -> HumanDuration {
    HumanDuration::from_secs(10)
}

fn default_true() -> bool {
    true
}

/// An HTTP method that a probe may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum HttpMethod {
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

impl HttpMethod {
    pub(super) fn to_reqwest(self) -> reqwest::Method {
        match self {
            Self::Get => reqwest::Method::GET,
            Self::Head => reqwest::Method::HEAD,
            Self::Post => reqwest::Method::POST,
            Self::Put => reqwest::Method::PUT,
            Self::Options => reqwest::Method::OPTIONS,
        }
    }
}

/// HTTP statuses, written as `200-299,401`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct StatusRanges(Vec<RangeInclusive<u16>>);

impl Default for StatusRanges {
    /// All that mean success.
    fn default() -> Self {
        Self(vec![200..=299])
    }
}

impl StatusRanges {
    /// Tells whether a status is one of them.
    pub fn contains(&self, status: u16) -> bool {
        self.0.iter().any(|range| range.contains(&status))
    }
}

impl FromStr for StatusRanges {
    type Err = InvalidProbe;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || {
            InvalidProbe::new(
                "expected_status",
                format!("`{text}` is not a list of HTTP statuses; write it like `200-299,401`"),
            )
        };
        let status = |text: &str| -> Result<u16, InvalidProbe> {
            let number: u16 = text.trim().parse().map_err(|_| wrong())?;
            (100..=599)
                .contains(&number)
                .then_some(number)
                .ok_or_else(wrong)
        };
        text.split(',')
            .map(|part| {
                let (first, last) = part.split_once('-').unwrap_or((part, part));
                let range = status(first)?..=status(last)?;
                if range.is_empty() {
                    return Err(wrong());
                }
                Ok(range)
            })
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

impl TryFrom<String> for StatusRanges {
    type Error = InvalidProbe;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl fmt::Display for StatusRanges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, range) in self.0.iter().enumerate() {
            if at > 0 {
                f.write_str(",")?;
            }
            if range.start() == range.end() {
                write!(f, "{}", range.start())?;
            } else {
                write!(f, "{}-{}", range.start(), range.end())?;
            }
        }
        Ok(())
    }
}

/// Settings that cannot work.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{field}`: {message}")]
pub struct InvalidProbe {
    /// The setting.
    pub field: &'static str,
    /// What is wrong, and how it should be.
    pub message: String,
}

impl InvalidProbe {
    fn new(field: &'static str, message: impl Into<String>) -> Self {
        Self {
            field,
            message: message.into(),
        }
    }
}

impl ProbeConfig {
    /// The usual settings for a target.
    pub fn new(name: impl Into<String>, target: Url) -> Self {
        Self {
            name: name.into(),
            target,
            timeout: default_timeout(),
            verify_certificate: true,
            ca_certificate_pem: None,
            method: HttpMethod::default(),
            headers: BTreeMap::new(),
            body: None,
            expected_status: StatusRanges::default(),
            body_match: None,
            follow_redirects: true,
            labels: BTreeMap::new(),
        }
    }

    /// Checks the settings; every fault is named.
    pub fn validate(&self) -> Result<(), Vec<InvalidProbe>> {
        let mut faults = Vec::new();
        let mut fault = |field, message: &str| faults.push(InvalidProbe::new(field, message));
        if self.name.trim().is_empty() {
            fault("name", "must not be empty");
        }
        match self.target.scheme() {
            "tcp" | "tls" if self.target.port().is_none() => {
                fault("target", "needs a port, as tcp://db1:5432");
            }
            "tcp" | "tls" | "http" | "https" => {}
            _ => fault(
                "target",
                "must begin with tcp://, tls://, http:// or https://",
            ),
        }
        if self.target.host_str().is_none_or(str::is_empty) {
            fault("target", "names no host");
        }
        if !self.target.username().is_empty() || self.target.password().is_some() {
            fault(
                "target",
                "must not hold a user and a password: send an `Authorization` header",
            );
        }
        if self.timeout.0.is_zero() {
            fault("timeout", "must be longer than nothing");
        }
        if let Some(pattern) = &self.body_match
            && let Err(error) = Regex::new(pattern)
        {
            fault("body_match", &error.to_string());
        }
        for (name, value) in &self.headers {
            let is_name = reqwest::header::HeaderName::try_from(name).is_ok();
            if !is_name || reqwest::header::HeaderValue::try_from(value.expose()).is_err() {
                fault("headers", &format!("`{name}` cannot be sent as a header"));
            }
        }
        for name in self.labels.keys() {
            if !is_valid_label_name(name) || name.starts_with("__") {
                fault("labels", &format!("`{name}` cannot be the name of a label"));
            }
        }
        if let Some(pem) = &self.ca_certificate_pem
            && super::certificate::parse_pem(pem).is_none()
        {
            fault("ca_certificate_pem", "is not a certificate in PEM form");
        }
        if faults.is_empty() {
            Ok(())
        } else {
            Err(faults)
        }
    }

    /// The labels that all samples of this probe carry.
    pub fn labels(&self) -> Vec<(String, String)> {
        let own = [
            ("probe".to_owned(), self.name.clone()),
            ("target".to_owned(), target_label(self.target.as_str())),
        ];
        let more = self.labels.clone().into_iter();
        more.chain(own).collect()
    }
}

/// Returns the label `target` of a target: without what stands behind `?`, which may be a token.
pub fn target_label(target: &str) -> String {
    let Ok(mut url) = target.parse::<Url>() else {
        return String::new();
    };
    url.set_query(None);
    url.set_fragment(None);
    url.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_are_ranges_and_read_back_as_written() {
        let ranges: StatusRanges = "200-299, 401".parse().unwrap();
        assert!(ranges.contains(204) && ranges.contains(401) && !ranges.contains(301));
        assert_eq!(ranges.to_string(), "200-299,401");
        for wrong in ["", "abc", "299-200", "20", "200,,300"] {
            assert!(wrong.parse::<StatusRanges>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn every_fault_of_the_settings_is_named() {
        let mut config = ProbeConfig::new("", "tcp://user:pw@db1".parse().unwrap());
        config.body_match = Some("(".into());
        config.labels.insert("a-b".into(), "x".into());
        config.ca_certificate_pem = Some("nonsense".into());
        config.timeout = HumanDuration::from_secs(0);
        let faults = config.validate().unwrap_err();
        let fields: Vec<_> = faults.iter().map(|fault| fault.field).collect();
        assert_eq!(
            fields,
            [
                "name",
                "target",
                "target",
                "timeout",
                "body_match",
                "labels",
                "ca_certificate_pem"
            ]
        );
    }

    #[test]
    fn a_query_does_not_become_a_label() {
        let config = ProbeConfig::new("a", "https://h/x?token=s3cret".parse().unwrap());
        assert!(!format!("{:?}", config.labels()).contains("s3cret"));
    }
}
