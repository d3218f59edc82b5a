//! Evaluation of an expression over all steps at once.
//!
//! A value is a column per series: one number for each step, with [`ABSENT`] where the series has
//! none. The tree is walked once per query, not once per step, so that label work (grouping,
//! matching, renaming) is done once per series and the steps are tight loops over numbers.
//! Nothing here waits: all samples were fetched before.

mod aggregate;
mod binary;
mod calendar;
mod histogram;
mod instant;
mod labels;
mod quantile;
mod rate;
mod regression;
mod select;
mod statistics;
mod summation;
mod window;

use std::cell::RefCell;
use std::sync::Arc;

use rustc_hash::FxHashMap;
use yunhai_model::{Labels, METRIC_NAME, TimeSeries, TimestampMs, is_stale};

use crate::ast::{At, Node};
use crate::engine::{EngineOptions, Error, Semantics};
use crate::limits::Limits;

/// Marks a step at which a series has no value. The staleness marker serves, as no computation
/// yields its bit pattern (it is a signalling NaN) and no query shows it.
pub(crate) const ABSENT: f64 = f64::from_bits(yunhai_model::STALE_NAN_BITS);

/// The moments at which an expression is evaluated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Grid {
    pub(crate) start_ms: TimestampMs,
    pub(crate) step_ms: i64,
    pub(crate) steps: usize,
}

impl Grid {
    pub(crate) fn new(start_ms: TimestampMs, end_ms: TimestampMs, step_ms: i64) -> Self {
        let steps = if end_ms < start_ms {
            0
        } else {
            usize::try_from((end_ms - start_ms) / step_ms + 1).unwrap_or(usize::MAX)
        };
        Self {
            start_ms,
            step_ms,
            steps,
        }
    }

    pub(crate) fn instant(time_ms: TimestampMs) -> Self {
        Self {
            start_ms: time_ms,
            step_ms: 1,
            steps: 1,
        }
    }

    pub(crate) fn at(&self, step: usize) -> TimestampMs {
        self.start_ms + step as i64 * self.step_ms
    }

    pub(crate) fn end_ms(&self) -> TimestampMs {
        self.at(self.steps.saturating_sub(1))
    }

    pub(crate) fn times(&self) -> impl Iterator<Item = TimestampMs> + use<> {
        let grid = *self;
        (0..grid.steps).map(move |step| grid.at(step))
    }
}

/// A series with one value, or [`ABSENT`], for each step.
#[derive(Clone, Debug)]
pub(crate) struct Series {
    pub(crate) labels: Labels,
    pub(crate) values: Vec<f64>,
}

#[derive(Debug)]
pub(crate) enum Value {
    Scalar(Vec<f64>),
    Vector(Vec<Series>),
}

/// Remarks gathered on the way.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    pub(crate) warnings: Vec<String>,
    pub(crate) infos: Vec<String>,
}

impl Notes {
    pub(crate) fn warn(&mut self, text: String) {
        if !self.warnings.contains(&text) {
            self.warnings.push(text);
        }
    }

    pub(crate) fn info(&mut self, text: String) {
        if !self.infos.contains(&text) {
            self.infos.push(text);
        }
    }
}

pub(crate) struct Evaluator<'a> {
    pub(crate) options: &'a EngineOptions,
    /// The fetched series of each selector, by the selector's number, sorted by labels.
    pub(crate) selected: &'a [Arc<Vec<TimeSeries>>],
    /// What `start()` and `end()` stand for.
    pub(crate) query_start_ms: TimestampMs,
    pub(crate) query_end_ms: TimestampMs,
    /// What `step()` stands for; 0 for an instant query.
    pub(crate) query_step_ms: i64,
    pub(crate) limits: &'a Limits,
    pub(crate) notes: RefCell<Notes>,
}

impl Evaluator<'_> {
    pub(crate) fn eval(&self, node: &Node, grid: Grid) -> Result<Value, Error> {
        self.limits.check_time()?;
        match node {
            Node::Number(number) => Ok(Value::Scalar(vec![*number; grid.steps])),
            Node::Text(_) | Node::Range { .. } | Node::Subquery(_) => Err(Error::Evaluation(
                "only scalars and instant vectors can be evaluated step by step".into(),
            )),
            Node::Selector(selector) => self.select_instant(selector, grid).map(Value::Vector),
            Node::Call(call) => self.call(call, grid),
            Node::Aggregate(aggregate) => self.aggregate(aggregate, grid).map(Value::Vector),
            Node::Binary(binary) => {
                // Chains of operators are walked in a loop, as they may be long.
                let mut chain = vec![binary];
                let mut leftmost = &*binary.lhs;
                while let Node::Binary(next) = leftmost {
                    chain.push(next);
                    leftmost = &next.lhs;
                }
                let mut value = self.eval(leftmost, grid)?;
                for binary in chain.into_iter().rev() {
                    let rhs = self.eval(&binary.rhs, grid)?;
                    value = self.binary(binary, value, rhs, grid)?;
                }
                Ok(value)
            }
            Node::Negate(inner) => match self.eval(inner, grid)? {
                Value::Scalar(values) => Ok(Value::Scalar(
                    values.into_iter().map(|value| -value).collect(),
                )),
                Value::Vector(series) => self.map_values(series, |value| -value).map(Value::Vector),
            },
            Node::Invariant(inner) => {
                let once = Grid {
                    steps: grid.steps.min(1),
                    ..grid
                };
                let value = self.eval(inner, once)?;
                self.repeat(value, grid)
            }
        }
    }

    /// Evaluates an expression whose type is known to be an instant vector.
    pub(crate) fn eval_vector(&self, node: &Node, grid: Grid) -> Result<Vec<Series>, Error> {
        match self.eval(node, grid)? {
            Value::Vector(series) => Ok(series),
            Value::Scalar(_) => Err(Error::Evaluation("expected an instant vector".into())),
        }
    }

    /// Evaluates an expression whose type is known to be a scalar.
    pub(crate) fn eval_scalar(&self, node: &Node, grid: Grid) -> Result<Vec<f64>, Error> {
        match self.eval(node, grid)? {
            Value::Scalar(values) => Ok(values),
            Value::Vector(_) => Err(Error::Evaluation("expected a scalar".into())),
        }
    }

    /// Spreads the value of one step over all.
    fn repeat(&self, value: Value, grid: Grid) -> Result<Value, Error> {
        if grid.steps <= 1 {
            return Ok(value);
        }
        Ok(match value {
            Value::Scalar(values) => Value::Scalar(vec![values[0]; grid.steps]),
            Value::Vector(series) => {
                self.check_size(series.len(), grid)?;
                Value::Vector(
                    series
                        .into_iter()
                        .map(|series| Series {
                            values: vec![series.values[0]; grid.steps],
                            labels: series.labels,
                        })
                        .collect(),
                )
            }
        })
    }

    /// The moment that a selector looks at from a step.
    pub(crate) fn pinned(&self, at: Option<At>) -> Option<TimestampMs> {
        at.map(|at| match at {
            At::Start => self.query_start_ms,
            At::End => self.query_end_ms,
            At::Time(time_ms) => time_ms,
        })
    }

    /// Refuses results that would not fit.
    pub(crate) fn check_size(&self, series: usize, grid: Grid) -> Result<(), Error> {
        self.limits.check_samples(series.saturating_mul(grid.steps))
    }

    pub(crate) fn is_v3(&self) -> bool {
        self.options.semantics == Semantics::Prometheus3
    }

    /// Applies a function to every value and drops the metric's name.
    pub(crate) fn map_values(
        &self,
        series: Vec<Series>,
        function: impl Fn(f64) -> f64,
    ) -> Result<Vec<Series>, Error> {
        let mapped = series
            .into_iter()
            .map(|mut series| {
                for value in &mut series.values {
                    if !is_stale(*value) {
                        *value = function(*value);
                    }
                }
                series.labels = without_name(&series.labels);
                series
            })
            .collect();
        self.merged(mapped)
    }

    /// Joins series that have come to bear the same labels, which is an error where two of them
    /// have a value at the same step.
    pub(crate) fn merged(&self, series: Vec<Series>) -> Result<Vec<Series>, Error> {
        self.limits.check_time()?;
        let mut places: FxHashMap<Labels, usize> =
            FxHashMap::with_capacity_and_hasher(series.len(), rustc_hash::FxBuildHasher);
        let mut merged: Vec<Series> = Vec::with_capacity(series.len());
        for series in series {
            match places.entry(series.labels.clone()) {
                std::collections::hash_map::Entry::Vacant(place) => {
                    place.insert(merged.len());
                    merged.push(series);
                }
                std::collections::hash_map::Entry::Occupied(place) => {
                    for (into, value) in merged[*place.get()].values.iter_mut().zip(series.values) {
                        if is_stale(value) {
                            continue;
                        }
                        if !is_stale(*into) {
                            return Err(same_labels());
                        }
                        *into = value;
                    }
                }
            }
        }
        Ok(merged)
    }

    pub(crate) fn warn(&self, text: impl Into<String>) {
        self.notes.borrow_mut().warn(text.into());
    }

    pub(crate) fn info(&self, text: impl Into<String>) {
        self.notes.borrow_mut().info(text.into());
    }
}

pub(crate) fn same_labels() -> Error {
    Error::Evaluation("vector cannot contain metrics with the same labelset".into())
}

/// What describes the metric's own values and no longer fits once they are changed: its name,
/// and in the way of Prometheus 3 its type and unit.
const METADATA_LABELS: [&str; 3] = [METRIC_NAME, "__type__", "__unit__"];

pub(crate) fn without_name(labels: &Labels) -> Labels {
    if METADATA_LABELS
        .iter()
        .any(|name| labels.get(name).is_some())
    {
        labels.without(&METADATA_LABELS)
    } else {
        labels.clone()
    }
}

/// Tells whether a column has any value.
pub(crate) fn has_any(values: &[f64]) -> bool {
    values.iter().any(|value| !is_stale(*value))
}
