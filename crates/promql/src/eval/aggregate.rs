//! Aggregations: series are put into groups once, then each group is folded step by step.

use std::cmp::Ordering;

use rustc_hash::FxHashMap;
use yunhai_model::{Labels, METRIC_NAME, is_stale, is_valid_label_name};

use super::quantile::{nan_first, quantile_of};
use super::summation::{Mean, Sum};
use super::{ABSENT, Evaluator, Grid, Series, has_any};
use crate::ast::{Aggregate, AggregateOp, Grouping, Node};
use crate::engine::Error;
use crate::number::GoFloat;

/// Series that are aggregated together.
struct Group {
    labels: Labels,
    /// Places in the input.
    members: Vec<usize>,
}

impl Evaluator<'_> {
    pub(crate) fn aggregate(
        &self,
        aggregate: &Aggregate,
        grid: Grid,
    ) -> Result<Vec<Series>, Error> {
        let input = self.eval_vector(&aggregate.expr, grid)?;
        let param = match &aggregate.param {
            Some(param) if aggregate.op != AggregateOp::CountValues => {
                self.eval_scalar(param, grid)?
            }
            _ => Vec::new(),
        };
        if aggregate.op == AggregateOp::CountValues {
            return self.count_values(aggregate, &input, grid);
        }
        let groups = grouped(&input, &aggregate.grouping);
        match aggregate.op {
            AggregateOp::Topk | AggregateOp::Bottomk | AggregateOp::Limitk => {
                let counts = self.chosen_counts(&param)?;
                return Ok(choose(aggregate.op, &counts, &groups, &input, grid));
            }
            AggregateOp::LimitRatio => return self.limit_ratio(&param, &groups, &input, grid),
            AggregateOp::Quantile => self.remark_on_quantiles(&param),
            _ => {}
        }
        let mut result = Vec::with_capacity(groups.len());
        for group in groups {
            self.limits.check_time()?;
            let columns: Vec<&[f64]> = group
                .members
                .iter()
                .map(|member| &*input[*member].values)
                .collect();
            let values = match aggregate.op {
                AggregateOp::Sum if self.is_v3() => {
                    fold(&columns, grid, Sum::default(), Sum::add, |sum| sum.value())
                }
                AggregateOp::Sum => {
                    fold(&columns, grid, 0.0, |sum, value| *sum += value, |sum| *sum)
                }
                AggregateOp::Avg => fold(&columns, grid, Mean::default(), Mean::add, |mean| {
                    mean.value()
                }),
                AggregateOp::Min => fold_first(&columns, grid, |min, value| {
                    if value < min || min.is_nan() {
                        value
                    } else {
                        min
                    }
                }),
                AggregateOp::Max => fold_first(&columns, grid, |max, value| {
                    if value > max || max.is_nan() {
                        value
                    } else {
                        max
                    }
                }),
                AggregateOp::Count => fold(
                    &columns,
                    grid,
                    0_u64,
                    |count, _| *count += 1,
                    |count| *count as f64,
                ),
                AggregateOp::Group => fold(&columns, grid, (), |(), _| {}, |()| 1.0),
                AggregateOp::Stdvar => fold(
                    &columns,
                    grid,
                    Spread::default(),
                    Spread::add,
                    Spread::variance,
                ),
                AggregateOp::Stddev => {
                    fold(&columns, grid, Spread::default(), Spread::add, |spread| {
                        spread.variance().sqrt()
                    })
                }
                AggregateOp::Quantile => quantiles(&columns, &param),
                AggregateOp::Topk
                | AggregateOp::Bottomk
                | AggregateOp::CountValues
                | AggregateOp::Limitk
                | AggregateOp::LimitRatio => continue,
            };
            result.push(Series {
                labels: group.labels,
                values,
            });
        }
        Ok(result)
    }

    fn count_values(
        &self,
        aggregate: &Aggregate,
        input: &[Series],
        grid: Grid,
    ) -> Result<Vec<Series>, Error> {
        let label = match aggregate.param.as_deref() {
            Some(Node::Text(label)) => label,
            Some(Node::Invariant(inner)) => match &**inner {
                Node::Text(label) => label,
                _ => return Err(Error::Evaluation("expected a label name".into())),
            },
            _ => return Err(Error::Evaluation("expected a label name".into())),
        };
        if !is_valid_label_name(label) {
            return Err(Error::Evaluation(format!("invalid label name \"{label}\"")));
        }
        let grouping = &aggregate.grouping;
        // The label of the value takes the place of one that the series had, and is kept.
        let mut places: FxHashMap<Labels, usize> = FxHashMap::default();
        let mut result: Vec<Series> = Vec::new();
        for series in input {
            let base = if grouping.without {
                group_labels(&series.labels, grouping)
            } else {
                group_labels(&series.labels, grouping).without(&[label.as_str()])
            };
            let drops_label = grouping.without && grouping.labels.contains(label);
            let mut known: FxHashMap<u64, usize> = FxHashMap::default();
            for (step, value) in series.values.iter().enumerate() {
                if is_stale(*value) {
                    continue;
                }
                let place = *known.entry(value.to_bits()).or_insert_with(|| {
                    let labels = if drops_label {
                        base.clone()
                    } else {
                        base.with(label, &GoFloat(*value).to_string())
                    };
                    *places.entry(labels.clone()).or_insert_with(|| {
                        result.push(Series {
                            labels,
                            values: vec![ABSENT; grid.steps],
                        });
                        result.len() - 1
                    })
                });
                let count = &mut result[place].values[step];
                *count = if is_stale(*count) { 1.0 } else { *count + 1.0 };
            }
            self.check_size(result.len(), grid)?;
        }
        Ok(result)
    }

    /// How many series to choose at each step.
    fn chosen_counts(&self, param: &[f64]) -> Result<Vec<usize>, Error> {
        // The bounds of i64, beyond which Prometheus refuses too.
        const LIMIT: f64 = 9.223_372_036_854_775e18;
        param
            .iter()
            .map(|count| {
                if count.is_nan() && self.is_v3() {
                    Err(Error::Evaluation("Parameter value is NaN".into()))
                } else if count.is_nan() || count.abs() >= LIMIT {
                    Err(Error::Evaluation(format!(
                        "Scalar value {} overflows int64",
                        GoFloat(*count)
                    )))
                } else {
                    Ok(count.max(0.0) as usize)
                }
            })
            .collect()
    }

    /// Keeps a share of the series, always the same ones: those whose labels hash low enough, or
    /// for a negative ratio the ones that the complementary positive ratio leaves out.
    fn limit_ratio(
        &self,
        ratios: &[f64],
        groups: &[Group],
        input: &[Series],
        grid: Grid,
    ) -> Result<Vec<Series>, Error> {
        if ratios.iter().any(|ratio| ratio.is_nan()) {
            return Err(Error::Evaluation("Ratio value is NaN".into()));
        }
        if let Some(ratio) = ratios.iter().find(|ratio| ratio.abs() > 1.0) {
            self.warn(format!(
                "ratio value should be between -1 and 1, got {}, capping to {}",
                GoFloat(*ratio),
                ratio.signum()
            ));
        }
        let mut result = Vec::new();
        for member in groups.iter().flat_map(|group| &group.members) {
            let series = &input[*member];
            let share = label_share(&series.labels);
            let mut values = vec![ABSENT; grid.steps];
            for ((into, value), ratio) in values.iter_mut().zip(&series.values).zip(ratios) {
                let ratio = ratio.clamp(-1.0, 1.0);
                let is_kept = if ratio >= 0.0 {
                    share < ratio
                } else {
                    share >= 1.0 + ratio
                };
                if is_kept {
                    *into = *value;
                }
            }
            if has_any(&values) {
                result.push(Series {
                    labels: series.labels.clone(),
                    values,
                });
            }
        }
        Ok(result)
    }
}

/// A number from 0 to 1 (excluded) that depends on the labels only.
fn label_share(labels: &Labels) -> f64 {
    use std::hash::{Hash, Hasher};
    let mut hasher = rustc_hash::FxHasher::default();
    labels.hash(&mut hasher);
    (hasher.finish() >> 11) as f64 / (1_u64 << 53) as f64
}

fn group_labels(labels: &Labels, grouping: &Grouping) -> Labels {
    let names: Vec<&str> = grouping.labels.iter().map(String::as_str).collect();
    if grouping.without {
        let names: Vec<&str> = names.into_iter().chain([METRIC_NAME]).collect();
        labels.without(&names)
    } else if names.is_empty() {
        Labels::default()
    } else {
        labels.only(&names)
    }
}

/// Puts series into groups, in the order in which the groups are first seen.
fn grouped(input: &[Series], grouping: &Grouping) -> Vec<Group> {
    let mut places: FxHashMap<Labels, usize> = FxHashMap::default();
    let mut groups: Vec<Group> = Vec::new();
    for (at, series) in input.iter().enumerate() {
        let labels = group_labels(&series.labels, grouping);
        let place = *places.entry(labels.clone()).or_insert_with(|| {
            groups.push(Group {
                labels,
                members: Vec::new(),
            });
            groups.len() - 1
        });
        groups[place].members.push(at);
    }
    groups
}

/// Folds the present values of each step.
fn fold<State: Clone>(
    columns: &[&[f64]],
    grid: Grid,
    start: State,
    add: impl Fn(&mut State, f64),
    finish: impl Fn(&State) -> f64,
) -> Vec<f64> {
    let mut states = vec![(false, start); grid.steps];
    for column in columns {
        for (state, value) in states.iter_mut().zip(*column) {
            if !is_stale(*value) {
                add(&mut state.1, *value);
                state.0 = true;
            }
        }
    }
    states
        .iter()
        .map(|(any, state)| if *any { finish(state) } else { ABSENT })
        .collect()
}

/// Folds the present values of each step, the first of them being the start.
fn fold_first(columns: &[&[f64]], grid: Grid, add: impl Fn(f64, f64) -> f64) -> Vec<f64> {
    let mut result = vec![ABSENT; grid.steps];
    for column in columns {
        for (into, value) in result.iter_mut().zip(*column) {
            if is_stale(*value) {
                continue;
            }
            *into = if is_stale(*into) {
                *value
            } else {
                add(*into, *value)
            };
        }
    }
    result
}

/// Welford's running variance.
#[derive(Clone, Default)]
struct Spread {
    count: f64,
    mean: f64,
    squares: f64,
}

impl Spread {
    fn add(&mut self, value: f64) {
        self.count += 1.0;
        let delta = value - self.mean;
        self.mean += delta / self.count;
        self.squares += delta * (value - self.mean);
    }

    fn variance(&self) -> f64 {
        self.squares / self.count
    }
}

fn quantiles(columns: &[&[f64]], quantiles: &[f64]) -> Vec<f64> {
    let mut present = Vec::with_capacity(columns.len());
    quantiles
        .iter()
        .enumerate()
        .map(|(step, quantile)| {
            present.clear();
            present.extend(
                columns
                    .iter()
                    .map(|column| column[step])
                    .filter(|value| !is_stale(*value)),
            );
            if present.is_empty() {
                ABSENT
            } else {
                quantile_of(*quantile, &mut present)
            }
        })
        .collect()
}

/// Keeps at each step the chosen series of each group, ordered by value where there is one step.
fn choose(
    op: AggregateOp,
    counts: &[usize],
    groups: &[Group],
    input: &[Series],
    grid: Grid,
) -> Vec<Series> {
    let mut kept: Vec<Vec<f64>> = vec![Vec::new(); input.len()];
    let mut order = Vec::new();
    let mut candidates: Vec<(usize, f64)> = Vec::new();
    for group in groups {
        for (step, count) in counts.iter().enumerate() {
            if *count == 0 {
                continue;
            }
            candidates.clear();
            candidates.extend(
                group
                    .members
                    .iter()
                    .map(|member| (*member, input[*member].values[step]))
                    .filter(|(_, value)| !is_stale(*value)),
            );
            match op {
                AggregateOp::Topk => candidates.sort_by(|a, b| nan_first(b.1, a.1)),
                AggregateOp::Bottomk => candidates.sort_by(|a, b| nan_last(a.1, b.1)),
                _ => {}
            }
            for (member, value) in candidates.iter().take(*count) {
                if kept[*member].is_empty() {
                    kept[*member] = vec![ABSENT; grid.steps];
                    order.push(*member);
                }
                kept[*member][step] = *value;
            }
        }
    }
    order
        .into_iter()
        .map(|member| Series {
            labels: input[member].labels.clone(),
            values: std::mem::take(&mut kept[member]),
        })
        .collect()
}

fn nan_last(a: f64, b: f64) -> Ordering {
    match (a.is_nan(), b.is_nan()) {
        (true, true) => Ordering::Equal,
        (true, false) => Ordering::Greater,
        (false, true) => Ordering::Less,
        (false, false) => a.partial_cmp(&b).unwrap_or(Ordering::Equal),
    }
}
