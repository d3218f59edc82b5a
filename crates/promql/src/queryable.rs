//! What the evaluator needs of a store: series selected by matchers and time.

use async_trait::async_trait;
use yunhai_model::{TimeSeries, TimestampMs};

/// How a matcher compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MatchOp {
    /// `=`
    Equal,
    /// `!=`
    NotEqual,
    /// `=~`, anchored at both ends
    Regex,
    /// `!~`, anchored at both ends
    NotRegex,
}

/// One condition on a label; a missing label has the empty value.
#[derive(Clone, Debug)]
pub struct Matcher {
    name: String,
    op: MatchOp,
    value: String,
    regex: Option<regex::Regex>,
}

impl Matcher {
    /// Makes a matcher; fails where a regular expression is malformed.
    pub fn new(
        name: impl Into<String>,
        op: MatchOp,
        value: impl Into<String>,
    ) -> Result<Self, regex::Error> {
        let value = value.into();
        let regex = match op {
            MatchOp::Equal | MatchOp::NotEqual => None,
            MatchOp::Regex | MatchOp::NotRegex => Some(crate::pattern::anchored(&value)?),
        };
        Ok(Self {
            name: name.into(),
            op,
            value,
            regex,
        })
    }

    /// The label's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How it compares.
    pub fn op(&self) -> MatchOp {
        self.op
    }

    /// The value or the regular expression as written.
    pub fn value(&self) -> &str {
        &self.value
    }

    /// Tells whether a label's value (empty where the label is missing) satisfies the condition.
    pub fn matches(&self, value: &str) -> bool {
        match (self.op, &self.regex) {
            (MatchOp::Equal, _) => value == self.value,
            (MatchOp::NotEqual, _) => value != self.value,
            (MatchOp::Regex, Some(regex)) => regex.is_match(value),
            (MatchOp::NotRegex, Some(regex)) => !regex.is_match(value),
            (MatchOp::Regex | MatchOp::NotRegex, None) => false,
        }
    }
}

/// What a store may use to answer from a roll-up instead of raw samples.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SelectHints {
    /// The query's step; 0 for an instant query.
    pub step_ms: i64,
    /// The range of the selector (`[5m]`); 0 for an instant selector.
    pub range_ms: i64,
    /// The innermost function around the selector, such as `rate` or `max_over_time`.
    pub function: Option<String>,
}

/// Why a store could not answer.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct SelectError(pub String);

/// Something that holds series.
#[async_trait]
pub trait Queryable: Send + Sync {
    /// Returns the series that satisfy all matchers, with their samples from `start_ms` to
    /// `end_ms` (both included) in the order of time, staleness markers among them. Series without
    /// a sample in the range are left out.
    async fn select(
        &self,
        matchers: &[Matcher],
        start_ms: TimestampMs,
        end_ms: TimestampMs,
        hints: &SelectHints,
    ) -> Result<Vec<TimeSeries>, SelectError>;
}
