//! Rule files in the format of Prometheus, read with **all** their faults, each with its line and
//! column. What Yunhai adds stands in annotations that begin with `yunhai_`, so that Prometheus
//! loads the same file unchanged; `docs/formats/alert-rules.md` describes them.

mod reader;
mod writer;

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::expression::Threshold;
use crate::template::Template;
use crate::yaml::Place;

/// The prefix of annotations that configure Yunhai and are no text for people.
pub(crate) const OPTION_PREFIX: &str = "yunhai_";
/// The annotation with the recovery threshold.
pub const RECOVERY_THRESHOLD: &str = "yunhai_recovery_threshold";
/// The annotation that says what missing data means.
pub const NO_DATA: &str = "yunhai_no_data";
/// The annotation that says for how long data must be missing.
pub const NO_DATA_FOR: &str = "yunhai_no_data_for";
/// The annotation that switches a rule off.
pub const ENABLED: &str = "yunhai_enabled";
/// The label with the severity.
pub const SEVERITY: &str = "severity";
/// The annotation with the link to the instructions.
pub const RUNBOOK_URL: &str = "runbook_url";

/// A file of rule groups.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct RuleFile {
    /// Its groups, in the order of the file.
    pub groups: Vec<RuleGroup>,
}

impl RuleFile {
    /// Reads a rule file; the error holds every fault that was found.
    pub fn parse(source: &str) -> Result<Self, RuleFaults> {
        reader::read(source)
    }

    /// Reads the bytes of a rule file, which must be UTF-8.
    pub fn parse_bytes(source: &[u8]) -> Result<Self, RuleFaults> {
        match std::str::from_utf8(source) {
            Ok(text) => Self::parse(text),
            Err(error) => {
                let before = String::from_utf8_lossy(&source[..error.valid_up_to()]);
                let place = Place {
                    line: before.matches('\n').count() + 1,
                    column: before
                        .rsplit('\n')
                        .next()
                        .map_or(0, |line| line.chars().count())
                        + 1,
                };
                Err(RuleFaults(vec![RuleFault::at(
                    place,
                    String::new(),
                    "the file is not valid UTF-8; save it as UTF-8".to_owned(),
                )]))
            }
        }
    }
}

/// Rules that are evaluated one after another at the same moment.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RuleGroup {
    /// The group's name, unique in its file.
    pub name: String,
    /// How often it is evaluated; `None` for the configured interval.
    pub interval_ms: Option<i64>,
    /// How far in the past the queries look, for data that arrive late; `None` for the configured
    /// offset.
    pub query_offset_ms: Option<i64>,
    /// How many alerts or series one rule may yield; 0 for any number.
    pub limit: usize,
    /// Its rules.
    pub rules: Vec<Rule>,
}

impl RuleGroup {
    /// The rules with their ids in the group: the name, and `name#2`, `name#3` … where a name comes
    /// again, as with one alert for two severities.
    pub fn identified(&self) -> impl Iterator<Item = (String, &Rule)> {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        self.rules.iter().map(move |rule| {
            let count = counts.entry(rule.name()).or_default();
            *count += 1;
            let id = match *count {
                1 => rule.name().to_owned(),
                count => format!("{}#{count}", rule.name()),
            };
            (id, rule)
        })
    }
}

/// One rule.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", tag = "type")]
pub enum Rule {
    /// A rule that raises alerts.
    Alerting(AlertRule),
    /// A rule that writes a series.
    Recording(RecordingRule),
}

impl Rule {
    /// The alert's or the recorded series' name.
    pub fn name(&self) -> &str {
        match self {
            Self::Alerting(rule) => &rule.name,
            Self::Recording(rule) => &rule.record,
        }
    }

    /// The rule's expression.
    pub fn expr(&self) -> &str {
        match self {
            Self::Alerting(rule) => &rule.expr,
            Self::Recording(rule) => &rule.expr,
        }
    }
}

/// A rule that writes the result of its expression as a series.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RecordingRule {
    /// The name of the series.
    pub record: String,
    /// What is evaluated.
    pub expr: String,
    /// Labels added to the result.
    pub labels: BTreeMap<String, String>,
}

/// A rule that raises an alert for every series that its expression yields.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AlertRule {
    /// The alert's name.
    pub name: String,
    /// What is evaluated.
    pub expr: String,
    /// The comparison on top of the expression, where it has one with a number.
    #[serde(skip)]
    pub threshold: Option<Threshold>,
    /// For how long the expression must hold before the alert fires.
    pub hold_ms: i64,
    /// For how long the alert keeps firing after the expression has ceased to hold.
    pub keep_firing_for_ms: i64,
    /// Labels added to the alert.
    pub labels: BTreeMap<String, Template>,
    /// Texts for people.
    pub annotations: BTreeMap<String, Template>,
    /// What Yunhai adds.
    pub options: RuleOptions,
}

/// What Yunhai adds to a Prometheus rule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RuleOptions {
    /// A firing alert ends only when the measured value is past this number as well.
    pub recovery_threshold: Option<f64>,
    /// What it means when a series that the rule has seen no longer comes.
    pub no_data: NoData,
    /// For how long data must be missing before [`NoData::Alert`] fires.
    pub no_data_for_ms: i64,
    /// Whether the rule is evaluated at all.
    pub is_enabled: bool,
}

impl Default for RuleOptions {
    fn default() -> Self {
        Self {
            recovery_threshold: None,
            no_data: NoData::Ok,
            no_data_for_ms: 10 * 60_000,
            is_enabled: true,
        }
    }
}

/// What it means when a series that a rule has seen no longer comes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoData {
    /// Nothing is wrong: an alert of the series ends. What Prometheus does.
    #[default]
    Ok,
    /// The missing data are an alert of their own, after a delay.
    Alert,
    /// The alert of the series stays as it is.
    Keep,
}

/// One thing that is wrong in a rule file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RuleFault {
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// Where in the file's structure: group, rule, field.
    pub place: String,
    /// What is wrong and how to put it right.
    pub message: String,
}

impl RuleFault {
    pub(crate) fn at(place: Place, structure: String, message: String) -> Self {
        Self {
            line: place.line,
            column: place.column,
            place: structure,
            message,
        }
    }
}

impl fmt::Display for RuleFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}: ", self.line, self.column)?;
        if !self.place.is_empty() {
            write!(f, "{}: ", self.place)?;
        }
        f.write_str(&self.message)
    }
}

/// Everything that is wrong in a rule file, in the order of the file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize)]
#[error("the rule file has {} fault{}:\n{}", .0.len(), if .0.len() == 1 { "" } else { "s" }, list(.0))]
pub struct RuleFaults(pub Vec<RuleFault>);

fn list(faults: &[RuleFault]) -> String {
    faults
        .iter()
        .map(|fault| format!("  {fault}"))
        .collect::<Vec<_>>()
        .join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prometheus_file_loads_unchanged() {
        let file = RuleFile::parse(
            r#"
groups:
- name: example
  interval: 30s
  query_offset: 1m
  limit: 100
  rules:
  - record: job:http_inprogress_requests:sum
    expr: sum by (job) (http_inprogress_requests)
    labels:
      tier: 1
  - alert: HighRequestLatency
    expr: |
      job:request_latency_seconds:mean5m{job="myjob"}
        > 0.5
    for: 10m
    keep_firing_for: 5m
    labels:
      severity: page
    annotations:
      summary: High request latency
"#,
        )
        .unwrap();
        insta::assert_yaml_snapshot!(file);
        assert_eq!(RuleFile::parse("").unwrap(), RuleFile::default());
        assert_eq!(RuleFile::parse("groups:").unwrap(), RuleFile::default());
    }

    #[test]
    fn all_faults_are_reported_with_line_and_column() {
        let faults = RuleFile::parse(
            r#"groups:
- name: one
  intervall: 30s
  rules:
  - alert: NoExpr
    for: 5 minutes
  - alert: BadExpr
    expr: |
      up ==
        and 1
  - alert: BadTemplate
    expr: up == 0
    labels:
      0bad: x
      __name__: y
    annotations:
      summary: "server {{ $label.server }}"
      yunhai_recovery_threshold: "-1"
      yunhai_no_data: maybe
      yunhai_color: red
  - record: 9bad
    expr: up
    for: 5m
  - alert: Range
    record: both
    expr: up[5m]
  - expr: up
- name: one
  rules: nothing
- rules: []
extra: 1
"#,
        )
        .unwrap_err();
        insta::assert_snapshot!(faults);
    }

    #[test]
    fn an_unknown_field_is_refused_with_the_annotation_that_names_it() {
        let source = "groups:\n- name: g\n  rules:\n  - alert: A\n    expr: up == 0\n    \
                      annotations:\n      summary: \"{{ .Foo }}\"\n";
        let faults = RuleFile::parse(source).unwrap_err();
        assert_eq!((faults.0[0].line, faults.0[0].column), (7, 20));
        let message = &faults.0[0].message;
        assert!(
            message.starts_with("annotation `summary`: there is no field `Foo` here; known are "),
            "{message}"
        );
    }

    #[test]
    fn broken_bytes_and_yaml_name_their_place() {
        let error = RuleFile::parse_bytes(b"groups:\n- name: \xff\n").unwrap_err();
        assert_eq!((error.0[0].line, error.0[0].column), (2, 9));
        let error = RuleFile::parse("groups:\n  - name: [\n").unwrap_err();
        assert!(error.to_string().contains("not valid YAML"), "{error}");
    }
}
