//! Probes: addresses that are asked again and again.

use std::cmp::Ordering;
use std::sync::Arc;

use axum::extract::State;
use http::StatusCode;
use serde_json::{Value, json};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use yunhai_api_types::{
    List, ListQuery, Probe, ProbeFilter, ProbeMethod, ProbeRequest, ProbeResult, ProbeState,
    ProbeTestRequest, ProblemCode,
};
use yunhai_collector::probe::HttpMethod;
use yunhai_identity::{Action, AuditEvent, Permission, Target, TargetKind};
use yunhai_model::{ProbeId, Secret};
use yunhai_monitor::{NewProbe, Probe as Stored, ProbeRun, version_of};

use crate::app::App;
use crate::caller::Caller;
use crate::changes;
use crate::error::{ApiError, ApiResult, Json, Path, Query, Refused};
use crate::list::{SortField, list_of, page_of, page_request, sort_by};
use crate::version::{Expectation, IF_MATCH};

const SORT_FIELDS: &[SortField<Probe>] = &[
    ("name", |a, b| a.name.cmp(&b.name)),
    ("target", |a, b| a.target.cmp(&b.target)),
    ("state", |a, b| a.state.cmp(&b.state)),
    ("interval_secs", |a, b| {
        a.interval_secs.cmp(&b.interval_secs)
    }),
    ("duration_ms", |a, b| by_duration(a, b)),
    ("certificate_expires_ms", |a, b| {
        expiry_of(a).cmp(&expiry_of(b))
    }),
    ("updated_at_ms", |a, b| {
        a.updated_at_ms.cmp(&b.updated_at_ms)
    }),
];

pub(super) fn router() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(list_probes, create_probe))
        .routes(routes!(show_probe, update_probe, delete_probe))
        .routes(routes!(run_probe))
        .routes(routes!(test_probe))
}

/// Lists probes with their last results.
#[utoipa::path(get, path = "/probes", tag = "probes", params(ListQuery, ProbeFilter),
    responses((status = OK, body = List<Probe>), Refused))]
async fn list_probes(
    State(app): State<Arc<App>>,
    caller: Caller,
    Query(query): Query<ListQuery>,
    Query(filter): Query<ProbeFilter>,
) -> ApiResult<Json<List<Probe>>> {
    caller.require(Permission::ServersRead)?;
    let names: Vec<(&str, &str)> = SORT_FIELDS.iter().map(|(name, _)| (*name, *name)).collect();
    let request = page_request(&query, &names)?;
    let text = request.query.clone().unwrap_or_default().to_lowercase();
    let mut probes: Vec<Probe> = app
        .probes
        .all()
        .into_iter()
        .map(|(probe, last)| probe_of(&probe, last))
        .filter(|probe| filter.state.is_none_or(|state| state == probe.state))
        .filter(|probe| {
            let scheme = probe.target.split(':').next();
            filter.scheme.is_none() || filter.scheme.as_deref() == scheme
        })
        .filter(|probe| contains_text(probe, &text))
        .collect();
    sort_by(&mut probes, &request, SORT_FIELDS)?;
    let page = page_of(probes, &request);
    Ok(Json(list_of(page, &request, |probe| probe)))
}

/// Adds a probe; it runs at once.
#[utoipa::path(post, path = "/probes", tag = "probes", request_body = ProbeRequest,
    responses((status = CREATED, body = Probe), Refused))]
async fn create_probe(
    State(app): State<Arc<App>>,
    caller: Caller,
    Json(body): Json<ProbeRequest>,
) -> ApiResult<(StatusCode, Json<Probe>)> {
    caller.require(Permission::ProbesWrite)?;
    let mut transaction = app.database.transaction();
    let probe = app.probes.add(&mut transaction, new_probe(body)).await?;
    let probe = probe_of(&probe, None);
    let event = AuditEvent::new(Action::ProbeCreated, target(&probe)).after(&recorded(&probe));
    app.commit(transaction, &caller, [event]).await?;
    Ok((StatusCode::CREATED, Json(probe)))
}

/// Shows a probe with its last result.
#[utoipa::path(get, path = "/probes/{id}", tag = "probes", params(ProbePath),
    responses((status = OK, body = Probe), Refused))]
async fn show_probe(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(path): Path<ProbePath>,
) -> ApiResult<Json<Probe>> {
    caller.require(Permission::ServersRead)?;
    let (probe, last) = app.probes.get(path.id()?)?;
    Ok(Json(probe_of(&probe, last)))
}

/// Changes a probe; it runs at once. Secrets that are `null` stay as they were.
#[utoipa::path(put, path = "/probes/{id}", tag = "probes",
    params(ProbePath, ("If-Match" = Option<String>, Header, description = IF_MATCH)),
    request_body = ProbeRequest,
    responses((status = OK, body = Probe), Refused))]
async fn update_probe(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(path): Path<ProbePath>,
    expectation: Expectation,
    Json(body): Json<ProbeRequest>,
) -> ApiResult<Json<Probe>> {
    caller.require(Permission::ProbesWrite)?;
    let id = path.id()?;
    let mut transaction = app.database.transaction();
    let (before, probe) = app
        .probes
        .change(&mut transaction, id, new_probe(body))
        .await?;
    let (before, probe) = (probe_of(&before, None), probe_of(&probe, None));
    expectation.check(&before.version)?;
    let event = AuditEvent::new(Action::ProbeUpdated, target(&probe))
        .before(&recorded(&before))
        .after(&recorded(&probe));
    app.commit(transaction, &caller, [event]).await?;
    let (probe, last) = app.probes.get(id)?;
    Ok(Json(probe_of(&probe, last)))
}

/// Deletes a probe; what it measured stays.
#[utoipa::path(delete, path = "/probes/{id}", tag = "probes", params(ProbePath),
    responses((status = NO_CONTENT), Refused))]
async fn delete_probe(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(path): Path<ProbePath>,
) -> ApiResult<StatusCode> {
    caller.require(Permission::ProbesWrite)?;
    let id = path.id()?;
    let mut transaction = app.database.transaction();
    let probe = app.probes.delete(&mut transaction, id).await?;
    let probe = probe_of(&probe, None);
    let event = AuditEvent::new(Action::ProbeDeleted, target(&probe)).before(&recorded(&probe));
    app.commit(transaction, &caller, [event]).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Runs a probe now and shows how it went.
#[utoipa::path(post, path = "/probes/{id}/run", tag = "probes", params(ProbePath),
    responses((status = OK, body = ProbeResult), Refused))]
async fn run_probe(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(path): Path<ProbePath>,
) -> ApiResult<Json<ProbeResult>> {
    caller.require(Permission::ProbesWrite)?;
    let id = path.id()?;
    let (probe, _) = app.probes.get(id)?;
    let result = result_of(app.probes.run_now(id).await?);
    let event =
        AuditEvent::new(Action::ProbeTested, target(&probe_of(&probe, None))).after(&result);
    app.identity.audit().record(&caller.actor(), event).await?;
    Ok(Json(result))
}

/// Tries settings without keeping them, and shows how it went.
#[utoipa::path(post, path = "/probe-tests", tag = "probes", request_body = ProbeTestRequest,
    responses((status = OK, body = ProbeResult), Refused))]
async fn test_probe(
    State(app): State<Arc<App>>,
    caller: Caller,
    Json(body): Json<ProbeTestRequest>,
) -> ApiResult<Json<ProbeResult>> {
    caller.require(Permission::ProbesWrite)?;
    let id = body.id.map(|id| ProbePath { id }.id()).transpose()?;
    let name = body.probe.name.clone();
    let address = json!({"target": body.probe.target, "method": body.probe.method});
    let run = app.probes.try_out(new_probe(body.probe), id).await?;
    let result = result_of(run);
    let tried = Target::new(
        TargetKind::Probe,
        id.map(|id| id.to_string()).unwrap_or_default(),
        name,
    );
    let event = AuditEvent::new(Action::ProbeTested, tried)
        .before(&address)
        .after(&result);
    app.identity.audit().record(&caller.actor(), event).await?;
    Ok(Json(result))
}

/// Which probe.
#[derive(serde::Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Path)]
struct ProbePath {
    /// The probe's id.
    id: String,
}

impl ProbePath {
    fn id(&self) -> ApiResult<ProbeId> {
        self.id.parse().map_err(|_| {
            ApiError::new(
                ProblemCode::NotFound,
                format!("there is no probe `{}`", self.id),
            )
        })
    }
}

fn target(probe: &Probe) -> Target {
    Target::new(TargetKind::Probe, &probe.id, probe.name.clone())
}

/// A probe as the audit log has it: without what changes by itself.
fn recorded(probe: &Probe) -> Value {
    changes::recorded(
        probe,
        &["state", "last", "updated_at_ms", "target_label", "version"],
    )
}

fn new_probe(body: ProbeRequest) -> NewProbe {
    NewProbe {
        name: body.name.trim().to_owned(),
        target: body.target.trim().to_owned(),
        is_enabled: body.enabled,
        interval_secs: body.interval_secs,
        timeout_ms: body.timeout_ms,
        method: match body.method {
            ProbeMethod::Get => HttpMethod::Get,
            ProbeMethod::Head => HttpMethod::Head,
            ProbeMethod::Post => HttpMethod::Post,
            ProbeMethod::Put => HttpMethod::Put,
            ProbeMethod::Options => HttpMethod::Options,
        },
        headers: body
            .headers
            .into_iter()
            .map(|(name, value)| (name, value.map(Secret::new)))
            .collect(),
        body: match body.body {
            None => Some(None),
            Some(text) if text.is_empty() => None,
            Some(text) => Some(Some(Secret::new(text))),
        },
        expected_status: body.expected_status,
        body_match: body.body_match.filter(|pattern| !pattern.is_empty()),
        follow_redirects: body.follow_redirects,
        verify_certificate: body.verify_certificate,
        ca_certificate_pem: body.ca_certificate_pem.filter(|pem| !pem.trim().is_empty()),
        labels: body.labels,
    }
}

fn probe_of(probe: &Stored, last: Option<ProbeRun>) -> Probe {
    let settings = probe.settings.clone();
    let state = match &last {
        _ if !settings.is_enabled => ProbeState::Paused,
        None => ProbeState::Pending,
        Some(run) if run.failure.is_some() => ProbeState::Down,
        Some(_) => ProbeState::Up,
    };
    Probe {
        id: probe.id.to_string(),
        target_label: yunhai_collector::probe::target_label(&settings.target),
        name: settings.name,
        target: settings.target,
        enabled: settings.is_enabled,
        interval_secs: settings.interval_secs,
        timeout_ms: settings.timeout_ms,
        method: match settings.method {
            HttpMethod::Get => ProbeMethod::Get,
            HttpMethod::Head => ProbeMethod::Head,
            HttpMethod::Post => ProbeMethod::Post,
            HttpMethod::Put => ProbeMethod::Put,
            HttpMethod::Options => ProbeMethod::Options,
        },
        headers: settings
            .headers
            .into_keys()
            .map(|name| (name, None))
            .collect(),
        has_body: settings.body.is_some(),
        expected_status: settings.expected_status,
        body_match: settings.body_match,
        follow_redirects: settings.follow_redirects,
        verify_certificate: settings.verify_certificate,
        ca_certificate_pem: settings.ca_certificate_pem,
        labels: settings.labels,
        state,
        last: last.map(result_of),
        created_at_ms: probe.created_at_ms,
        updated_at_ms: probe.updated_at_ms,
        version: version_of(&probe.updated_at_ms),
    }
}

fn result_of(run: ProbeRun) -> ProbeResult {
    let (reason, message) = match run.failure {
        Some(failure) => (
            Some(failure.reason.as_str().to_owned()),
            Some(failure.message),
        ),
        None => (None, None),
    };
    ProbeResult {
        at_ms: run.at_ms,
        ok: reason.is_none(),
        duration_ms: run.duration.as_secs_f64() * 1000.0,
        reason,
        message,
        status: run.status,
        body_matched: run.body_matched,
        certificate_expires_ms: run.certificate_expiry_ms,
    }
}

fn contains_text(probe: &Probe, text: &str) -> bool {
    text.is_empty()
        || probe.name.to_lowercase().contains(text)
        || probe.target.to_lowercase().contains(text)
        || probe
            .labels
            .iter()
            .any(|(name, value)| format!("{name}={value}").to_lowercase().contains(text))
}

/// Those that have never run are the fastest.
fn by_duration(a: &Probe, b: &Probe) -> Ordering {
    let duration = |probe: &Probe| probe.last.as_ref().map_or(-1.0, |last| last.duration_ms);
    duration(a).total_cmp(&duration(b))
}

/// Those without a certificate come last.
fn expiry_of(probe: &Probe) -> i64 {
    let last = probe.last.as_ref();
    last.and_then(|last| last.certificate_expires_ms)
        .unwrap_or(i64::MAX)
}
