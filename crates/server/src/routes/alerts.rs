//! Alerts: what fires, what fired, and who is on it.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use http::StatusCode;
use serde_json::json;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use yunhai_api_types::{
    AcknowledgeRequest, Acknowledgement, Alert, AlertCounts, AlertDetail, AlertEvent,
    AlertEventFilter, AlertFilter, AlertState, CommentRequest, List, ListQuery, ProblemCode,
};
use yunhai_identity::{Action, AuditEvent, Permission, Target, TargetKind};
use yunhai_model::{AlertId, Labels, PageRequest, format_rfc3339};
use yunhai_monitor::{EventKind, Muting, Rule};

use crate::app::App;
use crate::caller::Caller;
use crate::error::{ApiError, ApiResult, Json, Path, Query, Refused};
use crate::list::{SortField, list, list_of, page_request, request_for};

const SORT_FIELDS: &[(&str, &str)] = &[
    ("started_at_ms", "active_since"),
    ("fired_at_ms", "fired_at"),
    ("resolved_at_ms", "ended_at"),
    ("rule", "name"),
    ("severity", "severity"),
    ("server", "server"),
    ("state", "state"),
    ("urgency", "urgency"),
];

const EVENT_FIELDS: &[SortField<AlertEvent>] = &[
    ("time_ms", |a, b| a.time_ms.cmp(&b.time_ms)),
    ("kind", |a, b| a.kind.cmp(&b.kind)),
];

pub(super) fn router() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(list_alerts))
        .routes(routes!(show_alert))
        .routes(routes!(list_timeline))
        .routes(routes!(comment))
        .routes(routes!(acknowledge, unacknowledge))
}

/// Lists alerts, active or ended.
#[utoipa::path(get, path = "/alerts", tag = "alerts", params(ListQuery, AlertFilter),
    responses((status = OK, body = List<Alert>), Refused))]
async fn list_alerts(
    State(app): State<Arc<App>>,
    caller: Caller,
    Query(query): Query<ListQuery>,
    Query(filter): Query<AlertFilter>,
) -> ApiResult<Json<List<Alert>>> {
    caller.require(Permission::ServersRead)?;
    let request = page_request(&query, SORT_FIELDS)?;
    let filter = yunhai_monitor::AlertFilter {
        states: match filter.state.as_deref() {
            None | Some("") => Vec::new(),
            Some("active") => ACTIVE.to_vec(),
            Some(state) => vec![state_from(state)?],
        },
        severity: filter.severity,
        name: filter.rule,
        server: filter.server,
        group: filter.group,
        from_ms: filter.from_ms,
        until_ms: filter.until_ms,
        ended_after_ms: filter.ended_after_ms,
    };
    let alerts = app.monitor.alerts(&filter, &request).await?;
    Ok(Json(list_of(alerts, &request, alert_of)))
}

/// Shows an alert with what happened to it and why it stands where it stands.
#[utoipa::path(get, path = "/alerts/{id}", tag = "alerts", params(AlertPath),
    responses((status = OK, body = AlertDetail), Refused))]
async fn show_alert(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(path): Path<AlertPath>,
) -> ApiResult<Json<AlertDetail>> {
    caller.require(Permission::ServersRead)?;
    let detail = app.monitor.alert(path.id()?).await?;
    let channels = channel_names(&app).await?;
    Ok(Json(AlertDetail {
        alert: alert_of(detail.alert),
        expr: detail.rule.as_ref().map(|rule| rule.expr().to_owned()),
        why: detail.explanation.map(|explanation| explanation.reason),
        timeline: detail
            .timeline
            .into_iter()
            .map(|event| event_of(event, &channels))
            .collect(),
    }))
}

/// Lists what happened to an alert.
#[utoipa::path(get, path = "/alerts/{id}/timeline", tag = "alerts",
    params(AlertPath, ListQuery, AlertEventFilter),
    responses((status = OK, body = List<AlertEvent>), Refused))]
async fn list_timeline(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(path): Path<AlertPath>,
    Query(query): Query<ListQuery>,
    Query(filter): Query<AlertEventFilter>,
) -> ApiResult<Json<List<AlertEvent>>> {
    caller.require(Permission::ServersRead)?;
    let request = request_for(&query, EVENT_FIELDS)?;
    let channels = channel_names(&app).await?;
    let events = app.monitor.timeline(path.id()?).await?;
    let events = events
        .into_iter()
        .map(|event| event_of(event, &channels))
        .filter(|event| filter.kind.as_ref().is_none_or(|kind| *kind == event.kind))
        .collect();
    list(events, &request, EVENT_FIELDS, |event, text| {
        let actor = event.actor.as_deref().unwrap_or_default();
        [event.kind.as_str(), &event.detail, actor]
            .iter()
            .any(|field| field.to_lowercase().contains(text))
    })
}

/// Says something on an alert, for those who look at it later.
#[utoipa::path(post, path = "/alerts/{id}/comments", tag = "alerts", params(AlertPath),
    request_body = CommentRequest,
    responses((status = CREATED, body = AlertEvent), Refused))]
async fn comment(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(path): Path<AlertPath>,
    Json(body): Json<CommentRequest>,
) -> ApiResult<(StatusCode, Json<AlertEvent>)> {
    caller.require(Permission::AlertsAcknowledge)?;
    let id = path.id()?;
    let user = &caller.principal.user.name;
    let mut transaction = app.database.transaction();
    let (alert, commented) = app
        .monitor
        .comment(&mut transaction, id, user, &body.comment)
        .await?;
    let event = AuditEvent::new(Action::AlertCommented, target(&alert))
        .after(&json!({"comment": body.comment}));
    app.commit(transaction, &caller, [event]).await?;
    let commented = event_of(commented, &BTreeMap::new());
    Ok((StatusCode::CREATED, Json(commented)))
}

/// Says that one is on an alert, which ends its escalation and repeats.
#[utoipa::path(post, path = "/alerts/{id}/acknowledge", tag = "alerts", params(AlertPath),
    request_body = AcknowledgeRequest,
    responses((status = OK, body = Alert), Refused))]
async fn acknowledge(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(path): Path<AlertPath>,
    Json(body): Json<AcknowledgeRequest>,
) -> ApiResult<Json<Alert>> {
    caller.require(Permission::AlertsAcknowledge)?;
    let user = &caller.principal.user.name;
    let id = path.id()?;
    let mut transaction = app.database.transaction();
    let (before, alert) = app
        .monitor
        .acknowledge(&mut transaction, id, user, &body.comment)
        .await?;
    let event = AuditEvent::new(Action::AlertAcknowledged, target(&alert))
        .before(&state_for_audit(&before))
        .after(&state_for_audit(&alert));
    app.commit(transaction, &caller, [event]).await?;
    Ok(Json(alert_of(alert)))
}

/// Gives an alert back.
#[utoipa::path(delete, path = "/alerts/{id}/acknowledge", tag = "alerts", params(AlertPath),
    responses((status = OK, body = Alert), Refused))]
async fn unacknowledge(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(path): Path<AlertPath>,
) -> ApiResult<Json<Alert>> {
    caller.require(Permission::AlertsAcknowledge)?;
    let user = &caller.principal.user.name;
    let id = path.id()?;
    let mut transaction = app.database.transaction();
    let (before, alert) = app
        .monitor
        .unacknowledge(&mut transaction, id, user)
        .await?;
    let event = AuditEvent::new(Action::AlertUnacknowledged, target(&alert))
        .before(&state_for_audit(&before))
        .after(&state_for_audit(&alert));
    app.commit(transaction, &caller, [event]).await?;
    Ok(Json(alert_of(alert)))
}

/// Which alert.
#[derive(serde::Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Path)]
struct AlertPath {
    /// The alert's id.
    id: String,
}

impl AlertPath {
    fn id(&self) -> ApiResult<AlertId> {
        self.id
            .parse()
            .map_err(|_| ApiError::not_found(format_args!("alert {}", self.id)))
    }
}

const ACTIVE: [yunhai_monitor::AlertState; 3] = [
    yunhai_monitor::AlertState::Pending,
    yunhai_monitor::AlertState::Firing,
    yunhai_monitor::AlertState::Acknowledged,
];

fn state_from(text: &str) -> ApiResult<yunhai_monitor::AlertState> {
    ACTIVE
        .into_iter()
        .chain([yunhai_monitor::AlertState::Resolved])
        .find(|state| state.as_str() == text)
        .ok_or_else(|| {
            ApiError::new(
                ProblemCode::InvalidRequest,
                format!(
                    "state: there is no state `{text}`; choose active, pending, firing, \
                     acknowledged or resolved"
                ),
            )
        })
}

fn target(alert: &yunhai_monitor::Alert) -> Target {
    Target::new(TargetKind::Alert, alert.id, alert.name())
}

/// What of an alert an acknowledgement changes.
fn state_for_audit(alert: &yunhai_monitor::Alert) -> serde_json::Value {
    json!({
        "state": alert.instance.state.as_str(),
        "acknowledgement": alert.instance.acknowledgement,
    })
}

async fn channel_names(app: &App) -> ApiResult<BTreeMap<String, String>> {
    let channels = app.monitor.channels().await?;
    Ok(channels
        .into_iter()
        .map(|channel| (channel.id.to_string(), channel.name))
        .collect())
}

/// Counts active alerts for the overview.
pub(super) async fn counts(app: &App) -> ApiResult<AlertCounts> {
    let mut counts = AlertCounts::default();
    for alike in app.monitor.active_alerts().await? {
        let count = match alike.severity.as_str() {
            _ if alike.is_pending => &mut counts.pending,
            _ if alike.is_acknowledged => &mut counts.acknowledged,
            "critical" => &mut counts.critical,
            "warning" => &mut counts.warning,
            _ => &mut counts.info,
        };
        *count += u32::try_from(alike.number).unwrap_or(u32::MAX);
    }
    Ok(counts)
}

/// Counts the firing alerts of each server.
pub(super) async fn firing_by_server(app: &App) -> ApiResult<BTreeMap<String, u32>> {
    let mut counts = BTreeMap::new();
    for alike in app.monitor.active_alerts().await? {
        if !alike.is_pending && !alike.server.is_empty() {
            *counts.entry(alike.server).or_default() +=
                u32::try_from(alike.number).unwrap_or(u32::MAX);
        }
    }
    Ok(counts)
}

/// Returns every active alert.
pub(super) async fn active(app: &App) -> ApiResult<Vec<yunhai_monitor::Alert>> {
    let filter = yunhai_monitor::AlertFilter {
        states: ACTIVE.to_vec(),
        ..yunhai_monitor::AlertFilter::default()
    };
    let mut alerts = Vec::new();
    for page in 1.. {
        let request = PageRequest {
            page,
            page_size: yunhai_model::MAX_PAGE_SIZE,
            ..PageRequest::default()
        };
        let found = app.monitor.alerts(&filter, &request).await?;
        let is_last = found.items.is_empty();
        alerts.extend(found.items);
        if is_last || alerts.len() as u64 >= found.total {
            break;
        }
    }
    Ok(alerts)
}

/// Lists active alerts in the form of the Prometheus API.
pub(super) async fn prometheus_alerts(app: &App) -> ApiResult<serde_json::Value> {
    let alerts: Vec<_> = active(app).await?.iter().map(prometheus_alert).collect();
    Ok(json!({"alerts": alerts}))
}

/// Writes an alert in the form of the Prometheus API.
pub(super) fn prometheus_alert(alert: &yunhai_monitor::Alert) -> serde_json::Value {
    let state = if alert.instance.state.is_raised() {
        "firing"
    } else {
        "pending"
    };
    json!({
        "labels": alert.labels,
        "annotations": alert.annotations,
        "state": state,
        "activeAt": format_rfc3339(alert.instance.active_since_ms),
        "value": yunhai_promql::GoFloat(alert.instance.value).to_string(),
    })
}

pub(super) fn alert_of(alert: yunhai_monitor::Alert) -> Alert {
    let severity = alert.severity().to_owned();
    let instance = alert.instance;
    Alert {
        id: alert.id.to_string(),
        rule: alert.rule.rule,
        group: alert.rule.file,
        state: match instance.state {
            yunhai_monitor::AlertState::Pending => AlertState::Pending,
            yunhai_monitor::AlertState::Firing => AlertState::Firing,
            yunhai_monitor::AlertState::Acknowledged => AlertState::Acknowledged,
            yunhai_monitor::AlertState::Resolved => AlertState::Resolved,
        },
        severity,
        labels: label_map(&alert.labels),
        annotations: alert.annotations,
        value: Some(instance.value).filter(|value| value.is_finite()),
        started_at_ms: instance.active_since_ms,
        fired_at_ms: instance.fired_at_ms,
        resolved_at_ms: instance.ended_at_ms,
        acknowledged: instance.acknowledgement.map(|taken| Acknowledgement {
            by: taken.user,
            at_ms: taken.at_ms,
            comment: taken.comment,
        }),
        silenced_by: alert
            .muted_by
            .iter()
            .filter_map(|muting| match muting {
                Muting::Silence(id) => Some(id.clone()),
                _ => None,
            })
            .collect(),
        muted_by: alert.muted_by.into_iter().map(muting_of).collect(),
        flapping: instance.flapping_since_ms.is_some(),
    }
}

pub(super) fn muting_of(muting: Muting) -> yunhai_api_types::Muting {
    let (kind, id) = match muting {
        Muting::Silence(id) => ("silence", id),
        Muting::Maintenance(id) => ("maintenance", id),
        Muting::Inhibition(id) => ("inhibition", id),
    };
    yunhai_api_types::Muting {
        kind: kind.to_owned(),
        id,
    }
}

fn event_of(event: yunhai_monitor::AlertEvent, channels: &BTreeMap<String, String>) -> AlertEvent {
    let channel_name = |id: yunhai_model::ChannelId| {
        let id = id.to_string();
        channels.get(&id).cloned().unwrap_or(id)
    };
    let value = |value: Option<f64>| {
        value.map_or_else(String::new, |value| {
            yunhai_promql::GoFloat(value).to_string()
        })
    };
    let (kind, actor, detail) = match event.kind {
        EventKind::Pending { value: found } => ("pending", None, value(found)),
        EventKind::Fired { value: found } => ("firing", None, value(found)),
        EventKind::Resolved => ("resolved", None, String::new()),
        EventKind::FlappingStarted => ("flapping_started", None, String::new()),
        EventKind::FlappingEnded => ("flapping_ended", None, String::new()),
        EventKind::Acknowledged { user, comment } => ("acknowledged", Some(user), comment),
        EventKind::Unacknowledged { user } => ("unacknowledged", Some(user), String::new()),
        EventKind::Commented { user, comment } => ("commented", Some(user), comment),
        EventKind::Muted { by } if by.is_empty() => ("unmuted", None, String::new()),
        EventKind::Muted { by } => {
            let reasons: Vec<String> = by
                .iter()
                .map(|muting| match muting {
                    Muting::Silence(id) => format!("silence {id}"),
                    Muting::Maintenance(id) => format!("maintenance window {id}"),
                    Muting::Inhibition(id) => format!("another alert ({id})"),
                })
                .collect();
            ("muted", None, reasons.join(", "))
        }
        EventKind::Queued { channel, .. } => ("queued", None, channel_name(channel)),
        EventKind::Delivered {
            channel, answer, ..
        } => (
            "notified",
            None,
            format!("{}: {answer}", channel_name(channel)),
        ),
        EventKind::Held { channel, .. } => ("held", None, channel_name(channel)),
        EventKind::Dropped { channel } => ("dropped", None, channel_name(channel)),
        EventKind::Failed { channel, error, .. } => (
            "notification_failed",
            None,
            format!("{}: {error}", channel_name(channel)),
        ),
    };
    AlertEvent {
        time_ms: event.at_ms,
        kind: kind.to_owned(),
        actor,
        detail,
    }
}

/// Turns labels into what travels.
pub(super) fn label_map(labels: &Labels) -> BTreeMap<String, String> {
    labels
        .iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

/// The severity that a rule gives.
pub(super) fn severity_of(rule: &Rule) -> Option<String> {
    match rule {
        Rule::Alerting(rule) => rule
            .labels
            .get(yunhai_monitor::SEVERITY)
            .map(|template| template.source().to_owned()),
        Rule::Recording(_) => None,
    }
}
