//! Settings.

use std::sync::Arc;

use axum::extract::State;
use serde_json::json;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use yunhai_api_types::{
    Alerting, Fault, Problem, ProblemCode, RegistrationMode, SeriesStats, Settings,
    UpdateSettingsRequest,
};
use yunhai_identity::{Action, AuditEvent, Permission, Registration, Target, TargetKind};
use yunhai_monitor::ServerSettings;

use super::session::registration_mode;
use crate::app::App;
use crate::caller::Caller;
use crate::error::{ApiResult, Json, Refused};

const COLLECT_INTERVAL_SECS: std::ops::RangeInclusive<u64> = 1..=86_400;

pub(super) fn router() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(show_settings, update_settings))
}

/// Shows the settings and what the server was started with.
#[utoipa::path(get, path = "/settings", tag = "settings",
    responses((status = OK, body = Settings), Refused))]
async fn show_settings(State(app): State<Arc<App>>, caller: Caller) -> ApiResult<Json<Settings>> {
    caller.require(Permission::ServersRead)?;
    Ok(Json(settings(&app).await?))
}

/// Changes settings, from now on.
#[utoipa::path(patch, path = "/settings", tag = "settings", request_body = UpdateSettingsRequest,
    responses((status = OK, body = Settings), Refused))]
async fn update_settings(
    State(app): State<Arc<App>>,
    caller: Caller,
    Json(body): Json<UpdateSettingsRequest>,
) -> ApiResult<Json<Settings>> {
    caller.require(Permission::SettingsWrite)?;
    if body.registration.is_some() {
        // It decides who gets an account.
        caller.require_recent_authentication(&app)?;
    }
    if let Some(secs) = body.collect_interval_secs {
        if !COLLECT_INTERVAL_SECS.contains(&secs) {
            let detail = "must be from 1 to 86400 seconds".to_owned();
            let fault = Fault {
                pointer: Some("/collect_interval_secs".to_owned()),
                detail: detail.clone(),
                ..Fault::default()
            };
            let problem = Problem::new(ProblemCode::ValidationFailed, detail);
            return Err(problem.with_errors(vec![fault]).into());
        }
        let before = app.host.interval_secs();
        let with_interval = |settings| ServerSettings {
            interval_secs: Some(secs),
            ..settings
        };
        let mut transaction = app.database.transaction();
        app.directory
            .put(&mut transaction, app.host.name(), with_interval)
            .await?;
        let event = AuditEvent::new(
            Action::SettingsChanged,
            Target::only(TargetKind::Collection),
        )
        .before(&json!({"interval_secs": before}))
        .after(&json!({"interval_secs": secs}));
        app.commit(transaction, &caller, [event]).await?;
    }
    if let Some(mode) = body.registration {
        let mode = match mode {
            RegistrationMode::Closed => Registration::Closed,
            RegistrationMode::Invitation => Registration::Invitation,
            RegistrationMode::Open => Registration::Open,
        };
        app.identity.set_registration(&caller.actor(), mode).await?;
    }
    Ok(Json(settings(&app).await?))
}

/// Tells which server evaluates the rules, and for how long alerting remembers.
fn alerting(app: &App) -> Alerting {
    let config = app.monitor.config();
    let leadership = app.monitor.leadership();
    Alerting {
        role: leadership.role.as_str().to_owned(),
        server: leadership.server,
        leader: leadership.leader,
        since_ms: leadership.since_ms,
        term: leadership.term,
        keep_alerts_secs: config.keep_alerts_for.0.as_secs(),
        keep_notifications_secs: config.keep_notifications_for.0.as_secs(),
        keep_silences_secs: config.keep_silences_for.0.as_secs(),
    }
}

async fn settings(app: &App) -> ApiResult<Settings> {
    let stats = app.store.stats();
    let database = match app.database.backend() {
        backend if backend.as_str() == "postgres" => "postgres",
        backend if backend.as_str() == "mysql" => "mysql",
        _ => "sqlite",
    };
    Ok(Settings {
        registration: registration_mode(app.identity.registration().await?),
        collect_interval_secs: app.host.interval_secs(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        database: database.to_owned(),
        series_location: app.series_location.clone(),
        series: SeriesStats {
            series: stats.series as u64,
            samples: stats.block_samples + stats.head_samples as u64,
            bytes: stats.block_bytes + stats.log_bytes,
            blocks: stats.blocks as u64,
        },
        alerting: alerting(app),
    })
}
