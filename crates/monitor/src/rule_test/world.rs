//! Runs one test: evaluates rules over its series, and compares what came of them.

use std::collections::{BTreeMap, HashSet};

use yunhai_model::{Labels, Sample, TimestampMs, stale_nan, with_causes};
use yunhai_promql::series_notation::{parse_labels, parse_values};
use yunhai_promql::{Engine, MemoryStore};

use super::format::{AlertTest, ExprTest, Test};
use super::{RuleTestError, duration};
use crate::alert::{ALERT_NAME, Alert, RuleKey};
use crate::duration::format_duration_ms;
use crate::evaluate::{KnownSeries, Surroundings, follow, measure, record, vector};
use crate::monitor::alert_series;
use crate::rule_file::{OPTION_PREFIX, Rule, RuleGroup};
use crate::state_machine::AlertState;

/// The series and alerts of one test, from time zero on.
pub(super) struct World {
    engine: Engine,
    store: MemoryStore,
    alerts: BTreeMap<RuleKey, Vec<Alert>>,
    known: BTreeMap<RuleKey, BTreeMap<String, KnownSeries>>,
    written: BTreeMap<RuleKey, HashSet<Labels>>,
    external_labels: Labels,
    external_url: String,
}

impl World {
    pub(super) fn new(test: &Test) -> Result<Self, RuleTestError> {
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

    pub(super) async fn run(
        &mut self,
        test: &Test,
        rules: &[(String, RuleGroup)],
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
                samples = record(&self.engine, &self.store, rule, at_ms).await?;
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
                samples.extend(alert_series(&outcome.standing));
                if let Some(known) = outcome.known {
                    self.known.insert(key.clone(), known);
                }
                self.alerts.insert(key.clone(), outcome.standing);
            }
        }
        let now: HashSet<Labels> = samples.iter().map(|(labels, _)| labels.clone()).collect();
        let before = self.written.insert(key.clone(), now.clone());
        let ended = before.unwrap_or_default().into_iter();
        let ended = ended.filter(|labels| !now.contains(labels));
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
