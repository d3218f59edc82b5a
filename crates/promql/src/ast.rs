//! The expression as the evaluator walks it: parentheses gone, durations in milliseconds, every
//! selector numbered so that its series can be fetched before the evaluation begins.

use yunhai_model::TimestampMs;

use crate::queryable::Matcher;

/// A node of the expression tree.
#[derive(Clone, Debug)]
pub(crate) enum Node {
    Number(f64),
    Text(String),
    Selector(Selector),
    /// `selector[range]`
    Range {
        selector: Selector,
        range_ms: i64,
    },
    Subquery(Subquery),
    Call(Call),
    Aggregate(Aggregate),
    Binary(Binary),
    Negate(Box<Node>),
    /// A part whose value is the same at every step, as its selectors are pinned by `@`.
    Invariant(Box<Node>),
}

/// What `@` refers to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum At {
    Start,
    End,
    Time(TimestampMs),
}

#[derive(Clone, Debug)]
pub(crate) struct Selector {
    /// The selector's number in the order of the text.
    pub(crate) id: usize,
    pub(crate) matchers: Vec<Matcher>,
    pub(crate) offset_ms: i64,
    pub(crate) at: Option<At>,
}

impl Selector {
    /// The metric's name, where the selector asks for exactly one.
    pub(crate) fn metric_name(&self) -> Option<&str> {
        self.matchers
            .iter()
            .find(|matcher| {
                matcher.name() == yunhai_model::METRIC_NAME && matcher.op() == crate::MatchOp::Equal
            })
            .map(Matcher::value)
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Subquery {
    pub(crate) expr: Box<Node>,
    pub(crate) range_ms: i64,
    /// The engine's default where absent.
    pub(crate) step_ms: Option<i64>,
    pub(crate) offset_ms: i64,
    pub(crate) at: Option<At>,
}

#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) function: &'static str,
    pub(crate) args: Vec<Node>,
}

#[derive(Clone, Debug)]
pub(crate) struct Aggregate {
    pub(crate) op: AggregateOp,
    pub(crate) grouping: Grouping,
    pub(crate) param: Option<Box<Node>>,
    pub(crate) expr: Box<Node>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AggregateOp {
    Sum,
    Avg,
    Min,
    Max,
    Count,
    Group,
    Stddev,
    Stdvar,
    Topk,
    Bottomk,
    Quantile,
    CountValues,
    Limitk,
    LimitRatio,
}

/// `by (…)` or `without (…)`; also `on (…)` and `ignoring (…)`.
#[derive(Clone, Debug)]
pub(crate) struct Grouping {
    pub(crate) without: bool,
    pub(crate) labels: Vec<String>,
}

#[derive(Clone, Debug)]
pub(crate) struct Binary {
    pub(crate) op: BinaryOp,
    pub(crate) lhs: Box<Node>,
    pub(crate) rhs: Box<Node>,
    pub(crate) return_bool: bool,
    pub(crate) matching: Grouping,
    pub(crate) group: GroupSide,
    /// Labels that `group_left`/`group_right` copies from the one side.
    pub(crate) include: Vec<String>,
    /// Values that stand in for a missing left or right partner.
    pub(crate) fill_left: Option<f64>,
    pub(crate) fill_right: Option<f64>,
}

/// Which side of a binary operation may have several series for one of the other side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum GroupSide {
    /// One to one.
    None,
    /// `group_left`: many to one.
    Left,
    /// `group_right`: one to many.
    Right,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BinaryOp {
    Add,
    Sub,
    Mul,
    Div,
    Mod,
    Pow,
    Atan2,
    Equal,
    NotEqual,
    Greater,
    Less,
    GreaterEqual,
    LessEqual,
    And,
    Or,
    Unless,
}

impl BinaryOp {
    pub(crate) fn is_comparison(self) -> bool {
        matches!(
            self,
            Self::Equal
                | Self::NotEqual
                | Self::Greater
                | Self::Less
                | Self::GreaterEqual
                | Self::LessEqual
        )
    }

    pub(crate) fn is_set(self) -> bool {
        matches!(self, Self::And | Self::Or | Self::Unless)
    }
}

/// The type of an expression's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ValueType {
    /// One number for each moment.
    Scalar,
    /// A text.
    String,
    /// For each moment one value for each of some series.
    Vector,
    /// For each moment a range of values for each of some series.
    Matrix,
}

impl std::fmt::Display for ValueType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Scalar => "scalar",
            Self::String => "string",
            Self::Vector => "instant vector",
            Self::Matrix => "range vector",
        })
    }
}

impl Node {
    pub(crate) fn value_type(&self) -> ValueType {
        match self {
            Self::Number(_) => ValueType::Scalar,
            Self::Text(_) => ValueType::String,
            Self::Selector(_) | Self::Aggregate(_) => ValueType::Vector,
            Self::Range { .. } | Self::Subquery(_) => ValueType::Matrix,
            Self::Call(call) => crate::functions::return_type(call.function),
            Self::Binary(binary) => {
                // Down the left spine in a loop: chains of operators may be long.
                let mut spine = binary;
                loop {
                    if spine.rhs.value_type() != ValueType::Scalar {
                        return ValueType::Vector;
                    }
                    match &*spine.lhs {
                        Self::Binary(next) => spine = next,
                        other => return other.value_type(),
                    }
                }
            }
            Self::Negate(inner) | Self::Invariant(inner) => inner.value_type(),
        }
    }

    /// Tells whether the value is the same at every step.
    pub(crate) fn is_invariant(&self) -> bool {
        match self {
            Self::Number(_) | Self::Text(_) | Self::Invariant(_) => true,
            Self::Selector(selector) | Self::Range { selector, .. } => selector.at.is_some(),
            Self::Subquery(subquery) => subquery.at.is_some(),
            Self::Call(call) => {
                !crate::functions::depends_on_evaluation_time(call.function)
                    && call.args.iter().all(Self::is_invariant)
            }
            Self::Aggregate(aggregate) => {
                aggregate.expr.is_invariant()
                    && aggregate
                        .param
                        .as_ref()
                        .is_none_or(|param| param.is_invariant())
            }
            Self::Binary(binary) => binary.lhs.is_invariant() && binary.rhs.is_invariant(),
            Self::Negate(inner) => inner.is_invariant(),
        }
    }

    /// Goes through all selectors, in the order of the text.
    pub(crate) fn for_each_selector<'a>(&'a self, visit: &mut impl FnMut(&'a Selector)) {
        match self {
            Self::Number(_) | Self::Text(_) => {}
            Self::Selector(selector) | Self::Range { selector, .. } => visit(selector),
            Self::Subquery(subquery) => subquery.expr.for_each_selector(visit),
            Self::Call(call) => {
                for arg in &call.args {
                    arg.for_each_selector(visit);
                }
            }
            Self::Aggregate(aggregate) => {
                if let Some(param) = &aggregate.param {
                    param.for_each_selector(visit);
                }
                aggregate.expr.for_each_selector(visit);
            }
            Self::Binary(binary) => {
                binary.lhs.for_each_selector(visit);
                binary.rhs.for_each_selector(visit);
            }
            Self::Negate(inner) | Self::Invariant(inner) => inner.for_each_selector(visit),
        }
    }
}
