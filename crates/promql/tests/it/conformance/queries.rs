//! The list of queries: each line is an expression, in which `«a|b»` stands for a and for b, so
//! that a line with several of them stands for all combinations. Empty lines and lines that begin
//! with `#` say nothing. Every expression is asked at some moments and over some ranges.

use std::fmt;

use super::fixture::{COUNT, INTERVAL_MS, START_MS};

#[derive(Clone, Copy)]
pub(super) enum When {
    Instant(i64),
    Range {
        start_ms: i64,
        end_ms: i64,
        step_ms: i64,
    },
}

pub(super) struct Query {
    pub(super) expr: String,
    pub(super) when: When,
}

impl Query {
    /// Tells whether the order of the answer is defined.
    pub(super) fn is_ordered(&self) -> bool {
        matches!(self.when, When::Instant(_)) && self.expr.starts_with("sort")
    }
}

impl fmt::Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.when {
            When::Instant(time_ms) => write!(f, "{} at {time_ms}", self.expr),
            When::Range {
                start_ms,
                end_ms,
                step_ms,
            } => write!(f, "{} from {start_ms} to {end_ms} by {step_ms}", self.expr),
        }
    }
}

/// All queries of the list.
pub(super) fn all() -> Vec<Query> {
    read(include_str!("queries.txt"))
}

fn read(text: &str) -> Vec<Query> {
    let end_ms = START_MS + COUNT * INTERVAL_MS;
    let moments = [
        // On a sample, in the middle of everything.
        When::Instant(START_MS + 240 * INTERVAL_MS),
        // Between samples, while some series are gone.
        When::Instant(START_MS + 310 * INTERVAL_MS + 7_123),
        // Before the first sample to after the last.
        When::Range {
            start_ms: START_MS - 120_000,
            end_ms: end_ms + 600_000,
            step_ms: 60_000,
        },
        // Steps that fall between samples and are longer than the look-back.
        When::Range {
            start_ms: START_MS + 1_001,
            end_ms,
            step_ms: 427_000,
        },
    ];
    text.lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .flat_map(expanded)
        .flat_map(|expr| {
            moments.map(|when| Query {
                expr: expr.clone(),
                when,
            })
        })
        .collect()
}

/// Replaces the first `«a|b»` by each of its choices, then the next.
fn expanded(line: &str) -> Vec<String> {
    let Some((before, rest)) = line.split_once('«') else {
        return vec![line.to_owned()];
    };
    let (choices, after) = rest.split_once('»').expect("« is closed by »");
    choices
        .split('|')
        .flat_map(|choice| expanded(&format!("{before}{choice}{after}")))
        .collect()
}
