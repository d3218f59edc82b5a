//! `label_replace`, `label_join`, and the labels that `absent` derives from a selector.

use yunhai_model::{Labels, METRIC_NAME, is_valid_label_name};

use super::{ABSENT, Evaluator, Grid, Series};
use crate::MatchOp;
use crate::ast::Node;
use crate::engine::Error;

impl Evaluator<'_> {
    pub(crate) fn label_replace(
        &self,
        series: Vec<Series>,
        args: &[Node],
    ) -> Result<Vec<Series>, Error> {
        let [_, target, replacement, source, pattern] = args else {
            return Err(Error::Evaluation(
                "label_replace takes five arguments".into(),
            ));
        };
        let (target, replacement) = (text(target)?, text(replacement)?);
        let (source, pattern) = (text(source)?, text(pattern)?);
        let regex = crate::pattern::anchored(pattern).map_err(|_| {
            Error::Evaluation(format!(
                "invalid regular expression in label_replace(): {pattern}"
            ))
        })?;
        if !is_valid_label_name(target) {
            return Err(Error::Evaluation(format!(
                "invalid destination label name in label_replace(): {target}"
            )));
        }
        let replaced = series
            .into_iter()
            .map(|mut series| {
                if let Some(captures) =
                    regex.captures(series.labels.get(source).unwrap_or_default())
                {
                    let mut value = String::new();
                    captures.expand(replacement, &mut value);
                    series.labels = series.labels.with(target, &value);
                }
                series
            })
            .collect();
        self.merged(replaced)
    }

    pub(crate) fn label_join(
        &self,
        series: Vec<Series>,
        args: &[Node],
    ) -> Result<Vec<Series>, Error> {
        let [_, target, separator, sources @ ..] = args else {
            return Err(Error::Evaluation(
                "label_join takes at least three arguments".into(),
            ));
        };
        let (target, separator) = (text(target)?, text(separator)?);
        let sources = sources.iter().map(text).collect::<Result<Vec<_>, _>>()?;
        for source in &sources {
            if !is_valid_label_name(source) {
                return Err(Error::Evaluation(format!(
                    "invalid source label name in label_join(): {source}"
                )));
            }
        }
        if !is_valid_label_name(target) {
            return Err(Error::Evaluation(format!(
                "invalid destination label name in label_join(): {target}"
            )));
        }
        let joined = series
            .into_iter()
            .map(|mut series| {
                let values: Vec<&str> = sources
                    .iter()
                    .map(|source| series.labels.get(source).unwrap_or_default())
                    .collect();
                series.labels = series.labels.with(target, &values.join(separator));
                series
            })
            .collect();
        self.merged(joined)
    }
}

/// 1 at every step at which none of the series has a value, labelled with what the selector
/// asks for.
pub(crate) fn absent(selector: &Node, series: &[Series], grid: Grid) -> Vec<Series> {
    let values: Vec<f64> = (0..grid.steps)
        .map(|step| {
            let any = series
                .iter()
                .any(|series| !yunhai_model::is_stale(series.values[step]));
            if any { ABSENT } else { 1.0 }
        })
        .collect();
    if !super::has_any(&values) {
        return Vec::new();
    }
    vec![Series {
        labels: labels_asked_for(selector),
        values,
    }]
}

/// The labels that a selector matches by equality; one that it matches twice is left out.
fn labels_asked_for(selector: &Node) -> Labels {
    let selector = match selector {
        Node::Invariant(inner) => return labels_asked_for(inner),
        Node::Selector(selector) | Node::Range { selector, .. } => selector,
        _ => return Labels::default(),
    };
    let mut labels: Vec<(&str, &str)> = Vec::new();
    let mut seen: Vec<&str> = Vec::new();
    for matcher in &selector.matchers {
        if matcher.name() == METRIC_NAME {
            continue;
        }
        if matcher.op() == MatchOp::Equal && !seen.contains(&matcher.name()) {
            labels.push((matcher.name(), matcher.value()));
            seen.push(matcher.name());
        } else {
            labels.retain(|(name, _)| *name != matcher.name());
        }
    }
    Labels::new(labels)
}

/// The text of an argument that the parser has checked to be one.
pub(crate) fn text(node: &Node) -> Result<&str, Error> {
    match node {
        Node::Text(text) => Ok(text),
        Node::Invariant(inner) => text(inner),
        _ => Err(Error::Evaluation("expected a string".into())),
    }
}
