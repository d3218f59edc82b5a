//! Alert rules: groups in the form of Prometheus's rule files, and the simple form.
//!
//! Every group is stored as a file of its own name, so that one can be replaced or deleted without
//! touching another.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use http::StatusCode;
use serde_json::json;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use yunhai_api_types::{
    Backtest, BacktestInterval, BacktestRequest, Fault, FormRule, List, ListQuery, Problem,
    ProblemCode, RuleCheck, RuleForm, RuleGroup, RuleReason, RuleSource, RuleStatus,
};
use yunhai_identity::{Action, AuditEvent, Permission, Target};
use yunhai_model::format_rfc3339;
use yunhai_monitor::{
    AlertRule, Comparison, FORM_RULES_NAME, GroupView, NoData, Rule, RuleFile, RuleKey, SimpleForm,
    StoredRuleFile,
};

use super::alerts::{label_map, severity_of};
use super::silences::{matchers_from, matchers_of};
use crate::app::App;
use crate::caller::Caller;
use crate::error::{ApiError, ApiResult, Json, Path, Query, Refused};
use crate::list::{list_of, page_of, page_request, sort_by};
use crate::monitor_errors::rule_fault;

/// How many evaluations a back-test makes at most; beyond, its step grows.
const MAX_BACKTEST_STEPS: i64 = 5_000;

pub(super) fn router() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(list_groups, apply_rules))
        .routes(routes!(show_group, put_group, delete_group))
        .routes(routes!(check_rules))
        .routes(routes!(rule_from_form))
        .routes(routes!(put_form))
        .routes(routes!(backtest))
        .routes(routes!(why))
}

/// Lists groups with their rules and how they stand.
#[utoipa::path(get, path = "/rule-groups", tag = "rules", params(ListQuery),
    responses((status = OK, body = List<RuleGroup>), Refused))]
async fn list_groups(
    State(app): State<Arc<App>>,
    caller: Caller,
    Query(query): Query<ListQuery>,
) -> ApiResult<Json<List<RuleGroup>>> {
    caller.require(Permission::ServersRead)?;
    let request = page_request(&query, &[("name", "name")])?;
    let text = request.query.clone().unwrap_or_default().to_lowercase();
    let mut groups = groups(&app).await?;
    groups.retain(|group| {
        text.is_empty()
            || group.name.to_lowercase().contains(&text)
            || group
                .rules
                .iter()
                .any(|rule| rule.name.to_lowercase().contains(&text))
    });
    sort_by(
        &mut groups,
        &request,
        &[("name", |a: &RuleGroup, b: &RuleGroup| a.name.cmp(&b.name))],
    )?;
    Ok(Json(list_of(
        page_of(groups, &request),
        &request,
        |group| group,
    )))
}

/// Loads a rule file; groups of the same name are replaced.
#[utoipa::path(post, path = "/rule-groups", tag = "rules", request_body = RuleSource,
    responses((status = OK, body = Vec<RuleGroup>), Refused))]
async fn apply_rules(
    State(app): State<Arc<App>>,
    caller: Caller,
    Json(body): Json<RuleSource>,
) -> ApiResult<Json<Vec<RuleGroup>>> {
    caller.require(Permission::RulesWrite)?;
    let file = RuleFile::parse(&body.source).map_err(yunhai_monitor::Error::from)?;
    let names: Vec<String> = file.groups.iter().map(|group| group.name.clone()).collect();
    let is_single = file.groups.len() == 1;
    for group in file.groups {
        let name = group.name.clone();
        // A file of one group keeps its comments; others are written anew, one file a group.
        let source = if is_single {
            body.source.clone()
        } else {
            RuleFile {
                groups: vec![group],
            }
            .to_yaml()
        };
        store_group(&app, &caller, &name, &source).await?;
    }
    let mut applied = groups(&app).await?;
    applied.retain(|group| names.contains(&group.name));
    Ok(Json(applied))
}

/// Shows a group.
#[utoipa::path(get, path = "/rule-groups/{name}", tag = "rules", params(GroupPath),
    responses((status = OK, body = RuleGroup), Refused))]
async fn show_group(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(path): Path<GroupPath>,
) -> ApiResult<Json<RuleGroup>> {
    caller.require(Permission::ServersRead)?;
    Ok(Json(find_group(&app, &path.name).await?))
}

/// Makes or replaces a group; the source holds this one group.
#[utoipa::path(put, path = "/rule-groups/{name}", tag = "rules", params(GroupPath),
    request_body = RuleSource,
    responses((status = OK, body = RuleGroup), Refused))]
async fn put_group(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(path): Path<GroupPath>,
    Json(body): Json<RuleSource>,
) -> ApiResult<Json<RuleGroup>> {
    caller.require(Permission::RulesWrite)?;
    let file = RuleFile::parse(&body.source).map_err(yunhai_monitor::Error::from)?;
    if file.groups.len() != 1 || file.groups[0].name != path.name {
        return Err(ApiError::new(
            ProblemCode::MalformedRule,
            format!("the source must hold one group, named `{}`", path.name),
        )
        .hint("post files with several groups to /api/v1/rule-groups, or use `yunhai alert rule apply`"));
    }
    store_group(&app, &caller, &path.name, &body.source).await?;
    Ok(Json(find_group(&app, &path.name).await?))
}

/// Deletes a group; its alerts end.
#[utoipa::path(delete, path = "/rule-groups/{name}", tag = "rules", params(GroupPath),
    responses((status = NO_CONTENT), Refused))]
async fn delete_group(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(path): Path<GroupPath>,
) -> ApiResult<StatusCode> {
    caller.require(Permission::RulesWrite)?;
    let before = app.monitor.rule_file(&path.name).await?;
    app.monitor.delete_rule_file(&path.name).await?;
    let event = AuditEvent::new(Action::RuleDeleted, target(&path.name))
        .before(&json!({"source": before.source}));
    app.identity.audit().record(&caller.actor(), event).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Checks a rule file without storing it.
#[utoipa::path(post, path = "/rules/check", tag = "rules", request_body = RuleSource,
    responses((status = OK, body = RuleCheck), Refused))]
async fn check_rules(caller: Caller, Json(body): Json<RuleSource>) -> ApiResult<Json<RuleCheck>> {
    caller.require(Permission::ServersRead)?;
    Ok(Json(match RuleFile::parse(&body.source) {
        Ok(file) => RuleCheck {
            faults: Vec::new(),
            groups: file.groups.into_iter().map(|group| group.name).collect(),
        },
        Err(faults) => RuleCheck {
            faults: faults.0.iter().map(rule_fault).collect(),
            groups: Vec::new(),
        },
    }))
}

/// Shows the rule that a form makes, without storing it.
#[utoipa::path(post, path = "/rules/from-form", tag = "rules", request_body = RuleForm,
    responses((status = OK, body = FormRule), Refused))]
async fn rule_from_form(caller: Caller, Json(body): Json<RuleForm>) -> ApiResult<Json<FormRule>> {
    caller.require(Permission::ServersRead)?;
    let form = form_from(body)?;
    let rule = form.to_rule().map_err(yunhai_monitor::Error::Form)?;
    let file = RuleFile {
        groups: vec![yunhai_monitor::RuleGroup {
            name: FORM_RULES_NAME.to_owned(),
            interval_ms: None,
            query_offset_ms: None,
            limit: 0,
            rules: vec![Rule::Alerting(rule)],
        }],
    };
    Ok(Json(FormRule {
        expr: form.expr(),
        source: file.to_yaml(),
    }))
}

/// Makes or replaces the rule of a form.
#[utoipa::path(put, path = "/rules/form/{name}", tag = "rules",
    params(("name" = String, Path, description = "The rule's name until now")),
    request_body = RuleForm,
    responses((status = OK, body = RuleGroup), Refused))]
async fn put_form(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(name): Path<String>,
    Json(body): Json<RuleForm>,
) -> ApiResult<Json<RuleGroup>> {
    caller.require(Permission::RulesWrite)?;
    let after = json!(body);
    let form = form_from(body)?;
    let key = RuleKey {
        file: FORM_RULES_NAME.to_owned(),
        group: FORM_RULES_NAME.to_owned(),
        rule: name.clone(),
    };
    let exists = app.monitor.find_rule(&key).is_ok();
    let user = &caller.principal.user.name;
    app.monitor
        .put_form(&form, exists.then_some(name.as_str()), user)
        .await?;
    let action = if exists {
        Action::RuleUpdated
    } else {
        Action::RuleCreated
    };
    let event = AuditEvent::new(action, target(&form.name)).after(&after);
    app.identity.audit().record(&caller.actor(), event).await?;
    Ok(Json(find_group(&app, FORM_RULES_NAME).await?))
}

/// Tries a rule on stored data: when would it have been pending or firing?
#[utoipa::path(post, path = "/rules/backtest", tag = "rules", request_body = BacktestRequest,
    responses((status = OK, body = Backtest), Refused))]
async fn backtest(
    State(app): State<Arc<App>>,
    caller: Caller,
    Json(body): Json<BacktestRequest>,
) -> ApiResult<Json<Backtest>> {
    caller.require(Permission::ServersRead)?;
    if body.to_ms <= body.from_ms || body.to_ms.checked_sub(body.from_ms).is_none() {
        return Err(ApiError::new(
            ProblemCode::ValidationFailed,
            "to_ms must lie after from_ms",
        ));
    }
    let rule = rule_of(&body)?;
    let interval_ms = app.monitor.config().evaluation_interval.as_millis();
    let step_ms = interval_ms.max((body.to_ms - body.from_ms) / MAX_BACKTEST_STEPS);
    let series = app
        .monitor
        .backtest(&rule, body.from_ms, body.to_ms, step_ms)
        .await?;
    let intervals = series
        .into_iter()
        .flat_map(|series| {
            let labels = label_map(&series.labels);
            series
                .intervals
                .into_iter()
                .map(move |interval| BacktestInterval {
                    labels: labels.clone(),
                    from_ms: interval.from_ms,
                    to_ms: interval.until_ms.unwrap_or(body.to_ms),
                    state: interval.state.as_str().to_owned(),
                })
        })
        .collect();
    Ok(Json(Backtest { intervals }))
}

/// Tells for each series why a rule fires or does not.
#[utoipa::path(get, path = "/rules/{group}/{rule}/why", tag = "rules", params(RulePath),
    responses((status = OK, body = Vec<RuleReason>), Refused))]
async fn why(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(path): Path<RulePath>,
) -> ApiResult<Json<Vec<RuleReason>>> {
    caller.require(Permission::ServersRead)?;
    let key = RuleKey {
        file: path.group.clone(),
        group: path.group,
        rule: path.rule,
    };
    let explanations = app.monitor.explain(&key)?;
    Ok(Json(
        explanations
            .into_iter()
            .map(|explanation| RuleReason {
                labels: label_map(&explanation.labels),
                value: explanation.value.filter(|value| value.is_finite()),
                state: explanation
                    .state
                    .map_or("inactive", yunhai_monitor::AlertState::as_str)
                    .to_owned(),
                reason: explanation.reason,
            })
            .collect(),
    ))
}

/// Which group.
#[derive(serde::Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Path)]
struct GroupPath {
    /// The group's name.
    name: String,
}

/// Which rule.
#[derive(serde::Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Path)]
struct RulePath {
    /// The group's name.
    group: String,
    /// The rule's name.
    rule: String,
}

fn target(name: &str) -> Target {
    Target::new("rule", name, name)
}

/// Stores a group under its name and records it.
async fn store_group(app: &App, caller: &Caller, name: &str, source: &str) -> ApiResult<()> {
    let before = app.monitor.rule_file(name).await.ok();
    let user = &caller.principal.user.name;
    app.monitor.put_rule_file(name, source, user).await?;
    let action = if before.is_some() {
        Action::RuleUpdated
    } else {
        Action::RuleCreated
    };
    let mut event = AuditEvent::new(action, target(name)).after(&json!({"source": source}));
    if let Some(before) = before {
        event = event.before(&json!({"source": before.source}));
    }
    app.identity.audit().record(&caller.actor(), event).await?;
    Ok(())
}

async fn find_group(app: &App, name: &str) -> ApiResult<RuleGroup> {
    groups(app)
        .await?
        .into_iter()
        .find(|group| group.name == name)
        .ok_or_else(|| ApiError::not_found(format_args!("rule group `{name}`")))
}

/// Returns all groups, sorted by name.
async fn groups(app: &App) -> ApiResult<Vec<RuleGroup>> {
    let files: BTreeMap<String, StoredRuleFile> = app
        .monitor
        .rule_files()
        .await?
        .into_iter()
        .map(|file| (file.name.clone(), file))
        .collect();
    let mut counts: BTreeMap<RuleKey, (u32, u32)> = BTreeMap::new();
    for alert in super::alerts::active(app).await? {
        let (pending, firing) = counts.entry(alert.rule.clone()).or_default();
        if alert.instance.state.is_raised() {
            *firing += 1;
        } else {
            *pending += 1;
        }
    }
    let default_interval_ms = app.monitor.config().evaluation_interval.as_millis();
    let mut groups: Vec<RuleGroup> = app
        .monitor
        .groups()
        .into_iter()
        .map(|view| group_of(app, view, &files, &counts, default_interval_ms))
        .collect();
    groups.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(groups)
}

fn group_of(
    app: &App,
    view: GroupView,
    files: &BTreeMap<String, StoredRuleFile>,
    counts: &BTreeMap<RuleKey, (u32, u32)>,
    default_interval_ms: i64,
) -> RuleGroup {
    let file = files.get(&view.file);
    let rules = view
        .group
        .rules
        .iter()
        .zip(&view.rules_status)
        .map(|(rule, status)| {
            let key = RuleKey {
                file: view.file.clone(),
                group: view.group.name.clone(),
                rule: rule.name().to_owned(),
            };
            let (pending, firing) = counts.get(&key).copied().unwrap_or_default();
            let is_evaluated = status.evaluated_at_ms > 0;
            RuleStatus {
                name: rule.name().to_owned(),
                kind: kind_of(rule).to_owned(),
                expr: rule.expr().to_owned(),
                for_secs: match rule {
                    Rule::Alerting(rule) => rule.hold_ms as f64 / 1000.0,
                    Rule::Recording(_) => 0.0,
                },
                severity: severity_of(rule),
                health: health_of(status).to_owned(),
                last_error: status.error.clone(),
                last_evaluation_ms: is_evaluated.then_some(status.evaluated_at_ms),
                duration_ms: is_evaluated.then_some(status.duration_ms),
                pending,
                firing,
                form: app.monitor.form_of(&key).ok().flatten().map(form_of),
            }
        })
        .collect();
    RuleGroup {
        interval_secs: view.group.interval_ms.unwrap_or(default_interval_ms) as f64 / 1000.0,
        source: file.map(|file| file.source.clone()).unwrap_or_default(),
        updated_at_ms: file.map(|file| file.updated_at_ms).unwrap_or_default(),
        skipped: view.status.skipped,
        name: view.group.name,
        rules,
    }
}

fn kind_of(rule: &Rule) -> &'static str {
    match rule {
        Rule::Alerting(_) => "alerting",
        Rule::Recording(_) => "recording",
    }
}

fn health_of(status: &yunhai_monitor::RuleStatus) -> &'static str {
    if status.evaluated_at_ms == 0 {
        "unknown"
    } else if status.error.is_some() {
        "err"
    } else {
        "ok"
    }
}

/// Lists groups in the form of the Prometheus API.
pub(super) async fn prometheus_rules(app: &App) -> ApiResult<serde_json::Value> {
    let mut alerts: BTreeMap<RuleKey, Vec<yunhai_monitor::Alert>> = BTreeMap::new();
    for alert in super::alerts::active(app).await? {
        alerts.entry(alert.rule.clone()).or_default().push(alert);
    }
    let groups: Vec<serde_json::Value> = app
        .monitor
        .groups()
        .iter()
        .map(|view| {
            let rules: Vec<serde_json::Value> = view
                .group
                .rules
                .iter()
                .zip(&view.rules_status)
                .map(|(rule, status)| {
                    let key = RuleKey {
                        file: view.file.clone(),
                        group: view.group.name.clone(),
                        rule: rule.name().to_owned(),
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
            json["alerts"] = alerts.iter().map(super::alerts::prometheus_alert).collect();
            json["state"] = json!(match (alerts.is_empty(), is_firing) {
                (true, _) => "inactive",
                (false, false) => "pending",
                (false, true) => "firing",
            });
        }
    }
    json
}

/// Makes the rule that a back-test runs.
fn rule_of(body: &BacktestRequest) -> ApiResult<AlertRule> {
    if let Err(error) = yunhai_promql::parse(&body.expr) {
        let fault = Fault {
            pointer: Some("/expr".to_owned()),
            line: u32::try_from(error.position.line).ok(),
            column: u32::try_from(error.position.column).ok(),
            detail: error.message.clone(),
        };
        return Err(Problem::new(ProblemCode::InvalidQuery, error.to_string())
            .with_errors(vec![fault])
            .into());
    }
    // JSON is YAML: the expression needs no other quoting.
    let source = json!({"groups": [{"name": "backtest", "rules": [
        {"alert": "Backtest", "expr": body.expr, "for": format!("{}s", body.for_secs)},
    ]}]});
    let file = RuleFile::parse(&source.to_string()).map_err(yunhai_monitor::Error::from)?;
    match file.groups.into_iter().flat_map(|group| group.rules).next() {
        Some(Rule::Alerting(rule)) => Ok(rule),
        _ => Err(ApiError::internal("the rule of a back-test went missing")),
    }
}

fn form_from(form: RuleForm) -> ApiResult<SimpleForm> {
    let comparison =
        serde_json::from_value::<Comparison>(json!(form.comparison)).map_err(|_| {
            let fault = Fault {
                pointer: Some("/comparison".to_owned()),
                detail: "choose >, >=, <, <=, == or !=".to_owned(),
                ..Fault::default()
            };
            ApiError::from(
                Problem::new(
                    ProblemCode::ValidationFailed,
                    format!("`{}` is not a comparison", form.comparison),
                )
                .with_errors(vec![fault]),
            )
        })?;
    let hold_ms = i64::try_from(form.for_secs)
        .ok()
        .and_then(|secs| secs.checked_mul(1000))
        .ok_or_else(|| {
            ApiError::new(ProblemCode::ValidationFailed, "for_secs: that is too long")
        })?;
    Ok(SimpleForm {
        name: form.name,
        metric: form.metric,
        comparison,
        threshold: form.threshold,
        hold_ms,
        recovery_threshold: form.recovery_threshold,
        severity: form.severity,
        matchers: matchers_from(&form.matchers)?,
        no_data: NoData::default(),
        no_data_for_ms: yunhai_monitor::RuleOptions::default().no_data_for_ms,
        summary: form.summary.unwrap_or_default(),
        description: String::new(),
        runbook_url: form.runbook_url.unwrap_or_default(),
        is_enabled: true,
    })
}

fn form_of(form: SimpleForm) -> RuleForm {
    let text = |text: String| (!text.is_empty()).then_some(text);
    RuleForm {
        name: form.name,
        metric: form.metric,
        comparison: form.comparison.symbol().to_owned(),
        threshold: form.threshold,
        recovery_threshold: form.recovery_threshold,
        for_secs: (form.hold_ms / 1000).unsigned_abs(),
        severity: form.severity,
        matchers: matchers_of(&form.matchers),
        summary: text(form.summary),
        runbook_url: text(form.runbook_url),
    }
}
