//! PromQL over anything that can select samples.
//!
//! [`parse`] turns text into an [`Expr`] or says where it is wrong; an [`Engine`] evaluates it at
//! a moment or over a range on any [`Queryable`]. The meaning is that of Prometheus 2.42 for
//! floats; native histograms are not supported. What deviates is written in `docs/promql.md`.

#![cfg_attr(test, allow(clippy::float_cmp, reason = "tests state exact results"))]

mod ast;
mod engine;
mod eval;
mod functions;
mod limits;
mod memory_store;
mod number;
mod parse;
mod pattern;
mod queryable;
pub mod series_notation;
mod syntax;
pub mod testlang;
mod time;
mod value;

pub use ast::ValueType;
pub use engine::{
    Engine, EngineOptions, Error, IntoExpr, MetricSelector, Semantics, metric_selectors,
};
pub use functions::function_names;
pub use memory_store::MemoryStore;
pub use number::GoFloat;
pub use parse::{Expr, ParseError, Position, parse};
pub use queryable::{MatchOp, Matcher, Queryable, SelectError, SelectHints};
pub use time::{
    ParseTimeError, format_duration, parse_duration, parse_duration_or_zero, parse_step,
    parse_timestamp,
};
pub use value::{Annotated, InstantSample, QueryValue};
