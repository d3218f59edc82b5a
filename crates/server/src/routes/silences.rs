//! Silences.

use std::sync::Arc;

use axum::extract::State;
use http::StatusCode;
use serde_json::Value;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use yunhai_api_types::{
    Alert, CreateSilenceRequest, List, ListQuery, ProblemCode, Silence, SilenceFilter,
    SilencePreviewRequest,
};
use yunhai_identity::{Action, AuditEvent, Permission, Target, TargetKind};
use yunhai_model::{SilenceId, TimestampMs};
use yunhai_monitor::{NewSilence, SilenceState, version_of};

use super::alerts::alert_of;
use super::matchers::{matchers_from, matchers_of};
use crate::app::App;
use crate::caller::Caller;
use crate::changes;
use crate::error::{ApiError, ApiResult, Json, Path, Query, Refused};
use crate::list::{SortField, list, list_of, page_request, request_for};
use crate::version::{Expectation, IF_MATCH};

const SORT_FIELDS: &[(&str, &str)] = &[
    ("starts_at_ms", "starts_at"),
    ("ends_at_ms", "ends_at"),
    ("created_by", "author"),
];

const PREVIEW_FIELDS: &[SortField<Alert>] = &[
    ("started_at_ms", |a, b| {
        a.started_at_ms.cmp(&b.started_at_ms)
    }),
    ("rule", |a, b| a.rule.cmp(&b.rule)),
    ("severity", |a, b| a.severity.cmp(&b.severity)),
    ("server", |a, b| {
        a.labels.get("server").cmp(&b.labels.get("server"))
    }),
];

pub(super) fn router() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(list_silences, create_silence))
        .routes(routes!(preview_silence))
        .routes(routes!(show_silence, update_silence, expire_silence))
}

/// Lists silences, expired ones among them.
#[utoipa::path(get, path = "/silences", tag = "silences", params(ListQuery, SilenceFilter),
    responses((status = OK, body = List<Silence>), Refused))]
async fn list_silences(
    State(app): State<Arc<App>>,
    caller: Caller,
    Query(query): Query<ListQuery>,
    Query(filter): Query<SilenceFilter>,
) -> ApiResult<Json<List<Silence>>> {
    caller.require(Permission::ServersRead)?;
    let request = page_request(&query, SORT_FIELDS)?;
    let filter = yunhai_monitor::SilenceFilter {
        states: states_from(filter.state.as_deref().unwrap_or_default())?,
        author: filter.created_by,
    };
    let silences = app.monitor.silences(&filter, &request).await?;
    let now_ms = app.clock.now_ms();
    Ok(Json(list_of(silences, &request, |silence| {
        silence_of(silence, now_ms)
    })))
}

/// Lists the alerts that a silence would hold back now.
#[utoipa::path(post, path = "/silences/preview", tag = "silences", params(ListQuery),
    request_body = SilencePreviewRequest,
    responses((status = OK, body = List<Alert>), Refused))]
async fn preview_silence(
    State(app): State<Arc<App>>,
    caller: Caller,
    Query(query): Query<ListQuery>,
    Json(body): Json<SilencePreviewRequest>,
) -> ApiResult<Json<List<Alert>>> {
    caller.require(Permission::ServersRead)?;
    let request = request_for(&query, PREVIEW_FIELDS)?;
    let matchers = matchers_from("matchers", &body.matchers)?;
    let alerts = app.monitor.preview_silence(&matchers).await?;
    let alerts = alerts.into_iter().map(alert_of).collect();
    list(alerts, &request, PREVIEW_FIELDS, |alert, text| {
        alert
            .labels
            .iter()
            .any(|(name, value)| format!("{name}={value}").to_lowercase().contains(text))
    })
}

/// Holds back the notifications of alerts that match.
#[utoipa::path(post, path = "/silences", tag = "silences", request_body = CreateSilenceRequest,
    responses((status = CREATED, body = Silence), Refused))]
async fn create_silence(
    State(app): State<Arc<App>>,
    caller: Caller,
    Json(body): Json<CreateSilenceRequest>,
) -> ApiResult<(StatusCode, Json<Silence>)> {
    caller.require(Permission::SilencesWrite)?;
    let new = new_silence(body)?;
    let user = &caller.principal.user.name;
    let mut transaction = app.database.transaction();
    let silence = app.monitor.add_silence(&mut transaction, new, user).await?;
    let silence = silence_of(silence, app.clock.now_ms());
    let event =
        AuditEvent::new(Action::SilenceCreated, target(&silence)).after(&recorded(&silence));
    app.commit(transaction, &caller, [event]).await?;
    Ok((StatusCode::CREATED, Json(silence)))
}

/// Shows a silence.
#[utoipa::path(get, path = "/silences/{id}", tag = "silences", params(IdPath),
    responses((status = OK, body = Silence), Refused))]
async fn show_silence(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(path): Path<IdPath>,
) -> ApiResult<Json<Silence>> {
    caller.require(Permission::ServersRead)?;
    let silence = app.monitor.silence(path.silence_id()?).await?;
    Ok(Json(silence_of(silence, app.clock.now_ms())))
}

/// Changes a silence that has not expired: whom it holds back, why, or until when.
#[utoipa::path(put, path = "/silences/{id}", tag = "silences",
    params(IdPath, ("If-Match" = Option<String>, Header, description = IF_MATCH)),
    request_body = CreateSilenceRequest,
    responses((status = OK, body = Silence), Refused))]
async fn update_silence(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(path): Path<IdPath>,
    expectation: Expectation,
    Json(body): Json<CreateSilenceRequest>,
) -> ApiResult<Json<Silence>> {
    caller.require(Permission::SilencesWrite)?;
    let (id, now_ms) = (path.silence_id()?, app.clock.now_ms());
    let new = new_silence(body)?;
    let user = &caller.principal.user.name;
    let mut transaction = app.database.transaction();
    let (before, silence) = app
        .monitor
        .change_silence(&mut transaction, id, new, user)
        .await?;
    let (before, silence) = (silence_of(before, now_ms), silence_of(silence, now_ms));
    expectation.check(&before.version)?;
    let event = AuditEvent::new(Action::SilenceUpdated, target(&silence))
        .before(&recorded(&before))
        .after(&recorded(&silence));
    app.commit(transaction, &caller, [event]).await?;
    Ok(Json(silence))
}

/// Ends a silence now.
#[utoipa::path(delete, path = "/silences/{id}", tag = "silences", params(IdPath),
    responses((status = NO_CONTENT), Refused))]
async fn expire_silence(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(path): Path<IdPath>,
) -> ApiResult<StatusCode> {
    caller.require(Permission::SilencesWrite)?;
    let (id, now_ms) = (path.silence_id()?, app.clock.now_ms());
    let user = &caller.principal.user.name;
    let mut transaction = app.database.transaction();
    let (before, silence) = app
        .monitor
        .expire_silence(&mut transaction, id, user)
        .await?;
    // Only from now on has it expired.
    let silence = silence_of(silence, app.clock.now_ms());
    let event = AuditEvent::new(Action::SilenceEnded, target(&silence))
        .before(&recorded(&silence_of(before, now_ms)))
        .after(&recorded(&silence));
    app.commit(transaction, &caller, [event]).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Which silence.
#[derive(serde::Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Path)]
struct IdPath {
    /// The silence's id.
    id: String,
}

impl IdPath {
    fn silence_id(&self) -> ApiResult<SilenceId> {
        self.id
            .parse()
            .map_err(|_| ApiError::not_found(format_args!("silence {}", self.id)))
    }
}

fn target(silence: &Silence) -> Target {
    Target::new(TargetKind::Silence, &silence.id, silence.comment.clone())
}

fn new_silence(body: CreateSilenceRequest) -> ApiResult<NewSilence> {
    Ok(NewSilence {
        matchers: matchers_from("matchers", &body.matchers)?,
        comment: body.comment,
        starts_at_ms: body.starts_at_ms,
        ends_at_ms: body.ends_at_ms,
    })
}

fn states_from(text: &str) -> ApiResult<Vec<SilenceState>> {
    use SilenceState as S;
    let all = [S::Pending, S::Active, S::Expired];
    match text {
        "" => Ok(Vec::new()),
        "current" => Ok(vec![S::Pending, S::Active]),
        _ => match all.into_iter().find(|state| state.as_str() == text) {
            Some(state) => Ok(vec![state]),
            None => Err(ApiError::new(
                ProblemCode::InvalidRequest,
                format!(
                    "state: there is no state `{text}`; choose current, pending, active or expired"
                ),
            )),
        },
    }
}

/// A silence as the audit log has it.
fn recorded(silence: &Silence) -> Value {
    changes::recorded(silence, &["version"])
}

fn silence_of(silence: yunhai_monitor::Silence, now_ms: TimestampMs) -> Silence {
    let state = silence.state(now_ms).as_str();
    let (changed_by, changed_at_ms) = silence
        .changed
        .map(|change| (change.user, change.at_ms))
        .unzip();
    let matchers = matchers_of(&silence.matchers);
    let (starts_at_ms, ends_at_ms) = (silence.starts_at_ms, silence.ends_at_ms);
    Silence {
        id: silence.id.to_string(),
        version: version_of(&(&matchers, starts_at_ms, ends_at_ms, &silence.comment)),
        matchers,
        starts_at_ms,
        ends_at_ms,
        created_by: silence.author,
        created_at_ms: silence.created_at_ms,
        comment: silence.comment,
        changed_by,
        changed_at_ms,
        state: state.to_owned(),
    }
}
