//! The language of Prometheus's own PromQL tests (`promql/promqltest/testdata/*.test`).
//!
//! `load` fills a store, `eval instant` and `eval range` evaluate and compare, `clear` empties the
//! store; `expect` lines ask for an order, a failure, a string, warnings or infos. Every instant
//! evaluation is done a second time as the middle of a range, as Prometheus does it. What needs
//! native histograms is skipped and counted. The positions at the end of annotations are not
//! compared, as ours have none.

mod compare;
mod script;

use std::collections::HashSet;

use yunhai_model::{Sample, TimestampMs};

use script::{Command, Eval, When, parse_script};

pub use script::ScriptError;

use crate::engine::{Engine, EngineOptions, Error, Semantics, metric_selectors};
use crate::memory_store::MemoryStore;
use crate::parse::{Expr, parse};
use crate::queryable::Matcher;
use crate::value::{Annotated, QueryValue};

/// How a script went.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Evaluations that were as expected.
    pub passed: usize,
    /// Evaluations that were not.
    pub failures: Vec<Failure>,
    /// Evaluations that need native histograms.
    pub skipped: usize,
}

/// An evaluation that was not as expected.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The line in the script, from 1.
    pub line: usize,
    /// The expression.
    pub expr: String,
    /// What was expected and what came.
    pub reason: String,
}

/// Tells whether a script is written for Prometheus 3, by its use of `eval range` or `expect`.
pub fn expects_prometheus_3(text: &str) -> bool {
    text.lines().map(str::trim_start).any(|line| {
        line.starts_with("expect ") || (line.starts_with("eval") && line.contains(" range from "))
    })
}

/// Runs a script under the given semantics.
pub async fn run_script(text: &str, semantics: Semantics) -> Result<Outcome, ScriptError> {
    let engine = Engine::new(EngineOptions {
        semantics,
        ..EngineOptions::default()
    });
    let mut world = World {
        engine,
        store: MemoryStore::new(),
        histograms: HashSet::new(),
        outcome: Outcome::default(),
    };
    for command in parse_script(text)? {
        match command {
            Command::Clear => {
                world.store.clear();
                world.histograms.clear();
            }
            Command::Load {
                interval_ms,
                series,
                histograms,
            } => {
                world.histograms.extend(histograms);
                for (labels, values) in series {
                    let samples = values.into_iter().enumerate().filter_map(|(at, value)| {
                        value.map(|value| Sample {
                            timestamp_ms: at as i64 * interval_ms,
                            value,
                        })
                    });
                    world.store.append(&labels, samples);
                }
            }
            Command::Eval(eval) => world.eval(&eval).await,
        }
    }
    Ok(world.outcome)
}

struct World {
    engine: Engine,
    store: MemoryStore,
    /// Names of metrics that have native histograms.
    histograms: HashSet<String>,
    outcome: Outcome,
}

impl World {
    async fn eval(&mut self, eval: &Eval) {
        if self.needs_histograms(eval) {
            self.outcome.skipped += 1;
            return;
        }
        match self.check(eval).await {
            Ok(()) => self.outcome.passed += 1,
            Err(reason) => self.outcome.failures.push(Failure {
                line: eval.line,
                expr: eval.expr.clone(),
                reason,
            }),
        }
    }

    fn needs_histograms(&self, eval: &Eval) -> bool {
        const FUNCTIONS: [&str; 6] = [
            "histogram_count",
            "histogram_sum",
            "histogram_avg",
            "histogram_stddev",
            "histogram_stdvar",
            "histogram_fraction",
        ];
        if eval.expects_histograms || FUNCTIONS.iter().any(|name| eval.expr.contains(name)) {
            return true;
        }
        let Ok(expr) = parse(&eval.expr) else {
            // A syntax that we do not know: skip it where it names such a metric.
            return self
                .histograms
                .iter()
                .any(|name| !name.is_empty() && eval.expr.contains(name.as_str()));
        };
        metric_selectors(&expr).iter().any(|selector| {
            self.histograms.iter().any(|name| {
                selector
                    .matchers
                    .iter()
                    .filter(|matcher| matcher.name() == yunhai_model::METRIC_NAME)
                    .all(|matcher: &Matcher| matcher.matches(name))
            })
        })
    }

    async fn check(&self, eval: &Eval) -> Result<(), String> {
        let answer = self.ask(&eval.expr, eval.when).await;
        if eval.fails {
            return match answer {
                Ok(answer) => Err(format!("expected a failure, got {:?}", answer.value)),
                Err(error) => compare::failure(eval, &error.to_string()),
            };
        }
        let answer = answer.map_err(|error| error.to_string())?;
        compare::annotations(eval, &answer)?;
        compare::value(eval, &answer.value)?;
        match eval.when {
            When::Instant(time_ms) => self.check_within_range(eval, time_ms, &answer.value).await,
            When::Range { .. } => Ok(()),
        }
    }

    async fn ask(&self, expr: &str, when: When) -> Result<Annotated, Error> {
        match when {
            When::Instant(time_ms) => {
                self.engine
                    .instant_annotated(&self.store, expr, time_ms)
                    .await
            }
            When::Range {
                start_ms,
                end_ms,
                step_ms,
            } => {
                self.engine
                    .range_annotated(&self.store, expr, start_ms, end_ms, step_ms)
                    .await
            }
        }
    }

    /// The same expression must yield the same in the middle of a range.
    async fn check_within_range(
        &self,
        eval: &Eval,
        time_ms: TimestampMs,
        value: &QueryValue,
    ) -> Result<(), String> {
        const MINUTE_MS: i64 = 60_000;
        let depends_on_range = ["start()", "end()", "step()", "range()"]
            .iter()
            .any(|part| eval.expr.contains(part));
        if depends_on_range || matches!(value, QueryValue::String { .. } | QueryValue::Matrix(_)) {
            return Ok(());
        }
        let expr: Expr = parse(&eval.expr).map_err(|error| error.to_string())?;
        let range = self
            .engine
            .range(
                &self.store,
                &expr,
                time_ms - MINUTE_MS,
                time_ms + MINUTE_MS,
                MINUTE_MS,
            )
            .await
            .map_err(|error| format!("as a range: {error}"))?;
        compare::middle(&range, value, time_ms).map_err(|reason| format!("as a range: {reason}"))
    }
}
