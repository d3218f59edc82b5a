//! Functions over ranges: a window slides over each series as the steps go forward.

use std::borrow::Cow;

use yunhai_model::{Labels, Sample, TimestampMs, is_stale};

use super::{
    ABSENT, Evaluator, Grid, Series, Value, labels, rate, regression, statistics, without_name,
};
use crate::ast::{At, Call, Node, Subquery};
use crate::engine::{Error, Semantics};

/// What a function over a range sees of one series at one step; never empty.
pub(crate) struct Window<'a> {
    pub(crate) samples: &'a [Sample],
    pub(crate) start_ms: TimestampMs,
    pub(crate) end_ms: TimestampMs,
    /// The time of evaluation, which `@` and `offset` do not move.
    pub(crate) time_ms: TimestampMs,
    /// The function's scalar arguments at this step.
    pub(crate) scalars: &'a [f64],
    pub(crate) semantics: Semantics,
}

impl Window<'_> {
    pub(crate) fn values(&self) -> impl ExactSizeIterator<Item = f64> + Clone + '_ {
        self.samples.iter().map(|sample| sample.value)
    }

    pub(crate) fn first(&self) -> Sample {
        self.samples[0]
    }

    pub(crate) fn last(&self) -> Sample {
        self.samples[self.samples.len() - 1]
    }
}

/// A function over a range; nothing where the window has too few samples.
pub(crate) type RangeFunction = fn(&Window<'_>) -> Option<f64>;

fn find(name: &str) -> Option<RangeFunction> {
    Some(match name {
        "rate" => rate::rate,
        "increase" => rate::increase,
        "delta" => rate::delta,
        "irate" => rate::irate,
        "idelta" => rate::idelta,
        "resets" => rate::resets,
        "changes" => rate::changes,
        "deriv" => regression::deriv,
        "predict_linear" => regression::predict_linear,
        "holt_winters" | "double_exponential_smoothing" => regression::smoothed,
        "avg_over_time" => statistics::avg,
        "count_over_time" => |window| Some(window.samples.len() as f64),
        "first_over_time" => |window| Some(window.first().value),
        "last_over_time" => |window| Some(window.last().value),
        "max_over_time" => statistics::max,
        "min_over_time" => statistics::min,
        "sum_over_time" => statistics::sum,
        "stddev_over_time" => |window| Some(statistics::variance(window).sqrt()),
        "stdvar_over_time" => |window| Some(statistics::variance(window)),
        "quantile_over_time" => statistics::quantile,
        "mad_over_time" => statistics::median_deviation,
        "present_over_time" | "absent_over_time" => |_| Some(1.0),
        "ts_of_first_over_time" => |window| Some(seconds(window.first())),
        "ts_of_last_over_time" => |window| Some(seconds(window.last())),
        "ts_of_max_over_time" => statistics::time_of_max,
        "ts_of_min_over_time" => statistics::time_of_min,
        _ => return None,
    })
}

pub(crate) fn seconds(sample: Sample) -> f64 {
    sample.timestamp_ms as f64 / 1000.0
}

/// How the names of counters end.
const COUNTER_ENDINGS: [&str; 4] = ["_total", "_sum", "_count", "_bucket"];

/// Samples of one series, without staleness markers.
struct Source<'a> {
    labels: Labels,
    samples: Cow<'a, [Sample]>,
}

/// The extent of a range argument.
struct Extent {
    range_ms: i64,
    offset_ms: i64,
    at: Option<At>,
}

impl Evaluator<'_> {
    /// Evaluates a function that takes a range.
    pub(crate) fn call_range(
        &self,
        call: &Call,
        range_at: usize,
        grid: Grid,
    ) -> Result<Value, Error> {
        let function = find(call.function).ok_or_else(|| {
            Error::Evaluation(format!("the function `{}` is not supported", call.function))
        })?;
        let mut scalars = Vec::new();
        for (at, arg) in call.args.iter().enumerate() {
            if at != range_at {
                scalars.push(self.eval_scalar(arg, grid)?);
            }
        }
        self.check_arguments(call.function, &scalars)?;
        let (sources, extent) = self.range_sources(&call.args[range_at], grid)?;
        self.check_size(sources.len(), grid)?;
        let keeps_name = call.function == "last_over_time"
            || (call.function == "first_over_time" && self.is_v3());

        let mut result = Vec::with_capacity(sources.len());
        let mut step_scalars = vec![0.0; scalars.len()];
        for (count, source) in sources.iter().enumerate() {
            if count % 16 == 0 {
                self.limits.check_time()?;
            }
            let mut values = vec![ABSENT; grid.steps];
            let mut any = false;
            self.slide(&source.samples, &extent, grid, |step, window| {
                for (into, column) in step_scalars.iter_mut().zip(&scalars) {
                    *into = column[step];
                }
                let window = Window {
                    scalars: &step_scalars,
                    ..window
                };
                if let Some(value) = function(&window) {
                    values[step] = value;
                    any = true;
                }
            });
            if any {
                let labels = if keeps_name {
                    source.labels.clone()
                } else {
                    without_name(&source.labels)
                };
                result.push(Series { labels, values });
            }
        }
        if call.function == "absent_over_time" {
            return Ok(Value::Vector(labels::absent(
                &call.args[range_at],
                &result,
                grid,
            )));
        }
        self.remark_on_counter(call.function, &sources);
        // Unlike elsewhere, two series with the same labels are an error even if they never meet.
        let mut seen = rustc_hash::FxHashSet::default();
        if !result.iter().all(|series| seen.insert(&series.labels)) {
            return Err(super::same_labels());
        }
        Ok(Value::Vector(result))
    }

    /// The samples that a range selector shows when it is the whole (instant) query.
    pub(crate) fn range_samples(
        &self,
        node: &Node,
        grid: Grid,
    ) -> Result<Vec<(Labels, Vec<Sample>)>, Error> {
        let (sources, extent) = self.range_sources(node, grid)?;
        let mut shown = Vec::new();
        for source in sources {
            let mut samples = Vec::new();
            self.slide(&source.samples, &extent, grid, |_, window| {
                samples.extend_from_slice(window.samples);
            });
            if !samples.is_empty() {
                shown.push((source.labels, samples));
            }
        }
        Ok(shown)
    }

    fn slide(
        &self,
        samples: &[Sample],
        extent: &Extent,
        grid: Grid,
        mut visit: impl FnMut(usize, Window<'_>),
    ) {
        let pinned = self.pinned(extent.at);
        let left_open = i64::from(self.is_v3());
        let (mut low, mut high) = (0, 0);
        for (step, time_ms) in grid.times().enumerate() {
            let end_ms = pinned.unwrap_or(time_ms) - extent.offset_ms;
            let start_ms = end_ms - extent.range_ms;
            while high < samples.len() && samples[high].timestamp_ms <= end_ms {
                high += 1;
            }
            while low < high && samples[low].timestamp_ms < start_ms + left_open {
                low += 1;
            }
            if low < high {
                visit(
                    step,
                    Window {
                        samples: &samples[low..high],
                        start_ms,
                        end_ms,
                        time_ms,
                        scalars: &[],
                        semantics: self.options.semantics,
                    },
                );
            }
        }
    }

    fn range_sources(&self, node: &Node, grid: Grid) -> Result<(Vec<Source<'_>>, Extent), Error> {
        match node {
            Node::Range { selector, range_ms } => {
                let sources = self.selected[selector.id]
                    .iter()
                    .map(|series| Source {
                        labels: series.labels.clone(),
                        samples: if series.samples.iter().any(|sample| is_stale(sample.value)) {
                            series
                                .samples
                                .iter()
                                .filter(|sample| !is_stale(sample.value))
                                .copied()
                                .collect()
                        } else {
                            Cow::Borrowed(&*series.samples)
                        },
                    })
                    .collect();
                let extent = Extent {
                    range_ms: *range_ms,
                    offset_ms: selector.offset_ms,
                    at: selector.at,
                };
                Ok((sources, extent))
            }
            Node::Subquery(subquery) => {
                let inner = self.subquery_grid(subquery, grid);
                self.limits.check_samples(inner.steps)?;
                let columns = match self.eval(&subquery.expr, inner)? {
                    Value::Vector(series) => series,
                    Value::Scalar(values) => vec![Series {
                        labels: Labels::default(),
                        values,
                    }],
                };
                let sources = columns
                    .into_iter()
                    .map(|series| Source {
                        labels: series.labels,
                        samples: inner
                            .times()
                            .zip(series.values)
                            .filter(|(_, value)| !is_stale(*value))
                            .map(|(timestamp_ms, value)| Sample {
                                timestamp_ms,
                                value,
                            })
                            .collect(),
                    })
                    .collect();
                let extent = Extent {
                    range_ms: subquery.range_ms,
                    offset_ms: subquery.offset_ms,
                    at: subquery.at,
                };
                Ok((sources, extent))
            }
            Node::Invariant(inner) => self.range_sources(inner, grid),
            _ => Err(Error::Evaluation("expected a range vector".into())),
        }
    }

    /// The moments at which a sub-query is evaluated for all steps of the grid around it: they
    /// are multiples of its own step, so that neighbouring steps share them.
    pub(crate) fn subquery_grid(&self, subquery: &Subquery, grid: Grid) -> Grid {
        let step_ms = subquery
            .step_ms
            .unwrap_or(self.options.default_subquery_step_ms)
            .max(1);
        let (first_ms, last_ms) = match self.pinned(subquery.at) {
            Some(pinned) => (pinned, pinned),
            None => (grid.start_ms, grid.end_ms()),
        };
        let from_ms = first_ms - subquery.offset_ms - subquery.range_ms;
        let mut start_ms = step_ms * from_ms.div_euclid(step_ms);
        if start_ms < from_ms || (self.is_v3() && start_ms == from_ms) {
            start_ms += step_ms;
        }
        Grid::new(start_ms, last_ms - subquery.offset_ms, step_ms)
    }

    fn check_arguments(&self, function: &str, scalars: &[Vec<f64>]) -> Result<(), Error> {
        let outside = |factor: f64| !(factor > 0.0 && factor < 1.0);
        match (function, scalars) {
            ("holt_winters" | "double_exponential_smoothing", [smoothing, trend]) => {
                for (name, factors) in [("smoothing", smoothing), ("trend", trend)] {
                    if let Some(factor) = factors.iter().copied().find(|factor| outside(*factor)) {
                        return Err(Error::Evaluation(format!(
                            "invalid {name} factor: expected 0 < factor < 1, got {factor}"
                        )));
                    }
                }
            }
            ("quantile_over_time", [quantiles]) => self.remark_on_quantiles(quantiles),
            _ => {}
        }
        Ok(())
    }

    /// Warns of quantiles that are not between 0 and 1.
    pub(crate) fn remark_on_quantiles(&self, quantiles: &[f64]) {
        if let Some(quantile) = quantiles.iter().find(|q| !(0.0..=1.0).contains(*q)) {
            self.warn(format!(
                "quantile value should be between 0 and 1, got {}",
                crate::number::GoFloat(*quantile)
            ));
        }
    }

    fn remark_on_counter(&self, function: &str, sources: &[Source<'_>]) {
        if !matches!(function, "rate" | "increase" | "irate") {
            return;
        }
        for source in sources {
            if let Some(name) = source.labels.metric_name()
                && !COUNTER_ENDINGS.iter().any(|ending| name.ends_with(ending))
            {
                self.info(format!(
                    "metric might not be a counter, name does not end in _total/_sum/_count/_bucket: \"{name}\""
                ));
            }
        }
    }
}
