//! Inhibitions: alerts that hold others back while they fire.

use std::sync::Arc;

use axum::extract::State;
use http::StatusCode;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use yunhai_api_types::{Inhibition, InhibitionFilter, InhibitionSpec, List, ListQuery};
use yunhai_identity::{Action, AuditEvent, Permission, Target, TargetKind};
use yunhai_model::InhibitionId;
use yunhai_monitor::{InhibitionEffect, InhibitionSettings, version_of};

use super::matchers::{matchers_from, matchers_of, mentions};
use crate::app::App;
use crate::caller::Caller;
use crate::error::{ApiError, ApiResult, Json, Path, Query, Refused};
use crate::list::{SortField, list, request_for};
use crate::version::{Expectation, IF_MATCH};

const SORT_FIELDS: &[SortField<Inhibition>] = &[
    ("name", |a, b| a.spec.name.cmp(&b.spec.name)),
    ("created_at_ms", |a, b| {
        a.created_at_ms.cmp(&b.created_at_ms)
    }),
    ("created_by", |a, b| a.created_by.cmp(&b.created_by)),
    ("held", |a, b| a.held.cmp(&b.held)),
];

pub(super) fn router() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(list_inhibitions, create_inhibition))
        .routes(routes!(
            show_inhibition,
            update_inhibition,
            delete_inhibition
        ))
}

/// Lists inhibitions.
#[utoipa::path(get, path = "/inhibitions", tag = "silences", params(ListQuery, InhibitionFilter),
    responses((status = OK, body = List<Inhibition>), Refused))]
async fn list_inhibitions(
    State(app): State<Arc<App>>,
    caller: Caller,
    Query(query): Query<ListQuery>,
    Query(filter): Query<InhibitionFilter>,
) -> ApiResult<Json<List<Inhibition>>> {
    caller.require(Permission::ServersRead)?;
    let request = request_for(&query, SORT_FIELDS)?;
    let mut found = app.monitor.inhibitions().await?;
    found.retain(|inhibition| {
        filter
            .enabled
            .is_none_or(|enabled| inhibition.settings.is_enabled == enabled)
    });
    let effects = app.monitor.inhibition_effects(&found).await?;
    let inhibitions = found
        .into_iter()
        .zip(effects)
        .map(|(inhibition, effect)| inhibition_of(inhibition, effect))
        .collect();
    list(inhibitions, &request, SORT_FIELDS, |inhibition, text| {
        inhibition.spec.name.to_lowercase().contains(text)
            || mentions(&inhibition.spec.source, text)
            || mentions(&inhibition.spec.target, text)
    })
}

/// Makes an inhibition.
#[utoipa::path(post, path = "/inhibitions", tag = "silences", request_body = InhibitionSpec,
    responses((status = CREATED, body = Inhibition), Refused))]
async fn create_inhibition(
    State(app): State<Arc<App>>,
    caller: Caller,
    Json(body): Json<InhibitionSpec>,
) -> ApiResult<(StatusCode, Json<Inhibition>)> {
    caller.require(Permission::SilencesWrite)?;
    let user = &caller.principal.user.name;
    let mut transaction = app.database.transaction();
    let inhibition = app
        .monitor
        .add_inhibition(&mut transaction, settings_from(body)?, user)
        .await?;
    let event = AuditEvent::new(Action::InhibitionCreated, target(&inhibition))
        .after(&spec_of(inhibition.settings.clone()));
    app.commit(transaction, &caller, [event]).await?;
    let inhibition = with_effect(&app, inhibition).await?;
    Ok((StatusCode::CREATED, Json(inhibition)))
}

/// Shows an inhibition.
#[utoipa::path(get, path = "/inhibitions/{id}", tag = "silences", params(InhibitionPath),
    responses((status = OK, body = Inhibition), Refused))]
async fn show_inhibition(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(path): Path<InhibitionPath>,
) -> ApiResult<Json<Inhibition>> {
    caller.require(Permission::ServersRead)?;
    let inhibition = app.monitor.inhibition(path.id()?).await?;
    Ok(Json(with_effect(&app, inhibition).await?))
}

/// Changes an inhibition.
#[utoipa::path(put, path = "/inhibitions/{id}", tag = "silences",
    params(InhibitionPath, ("If-Match" = Option<String>, Header, description = IF_MATCH)),
    request_body = InhibitionSpec,
    responses((status = OK, body = Inhibition), Refused))]
async fn update_inhibition(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(path): Path<InhibitionPath>,
    expectation: Expectation,
    Json(body): Json<InhibitionSpec>,
) -> ApiResult<Json<Inhibition>> {
    caller.require(Permission::SilencesWrite)?;
    let id = path.id()?;
    let mut transaction = app.database.transaction();
    let (before, inhibition) = app
        .monitor
        .change_inhibition(&mut transaction, id, settings_from(body)?)
        .await?;
    let before = spec_of(before.settings);
    expectation.check(&version_of(&before))?;
    let event = AuditEvent::new(Action::InhibitionUpdated, target(&inhibition))
        .before(&before)
        .after(&spec_of(inhibition.settings.clone()));
    app.commit(transaction, &caller, [event]).await?;
    Ok(Json(with_effect(&app, inhibition).await?))
}

/// Deletes an inhibition; what it held back is told.
#[utoipa::path(delete, path = "/inhibitions/{id}", tag = "silences", params(InhibitionPath),
    responses((status = NO_CONTENT), Refused))]
async fn delete_inhibition(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(path): Path<InhibitionPath>,
) -> ApiResult<StatusCode> {
    caller.require(Permission::SilencesWrite)?;
    let id = path.id()?;
    let mut transaction = app.database.transaction();
    let before = app.monitor.delete_inhibition(&mut transaction, id).await?;
    let event = AuditEvent::new(Action::InhibitionDeleted, target(&before))
        .before(&spec_of(before.settings));
    app.commit(transaction, &caller, [event]).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Which inhibition.
#[derive(serde::Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Path)]
struct InhibitionPath {
    /// The inhibition's id.
    id: String,
}

impl InhibitionPath {
    fn id(&self) -> ApiResult<InhibitionId> {
        self.id
            .parse()
            .map_err(|_| ApiError::not_found(format_args!("inhibition {}", self.id)))
    }
}

fn target(inhibition: &yunhai_monitor::Inhibition) -> Target {
    Target::new(
        TargetKind::Inhibition,
        inhibition.id,
        inhibition.settings.name.clone(),
    )
}

async fn with_effect(app: &App, inhibition: yunhai_monitor::Inhibition) -> ApiResult<Inhibition> {
    let effects = app
        .monitor
        .inhibition_effects(std::slice::from_ref(&inhibition))
        .await?;
    let effect = effects.first().copied().unwrap_or_default();
    Ok(inhibition_of(inhibition, effect))
}

fn inhibition_of(inhibition: yunhai_monitor::Inhibition, effect: InhibitionEffect) -> Inhibition {
    let count = |number| u32::try_from(number).unwrap_or(u32::MAX);
    let spec = spec_of(inhibition.settings);
    Inhibition {
        id: inhibition.id.to_string(),
        version: version_of(&spec),
        created_by: inhibition.author,
        created_at_ms: inhibition.created_at_ms,
        sources: count(effect.sources),
        held: count(effect.held),
        spec,
    }
}

fn spec_of(settings: InhibitionSettings) -> InhibitionSpec {
    InhibitionSpec {
        name: settings.name,
        source: matchers_of(&settings.source),
        target: matchers_of(&settings.target),
        equal: settings.equal,
        enabled: settings.is_enabled,
    }
}

fn settings_from(spec: InhibitionSpec) -> ApiResult<InhibitionSettings> {
    Ok(InhibitionSettings {
        name: spec.name,
        source: matchers_from("source", &spec.source)?,
        target: matchers_from("target", &spec.target)?,
        equal: spec.equal,
        is_enabled: spec.enabled,
    })
}
