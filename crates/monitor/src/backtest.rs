//! When a rule would have fired over stored data. Alerts about missing data are left out.

use std::collections::BTreeMap;

use serde::Serialize;
use yunhai_model::{Labels, METRIC_NAME, TimestampMs};
use yunhai_promql::{Engine, QueryValue, Queryable};

use crate::error::{Error, Result};
use crate::evaluate::observe;
use crate::rule_file::{AlertRule, NoData};
use crate::state_machine::{AlertState, Instance, Observation, Timing, transition};

/// When the alerts of one series would have been pending and firing.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BacktestSeries {
    /// The series.
    pub labels: Labels,
    /// Its alerts, in the order of time.
    pub intervals: Vec<BacktestInterval>,
}

/// A time in one state.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BacktestInterval {
    /// Pending or firing.
    pub state: AlertState,
    /// From when.
    pub from_ms: TimestampMs,
    /// Until when; `None` where it lasts beyond the range.
    pub until_ms: Option<TimestampMs>,
}

/// Runs a rule over stored data, evaluated every `step_ms` from `start_ms` to `end_ms`. Series
/// without any alert are left out.
pub async fn backtest(
    engine: &Engine,
    source: &dyn Queryable,
    rule: &AlertRule,
    start_ms: TimestampMs,
    end_ms: TimestampMs,
    step_ms: i64,
) -> Result<Vec<BacktestSeries>> {
    let expr = rule
        .threshold
        .as_ref()
        .map_or(&rule.expr, |threshold| &threshold.measured);
    let value = engine
        .range(source, expr, start_ms, end_ms, step_ms)
        .await
        .map_err(|source| Error::Evaluate {
            expr: expr.clone(),
            source,
        })?;
    let QueryValue::Matrix(matrix) = value else {
        return Ok(Vec::new());
    };
    let timing = Timing {
        hold_ms: rule.hold_ms,
        keep_firing_for_ms: rule.keep_firing_for_ms,
        flapping_window_ms: 0,
        flapping_changes: 0,
    };
    let mut tested = Vec::new();
    for series in matrix {
        let values: BTreeMap<TimestampMs, f64> = series
            .samples
            .iter()
            .map(|sample| (sample.timestamp_ms, sample.value))
            .collect();
        let mut instance: Option<Instance> = None;
        let mut intervals: Vec<BacktestInterval> = Vec::new();
        let mut at_ms = start_ms;
        while at_ms <= end_ms {
            let observation = match (values.get(&at_ms), rule.options.no_data) {
                (Some(value), _) => observe(rule, *value),
                (None, NoData::Ok) => Observation::Quiet,
                (None, NoData::Alert | NoData::Keep) => Observation::Unknown,
            };
            instance = transition(instance.as_ref(), observation, &timing, at_ms).0;
            let state = instance.as_ref().map(|instance| instance.state);
            note(
                &mut intervals,
                state.filter(|state| *state != AlertState::Resolved),
                at_ms,
            );
            at_ms += step_ms;
        }
        if !intervals.is_empty() {
            tested.push(BacktestSeries {
                labels: series.labels.without(&[METRIC_NAME]),
                intervals,
            });
        }
    }
    Ok(tested)
}

fn note(intervals: &mut Vec<BacktestInterval>, state: Option<AlertState>, at_ms: TimestampMs) {
    if let Some(last) = intervals.last_mut().filter(|last| last.until_ms.is_none()) {
        if Some(last.state) == state {
            return;
        }
        last.until_ms = Some(at_ms);
    }
    if let Some(state) = state {
        intervals.push(BacktestInterval {
            state,
            from_ms: at_ms,
            until_ms: None,
        });
    }
}

#[cfg(test)]
mod tests {
    use yunhai_model::Sample;
    use yunhai_promql::MemoryStore;

    use super::*;
    use crate::rule_file::{Rule, RuleFile};

    #[tokio::test]
    async fn a_rule_is_tried_on_the_past() {
        let file =
            RuleFile::parse("groups: [{name: g, rules: [{alert: A, expr: cpu > 0.9, for: 2m}]}]")
                .unwrap();
        let Rule::Alerting(rule) = &file.groups[0].rules[0] else {
            panic!()
        };
        let mut store = MemoryStore::new();
        let samples =
            [0.5, 0.95, 0.95, 0.99, 0.5, 0.95]
                .iter()
                .enumerate()
                .map(|(minute, value)| Sample {
                    timestamp_ms: minute as i64 * 60_000,
                    value: *value,
                });
        store.append(&Labels::of_metric("cpu", [("server", "a")]), samples);
        let tested = backtest(&Engine::default(), &store, rule, 0, 300_000, 60_000)
            .await
            .unwrap();
        let intervals: Vec<_> = tested[0]
            .intervals
            .iter()
            .map(|one| {
                (
                    one.state,
                    one.from_ms / 60_000,
                    one.until_ms.map(|ms| ms / 60_000),
                )
            })
            .collect();
        assert_eq!(
            intervals,
            [
                (AlertState::Pending, 1, Some(3)),
                (AlertState::Firing, 3, Some(4)),
                (AlertState::Pending, 5, None),
            ]
        );
    }
}
