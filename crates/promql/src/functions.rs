//! The table of functions: what each takes and returns.

use crate::ast::ValueType;
use ValueType::{Matrix, Scalar, String, Vector};

/// What a function takes and returns.
pub(crate) struct Signature {
    pub(crate) name: &'static str,
    pub(crate) args: &'static [ValueType],
    /// How many of the last arguments may be left out.
    pub(crate) optional: usize,
    /// Whether the last argument may be repeated.
    pub(crate) repeated: bool,
    pub(crate) returns: ValueType,
}

const fn function(name: &'static str, args: &'static [ValueType], returns: ValueType) -> Signature {
    Signature {
        name,
        args,
        optional: 0,
        repeated: false,
        returns,
    }
}

const fn with_optional(name: &'static str, args: &'static [ValueType]) -> Signature {
    Signature {
        name,
        args,
        optional: 1,
        repeated: false,
        returns: Vector,
    }
}

const fn with_repeated(name: &'static str, args: &'static [ValueType]) -> Signature {
    Signature {
        name,
        args,
        optional: 1,
        repeated: true,
        returns: Vector,
    }
}

/// All functions, in the order of their names.
pub(crate) const FUNCTIONS: &[Signature] = &[
    function("abs", &[Vector], Vector),
    function("absent", &[Vector], Vector),
    function("absent_over_time", &[Matrix], Vector),
    function("acos", &[Vector], Vector),
    function("acosh", &[Vector], Vector),
    function("asin", &[Vector], Vector),
    function("asinh", &[Vector], Vector),
    function("atan", &[Vector], Vector),
    function("atanh", &[Vector], Vector),
    function("avg_over_time", &[Matrix], Vector),
    function("ceil", &[Vector], Vector),
    function("changes", &[Matrix], Vector),
    function("clamp", &[Vector, Scalar, Scalar], Vector),
    function("clamp_max", &[Vector, Scalar], Vector),
    function("clamp_min", &[Vector, Scalar], Vector),
    function("cos", &[Vector], Vector),
    function("cosh", &[Vector], Vector),
    function("count_over_time", &[Matrix], Vector),
    with_optional("day_of_month", &[Vector]),
    with_optional("day_of_week", &[Vector]),
    with_optional("day_of_year", &[Vector]),
    with_optional("days_in_month", &[Vector]),
    function("deg", &[Vector], Vector),
    function("delta", &[Matrix], Vector),
    function("deriv", &[Matrix], Vector),
    function(
        "double_exponential_smoothing",
        &[Matrix, Scalar, Scalar],
        Vector,
    ),
    function("end", &[], Scalar),
    function("exp", &[Vector], Vector),
    function("first_over_time", &[Matrix], Vector),
    function("floor", &[Vector], Vector),
    function("histogram_quantile", &[Scalar, Vector], Vector),
    function("holt_winters", &[Matrix, Scalar, Scalar], Vector),
    with_optional("hour", &[Vector]),
    function("idelta", &[Matrix], Vector),
    function("increase", &[Matrix], Vector),
    function("irate", &[Matrix], Vector),
    with_repeated("label_join", &[Vector, String, String, String]),
    function(
        "label_replace",
        &[Vector, String, String, String, String],
        Vector,
    ),
    function("last_over_time", &[Matrix], Vector),
    function("ln", &[Vector], Vector),
    function("log10", &[Vector], Vector),
    function("log2", &[Vector], Vector),
    function("mad_over_time", &[Matrix], Vector),
    function("max_of", &[Scalar, Scalar], Scalar),
    function("max_over_time", &[Matrix], Vector),
    function("min_of", &[Scalar, Scalar], Scalar),
    function("min_over_time", &[Matrix], Vector),
    with_optional("minute", &[Vector]),
    with_optional("month", &[Vector]),
    function("pi", &[], Scalar),
    function("predict_linear", &[Matrix, Scalar], Vector),
    function("present_over_time", &[Matrix], Vector),
    function("quantile_over_time", &[Scalar, Matrix], Vector),
    function("rad", &[Vector], Vector),
    function("range", &[], Scalar),
    function("rate", &[Matrix], Vector),
    function("resets", &[Matrix], Vector),
    with_optional("round", &[Vector, Scalar]),
    function("scalar", &[Vector], Scalar),
    function("sgn", &[Vector], Vector),
    function("sin", &[Vector], Vector),
    function("sinh", &[Vector], Vector),
    function("sort", &[Vector], Vector),
    with_repeated("sort_by_label", &[Vector, String]),
    with_repeated("sort_by_label_desc", &[Vector, String]),
    function("sort_desc", &[Vector], Vector),
    function("sqrt", &[Vector], Vector),
    function("start", &[], Scalar),
    function("stddev_over_time", &[Matrix], Vector),
    function("stdvar_over_time", &[Matrix], Vector),
    function("step", &[], Scalar),
    function("sum_over_time", &[Matrix], Vector),
    function("tan", &[Vector], Vector),
    function("tanh", &[Vector], Vector),
    function("time", &[], Scalar),
    function("timestamp", &[Vector], Vector),
    function("ts_of_first_over_time", &[Matrix], Vector),
    function("ts_of_last_over_time", &[Matrix], Vector),
    function("ts_of_max_over_time", &[Matrix], Vector),
    function("ts_of_min_over_time", &[Matrix], Vector),
    function("vector", &[Scalar], Vector),
    with_optional("year", &[Vector]),
];

/// Finds a function by its name.
pub(crate) fn find(name: &str) -> Option<&'static Signature> {
    FUNCTIONS
        .binary_search_by(|candidate| candidate.name.cmp(name))
        .ok()
        .map(|at| &FUNCTIONS[at])
}

/// Names of all functions, for completion in an editor.
pub fn function_names() -> impl Iterator<Item = &'static str> {
    FUNCTIONS.iter().map(|function| function.name)
}

pub(crate) fn return_type(name: &str) -> ValueType {
    find(name).map_or(Vector, |function| function.returns)
}

/// Tells whether a function's value depends on when it is evaluated even if its arguments do not.
pub(crate) fn depends_on_evaluation_time(name: &str) -> bool {
    matches!(
        name,
        "days_in_month"
            | "day_of_month"
            | "day_of_week"
            | "day_of_year"
            | "hour"
            | "minute"
            | "month"
            | "year"
            | "predict_linear"
            | "time"
            | "timestamp"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_for_the_binary_search() {
        assert!(FUNCTIONS.is_sorted_by(|a, b| a.name < b.name));
    }
}
