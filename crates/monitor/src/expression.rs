//! PromQL expressions of rules: checked when a rule is read, and taken apart where the comparison
//! with a number on top is what recovery thresholds, no-data and explanations need.

use std::fmt;

use promql_parser::parser::{self, Expr, value::ValueType};
use serde::{Deserialize, Serialize};

/// A comparison of a series with a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Comparison {
    /// Greater than.
    #[serde(rename = ">")]
    Greater,
    /// Greater than or equal to.
    #[serde(rename = ">=")]
    GreaterOrEqual,
    /// Less than.
    #[serde(rename = "<")]
    Less,
    /// Less than or equal to.
    #[serde(rename = "<=")]
    LessOrEqual,
    /// Equal to.
    #[serde(rename = "==")]
    Equal,
    /// Different from.
    #[serde(rename = "!=")]
    NotEqual,
}

impl Comparison {
    const ALL: [Self; 6] = [
        Self::Greater,
        Self::GreaterOrEqual,
        Self::Less,
        Self::LessOrEqual,
        Self::Equal,
        Self::NotEqual,
    ];

    /// The operator as PromQL writes it.
    pub fn symbol(self) -> &'static str {
        match self {
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Equal => "==",
            Self::NotEqual => "!=",
        }
    }

    /// Tells whether `value` satisfies the comparison with `threshold`.
    #[allow(clippy::float_cmp)] // PromQL's == is exact.
    pub fn holds(self, value: f64, threshold: f64) -> bool {
        match self {
            Self::Greater => value > threshold,
            Self::GreaterOrEqual => value >= threshold,
            Self::Less => value < threshold,
            Self::LessOrEqual => value <= threshold,
            Self::Equal => value == threshold,
            Self::NotEqual => value != threshold,
        }
    }

    /// Tells whether `recovery` is a useful recovery threshold beside `threshold`: one that lets
    /// an alert end later, not earlier.
    pub(crate) fn accepts_recovery(self, threshold: f64, recovery: f64) -> bool {
        match self {
            Self::Greater | Self::GreaterOrEqual => recovery <= threshold,
            Self::Less | Self::LessOrEqual => recovery >= threshold,
            Self::Equal | Self::NotEqual => false,
        }
    }

    fn parse(symbol: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|comparison| comparison.symbol() == symbol)
    }

    fn mirrored(self) -> Self {
        match self {
            Self::Greater => Self::Less,
            Self::GreaterOrEqual => Self::LessOrEqual,
            Self::Less => Self::Greater,
            Self::LessOrEqual => Self::GreaterOrEqual,
            Self::Equal | Self::NotEqual => self,
        }
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.symbol())
    }
}

/// An expression of the form `measured > number`.
#[derive(Clone, Debug, PartialEq)]
pub struct Threshold {
    /// The expression before the comparison.
    pub measured: String,
    /// How it is compared.
    pub comparison: Comparison,
    /// With what.
    pub number: f64,
}

/// What is wrong with an expression, and where in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ExpressionFault {
    /// Bytes from the expression's start.
    pub(crate) offset: usize,
    pub(crate) message: String,
}

/// Checks that an expression is PromQL and that a rule can have it: its result is a vector or a
/// number.
pub(crate) fn check(expression: &str) -> Result<(), ExpressionFault> {
    let expr = yunhai_promql::parse(expression).map_err(|error| ExpressionFault {
        offset: error.position.offset,
        message: error.message,
    })?;
    match expr.value_type() {
        yunhai_promql::ValueType::Vector | yunhai_promql::ValueType::Scalar => Ok(()),
        other => Err(ExpressionFault {
            offset: 0,
            message: format!("a rule needs an instant vector or a number, and this is a {other}"),
        }),
    }
}

/// Takes an expression apart at the comparison on top; `None` where it is not of that form.
pub(crate) fn threshold_of(expression: &str) -> Option<Threshold> {
    let mut expr = parser::parse(expression).ok()?;
    while let Expr::Paren(paren) = expr {
        expr = *paren.expr;
    }
    let Expr::Binary(binary) = expr else {
        return None;
    };
    // `bool` yields 0 and 1 for every series: every series would fire.
    if binary.return_bool() {
        return None;
    }
    let comparison = Comparison::parse(&binary.op.to_string())?;
    let (measured, comparison, number) = match (number_of(&binary.lhs), number_of(&binary.rhs)) {
        (None, Some(number)) => (&binary.lhs, comparison, number),
        (Some(number), None) => (&binary.rhs, comparison.mirrored(), number),
        _ => return None,
    };
    if measured.value_type() != ValueType::Vector {
        return None;
    }
    Some(Threshold {
        measured: measured.to_string(),
        comparison,
        number,
    })
}

fn number_of(expr: &Expr) -> Option<f64> {
    match expr {
        Expr::NumberLiteral(literal) => Some(literal.val),
        Expr::Unary(unary) => number_of(&unary.expr).map(|number| -number),
        Expr::Paren(paren) => number_of(&paren.expr),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(expression: &str) -> Option<(String, &'static str, f64)> {
        threshold_of(expression)
            .map(|found| (found.measured, found.comparison.symbol(), found.number))
    }

    #[test]
    fn a_comparison_with_a_number_is_taken_apart() {
        assert_eq!(parts("up == 0"), Some(("up".into(), "==", 0.0)));
        assert_eq!(parts("(0.9 < cpu)"), Some(("cpu".into(), ">", 0.9)));
        assert_eq!(
            parts("sum by (server) (rate(x[5m])) >= -1.5"),
            Some(("sum by (server) (rate(x[5m]))".into(), ">=", -1.5))
        );
    }

    #[test]
    fn anything_else_is_left_whole() {
        for expression in [
            "a > b",
            "a > bool 1",
            "a > 1 and b > 2",
            "absent(a)",
            "1 > 0",
            "a >",
        ] {
            assert_eq!(parts(expression), None, "{expression}");
        }
    }

    #[test]
    fn a_rule_cannot_be_a_range() {
        assert!(
            check("up[5m]")
                .unwrap_err()
                .message
                .contains("range vector")
        );
        assert!(check("up >").is_err());
        assert!(check("time()").is_ok());
    }
}
