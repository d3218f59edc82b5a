//! PromQL over anything that can select samples.

mod queryable;

pub use queryable::{MatchOp, Matcher, Queryable, SelectError, SelectHints};
