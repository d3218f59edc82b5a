//! Runs unit tests of rules in promtool's format (`promtool test rules`).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use yunhai_model::{Labels, METRIC_NAME, Sample, TimestampMs, stale_nan, with_causes};
use yunhai_promql::series_notation::{parse_labels, parse_values};
use yunhai_promql::{Engine, MemoryStore};

use crate::alert::{ALERT_NAME, Alert, RuleKey};
use crate::duration::{format_duration_ms, parse_duration_ms};
use crate::evaluate::{KnownSeries, Surroundings, follow, measure, vector};
use crate::rule_file::{OPTION_PREFIX, Rule, RuleFile};
use crate::state_machine::AlertState;

/// Why tests could not be run at all.
#[derive(Debug, thiserror::Error)]
pub enum RuleTestError {
    /// The test file is malformed.
    #[error("the test file is malformed: {0}")]
    Malformed(String),
    /// A rule file cannot be read.
    #[error("cannot read the rule file `{file}`: {reason}")]
    RuleFile {
        /// The file as the tests name it.
        file: String,
        /// Why.
        reason: String,
    },
}

/// What came of one test.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RuleTestOutcome {
    /// The test's name, or its number.
    pub name: String,
    /// What differs from what was expected; empty where the test passed.
    pub failures: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TestFile {
    rule_files: Vec<String>,
    #[serde(default = "one_minute")]
    evaluation_interval: String,
    #[serde(default)]
    group_eval_order: Vec<String>,
    tests: Vec<Test>,
}

fn one_minute() -> String {
    "1m".to_owned()
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Test {
    #[serde(default)]
    name: Option<String>,
    #[serde(default = "one_minute")]
    interval: String,
    #[serde(default)]
    input_series: Vec<InputSeries>,
    #[serde(default)]
    #[serde(rename = "alert_rule_test")]
    alerts: Vec<AlertTest>,
    #[serde(default)]
    #[serde(rename = "promql_expr_test")]
    expressions: Vec<ExprTest>,
    #[serde(default)]
    external_labels: BTreeMap<String, String>,
    #[serde(default)]
    external_url: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct InputSeries {
    series: String,
    values: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct AlertTest {
    eval_time: String,
    alertname: String,
    #[serde(default)]
    exp_alerts: Vec<ExpectedAlert>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ExpectedAlert {
    #[serde(default)]
    exp_labels: BTreeMap<String, String>,
    #[serde(default)]
    exp_annotations: BTreeMap<String, String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ExprTest {
    expr: String,
    eval_time: String,
    #[serde(default)]
    exp_samples: Vec<ExpectedSample>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ExpectedSample {
    #[serde(default)]
    labels: String,
    value: f64,
}

/// Runs the tests of a file. `read` gives the text of a rule file that the tests name.
pub async fn run_rule_tests(
    source: &str,
    read: impl Fn(&str) -> Result<String, String>,
) -> Result<Vec<RuleTestOutcome>, RuleTestError> {
    let file: TestFile = serde_saphyr::from_str(source)
        .map_err(|error| RuleTestError::Malformed(error.to_string()))?;
    let interval_ms = duration(&file.evaluation_interval)?;
    if interval_ms == 0 {
        return Err(RuleTestError::Malformed(
            "`evaluation_interval` must be longer than zero".to_owned(),
        ));
    }
    let mut rules = Vec::new();
    for name in &file.rule_files {
        let failed = |reason: String| RuleTestError::RuleFile {
            file: name.clone(),
            reason,
        };
        let text = read(name).map_err(failed)?;
        let parsed = RuleFile::parse(&text).map_err(|faults| RuleTestError::RuleFile {
            file: name.clone(),
            reason: faults.to_string(),
        })?;
        rules.extend(parsed.groups.into_iter().map(|group| (name.clone(), group)));
    }
    let order = |name: &str| {
        file.group_eval_order
            .iter()
            .position(|known| known == name)
            .unwrap_or(usize::MAX)
    };
    rules.sort_by_key(|(_, group)| order(&group.name));
    let mut outcomes = Vec::new();
    for (number, test) in file.tests.iter().enumerate() {
        let name = test
            .name
            .clone()
            .unwrap_or_else(|| format!("test {}", number + 1));
        let mut world = World::new(test)?;
        let failures = world.run(test, &rules, interval_ms).await?;
        outcomes.push(RuleTestOutcome { name, failures });
    }
    Ok(outcomes)
}

fn duration(text: &str) -> Result<i64, RuleTestError> {
    parse_duration_ms(text).map_err(RuleTestError::Malformed)
}

/// The series and alerts of one test, from time zero on.
struct World {
    engine: Engine,
    store: MemoryStore,
    alerts: BTreeMap<RuleKey, Vec<Alert>>,
    known: BTreeMap<RuleKey, BTreeMap<String, KnownSeries>>,
    written: BTreeMap<RuleKey, Vec<Labels>>,
    external_labels: Labels,
    external_url: String,
}

impl World {
    fn new(test: &Test) -> Result<Self, RuleTestError> {
        let step_ms = duration(&test.interval)?;
        let mut store = MemoryStore::new();
        for input in &test.input_series {
            let malformed = |reason: String| {
                RuleTestError::Malformed(format!("the series `{}`: {reason}", input.series))
            };
            let labels =
                parse_labels(&input.series).map_err(|error| malformed(error.to_string()))?;
            let values =
                parse_values(&input.values).map_err(|error| malformed(error.to_string()))?;
            let samples = values
                .into_iter()
                .enumerate()
                .filter_map(|(number, value)| {
                    value.map(|value| Sample {
                        timestamp_ms: number as i64 * step_ms,
                        value,
                    })
                });
            store.append(&labels, samples);
        }
        Ok(Self {
            engine: Engine::default(),
            store,
            alerts: BTreeMap::new(),
            known: BTreeMap::new(),
            written: BTreeMap::new(),
            external_labels: Labels::new(test.external_labels.clone()),
            external_url: test.external_url.clone(),
        })
    }

    async fn run(
        &mut self,
        test: &Test,
        rules: &[(String, crate::rule_file::RuleGroup)],
        interval_ms: i64,
    ) -> Result<Vec<String>, RuleTestError> {
        let mut alert_tests = Vec::new();
        for one in &test.alerts {
            alert_tests.push((duration(&one.eval_time)?, one));
        }
        let mut expr_tests = Vec::new();
        for one in &test.expressions {
            expr_tests.push((duration(&one.eval_time)?, one));
        }
        let end_ms = alert_tests
            .iter()
            .map(|(at_ms, _)| *at_ms)
            .chain(expr_tests.iter().map(|(at_ms, _)| *at_ms))
            .max()
            .unwrap_or(0);
        let mut failures = Vec::new();
        let mut at_ms = 0;
        while at_ms <= end_ms {
            for (file, group) in rules {
                for (id, rule) in group.identified() {
                    let key = RuleKey {
                        file: file.clone(),
                        group: group.name.clone(),
                        rule: id,
                    };
                    if let Err(error) = self.evaluate(&key, rule, group.limit, at_ms).await {
                        failures.push(format!(
                            "at {}: rule `{}`: {}",
                            format_duration_ms(at_ms),
                            rule.name(),
                            with_causes(&error)
                        ));
                    }
                }
            }
            for (_, one) in alert_tests
                .iter()
                .filter(|(test_ms, _)| (at_ms..at_ms + interval_ms).contains(test_ms))
            {
                self.check_alerts(one, &mut failures);
            }
            at_ms += interval_ms;
        }
        for (test_ms, one) in expr_tests {
            self.check_expr(test_ms, one, &mut failures).await;
        }
        Ok(failures)
    }

    async fn evaluate(
        &mut self,
        key: &RuleKey,
        rule: &Rule,
        limit: usize,
        at_ms: TimestampMs,
    ) -> crate::Result<()> {
        let mut samples: Vec<(Labels, f64)> = Vec::new();
        match rule {
            Rule::Recording(rule) => {
                for (labels, value) in vector(&self.engine, &self.store, &rule.expr, at_ms).await? {
                    let mut labels = labels.with(METRIC_NAME, &rule.record);
                    for (name, text) in &rule.labels {
                        labels = labels.with(name, text);
                    }
                    samples.push((labels, value));
                }
            }
            Rule::Alerting(rule) if !rule.options.is_enabled => {}
            Rule::Alerting(rule) => {
                let surroundings = Surroundings {
                    engine: &self.engine,
                    source: &self.store,
                    external_labels: &self.external_labels,
                    external_url: &self.external_url,
                    flapping_window_ms: 0,
                    flapping_changes: 0,
                    at_ms,
                    query_ms: at_ms,
                };
                let measured = measure(&self.engine, &self.store, rule, at_ms).await?;
                let previous = self.alerts.remove(key).unwrap_or_default();
                let known = self.known.get(key).cloned().unwrap_or_default();
                let outcome =
                    follow(&surroundings, key, rule, measured, &previous, &known, limit).await?;
                samples.extend(crate::monitor::alert_series(&outcome.standing));
                if let Some(known) = outcome.known {
                    self.known.insert(key.clone(), known);
                }
                self.alerts.insert(key.clone(), outcome.standing);
            }
        }
        let now: Vec<Labels> = samples.iter().map(|(labels, _)| labels.clone()).collect();
        let before = self
            .written
            .insert(key.clone(), now.clone())
            .unwrap_or_default();
        let ended = before.into_iter().filter(|labels| !now.contains(labels));
        for (labels, value) in samples
            .into_iter()
            .chain(ended.map(|labels| (labels, stale_nan())))
        {
            self.store.append(
                &labels,
                [Sample {
                    timestamp_ms: at_ms,
                    value,
                }],
            );
        }
        Ok(())
    }

    fn check_alerts(&self, test: &AlertTest, failures: &mut Vec<String>) {
        type Printed = (String, BTreeMap<String, String>);
        let mut got: Vec<Printed> = self
            .alerts
            .values()
            .flatten()
            .filter(|alert| {
                alert.name() == test.alertname && alert.instance.state == AlertState::Firing
            })
            .map(|alert| (alert.labels.to_string(), alert.annotations.clone()))
            .collect();
        let mut expected: Vec<Printed> = test
            .exp_alerts
            .iter()
            .map(|alert| {
                let labels =
                    Labels::new(alert.exp_labels.clone()).with(ALERT_NAME, &test.alertname);
                let mut annotations = alert.exp_annotations.clone();
                annotations.retain(|name, _| !name.starts_with(OPTION_PREFIX));
                (labels.to_string(), annotations)
            })
            .collect();
        got.sort();
        expected.sort();
        if got != expected {
            failures.push(format!(
                "alert `{}` at {}:\n  expected {}\n  got      {}",
                test.alertname,
                test.eval_time,
                print(&expected),
                print(&got)
            ));
        }
    }

    async fn check_expr(&self, at_ms: TimestampMs, test: &ExprTest, failures: &mut Vec<String>) {
        let got = match vector(&self.engine, &self.store, &test.expr, at_ms).await {
            Ok(got) => got,
            Err(error) => {
                failures.push(format!(
                    "`{}` at {}: {}",
                    test.expr,
                    test.eval_time,
                    with_causes(&error)
                ));
                return;
            }
        };
        let mut expected = Vec::new();
        for sample in &test.exp_samples {
            // No labels are `{}`, as promtool has it.
            let labels = match sample.labels.trim() {
                "" => Ok(Labels::default()),
                text => parse_labels(text),
            };
            match labels {
                Ok(labels) => expected.push((labels, sample.value)),
                Err(error) => failures.push(format!("the labels `{}`: {error}", sample.labels)),
            }
        }
        let mut unmet = got.clone();
        let is_met = expected.iter().all(|(labels, value)| {
            let found = unmet
                .iter()
                .position(|(found, number)| found == labels && is_close(*number, *value));
            found.map(|at| unmet.swap_remove(at)).is_some()
        });
        if !is_met || !unmet.is_empty() {
            let list = |samples: &[(Labels, f64)]| {
                let texts: Vec<_> = samples
                    .iter()
                    .map(|(labels, value)| format!("{labels} {value}"))
                    .collect();
                if texts.is_empty() {
                    "nothing".to_owned()
                } else {
                    texts.join(", ")
                }
            };
            failures.push(format!(
                "`{}` at {}:\n  expected {}\n  got      {}",
                test.expr,
                test.eval_time,
                list(&expected),
                list(&got)
            ));
        }
    }
}

/// Equal but for the last bits, as promtool compares.
fn is_close(a: f64, b: f64) -> bool {
    (a.is_nan() && b.is_nan())
        || a.to_bits() == b.to_bits()
        || (a - b).abs() <= 1e-12 * a.abs().max(b.abs())
}

fn print(alerts: &[(String, BTreeMap<String, String>)]) -> String {
    let texts: Vec<_> = alerts
        .iter()
        .map(|(labels, annotations)| format!("{labels} {annotations:?}"))
        .collect();
    if texts.is_empty() {
        "nothing".to_owned()
    } else {
        texts.join("\n           ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: &str = r#"
groups:
  - name: example
    rules:
      - alert: InstanceDown
        expr: up == 0
        for: 5m
        labels:
          severity: page
        annotations:
          summary: "Instance {{ $labels.instance }} down in {{ $externalLabels.region }}"
      - record: up:sum
        expr: sum(up)
"#;

    async fn run(tests: &str) -> Vec<RuleTestOutcome> {
        run_rule_tests(tests, |name| {
            if name == "rules.yml" {
                Ok(RULES.to_owned())
            } else {
                Err("no such file".to_owned())
            }
        })
        .await
        .unwrap()
    }

    #[tokio::test]
    async fn a_test_of_promtool_passes() {
        let outcomes = run(r#"
rule_files: [rules.yml]
evaluation_interval: 1m
tests:
  - interval: 1m
    name: down
    external_labels: { region: eu }
    input_series:
      - series: 'up{job="prometheus", instance="localhost:9090"}'
        values: '0x14'
      - series: 'up{job="node", instance="localhost:9100"}'
        values: '1+0x6 0x8'
    alert_rule_test:
      - eval_time: 4m
        alertname: InstanceDown
      - eval_time: 10m
        alertname: InstanceDown
        exp_alerts:
          - exp_labels: { severity: page, instance: "localhost:9090", job: prometheus }
            exp_annotations: { summary: "Instance localhost:9090 down in eu" }
    promql_expr_test:
      - expr: up:sum
        eval_time: 4m
        exp_samples:
          - labels: up:sum
            value: 1
      - expr: ALERTS
        eval_time: 3m
        exp_samples:
          - labels: 'ALERTS{alertname="InstanceDown",alertstate="pending",severity="page",instance="localhost:9090",job="prometheus"}'
            value: 1
"#).await;
        assert_eq!(
            outcomes,
            [RuleTestOutcome {
                name: "down".into(),
                failures: Vec::new()
            }]
        );
    }

    #[tokio::test]
    async fn a_failed_test_shows_both_sides() {
        let outcomes = run(r#"
rule_files: [rules.yml]
tests:
  - input_series:
      - series: 'up{instance="a"}'
        values: '0x10'
    alert_rule_test:
      - eval_time: 5m
        alertname: InstanceDown
    promql_expr_test:
      - expr: sum(up)
        eval_time: 1m
        exp_samples: [{ labels: "{}", value: 3 }]
"#)
        .await;
        insta::assert_snapshot!(outcomes[0].failures.join("\n"));
    }

    #[tokio::test]
    async fn a_malformed_test_file_says_why() {
        let error = run_rule_tests("rule_files: [x.yml]\ntests: []", |_| {
            Err("no such file".into())
        })
        .await;
        assert!(
            error
                .unwrap_err()
                .to_string()
                .contains("`x.yml`: no such file")
        );
        let error = run_rule_tests("rule_files: []\ntest: []", |_| Err(String::new())).await;
        assert!(error.unwrap_err().to_string().contains("unknown field"));
    }
}
