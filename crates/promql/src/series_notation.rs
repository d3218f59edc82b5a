//! promtool's notation of series for tests: `up{job="a"} 1+1x3 _ stale`.
//!
//! Values are separated by blanks: `5`, `5x3` (four times 5), `0+10x100` (from 0 in 101 steps of
//! 10), `5-1x2`, `_` (no sample), `_x3` (three times none), `stale`, `Inf`, `NaN`.

use yunhai_model::{Labels, stale_nan};

use crate::number::parse_go_float;
use crate::queryable::MatchOp;

/// Why a series was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotationError {
    /// The part before the values is not `name{label="value"}`.
    #[error("`{text}` does not name a series: {reason}")]
    Series {
        /// What was given.
        text: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A value is none of the forms.
    #[error("`{0}` is not a value: write 5, 5x3, 0+10x100, _, _x3 or stale")]
    Value(String),
    /// Native histograms are not supported.
    #[error("native histograms are not supported: `{0}`")]
    Histogram(String),
    /// A value is repeated too often.
    #[error("`{0}` repeats a value more than {MAX_REPEATS} times")]
    TooMany(String),
}

/// More repetitions than this are refused.
const MAX_REPEATS: usize = 10_000_000;

/// Parses a series and its values; nothing stands for "no sample".
pub fn parse_series(text: &str) -> Result<(Labels, Vec<Option<f64>>), NotationError> {
    let text = text.trim();
    let name_end = name_end(text);
    let (name, values) = text.split_at(name_end);
    Ok((parse_labels(name)?, parse_values(values)?))
}

/// Parses the name of a series, `metric{label="value", …}`.
pub fn parse_labels(text: &str) -> Result<Labels, NotationError> {
    let text = text.trim();
    let fault = |reason: String| NotationError::Series {
        text: text.into(),
        reason,
    };
    // A bare `{}` selects everything, which the grammar of selectors refuses.
    if text
        .strip_prefix('{')
        .and_then(|rest| rest.strip_suffix('}'))
        .is_some_and(|inner| inner.trim().is_empty())
    {
        return Ok(Labels::default());
    }
    let (text, needs_filler) = match text.strip_suffix('}') {
        // A label with an empty value alone would be refused as well.
        Some(inner) => (
            format!(
                "{}{}__filler__=\"x\"}}",
                inner,
                if inner.trim_end().ends_with(['{', ',']) {
                    ""
                } else {
                    ","
                }
            ),
            true,
        ),
        None => (text.to_owned(), false),
    };
    let expr = crate::parse::parse(&text).map_err(|error| fault(error.to_string()))?;
    let mut selectors = crate::engine::metric_selectors(&expr);
    let is_selector = matches!(expr.root(), crate::ast::Node::Selector(selector)
        if selector.at.is_none() && selector.offset_ms == 0);
    let selector = match selectors.pop() {
        Some(selector) if is_selector => selector,
        _ => return Err(fault("expected a metric and labels".into())),
    };
    if let Some(matcher) = selector
        .matchers
        .iter()
        .find(|matcher| matcher.op() != MatchOp::Equal)
    {
        return Err(fault(format!("label `{}` needs `=`", matcher.name())));
    }
    Labels::parse(
        selector
            .matchers
            .iter()
            .filter(|matcher| !needs_filler || matcher.name() != "__filler__")
            .map(|matcher| (matcher.name(), matcher.value())),
    )
    .map_err(|error| fault(error.to_string()))
}

/// Parses values; nothing stands for "no sample".
pub fn parse_values(text: &str) -> Result<Vec<Option<f64>>, NotationError> {
    let mut values = Vec::new();
    if let Some(at) = text.find("{{") {
        return Err(NotationError::Histogram(text[at..].into()));
    }
    for word in text.split_whitespace() {
        append_word(word, &mut values)?;
        if values.len() > MAX_REPEATS {
            return Err(NotationError::TooMany(word.into()));
        }
    }
    Ok(values)
}

fn append_word(word: &str, values: &mut Vec<Option<f64>>) -> Result<(), NotationError> {
    let malformed = || NotationError::Value(word.into());
    if word == "stale" {
        values.push(Some(stale_nan()));
        return Ok(());
    }
    if word == "_" {
        values.push(None);
        return Ok(());
    }
    let Some((formula, repeats)) = split_repeats(word) else {
        values.push(Some(parse_go_float(word).ok_or_else(malformed)?));
        return Ok(());
    };
    let repeats: usize = repeats.parse().map_err(|_| malformed())?;
    if repeats > MAX_REPEATS {
        return Err(NotationError::TooMany(word.into()));
    }
    if formula == "_" {
        values.extend(std::iter::repeat_n(None, repeats));
        return Ok(());
    }
    let (start, step) = match split_step(formula) {
        Some((start, step)) => (start, parse_go_float(step).ok_or_else(malformed)?),
        None => (formula, 0.0),
    };
    let mut value = parse_go_float(start).ok_or_else(malformed)?;
    // Prometheus adds up, rounding errors included.
    values.push(Some(value));
    for _ in 0..repeats {
        value += step;
        values.push(Some(value));
    }
    Ok(())
}

/// Splits `formula x repeats` at the last `x`; `0x10` is eleven zeros, no hexadecimal number.
fn split_repeats(word: &str) -> Option<(&str, &str)> {
    let at = word.rfind('x')?;
    let (formula, repeats) = (&word[..at], &word[at + 1..]);
    let is_count = !repeats.is_empty() && repeats.bytes().all(|byte| byte.is_ascii_digit());
    is_count.then_some((formula, repeats))
}

/// Splits `start+step` or `start-step`, keeping the sign with the step and exponents whole.
fn split_step(formula: &str) -> Option<(&str, &str)> {
    let bytes = formula.as_bytes();
    (1..bytes.len())
        .find(|at| {
            matches!(bytes[*at], b'+' | b'-')
                && !matches!(bytes[*at - 1], b'e' | b'E' | b'+' | b'-')
        })
        .map(|at| formula.split_at(at))
        .map(|(start, step)| (start, step.strip_prefix("+-").map_or(step, |_| &step[1..])))
}

/// Where the name of a series ends and its values begin.
fn name_end(text: &str) -> usize {
    let mut quote = None;
    let mut is_inside = false;
    let mut is_escaped = false;
    for (at, character) in text.char_indices() {
        match (quote, character) {
            (Some(_), _) if is_escaped => is_escaped = false,
            (Some('"' | '\''), '\\') => is_escaped = true,
            (Some(open), _) if open == character => quote = None,
            (None, '"' | '\'' | '`') => quote = Some(character),
            (None, '{') => is_inside = true,
            (None, '}') => return at + 1,
            (None, _) if character.is_whitespace() && !is_inside => {
                // `metric {label="value"}` has a blank before the braces.
                let rest = text[at..].trim_start();
                if rest.starts_with('{') && !rest.starts_with("{{") {
                    continue;
                }
                return at;
            }
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use yunhai_model::is_stale;

    fn check(text: &str, expected: &[Option<f64>]) {
        assert_eq!(parse_values(text).unwrap(), expected, "{text}");
    }

    #[test]
    fn values_expand_as_promtool_expands_them() {
        check("1 2.5 -3", &[Some(1.0), Some(2.5), Some(-3.0)]);
        check("5x2", &[Some(5.0); 3]);
        check("0+10x2", &[Some(0.0), Some(10.0), Some(20.0)]);
        check("5-1x2", &[Some(5.0), Some(4.0), Some(3.0)]);
        check("-2+-1x1", &[Some(-2.0), Some(-3.0)]);
        check("1e3+1e-1x1", &[Some(1000.0), Some(1000.1)]);
        check("_ _x2 1", &[None, None, None, Some(1.0)]);
        check("Inf -Inf", &[Some(f64::INFINITY), Some(f64::NEG_INFINITY)]);
        assert!(is_stale(parse_values("stale").unwrap()[0].unwrap()));
    }

    #[test]
    fn series_have_a_name_and_labels() {
        let (labels, values) = parse_series(r#"up{job="a b", x=""} 1 2"#).unwrap();
        assert_eq!(labels, Labels::of_metric("up", [("job", "a b")]));
        assert_eq!(values.len(), 2);
        assert_eq!(parse_labels("{}").unwrap(), Labels::default());
        assert_eq!(
            parse_labels(r#"{a="b"}"#).unwrap(),
            Labels::new([("a", "b")])
        );
        assert_eq!(
            parse_labels("up").unwrap(),
            Labels::of_metric::<&str, &str>("up", [])
        );
    }

    #[test]
    fn nonsense_is_refused() {
        assert!(matches!(
            parse_values("1 two"),
            Err(NotationError::Value(_))
        ));
        assert!(matches!(
            parse_values("{{schema:0}}"),
            Err(NotationError::Histogram(_))
        ));
        assert!(matches!(
            parse_values("1x99999999999"),
            Err(NotationError::TooMany(_))
        ));
        assert!(parse_labels("up[5m]").is_err());
        assert!(parse_labels(r#"up{a=~"b"}"#).is_err());
    }
}
