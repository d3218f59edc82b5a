//! Conditions on labels, as they travel and as alerting keeps them.

use yunhai_api_types::{Fault, LabelMatcher, Problem, ProblemCode};
use yunhai_promql::MatchOp;

use crate::error::{ApiError, ApiResult};

const SYMBOLS: [(&str, MatchOp); 4] = [
    ("=", MatchOp::Equal),
    ("!=", MatchOp::NotEqual),
    ("=~", MatchOp::Regex),
    ("!~", MatchOp::NotRegex),
];

/// Reads the matchers of a field, naming each that is wrong.
pub(super) fn matchers_from(
    field: &str,
    matchers: &[LabelMatcher],
) -> ApiResult<Vec<yunhai_monitor::LabelMatcher>> {
    let mut parsed = Vec::new();
    let mut faults = Vec::new();
    for (at, matcher) in matchers.iter().enumerate() {
        match matcher_from(matcher) {
            Ok(matcher) => parsed.push(matcher),
            Err(detail) => faults.push(Fault {
                pointer: Some(format!("/{field}/{at}")),
                detail,
                ..Fault::default()
            }),
        }
    }
    if faults.is_empty() {
        return Ok(parsed);
    }
    let problem = Problem::new(ProblemCode::ValidationFailed, "a matcher is not valid");
    Err(ApiError(Box::new(problem.with_errors(faults))))
}

fn matcher_from(matcher: &LabelMatcher) -> Result<yunhai_monitor::LabelMatcher, String> {
    let Some((_, op)) = SYMBOLS.iter().find(|(symbol, _)| *symbol == matcher.op) else {
        return Err(format!(
            "`{}` is not a comparison; choose =, !=, =~ or !~",
            matcher.op
        ));
    };
    yunhai_monitor::LabelMatcher::new(&matcher.name, *op, &matcher.value)
        .map_err(|error| error.to_string())
}

/// Writes matchers as they travel.
pub(super) fn matchers_of(matchers: &[yunhai_monitor::LabelMatcher]) -> Vec<LabelMatcher> {
    matchers
        .iter()
        .map(|matcher| LabelMatcher {
            name: matcher.name().to_owned(),
            op: SYMBOLS
                .iter()
                .find(|(_, op)| *op == matcher.op())
                .map_or("=", |(symbol, _)| symbol)
                .to_owned(),
            value: matcher.value().to_owned(),
        })
        .collect()
}

/// Tells whether a text that is looked for stands in one of the matchers.
pub(super) fn mentions(matchers: &[LabelMatcher], text: &str) -> bool {
    matchers.iter().any(|matcher| {
        format!("{}{}{}", matcher.name, matcher.op, matcher.value)
            .to_lowercase()
            .contains(text)
    })
}
