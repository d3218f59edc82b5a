//! Binary operators between scalars and vectors.

mod matching;
mod set;

use yunhai_model::is_stale;

use super::{ABSENT, Evaluator, Grid, Series, Value, without_name};
use crate::ast::{Binary, BinaryOp};
use crate::engine::Error;

impl Evaluator<'_> {
    pub(crate) fn binary(
        &self,
        binary: &Binary,
        lhs: Value,
        rhs: Value,
        grid: Grid,
    ) -> Result<Value, Error> {
        match (lhs, rhs) {
            (Value::Scalar(lhs), Value::Scalar(rhs)) => Ok(Value::Scalar(
                lhs.iter()
                    .zip(&rhs)
                    .map(|(left, right)| {
                        if binary.op.is_comparison() {
                            f64::from(u8::from(holds(binary.op, *left, *right)))
                        } else {
                            arithmetic(binary.op, *left, *right)
                        }
                    })
                    .collect(),
            )),
            (Value::Vector(series), Value::Scalar(scalar)) => self
                .with_scalar(binary, series, &scalar, false)
                .map(Value::Vector),
            (Value::Scalar(scalar), Value::Vector(series)) => self
                .with_scalar(binary, series, &scalar, true)
                .map(Value::Vector),
            (Value::Vector(lhs), Value::Vector(rhs)) => if binary.op.is_set() {
                self.set_operation(binary, lhs, &rhs, grid)
            } else {
                self.matched(binary, lhs, rhs, grid)
            }
            .map(Value::Vector),
        }
    }

    fn with_scalar(
        &self,
        binary: &Binary,
        series: Vec<Series>,
        scalar: &[f64],
        is_scalar_left: bool,
    ) -> Result<Vec<Series>, Error> {
        let mut result = Vec::with_capacity(series.len());
        for mut series in series {
            let mut any = false;
            for (value, scalar) in series.values.iter_mut().zip(scalar) {
                if is_stale(*value) {
                    continue;
                }
                let (left, right) = if is_scalar_left {
                    (*scalar, *value)
                } else {
                    (*value, *scalar)
                };
                *value = if !binary.op.is_comparison() {
                    arithmetic(binary.op, left, right)
                } else if binary.return_bool {
                    f64::from(u8::from(holds(binary.op, left, right)))
                } else if holds(binary.op, left, right) {
                    // A filter keeps the vector's value, on whichever side it stands.
                    *value
                } else {
                    ABSENT
                };
                any |= !is_stale(*value);
            }
            if any {
                if self.drops_name(binary) {
                    series.labels = without_name(&series.labels);
                }
                result.push(series);
            }
        }
        self.merged(result)
    }

    /// A result that is no longer the metric's own value does not bear its name.
    fn drops_name(&self, binary: &Binary) -> bool {
        match binary.op {
            // Prometheus 2 forgot this one.
            BinaryOp::Atan2 => self.is_v3(),
            op => !op.is_comparison() || binary.return_bool,
        }
    }
}

pub(crate) fn arithmetic(op: BinaryOp, left: f64, right: f64) -> f64 {
    match op {
        BinaryOp::Add => left + right,
        BinaryOp::Sub => left - right,
        BinaryOp::Mul => left * right,
        BinaryOp::Div => left / right,
        BinaryOp::Mod => left % right,
        BinaryOp::Pow => left.powf(right),
        BinaryOp::Atan2 => left.atan2(right),
        _ => f64::NAN,
    }
}

#[allow(clippy::float_cmp)] // the operator means exactly that
pub(crate) fn holds(op: BinaryOp, left: f64, right: f64) -> bool {
    match op {
        BinaryOp::Equal => left == right,
        BinaryOp::NotEqual => left != right,
        BinaryOp::Greater => left > right,
        BinaryOp::Less => left < right,
        BinaryOp::GreaterEqual => left >= right,
        BinaryOp::LessEqual => left <= right,
        _ => false,
    }
}
