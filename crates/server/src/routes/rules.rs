//! Alert rules: groups in the form of Prometheus's rule files.
//!
//! Every group is stored as a file of its own name, so that one can be replaced or deleted without
//! touching another.

mod backtest;
mod form;
mod prometheus;

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{DefaultBodyLimit, State};
use http::StatusCode;
use serde_json::json;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use yunhai_api_types::{
    List, ListQuery, ProblemCode, RuleCheck, RuleFilter, RuleGroup, RuleReason, RuleReasonFilter,
    RuleSource, RuleStatus,
};
use yunhai_identity::{Action, AuditEvent, Permission, Target, TargetKind};
use yunhai_monitor::{AppliedGroup, GroupView, Rule, RuleFile, RuleKey, StoredRuleFile};

use super::alerts::{label_map, severity_of};
use crate::app::App;
use crate::caller::Caller;
use crate::error::{ApiError, ApiResult, Json, Path, Query, Refused};
use crate::list::{SortField, list, request_for};
use crate::monitor_errors::rule_fault;
use crate::version::{Expectation, IF_MATCH, IF_NONE_MATCH, Versioned};

pub(super) use prometheus::prometheus_rules;

const GROUP_FIELDS: &[SortField<RuleGroup>] = &[
    ("name", |a, b| a.name.cmp(&b.name)),
    ("updated_at_ms", |a, b| {
        a.updated_at_ms.cmp(&b.updated_at_ms)
    }),
    ("interval_secs", |a, b| {
        a.interval_secs.total_cmp(&b.interval_secs)
    }),
    ("firing", |a, b| {
        let firing = |group: &RuleGroup| group.rules.iter().map(|rule| rule.firing).sum::<u32>();
        firing(a).cmp(&firing(b))
    }),
    ("skipped", |a, b| a.skipped.cmp(&b.skipped)),
];

const REASON_FIELDS: &[SortField<RuleReason>] = &[
    ("labels", |a, b| a.labels.cmp(&b.labels)),
    ("state", |a, b| a.state.cmp(&b.state)),
    ("value", |a, b| {
        // What does not come stands before what comes.
        let value = |reason: &RuleReason| reason.value.unwrap_or(f64::NEG_INFINITY);
        value(a).total_cmp(&value(b))
    }),
];

pub(super) fn router() -> OpenApiRouter<Arc<App>> {
    // Rule files may have as much as `server.max_body` says.
    let files = OpenApiRouter::new()
        .routes(routes!(list_groups, apply_rules))
        .routes(routes!(show_group, put_group, delete_group))
        .routes(routes!(check_rules))
        .layer(DefaultBodyLimit::disable());
    files
        .routes(routes!(form::rule_from_form))
        .routes(routes!(form::put_form))
        .routes(routes!(backtest::backtest))
        .routes(routes!(why))
}

/// Lists groups with their rules and how they stand.
#[utoipa::path(get, path = "/rule-groups", tag = "rules", params(ListQuery, RuleFilter),
    responses((status = OK, body = List<RuleGroup>), Refused))]
async fn list_groups(
    State(app): State<Arc<App>>,
    caller: Caller,
    Query(query): Query<ListQuery>,
    Query(filter): Query<RuleFilter>,
) -> ApiResult<Json<List<RuleGroup>>> {
    caller.require(Permission::ServersRead)?;
    let request = request_for(&query, GROUP_FIELDS)?;
    let mut groups = groups(&app).await?;
    groups.retain(|group| group.rules.iter().any(|rule| fits(rule, &filter)));
    list(groups, &request, GROUP_FIELDS, |group, text| {
        group.name.to_lowercase().contains(text)
            || group.rules.iter().any(|rule| {
                rule.name.to_lowercase().contains(text) || rule.expr.to_lowercase().contains(text)
            })
    })
}

/// Loads a rule file, all of its groups or none. A group replaces the one of its name, unless that
/// came from another file: then it is stored as `file/group`.
#[utoipa::path(post, path = "/rule-groups", tag = "rules", request_body = RuleSource,
    responses((status = OK, body = Vec<RuleGroup>), Refused))]
async fn apply_rules(
    State(app): State<Arc<App>>,
    caller: Caller,
    Json(body): Json<RuleSource>,
) -> ApiResult<Json<Vec<RuleGroup>>> {
    caller.require(Permission::RulesWrite)?;
    let user = &caller.principal.user.name;
    let mut transaction = app.database.transaction();
    let applied = app
        .monitor
        .apply_rule_file(&mut transaction, body.file.as_deref(), &body.source, user)
        .await?;
    let events = applied.iter().map(event_of);
    app.commit(transaction, &caller, events).await?;
    let is_applied = |group: &RuleGroup| {
        applied
            .iter()
            .any(|applied| applied.after.name == group.name)
    };
    let mut groups = groups(&app).await?;
    groups.retain(is_applied);
    Ok(Json(groups))
}

/// Shows a group.
#[utoipa::path(get, path = "/rule-groups/{name}", tag = "rules", params(GroupPath),
    responses((status = OK, body = RuleGroup,
        headers(("ETag" = String, description = "The version, which is sent back as If-Match"))), Refused))]
async fn show_group(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(path): Path<GroupPath>,
) -> ApiResult<Versioned<Json<RuleGroup>>> {
    caller.require(Permission::ServersRead)?;
    versioned(&app, &path.name).await
}

/// Makes or replaces a group; the source holds this one group.
#[utoipa::path(put, path = "/rule-groups/{name}", tag = "rules",
    params(GroupPath,
        ("If-Match" = Option<String>, Header, description = IF_MATCH),
        ("If-None-Match" = Option<String>, Header, description = IF_NONE_MATCH)),
    request_body = RuleSource,
    responses((status = OK, body = RuleGroup), Refused))]
async fn put_group(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(path): Path<GroupPath>,
    expectation: Expectation,
    Json(body): Json<RuleSource>,
) -> ApiResult<Versioned<Json<RuleGroup>>> {
    caller.require(Permission::RulesWrite)?;
    let file = RuleFile::parse(&body.source).map_err(yunhai_monitor::Error::from)?;
    // A group that is stored as `file/group` keeps its own name.
    let name = find_view(&app, &path.name).map_or(path.name.clone(), |view| view.group.name);
    if file.groups.len() != 1 || file.groups[0].name != name {
        return Err(ApiError::new(
            ProblemCode::MalformedRule,
            format!("the source must hold one group, named `{name}`"),
        )
        .hint("post files with several groups to /api/v1/rule-groups, or use `yunhai alert rule apply`"));
    }
    let user = &caller.principal.user.name;
    let (name, source) = (&path.name, &body.source);
    let mut transaction = app.database.transaction();
    let replaced = app
        .monitor
        .replace_rule_file(&mut transaction, name, source, user, &expectation.0)
        .await?;
    app.commit(transaction, &caller, [event_of(&replaced)])
        .await?;
    versioned(&app, &path.name).await
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
    let mut transaction = app.database.transaction();
    let before = app
        .monitor
        .delete_rule_file(&mut transaction, &path.name)
        .await?;
    let event = AuditEvent::new(Action::RuleDeleted, target(&path.name))
        .before(&json!({"source": before.source}));
    app.commit(transaction, &caller, [event]).await?;
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

/// Tells for each series why a rule fires or does not.
#[utoipa::path(get, path = "/rules/{group}/{rule}/why", tag = "rules",
    params(RulePath, ListQuery, RuleReasonFilter),
    responses((status = OK, body = List<RuleReason>), Refused))]
async fn why(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(path): Path<RulePath>,
    Query(query): Query<ListQuery>,
    Query(filter): Query<RuleReasonFilter>,
) -> ApiResult<Json<List<RuleReason>>> {
    caller.require(Permission::ServersRead)?;
    let request = request_for(&query, REASON_FIELDS)?;
    let view = find_view(&app, &path.group)?;
    let key = RuleKey {
        file: view.file,
        group: view.group.name,
        rule: path.rule,
    };
    let reasons = app
        .monitor
        .explain(&key)
        .await?
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
        .filter(|reason| {
            filter
                .state
                .as_ref()
                .is_none_or(|state| *state == reason.state)
        })
        .collect();
    list(reasons, &request, REASON_FIELDS, |reason, text| {
        reason.reason.to_lowercase().contains(text)
            || reason
                .labels
                .iter()
                .any(|(name, value)| format!("{name}={value}").to_lowercase().contains(text))
    })
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
    /// The rule's id in the group.
    rule: String,
}

/// Tells whether a rule is what a filter asks for.
fn fits(rule: &RuleStatus, filter: &RuleFilter) -> bool {
    let state = match (rule.firing, rule.pending) {
        (1.., _) => "firing",
        (0, 1..) => "pending",
        (0, 0) => "inactive",
    };
    let is =
        |wanted: &Option<String>, found: &str| wanted.as_ref().is_none_or(|wanted| wanted == found);
    is(&filter.kind, &rule.kind)
        && is(
            &filter.severity,
            rule.severity.as_deref().unwrap_or_default(),
        )
        && is(&filter.health, &rule.health)
        && is(&filter.state, state)
}

fn target(name: &str) -> Target {
    Target::new(TargetKind::Rule, name, name)
}

/// Tells the audit log that a group was stored.
fn event_of(applied: &AppliedGroup) -> AuditEvent {
    let AppliedGroup { before, after } = applied;
    let action = if before.is_some() {
        Action::RuleUpdated
    } else {
        Action::RuleCreated
    };
    let event =
        AuditEvent::new(action, target(&after.name)).after(&json!({"source": after.source}));
    match before {
        Some(before) => event.before(&json!({"source": before.source})),
        None => event,
    }
}

/// Finds a group with the version of its source.
async fn versioned(app: &App, name: &str) -> ApiResult<Versioned<Json<RuleGroup>>> {
    let version = app.monitor.rule_file(name).await?.version();
    Ok(Versioned(version, Json(find_group(app, name).await?)))
}

async fn find_group(app: &App, name: &str) -> ApiResult<RuleGroup> {
    groups(app)
        .await?
        .into_iter()
        .find(|group| group.name == name)
        .ok_or_else(|| ApiError::not_found(format_args!("rule group `{name}`")))
}

/// Finds a group in force by the name under which it is stored.
fn find_view(app: &App, name: &str) -> ApiResult<GroupView> {
    let mut views = app.monitor.groups().into_iter();
    views
        .find(|view| view.file == name)
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
        .identified()
        .zip(&view.rules_status)
        .map(|((id, rule), status)| {
            let key = RuleKey {
                file: view.file.clone(),
                group: view.group.name.clone(),
                rule: id.clone(),
            };
            let (pending, firing) = counts.get(&key).copied().unwrap_or_default();
            let is_evaluated = status.evaluated_at_ms > 0;
            RuleStatus {
                id,
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
                form: app.monitor.form_of(&key).ok().flatten().map(form::form_of),
            }
        })
        .collect();
    RuleGroup {
        interval_secs: view.group.interval_ms.unwrap_or(default_interval_ms) as f64 / 1000.0,
        source: file.map(|file| file.source.clone()).unwrap_or_default(),
        updated_at_ms: file.map(|file| file.updated_at_ms).unwrap_or_default(),
        skipped: view.status.skipped,
        file: file.and_then(|file| file.origin.clone()),
        name: view.file,
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
