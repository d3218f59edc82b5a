//! Functions over instant vectors and scalars.

use std::cmp::Ordering;

use yunhai_model::{Labels, is_stale};

use super::quantile::nan_first;
use super::{ABSENT, Evaluator, Grid, Series, Value, calendar, labels};
use crate::ast::{Call, Node, ValueType};
use crate::engine::Error;

impl Evaluator<'_> {
    pub(crate) fn call(&self, call: &Call, grid: Grid) -> Result<Value, Error> {
        if let Some(range_at) = call
            .args
            .iter()
            .position(|arg| arg.value_type() == ValueType::Matrix)
        {
            return self.call_range(call, range_at, grid);
        }
        let args = &call.args;
        if let Some(function) = math(call.function) {
            let series = self.eval_vector(&args[0], grid)?;
            return self.map_values(series, function).map(Value::Vector);
        }
        if let Some(function) = calendar::find(call.function) {
            return self.dates(args, function, grid);
        }
        match call.function {
            "pi" => Ok(constant(std::f64::consts::PI, grid)),
            "time" => Ok(Value::Scalar(
                grid.times()
                    .map(|time_ms| time_ms as f64 / 1000.0)
                    .collect(),
            )),
            "start" => Ok(constant(self.query_start_ms as f64 / 1000.0, grid)),
            "end" => Ok(constant(self.query_end_ms as f64 / 1000.0, grid)),
            "step" => Ok(constant(self.query_step_ms as f64 / 1000.0, grid)),
            "range" => {
                let range_ms = self.query_end_ms - self.query_start_ms;
                Ok(constant(range_ms as f64 / 1000.0, grid))
            }
            "min_of" | "max_of" => {
                let left = self.eval_scalar(&args[0], grid)?;
                let right = self.eval_scalar(&args[1], grid)?;
                let pick = if call.function == "min_of" {
                    go_min
                } else {
                    go_max
                };
                Ok(Value::Scalar(
                    left.into_iter()
                        .zip(right)
                        .map(|(left, right)| pick(left, right))
                        .collect(),
                ))
            }
            "scalar" => {
                let series = self.eval_vector(&args[0], grid)?;
                Ok(Value::Scalar(only_values(&series, grid)))
            }
            "vector" => Ok(Value::Vector(vec![Series {
                labels: Labels::default(),
                values: self.eval_scalar(&args[0], grid)?,
            }])),
            "absent" => {
                let series = self.eval_vector(&args[0], grid)?;
                Ok(Value::Vector(labels::absent(&args[0], &series, grid)))
            }
            "timestamp" => self.timestamps(&args[0], grid),
            "clamp" | "clamp_min" | "clamp_max" | "round" => {
                self.with_scalars(call, grid).map(Value::Vector)
            }
            "histogram_quantile" => {
                let quantiles = self.eval_scalar(&args[0], grid)?;
                let series = self.eval_vector(&args[1], grid)?;
                self.histogram_quantile(&quantiles, &series, grid)
                    .map(Value::Vector)
            }
            "label_replace" => {
                let series = self.eval_vector(&args[0], grid)?;
                self.label_replace(series, args).map(Value::Vector)
            }
            "label_join" => {
                let series = self.eval_vector(&args[0], grid)?;
                self.label_join(series, args).map(Value::Vector)
            }
            "sort" | "sort_desc" | "sort_by_label" | "sort_by_label_desc" => {
                self.sorted(call, grid).map(Value::Vector)
            }
            name => Err(Error::Evaluation(format!(
                "the function `{name}` is not supported"
            ))),
        }
    }

    fn dates(&self, args: &[Node], function: fn(f64) -> f64, grid: Grid) -> Result<Value, Error> {
        let Some(arg) = args.first() else {
            return Ok(Value::Vector(vec![Series {
                labels: Labels::default(),
                values: grid
                    .times()
                    .map(|time_ms| function((time_ms / 1000) as f64))
                    .collect(),
            }]));
        };
        let series = self.eval_vector(arg, grid)?;
        self.map_values(series, function).map(Value::Vector)
    }

    /// The times of a selector's samples; of anything else, the times of evaluation.
    fn timestamps(&self, arg: &Node, grid: Grid) -> Result<Value, Error> {
        let series = if let Node::Selector(selector) = unwrapped(arg) {
            self.select_times(selector, grid)?
        } else {
            let mut series = self.eval_vector(arg, grid)?;
            for series in &mut series {
                for (value, time_ms) in series.values.iter_mut().zip(grid.times()) {
                    if !is_stale(*value) {
                        *value = time_ms as f64 / 1000.0;
                    }
                }
            }
            series
        };
        self.map_values(series, |seconds| seconds)
            .map(Value::Vector)
    }

    /// Functions of a value and scalars that may differ from step to step.
    fn with_scalars(&self, call: &Call, grid: Grid) -> Result<Vec<Series>, Error> {
        let mut series = self.eval_vector(&call.args[0], grid)?;
        let scalars = call.args[1..]
            .iter()
            .map(|arg| self.eval_scalar(arg, grid))
            .collect::<Result<Vec<_>, _>>()?;
        for series in &mut series {
            for (step, value) in series.values.iter_mut().enumerate() {
                if is_stale(*value) {
                    continue;
                }
                let scalar = |at: usize| scalars[at][step];
                *value = match call.function {
                    "clamp_min" => go_max(scalar(0), *value),
                    "clamp_max" => go_min(scalar(0), *value),
                    "clamp" if scalar(1) < scalar(0) => ABSENT,
                    "clamp" => go_max(scalar(0), go_min(scalar(1), *value)),
                    _ => {
                        // Multiplying by the inverse rounds better than dividing.
                        let inverse = 1.0 / scalars.first().map_or(1.0, |nearest| nearest[step]);
                        (*value * inverse + 0.5).floor() / inverse
                    }
                };
            }
        }
        self.map_values(series, |value| value)
    }

    /// Sorts where there is one step; over a range series have no order.
    fn sorted(&self, call: &Call, grid: Grid) -> Result<Vec<Series>, Error> {
        let mut series = self.eval_vector(&call.args[0], grid)?;
        if grid.steps != 1 {
            self.warn(
                "sort is ineffective for range queries since results are always ordered by labels",
            );
            return Ok(series);
        }
        series.retain(|series| !is_stale(series.values[0]));
        match call.function {
            "sort" => series.sort_by(|a, b| ascending(a.values[0], b.values[0])),
            "sort_desc" => series.sort_by(|a, b| nan_first(b.values[0], a.values[0])),
            name => {
                let by = call.args[1..]
                    .iter()
                    .map(labels::text)
                    .collect::<Result<Vec<_>, _>>()?;
                let is_descending = name == "sort_by_label_desc";
                series.sort_by(|a, b| {
                    let order = by
                        .iter()
                        .map(|label| {
                            natural(
                                a.labels.get(label).unwrap_or_default(),
                                b.labels.get(label).unwrap_or_default(),
                            )
                        })
                        .find(|order| order.is_ne())
                        .unwrap_or_else(|| a.labels.cmp(&b.labels));
                    if is_descending {
                        order.reverse()
                    } else {
                        order
                    }
                });
            }
        }
        Ok(series)
    }
}

fn constant(value: f64, grid: Grid) -> Value {
    Value::Scalar(vec![value; grid.steps])
}

/// A selector behind the mark of being the same at every step.
fn unwrapped(node: &Node) -> &Node {
    match node {
        Node::Invariant(inner) => unwrapped(inner),
        other => other,
    }
}

/// The value of the only series at each step, NaN where there is none or more than one.
fn only_values(series: &[Series], grid: Grid) -> Vec<f64> {
    (0..grid.steps)
        .map(|step| {
            let mut present = series
                .iter()
                .map(|series| series.values[step])
                .filter(|value| !is_stale(*value));
            match (present.next(), present.next()) {
                (Some(value), None) => value,
                _ => f64::NAN,
            }
        })
        .collect()
}

/// The larger one; NaN if either is and the other is not infinity, as Go has it.
fn go_max(a: f64, b: f64) -> f64 {
    if a == f64::INFINITY || b == f64::INFINITY {
        f64::INFINITY
    } else if a.is_nan() || b.is_nan() {
        f64::NAN
    } else {
        a.max(b)
    }
}

/// The smaller one; NaN if either is and the other is not minus infinity, as Go has it.
fn go_min(a: f64, b: f64) -> f64 {
    if a == f64::NEG_INFINITY || b == f64::NEG_INFINITY {
        f64::NEG_INFINITY
    } else if a.is_nan() || b.is_nan() {
        f64::NAN
    } else {
        a.min(b)
    }
}

fn ascending(a: f64, b: f64) -> Ordering {
    match (a.is_nan(), b.is_nan()) {
        (false, false) => a.partial_cmp(&b).unwrap_or(Ordering::Equal),
        (a_is_nan, b_is_nan) => a_is_nan.cmp(&b_is_nan),
    }
}

/// Compares texts with the numbers in them taken as numbers: `a2` before `a10`.
fn natural(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a, b);
    loop {
        let digits =
            |text: &str| text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (a_digits, b_digits) = (digits(a), digits(b));
        if a_digits > 0 && b_digits > 0 {
            let (a_number, b_number) = (
                a[..a_digits].trim_start_matches('0'),
                b[..b_digits].trim_start_matches('0'),
            );
            let order = a_number
                .len()
                .cmp(&b_number.len())
                .then_with(|| a_number.cmp(b_number));
            if order.is_ne() {
                return order;
            }
            (a, b) = (&a[a_digits..], &b[b_digits..]);
            continue;
        }
        match (a.chars().next(), b.chars().next()) {
            (Some(x), Some(y)) if x == y => {
                (a, b) = (&a[x.len_utf8()..], &b[y.len_utf8()..]);
            }
            (x, y) => return x.cmp(&y),
        }
    }
}

/// Functions of one number.
fn math(name: &str) -> Option<fn(f64) -> f64> {
    Some(match name {
        "abs" => f64::abs,
        "acos" => f64::acos,
        "acosh" => f64::acosh,
        "asin" => f64::asin,
        "asinh" => f64::asinh,
        "atan" => f64::atan,
        "atanh" => f64::atanh,
        "ceil" => f64::ceil,
        "cos" => f64::cos,
        "cosh" => f64::cosh,
        "deg" => |value| value * 180.0 / std::f64::consts::PI,
        "exp" => f64::exp,
        "floor" => f64::floor,
        "ln" => f64::ln,
        "log10" => f64::log10,
        "log2" => f64::log2,
        "rad" => |value| value * std::f64::consts::PI / 180.0,
        "sgn" => |value| {
            if value < 0.0 {
                -1.0
            } else if value > 0.0 {
                1.0
            } else {
                value
            }
        },
        "sin" => f64::sin,
        "sinh" => f64::sinh,
        "sqrt" => f64::sqrt,
        "tan" => f64::tan,
        "tanh" => f64::tanh,
        _ => return None,
    })
}
