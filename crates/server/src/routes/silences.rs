//! Silences and maintenance windows.

use std::sync::Arc;

use axum::extract::State;
use http::StatusCode;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use yunhai_api_types::{
    CreateSilenceRequest, Fault, LabelMatcher, List, ListQuery, MaintenanceWindow,
    MaintenanceWindowSpec, Problem, ProblemCode, Silence,
};
use yunhai_identity::{Action, AuditEvent, Permission, Target};
use yunhai_model::{HumanDuration, MaintenanceWindowId, SilenceId, TimestampMs};
use yunhai_monitor::{MaintenanceSettings, MaintenanceWindow as Window, NewSilence};
use yunhai_promql::MatchOp;

use crate::app::App;
use crate::caller::Caller;
use crate::error::{ApiError, ApiResult, Json, Path, Query, Refused};
use crate::list::{SortField, list_of, page_of, page_request, sort_by};

const SORT_FIELDS: &[(&str, &str)] = &[
    ("starts_at_ms", "starts_at"),
    ("ends_at_ms", "ends_at"),
    ("created_by", "author"),
];

const WINDOW_FIELDS: &[SortField<Window>] =
    &[("name", |a, b| a.settings.name.cmp(&b.settings.name))];

pub(super) fn router() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(list_silences, create_silence))
        .routes(routes!(show_silence, expire_silence))
        .routes(routes!(list_windows, create_window))
        .routes(routes!(update_window, delete_window))
}

/// Lists silences, expired ones among them.
#[utoipa::path(get, path = "/silences", tag = "silences", params(ListQuery),
    responses((status = OK, body = List<Silence>), Refused))]
async fn list_silences(
    State(app): State<Arc<App>>,
    caller: Caller,
    Query(query): Query<ListQuery>,
) -> ApiResult<Json<List<Silence>>> {
    caller.require(Permission::ServersRead)?;
    let request = page_request(&query, SORT_FIELDS)?;
    let silences = app.monitor.silences(true, &request).await?;
    let now_ms = app.clock.now_ms();
    Ok(Json(list_of(silences, &request, |silence| {
        silence_of(silence, now_ms)
    })))
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
    let new = NewSilence {
        matchers: matchers_from(&body.matchers)?,
        comment: body.comment,
        starts_at_ms: body.starts_at_ms,
        ends_at_ms: body.ends_at_ms,
    };
    let silence = app
        .monitor
        .add_silence(new, &caller.principal.user.name)
        .await?;
    let silence = silence_of(silence, app.clock.now_ms());
    let event = AuditEvent::new(
        Action::SilenceCreated,
        Target::new("silence", &silence.id, silence.comment.clone()),
    )
    .after(&silence);
    app.identity.audit().record(&caller.actor(), event).await?;
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

/// Ends a silence now.
#[utoipa::path(delete, path = "/silences/{id}", tag = "silences", params(IdPath),
    responses((status = NO_CONTENT), Refused))]
async fn expire_silence(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(path): Path<IdPath>,
) -> ApiResult<StatusCode> {
    caller.require(Permission::SilencesWrite)?;
    let silence = app.monitor.expire_silence(path.silence_id()?).await?;
    let event = AuditEvent::new(
        Action::SilenceEnded,
        Target::new("silence", silence.id, silence.comment),
    );
    app.identity.audit().record(&caller.actor(), event).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Lists maintenance windows.
#[utoipa::path(get, path = "/maintenance-windows", tag = "silences", params(ListQuery),
    responses((status = OK, body = List<MaintenanceWindow>), Refused))]
async fn list_windows(
    State(app): State<Arc<App>>,
    caller: Caller,
    Query(query): Query<ListQuery>,
) -> ApiResult<Json<List<MaintenanceWindow>>> {
    caller.require(Permission::ServersRead)?;
    let request = page_request(&query, &[("name", "name")])?;
    let now_ms = app.clock.now_ms();
    let mut windows = app.monitor.windows().await?;
    sort_by(&mut windows, &request, WINDOW_FIELDS)?;
    let page = page_of(windows, &request);
    Ok(Json(list_of(page, &request, |window| {
        window_of(window, now_ms)
    })))
}

/// Plans a recurring maintenance window.
#[utoipa::path(post, path = "/maintenance-windows", tag = "silences",
    request_body = MaintenanceWindowSpec,
    responses((status = CREATED, body = MaintenanceWindow), Refused))]
async fn create_window(
    State(app): State<Arc<App>>,
    caller: Caller,
    Json(body): Json<MaintenanceWindowSpec>,
) -> ApiResult<(StatusCode, Json<MaintenanceWindow>)> {
    caller.require(Permission::SilencesWrite)?;
    let window = app
        .monitor
        .add_window(settings_from(body)?, &caller.principal.user.name)
        .await?;
    let window = window_of(window, app.clock.now_ms());
    audit_window(&app, &caller, Action::MaintenanceCreated, &window).await?;
    Ok((StatusCode::CREATED, Json(window)))
}

/// Changes a maintenance window.
#[utoipa::path(put, path = "/maintenance-windows/{id}", tag = "silences", params(IdPath),
    request_body = MaintenanceWindowSpec,
    responses((status = OK, body = MaintenanceWindow), Refused))]
async fn update_window(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(path): Path<IdPath>,
    Json(body): Json<MaintenanceWindowSpec>,
) -> ApiResult<Json<MaintenanceWindow>> {
    caller.require(Permission::SilencesWrite)?;
    let window = app
        .monitor
        .change_window(path.window_id()?, settings_from(body)?)
        .await?;
    let window = window_of(window, app.clock.now_ms());
    audit_window(&app, &caller, Action::MaintenanceUpdated, &window).await?;
    Ok(Json(window))
}

/// Deletes a maintenance window.
#[utoipa::path(delete, path = "/maintenance-windows/{id}", tag = "silences", params(IdPath),
    responses((status = NO_CONTENT), Refused))]
async fn delete_window(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(path): Path<IdPath>,
) -> ApiResult<StatusCode> {
    caller.require(Permission::SilencesWrite)?;
    app.monitor.delete_window(path.window_id()?).await?;
    let event = AuditEvent::new(
        Action::MaintenanceDeleted,
        Target::new("maintenance window", path.id, ""),
    );
    app.identity.audit().record(&caller.actor(), event).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Which silence or window.
#[derive(serde::Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Path)]
struct IdPath {
    /// The id.
    id: String,
}

impl IdPath {
    fn silence_id(&self) -> ApiResult<SilenceId> {
        self.id
            .parse()
            .map_err(|_| ApiError::not_found(format_args!("silence {}", self.id)))
    }

    fn window_id(&self) -> ApiResult<MaintenanceWindowId> {
        self.id
            .parse()
            .map_err(|_| ApiError::not_found(format_args!("maintenance window {}", self.id)))
    }
}

async fn audit_window(
    app: &App,
    caller: &Caller,
    action: Action,
    window: &MaintenanceWindow,
) -> ApiResult<()> {
    let target = Target::new("maintenance window", &window.id, window.spec.name.clone());
    let event = AuditEvent::new(action, target).after(window);
    app.identity.audit().record(&caller.actor(), event).await?;
    Ok(())
}

fn silence_of(silence: yunhai_monitor::Silence, now_ms: TimestampMs) -> Silence {
    let state = if silence.ends_at_ms <= now_ms {
        "expired"
    } else if silence.starts_at_ms > now_ms {
        "pending"
    } else {
        "active"
    };
    Silence {
        id: silence.id.to_string(),
        matchers: matchers_of(&silence.matchers),
        starts_at_ms: silence.starts_at_ms,
        ends_at_ms: silence.ends_at_ms,
        created_by: silence.author,
        created_at_ms: silence.created_at_ms,
        comment: silence.comment,
        state: state.to_owned(),
    }
}

fn window_of(window: Window, now_ms: TimestampMs) -> MaintenanceWindow {
    MaintenanceWindow {
        id: window.id.to_string(),
        active: window.settings.is_enabled && window.settings.is_open(now_ms),
        next_start_ms: window.settings.opens_after(now_ms),
        created_by: window.author,
        spec: MaintenanceWindowSpec {
            name: window.settings.name,
            cron: window.settings.cron,
            duration_secs: window.settings.duration.0.as_secs(),
            time_zone: window.settings.time_zone,
            matchers: matchers_of(&window.settings.matchers),
        },
    }
}

fn settings_from(spec: MaintenanceWindowSpec) -> ApiResult<MaintenanceSettings> {
    Ok(MaintenanceSettings {
        name: spec.name,
        matchers: matchers_from(&spec.matchers)?,
        cron: spec.cron,
        duration: HumanDuration::from_secs(spec.duration_secs),
        time_zone: spec.time_zone,
        is_enabled: true,
    })
}

/// Reads matchers, naming each that is wrong.
pub(super) fn matchers_from(
    matchers: &[LabelMatcher],
) -> ApiResult<Vec<yunhai_monitor::LabelMatcher>> {
    let mut parsed = Vec::new();
    let mut faults = Vec::new();
    for (at, matcher) in matchers.iter().enumerate() {
        let op = match matcher.op.as_str() {
            "=" => Some(MatchOp::Equal),
            "!=" => Some(MatchOp::NotEqual),
            "=~" => Some(MatchOp::Regex),
            "!~" => Some(MatchOp::NotRegex),
            _ => None,
        };
        let outcome = match op {
            Some(op) => yunhai_monitor::LabelMatcher::new(&matcher.name, op, &matcher.value)
                .map_err(|error| error.to_string()),
            None => Err(format!(
                "`{}` is not a comparison; choose =, !=, =~ or !~",
                matcher.op
            )),
        };
        match outcome {
            Ok(matcher) => parsed.push(matcher),
            Err(detail) => faults.push(Fault {
                pointer: Some(format!("/matchers/{at}")),
                detail,
                ..Fault::default()
            }),
        }
    }
    if faults.is_empty() {
        return Ok(parsed);
    }
    Err(
        Problem::new(ProblemCode::ValidationFailed, "a matcher is not valid")
            .with_errors(faults)
            .into(),
    )
}

/// Writes matchers as they travel.
pub(super) fn matchers_of(matchers: &[yunhai_monitor::LabelMatcher]) -> Vec<LabelMatcher> {
    matchers
        .iter()
        .map(|matcher| LabelMatcher {
            name: matcher.name().to_owned(),
            op: match matcher.op() {
                MatchOp::Equal => "=",
                MatchOp::NotEqual => "!=",
                MatchOp::Regex => "=~",
                MatchOp::NotRegex => "!~",
            }
            .to_owned(),
            value: matcher.value().to_owned(),
        })
        .collect()
}
