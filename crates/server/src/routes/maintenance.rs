//! Maintenance windows.

use std::sync::Arc;

use axum::extract::State;
use http::StatusCode;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use yunhai_api_types::{
    List, ListQuery, MaintenanceWindow, MaintenanceWindowFilter, MaintenanceWindowSpec,
};
use yunhai_identity::{Action, AuditEvent, Permission, Target, TargetKind};
use yunhai_model::{HumanDuration, MaintenanceWindowId, TimestampMs};
use yunhai_monitor::{MaintenanceSettings, version_of};

use super::matchers::{matchers_from, matchers_of, mentions};
use crate::app::App;
use crate::caller::Caller;
use crate::error::{ApiError, ApiResult, Json, Path, Query, Refused};
use crate::list::{SortField, list, request_for};
use crate::version::{Expectation, IF_MATCH};

const SORT_FIELDS: &[SortField<MaintenanceWindow>] = &[
    ("name", |a, b| a.spec.name.cmp(&b.spec.name)),
    ("next_start_ms", |a, b| {
        // What does not come back stands last.
        let next = |window: &MaintenanceWindow| window.next_start_ms.unwrap_or(i64::MAX);
        next(a).cmp(&next(b))
    }),
    ("duration_secs", |a, b| {
        a.spec.duration_secs.cmp(&b.spec.duration_secs)
    }),
    ("created_by", |a, b| a.created_by.cmp(&b.created_by)),
];

pub(super) fn router() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(list_windows, create_window))
        .routes(routes!(show_window, update_window, delete_window))
}

/// Lists maintenance windows.
#[utoipa::path(get, path = "/maintenance-windows", tag = "silences",
    params(ListQuery, MaintenanceWindowFilter),
    responses((status = OK, body = List<MaintenanceWindow>), Refused))]
async fn list_windows(
    State(app): State<Arc<App>>,
    caller: Caller,
    Query(query): Query<ListQuery>,
    Query(filter): Query<MaintenanceWindowFilter>,
) -> ApiResult<Json<List<MaintenanceWindow>>> {
    caller.require(Permission::ServersRead)?;
    let request = request_for(&query, SORT_FIELDS)?;
    let now_ms = app.clock.now_ms();
    let windows = app.monitor.windows().await?;
    let mut windows: Vec<_> = windows
        .into_iter()
        .map(|window| window_of(window, now_ms))
        .collect();
    windows.retain(|window| {
        filter.active.is_none_or(|active| window.active == active)
            && filter
                .enabled
                .is_none_or(|enabled| window.spec.enabled == enabled)
    });
    list(windows, &request, SORT_FIELDS, |window, text| {
        window.spec.name.to_lowercase().contains(text)
            || window.spec.comment.to_lowercase().contains(text)
            || mentions(&window.spec.matchers, text)
    })
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
    let user = &caller.principal.user.name;
    let mut transaction = app.database.transaction();
    let window = app
        .monitor
        .add_window(&mut transaction, settings_from(body)?, user)
        .await?;
    let window = window_of(window, app.clock.now_ms());
    let event = AuditEvent::new(Action::MaintenanceCreated, target(&window)).after(&window.spec);
    app.commit(transaction, &caller, [event]).await?;
    Ok((StatusCode::CREATED, Json(window)))
}

/// Shows a maintenance window.
#[utoipa::path(get, path = "/maintenance-windows/{id}", tag = "silences", params(WindowPath),
    responses((status = OK, body = MaintenanceWindow), Refused))]
async fn show_window(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(path): Path<WindowPath>,
) -> ApiResult<Json<MaintenanceWindow>> {
    caller.require(Permission::ServersRead)?;
    let window = app.monitor.window(path.id()?).await?;
    Ok(Json(window_of(window, app.clock.now_ms())))
}

/// Changes a maintenance window.
#[utoipa::path(put, path = "/maintenance-windows/{id}", tag = "silences",
    params(WindowPath, ("If-Match" = Option<String>, Header, description = IF_MATCH)),
    request_body = MaintenanceWindowSpec,
    responses((status = OK, body = MaintenanceWindow), Refused))]
async fn update_window(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(path): Path<WindowPath>,
    expectation: Expectation,
    Json(body): Json<MaintenanceWindowSpec>,
) -> ApiResult<Json<MaintenanceWindow>> {
    caller.require(Permission::SilencesWrite)?;
    let (id, now_ms) = (path.id()?, app.clock.now_ms());
    let mut transaction = app.database.transaction();
    let (before, window) = app
        .monitor
        .change_window(&mut transaction, id, settings_from(body)?)
        .await?;
    let (before, window) = (window_of(before, now_ms), window_of(window, now_ms));
    expectation.check(&before.version)?;
    let event = AuditEvent::new(Action::MaintenanceUpdated, target(&window))
        .before(&before.spec)
        .after(&window.spec);
    app.commit(transaction, &caller, [event]).await?;
    Ok(Json(window))
}

/// Deletes a maintenance window.
#[utoipa::path(delete, path = "/maintenance-windows/{id}", tag = "silences", params(WindowPath),
    responses((status = NO_CONTENT), Refused))]
async fn delete_window(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(path): Path<WindowPath>,
) -> ApiResult<StatusCode> {
    caller.require(Permission::SilencesWrite)?;
    let id = path.id()?;
    let mut transaction = app.database.transaction();
    let before = app.monitor.delete_window(&mut transaction, id).await?;
    let before = window_of(before, app.clock.now_ms());
    let event = AuditEvent::new(Action::MaintenanceDeleted, target(&before)).before(&before.spec);
    app.commit(transaction, &caller, [event]).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Which window.
#[derive(serde::Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Path)]
struct WindowPath {
    /// The window's id.
    id: String,
}

impl WindowPath {
    fn id(&self) -> ApiResult<MaintenanceWindowId> {
        self.id
            .parse()
            .map_err(|_| ApiError::not_found(format_args!("maintenance window {}", self.id)))
    }
}

fn target(window: &MaintenanceWindow) -> Target {
    Target::new(
        TargetKind::MaintenanceWindow,
        &window.id,
        window.spec.name.clone(),
    )
}

fn window_of(window: yunhai_monitor::MaintenanceWindow, now_ms: TimestampMs) -> MaintenanceWindow {
    let settings = window.settings;
    let active = settings.is_enabled && settings.is_open(now_ms);
    let next_start_ms = settings.opens_after(now_ms).filter(|_| settings.is_enabled);
    let spec = MaintenanceWindowSpec {
        name: settings.name,
        cron: settings.cron,
        duration_secs: settings.duration.0.as_secs(),
        time_zone: settings.time_zone,
        matchers: matchers_of(&settings.matchers),
        comment: settings.comment,
        enabled: settings.is_enabled,
        ends_at_ms: settings.ends_at_ms,
    };
    MaintenanceWindow {
        id: window.id.to_string(),
        active,
        next_start_ms,
        created_by: window.author,
        version: version_of(&spec),
        spec,
    }
}

fn settings_from(spec: MaintenanceWindowSpec) -> ApiResult<MaintenanceSettings> {
    Ok(MaintenanceSettings {
        name: spec.name,
        matchers: matchers_from("matchers", &spec.matchers)?,
        cron: spec.cron,
        duration: HumanDuration::from_secs(spec.duration_secs),
        time_zone: spec.time_zone,
        comment: spec.comment,
        is_enabled: spec.enabled,
        ends_at_ms: spec.ends_at_ms,
    })
}
