//! Servers and the overview of the fleet.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::ops::Deref;
use std::sync::Arc;

use axum::extract::State;
use http::StatusCode;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use yunhai_api_types::{
    Fault, List, ListQuery, MetricInfo, Overview, Problem, ProblemCode, ServerDetail, ServerFilter,
    ServerSettings, ServerSummary,
};
use yunhai_identity::{Action, AuditEvent, Permission, Target, TargetKind};
use yunhai_promql::{MatchOp, Matcher};

use crate::app::App;
use crate::caller::Caller;
use crate::error::{ApiError, ApiResult, Json, Path, Query, Refused};
use crate::fleet::LOOK_BACK_MS;
use crate::list::{SortField, list_of, page_of, request_for, sort_by};

pub(super) fn router() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(overview))
        .routes(routes!(list_servers))
        .routes(routes!(show_server, remove_server))
        .routes(routes!(put_server_settings))
}

/// Shows how the fleet stands.
#[utoipa::path(get, path = "/overview", tag = "servers",
    responses((status = OK, body = Overview), Refused))]
async fn overview(State(app): State<Arc<App>>, caller: Caller) -> ApiResult<Json<Overview>> {
    caller.require(Permission::ServersRead)?;
    let fleet = app.fleet.snapshot();
    Ok(Json(Overview {
        servers: fleet.counts(),
        alerts: super::alerts::counts(&app).await?,
        top: fleet.top().clone(),
    }))
}

/// Lists servers with their newest measurements.
#[utoipa::path(get, path = "/servers", tag = "servers", params(ListQuery, ServerFilter),
    responses((status = OK, body = List<ServerSummary>), Refused))]
async fn list_servers(
    State(app): State<Arc<App>>,
    caller: Caller,
    Query(query): Query<ListQuery>,
    Query(filter): Query<ServerFilter>,
) -> ApiResult<Json<List<ServerSummary>>> {
    caller.require(Permission::ServersRead)?;
    let request = request_for(&query, &sort_fields())?;
    let tag = filter
        .tag
        .as_deref()
        .map(|tag| {
            tag.split_once('=').ok_or_else(|| {
                ApiError::new(
                    ProblemCode::InvalidRequest,
                    format!("tag: `{tag}` is not NAME=VALUE"),
                )
            })
        })
        .transpose()?;
    let text = request.query.clone().unwrap_or_default().to_lowercase();
    let alerts = super::alerts::firing_by_server(&app).await?;
    let fleet = app.fleet.snapshot();
    let mut servers: Vec<Listed<'_>> = fleet
        .servers()
        .filter(|server| filter.state.is_none_or(|state| state == server.state))
        .filter(|server| {
            let is_wanted = |wanted: &Option<String>, found: Option<&String>| {
                wanted.as_ref().is_none_or(|wanted| found == Some(wanted))
            };
            is_wanted(&filter.provider, Some(&server.provider))
                && is_wanted(&filter.account, server.account.as_ref())
                && is_wanted(&filter.region, server.region.as_ref())
        })
        .filter(|server| {
            tag.is_none_or(|(name, value)| {
                server.tags.get(name).is_some_and(|found| found == value)
            })
        })
        .filter(|server| contains_text(server, &text))
        .map(|server| Listed {
            server,
            alerts: alerts.get(&server.name).copied().unwrap_or_default(),
        })
        .collect();
    sort_by(&mut servers, &request, &sort_fields())?;
    Ok(Json(list_of(
        page_of(servers, &request),
        &request,
        |listed| ServerSummary {
            alerts: listed.alerts,
            ..listed.server.clone()
        },
    )))
}

/// Shows a server with the metrics that it has.
#[utoipa::path(get, path = "/servers/{name}", tag = "servers",
    params(("name" = String, Path, description = "The server's name")),
    responses((status = OK, body = ServerDetail), Refused))]
async fn show_server(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(name): Path<String>,
) -> ApiResult<Json<ServerDetail>> {
    caller.require(Permission::ServersRead)?;
    Ok(Json(detail(&app, &name).await?))
}

/// Sets how a server is watched: its interval, and of the machine that Yunhai runs on also where
/// it belongs.
#[utoipa::path(put, path = "/servers/{name}/settings", tag = "servers",
    params(("name" = String, Path, description = "The server's name")),
    request_body = ServerSettings,
    responses((status = OK, body = ServerDetail), Refused))]
async fn put_server_settings(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(name): Path<String>,
    Json(body): Json<ServerSettings>,
) -> ApiResult<Json<ServerDetail>> {
    caller.require(Permission::ServersWrite)?;
    let server = known(&app, &name)?;
    if !server.is_local {
        refuse_foreign_labels(&body)?;
    }
    let after = body.clone();
    let mut transaction = app.database.transaction();
    let before = app
        .directory
        .put(&mut transaction, &name, |before| {
            yunhai_monitor::ServerSettings {
                interval_secs: body.interval_secs,
                account: body.account,
                region: body.region,
                tags: body.tags,
                forgotten_at_ms: before.forgotten_at_ms,
            }
        })
        .await?;
    let event = AuditEvent::new(Action::MonitoredServerUpdated, target(&name))
        .before(&settings_of(before))
        .after(&after);
    app.commit(transaction, &caller, [event]).await?;
    app.fleet.refresh().await.map_err(ApiError::internal)?;
    Ok(Json(detail(&app, &name).await?))
}

/// Removes a server that sends no more, until it sends again; its measurements stay.
#[utoipa::path(delete, path = "/servers/{name}", tag = "servers",
    params(("name" = String, Path, description = "The server's name")),
    responses((status = NO_CONTENT), Refused))]
async fn remove_server(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(name): Path<String>,
) -> ApiResult<StatusCode> {
    caller.require(Permission::ServersWrite)?;
    let server = known(&app, &name)?;
    if server.is_local {
        return Err(ApiError::new(
            ProblemCode::Conflict,
            "Yunhai runs on this machine and measures it, so it cannot be removed",
        ));
    }
    let settings = yunhai_monitor::ServerSettings {
        forgotten_at_ms: Some(app.clock.now_ms()),
        ..yunhai_monitor::ServerSettings::default()
    };
    let mut transaction = app.database.transaction();
    let before = app
        .directory
        .put(&mut transaction, &name, |_| settings)
        .await?;
    let before = settings_of(before);
    let event = AuditEvent::new(Action::MonitoredServerDeleted, target(&name)).before(&before);
    app.commit(transaction, &caller, [event]).await?;
    app.fleet.refresh().await.map_err(ApiError::internal)?;
    Ok(StatusCode::NO_CONTENT)
}

fn known(app: &App, name: &str) -> ApiResult<ServerSummary> {
    let fleet = app.fleet.snapshot();
    let server = fleet.get(name).cloned();
    server.ok_or_else(|| ApiError::not_found(format_args!("server `{name}`")))
}

fn target(server: &str) -> Target {
    Target::new(TargetKind::Server, server, server)
}

async fn detail(app: &App, name: &str) -> ApiResult<ServerDetail> {
    let server = known(app, name)?;
    let alerts = super::alerts::firing_by_server(app).await?;
    Ok(ServerDetail {
        summary: ServerSummary {
            alerts: alerts.get(&server.name).copied().unwrap_or_default(),
            ..server
        },
        metrics: metrics_of(app, name)?,
        settings: settings_of(app.directory.get(name)),
    })
}

fn settings_of(settings: yunhai_monitor::ServerSettings) -> ServerSettings {
    ServerSettings {
        interval_secs: settings.interval_secs,
        account: settings.account,
        region: settings.region,
        tags: settings.tags,
    }
}

/// What a server sends carries its labels already; changed here, they would differ from those.
fn refuse_foreign_labels(settings: &ServerSettings) -> ApiResult<()> {
    let is_set = [
        ("account", settings.account.is_some()),
        ("region", settings.region.is_some()),
        ("tags", settings.tags.is_some()),
    ];
    let faults: Vec<Fault> = is_set
        .into_iter()
        .filter(|(_, is_set)| *is_set)
        .map(|(field, _)| Fault {
            pointer: Some(format!("/{field}")),
            detail: "is a label of the measurements that the server sends".to_owned(),
            ..Fault::default()
        })
        .collect();
    if faults.is_empty() {
        return Ok(());
    }
    let problem = Problem::new(
        ProblemCode::ValidationFailed,
        "account, region and tags of this server come with the measurements that it sends",
    )
    .with_hint("set them where the measurements are taken, as the labels account, region, tag_…");
    Err(problem.with_errors(faults).into())
}

/// Lists the metrics that a server has had within the look-back.
fn metrics_of(app: &App, server: &str) -> ApiResult<Vec<MetricInfo>> {
    let now_ms = app.clock.now_ms();
    let matcher = Matcher::new("server", MatchOp::Equal, server).map_err(ApiError::internal)?;
    let series = app
        .store
        .series(&[matcher], now_ms - LOOK_BACK_MS, now_ms)
        .map_err(ApiError::internal)?;
    let known = app.store.metadata();
    let mut metrics: BTreeMap<&str, MetricInfo> = BTreeMap::new();
    for labels in &series {
        let Some(name) = labels.metric_name() else {
            continue;
        };
        let metric = metrics.entry(name).or_insert_with(|| {
            let told = known.get(name);
            MetricInfo {
                name: name.to_owned(),
                kind: told.map_or_else(
                    || "unknown".to_owned(),
                    |told| format!("{:?}", told.kind).to_lowercase(),
                ),
                unit: told.map(|told| told.unit.clone()).unwrap_or_default(),
                help: told.map(|told| told.help.clone()).unwrap_or_default(),
                labels: Vec::new(),
            }
        });
        for (label, _) in labels.iter() {
            let tells_apart = !matches!(
                label,
                "__name__" | "server" | "provider" | "account" | "region"
            ) && !label.starts_with("tag_");
            if tells_apart && !metric.labels.iter().any(|known| known == label) {
                metric.labels.push(label.to_owned());
            }
        }
    }
    Ok(metrics.into_values().collect())
}

fn contains_text(server: &ServerSummary, text: &str) -> bool {
    text.is_empty()
        || server.name.to_lowercase().contains(text)
        || [&server.account, &server.region]
            .into_iter()
            .flatten()
            .any(|place| place.to_lowercase().contains(text))
        || server
            .tags
            .iter()
            .any(|(name, value)| format!("{name}={value}").to_lowercase().contains(text))
}

/// A server of the list; it is copied only where it is on the page that is asked for.
struct Listed<'a> {
    server: &'a ServerSummary,
    alerts: u32,
}

impl Deref for Listed<'_> {
    type Target = ServerSummary;

    fn deref(&self) -> &ServerSummary {
        self.server
    }
}

fn sort_fields<'a>() -> [SortField<Listed<'a>>; 15] {
    [
        ("name", |a, b| a.name.cmp(&b.name)),
        ("state", |a, b| (a.state as u8).cmp(&(b.state as u8))),
        ("provider", |a, b| a.provider.cmp(&b.provider)),
        ("account", |a, b| a.account.cmp(&b.account)),
        ("region", |a, b| a.region.cmp(&b.region)),
        ("interval_secs", |a, b| {
            a.interval_secs.cmp(&b.interval_secs)
        }),
        ("cpu_ratio", |a, b| by_number(a.cpu_ratio, b.cpu_ratio)),
        ("memory_ratio", |a, b| {
            by_number(a.memory_ratio, b.memory_ratio)
        }),
        ("disk_ratio", |a, b| by_number(a.disk_ratio, b.disk_ratio)),
        ("load1", |a, b| by_number(a.load1, b.load1)),
        ("receive_bytes_per_sec", |a, b| {
            by_number(a.receive_bytes_per_sec, b.receive_bytes_per_sec)
        }),
        ("transmit_bytes_per_sec", |a, b| {
            by_number(a.transmit_bytes_per_sec, b.transmit_bytes_per_sec)
        }),
        ("uptime_secs", |a, b| {
            by_number(a.uptime_secs, b.uptime_secs)
        }),
        ("last_seen_ms", |a, b| a.last_seen_ms.cmp(&b.last_seen_ms)),
        ("alerts", |a, b| a.alerts.cmp(&b.alerts)),
    ]
}

/// What was not measured sorts below everything that was.
fn by_number(a: Option<f64>, b: Option<f64>) -> Ordering {
    let number = |value: Option<f64>| value.unwrap_or(f64::NEG_INFINITY);
    number(a).total_cmp(&number(b))
}
