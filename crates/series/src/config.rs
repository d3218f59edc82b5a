//! How the store is set up.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use yunhai_blob::StoreSettings;
use yunhai_model::HumanDuration;

use crate::Error;

/// The series store's configuration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StoreConfig {
    /// The local folder for the write-ahead log; it needs room for some hours of samples.
    pub directory: PathBuf,
    /// Where blocks are kept: a path, `file://`, `s3://bucket/prefix`, `az://…` or `gs://…`.
    /// Empty: the folder `blocks` inside `directory`.
    pub blocks_url: String,
    /// Settings of the object store by their `object_store` name, such as `aws_endpoint`.
    pub blocks_settings: StoreSettings,
    /// How much older than the newest sample of its series a sample may be.
    pub out_of_order_window: HumanDuration,
    /// How far ahead of this machine's clock a sample may be.
    pub future_tolerance: HumanDuration,
    /// Whether NaN and the infinities are refused. Prometheus stores them, and so does the default.
    pub refuse_non_finite: bool,
    /// How many series may be active, that is, have had samples in the last hours.
    pub max_active_series: usize,
    /// How many samples the head may hold before it is flushed early; 16 bytes each.
    pub max_head_samples: usize,
    /// How long raw samples are kept where no rule says otherwise.
    pub raw_retention: HumanDuration,
    /// How long five-minute roll-ups are kept.
    pub rollup_5m_retention: HumanDuration,
    /// How long one-hour roll-ups are kept.
    pub rollup_1h_retention: HumanDuration,
    /// Rules for some series; the first that matches holds.
    pub retention_rules: Vec<RetentionRule>,
}

/// How long the raw samples of the series that satisfy all matchers are kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RetentionRule {
    /// Prometheus matchers, such as `{__name__=~"debug_.*"}` written one by one:
    /// `__name__=~debug_.*`.
    pub matchers: Vec<String>,
    /// How long raw samples are kept.
    pub raw: HumanDuration,
}

const HOUR_SECS: u64 = 3600;
const DAY_SECS: u64 = 24 * HOUR_SECS;

impl Default for StoreConfig {
    fn default() -> Self {
        Self {
            directory: PathBuf::from("series"),
            blocks_url: String::new(),
            blocks_settings: StoreSettings::default(),
            out_of_order_window: HumanDuration::from_secs(2 * HOUR_SECS),
            future_tolerance: HumanDuration::from_secs(600),
            refuse_non_finite: false,
            max_active_series: 500_000,
            max_head_samples: 2_000_000,
            raw_retention: HumanDuration::from_secs(15 * DAY_SECS),
            rollup_5m_retention: HumanDuration::from_secs(90 * DAY_SECS),
            rollup_1h_retention: HumanDuration::from_secs(730 * DAY_SECS),
            retention_rules: Vec::new(),
        }
    }
}

impl StoreConfig {
    /// Makes a configuration with defaults for a folder.
    pub fn in_directory(directory: impl Into<PathBuf>) -> Self {
        Self {
            directory: directory.into(),
            ..Self::default()
        }
    }

    /// Checks what can be checked before anything is opened.
    pub fn check(&self) -> Result<(), Error> {
        let mut faults = Vec::new();
        if self.directory.as_os_str().is_empty() {
            faults.push("`directory` is empty".to_owned());
        }
        if self.max_active_series == 0 {
            faults.push("`max_active_series` must be at least 1".to_owned());
        }
        if self.max_head_samples < 1000 {
            faults.push("`max_head_samples` must be at least 1000".to_owned());
        }
        if self.raw_retention.as_millis() < self.out_of_order_window.as_millis() {
            faults.push("`raw_retention` is shorter than `out_of_order_window`".to_owned());
        }
        for rule in &self.retention_rules {
            if let Err(fault) = parse_matchers(&rule.matchers) {
                faults.push(format!("`retention_rules`: {fault}"));
            }
        }
        if faults.is_empty() {
            Ok(())
        } else {
            Err(Error::Config(faults.join("; ")))
        }
    }
}

/// Parses matchers of the form `name=value`, `name!=value`, `name=~regex`, `name!~regex`; the
/// value may stand in double quotes.
pub(crate) fn parse_matchers(texts: &[String]) -> Result<Vec<yunhai_promql::Matcher>, String> {
    use yunhai_promql::{MatchOp, Matcher};
    texts
        .iter()
        .map(|text| {
            let at = text.find(['=', '!']).ok_or_else(|| {
                format!("`{text}` is not a matcher; write it like `job=~\"node.*\"`")
            })?;
            let (name, rest) = text.split_at(at);
            let (op, value) = [
                ("=~", MatchOp::Regex),
                ("!~", MatchOp::NotRegex),
                ("!=", MatchOp::NotEqual),
                ("=", MatchOp::Equal),
            ]
            .into_iter()
            .find_map(|(sign, op)| rest.strip_prefix(sign).map(|value| (op, value)))
            .ok_or_else(|| format!("`{text}` is not a matcher; write it like `job=~\"node.*\"`"))?;
            let value = value.trim();
            let value = value
                .strip_prefix('"')
                .and_then(|inner| inner.strip_suffix('"'))
                .unwrap_or(value);
            Matcher::new(name.trim(), op, value)
                .map_err(|error| format!("`{text}` is not a matcher: {error}"))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_faults_are_told_at_once() {
        let config = StoreConfig {
            max_active_series: 0,
            retention_rules: vec![RetentionRule {
                matchers: vec!["job".to_owned()],
                raw: HumanDuration::from_secs(1),
            }],
            ..StoreConfig::default()
        };
        let text = config.check().unwrap_err().to_string();
        assert!(
            text.contains("max_active_series") && text.contains("`job` is not a matcher"),
            "{text}"
        );
    }

    #[test]
    fn matchers_are_read_as_prometheus_writes_them() {
        let parsed = parse_matchers(&["job=~\"a.*\"".to_owned(), "x!=y".to_owned()]).unwrap();
        assert!(parsed[0].matches("abc") && !parsed[0].matches("b"));
        assert!(parsed[1].matches("z") && !parsed[1].matches("y"));
    }
}
