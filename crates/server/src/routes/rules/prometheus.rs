//! Rules in the form of the Prometheus API.

use std::collections::BTreeMap;

use serde_json::json;
use yunhai_model::format_rfc3339;
use yunhai_monitor::{Rule, RuleKey};

use super::{health_of, kind_of};
use crate::app::App;
use crate::error::ApiResult;
use crate::routes::alerts;

/// Lists groups in the form of the Prometheus API.
pub(in crate::routes) async fn prometheus_rules(app: &App) -> ApiResult<serde_json::Value> {
    let mut alerts: BTreeMap<RuleKey, Vec<yunhai_monitor::Alert>> = BTreeMap::new();
    for alert in alerts::active(app).await? {
        alerts.entry(alert.rule.clone()).or_default().push(alert);
    }
    let groups: Vec<serde_json::Value> = app
        .monitor
        .groups()
        .iter()
        .map(|view| {
            let rules: Vec<serde_json::Value> = view
                .group
                .identified()
                .zip(&view.rules_status)
                .map(|((id, rule), status)| {
                    let key = RuleKey {
                        file: view.file.clone(),
                        group: view.group.name.clone(),
                        rule: id,
                    };
                    prometheus_rule(rule, status, alerts.get(&key).map_or(&[], Vec::as_slice))
                })
                .collect();
            let default_ms = app.monitor.config().evaluation_interval.as_millis();
            json!({
                "name": view.group.name,
                "file": view.file,
                "interval": view.group.interval_ms.unwrap_or(default_ms) as f64 / 1000.0,
                "limit": view.group.limit,
                "rules": rules,
                "evaluationTime": view.status.duration_ms / 1000.0,
                "lastEvaluation": format_rfc3339(view.status.evaluated_at_ms.unwrap_or_default()),
            })
        })
        .collect();
    Ok(json!({"groups": groups}))
}

fn prometheus_rule(
    rule: &Rule,
    status: &yunhai_monitor::RuleStatus,
    alerts: &[yunhai_monitor::Alert],
) -> serde_json::Value {
    let mut json = json!({
        "name": rule.name(),
        "query": rule.expr(),
        "type": kind_of(rule),
        "health": health_of(status),
        "evaluationTime": status.duration_ms / 1000.0,
        "lastEvaluation": format_rfc3339(status.evaluated_at_ms),
    });
    if let Some(error) = &status.error {
        json["lastError"] = json!(error);
    }
    match rule {
        Rule::Recording(rule) => json["labels"] = json!(rule.labels),
        Rule::Alerting(rule) => {
            let texts = |templates: &BTreeMap<String, yunhai_monitor::Template>| {
                templates
                    .iter()
                    .map(|(name, template)| (name.clone(), template.source().to_owned()))
                    .collect::<BTreeMap<_, _>>()
            };
            let is_firing = alerts.iter().any(|alert| alert.instance.state.is_raised());
            json["labels"] = json!(texts(&rule.labels));
            json["annotations"] = json!(texts(&rule.annotations));
            json["duration"] = json!(rule.hold_ms as f64 / 1000.0);
            json["keepFiringFor"] = json!(rule.keep_firing_for_ms as f64 / 1000.0);
            json["alerts"] = alerts.iter().map(alerts::prometheus_alert).collect();
            json["state"] = json!(match (alerts.is_empty(), is_firing) {
                (true, _) => "inactive",
                (false, false) => "pending",
                (false, true) => "firing",
            });
        }
    }
    json
}
