//! `and`, `or`, `unless`: which series are there, not what they are worth.

use rustc_hash::FxHashMap;
use yunhai_model::{Labels, is_stale};

use super::matching::signature;
use crate::ast::{Binary, BinaryOp};
use crate::engine::Error;
use crate::eval::{ABSENT, Evaluator, Grid, Series, has_any};

impl Evaluator<'_> {
    pub(super) fn set_operation(
        &self,
        binary: &Binary,
        lhs: Vec<Series>,
        rhs: &[Series],
        grid: Grid,
    ) -> Result<Vec<Series>, Error> {
        let result = match binary.op {
            BinaryOp::Or => {
                let present = presence(binary, &lhs, grid);
                let mut result = lhs;
                result.extend(masked(binary, rhs, &present, false));
                result
            }
            _ => masked(
                binary,
                &lhs,
                &presence(binary, rhs, grid),
                binary.op == BinaryOp::And,
            ),
        };
        self.merged(result)
    }
}

/// For each signature the steps at which any series bears it.
fn presence(binary: &Binary, series: &[Series], grid: Grid) -> FxHashMap<Labels, Vec<bool>> {
    let mut present: FxHashMap<Labels, Vec<bool>> = FxHashMap::default();
    for series in series {
        let steps = present
            .entry(signature(&series.labels, &binary.matching))
            .or_insert_with(|| vec![false; grid.steps]);
        for (step, value) in steps.iter_mut().zip(&series.values) {
            *step |= !is_stale(*value);
        }
    }
    present
}

/// Keeps the values at steps whose signature is present, or at those where it is not.
fn masked(
    binary: &Binary,
    series: &[Series],
    present: &FxHashMap<Labels, Vec<bool>>,
    keeps_present: bool,
) -> Vec<Series> {
    let mut result = Vec::new();
    for series in series {
        let values: Vec<f64> = match present.get(&signature(&series.labels, &binary.matching)) {
            Some(steps) => series
                .values
                .iter()
                .zip(steps)
                .map(|(value, present)| {
                    if *present == keeps_present {
                        *value
                    } else {
                        ABSENT
                    }
                })
                .collect(),
            None if keeps_present => continue,
            None => series.values.clone(),
        };
        if has_any(&values) {
            result.push(Series {
                labels: series.labels.clone(),
                values,
            });
        }
    }
    result
}
