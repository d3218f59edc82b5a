//! Gives alerts their labels and texts.

use std::collections::HashMap;

use super::{Surroundings, vector};
use crate::alert::{ALERT_NAME, Alert, AlertKind, fingerprint};
use crate::duration::format_duration_ms;
use crate::rule_file::AlertRule;
use crate::template::{RenderError, Template, TemplateData};

/// The label that tells an alert about missing data from one about the value.
const NO_DATA_LABEL: &str = "alert_kind";

/// How many queries one template may make.
const MAX_TEMPLATE_QUERIES: usize = 20;

/// Gives an alert its labels and texts.
pub(super) async fn describe(
    surroundings: &Surroundings<'_>,
    rule: &AlertRule,
    alert: &mut Alert,
    faults: &mut Vec<String>,
) {
    let mut data = TemplateData {
        labels: alert.series.clone(),
        value: alert.instance.value,
        at_ms: surroundings.at_ms,
        external_labels: surroundings.external_labels.clone(),
        external_url: surroundings.external_url.to_owned(),
        queries: HashMap::new(),
    };
    let mut labels = alert.series.clone();
    for (name, template) in &rule.labels {
        let text = render(surroundings, template, &mut data, faults).await;
        labels = labels.with(name, &text);
    }
    if alert.kind == AlertKind::NoData {
        labels = labels.with(NO_DATA_LABEL, "no_data");
    }
    labels = labels.with(ALERT_NAME, &rule.name);
    alert.fingerprint = fingerprint(&alert.rule, alert.kind, &labels);
    alert.labels = labels;
    alert.annotations.clear();
    for (name, template) in &rule.annotations {
        let text = match (alert.kind, name.as_str()) {
            (AlertKind::NoData, "summary") => {
                format!("No data: {} for {}", rule.name, alert.series)
            }
            (AlertKind::NoData, "description") => format!(
                "The series has sent nothing for {}; the rule `{}` cannot be judged.",
                format_duration_ms((alert.instance.value * 1000.0) as i64),
                rule.name
            ),
            _ => render(surroundings, template, &mut data, faults).await,
        };
        alert.annotations.insert(name.clone(), text);
    }
}

/// Renders a template, answering its queries; a fault becomes the text, as in Prometheus.
async fn render(
    surroundings: &Surroundings<'_>,
    template: &Template,
    data: &mut TemplateData,
    faults: &mut Vec<String>,
) -> String {
    let mut queries = 0;
    let message = loop {
        match template.render(data) {
            Ok(text) => return text,
            Err(RenderError::Failed(error)) => break error.to_string(),
            Err(RenderError::NeedsQuery(expr)) => {
                queries += 1;
                if queries > MAX_TEMPLATE_QUERIES {
                    break format!("the template makes more than {MAX_TEMPLATE_QUERIES} queries");
                }
                match vector(
                    surroundings.engine,
                    surroundings.source,
                    &expr,
                    surroundings.query_ms,
                )
                .await
                {
                    Ok(samples) => drop(data.queries.insert(expr, samples)),
                    Err(error) => break format!("`{expr}`: {error}"),
                }
            }
        }
    };
    let text = format!("<error expanding template: {message}>");
    faults.push(message);
    text
}
