//! Agents on machines, and the tokens with which machines join.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use http::StatusCode;
use serde_json::Value;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use yunhai_api_types::{
    Agent, AgentCloud, AgentFilter, CreateEnrolmentTokenRequest, CreatedEnrolmentToken,
    EnrolRequest, Enrolled, EnrolmentToken, EnrolmentTokenState, JoinInfo, List, ListQuery,
    Problem, ProblemCode,
};
use yunhai_cloud::Provider;
use yunhai_enrolment::{CloudIdentity, Machine, NewEnrolmentToken};
use yunhai_identity::{Action, AuditEvent, Permission, Target, TargetKind};
use yunhai_model::{AgentId, EnrolmentTokenId, Secret, TimestampMs, with_causes};

use super::install::Joining;
use crate::app::App;
use crate::caller::{Caller, CameFrom};
use crate::changes;
use crate::error::{ApiError, ApiResult, Json, Path, Query, Refused};
use crate::events::LiveEvent;
use crate::list::{SortField, list, request_for};

/// How long an enrolment token holds unless its maker says otherwise.
const USUAL_LIFE_MS: i64 = 86_400_000;

const AGENT_FIELDS: &[SortField<Agent>] = &[
    ("name", |a, b| a.name.cmp(&b.name)),
    ("version", |a, b| a.version.cmp(&b.version)),
    ("last_seen_ms", |a, b| a.last_seen_ms.cmp(&b.last_seen_ms)),
    ("enrolled_at_ms", |a, b| {
        a.enrolled_at_ms.cmp(&b.enrolled_at_ms)
    }),
    ("clock_skew_ms", |a, b| {
        let skew = |agent: &Agent| agent.clock_skew_ms.map(i64::abs);
        skew(a).cmp(&skew(b))
    }),
];

const TOKEN_FIELDS: &[SortField<EnrolmentToken>] = &[
    ("created_at_ms", |a, b| {
        a.created_at_ms.cmp(&b.created_at_ms)
    }),
    ("name", |a, b| a.name.cmp(&b.name)),
    ("expires_at_ms", |a, b| {
        a.expires_at_ms.cmp(&b.expires_at_ms)
    }),
    ("state", |a, b| a.state.cmp(&b.state)),
];

pub(super) fn router() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(list_agents))
        .routes(routes!(join_info))
        .routes(routes!(enrol))
        .routes(routes!(list_enrolment_tokens, create_enrolment_token))
        .routes(routes!(revoke_enrolment_token))
        .routes(routes!(revoke_agent))
}

/// Lists the machines that have joined with their agents.
#[utoipa::path(get, path = "/agents", tag = "agents", params(ListQuery, AgentFilter),
    responses((status = OK, body = List<Agent>), Refused))]
async fn list_agents(
    State(app): State<Arc<App>>,
    caller: Caller,
    Query(query): Query<ListQuery>,
    Query(filter): Query<AgentFilter>,
) -> ApiResult<Json<List<Agent>>> {
    caller.require(Permission::ServersRead)?;
    let request = request_for(&query, AGENT_FIELDS)?;
    let mut agents: Vec<Agent> = app
        .enrolment
        .agents()
        .await?
        .into_iter()
        .map(agent_of)
        .collect();
    if let Some(token) = filter.enrolment_token {
        agents.retain(|agent| agent.enrolment_token == token);
    }
    list(agents, &request, AGENT_FIELDS, |agent, text| {
        let ids = agent.cloud.iter().flat_map(|cloud| &cloud.ids);
        [&agent.name, &agent.host_name, &agent.machine_id]
            .into_iter()
            .chain(ids)
            .any(|field| field.to_lowercase().contains(text))
    })
}

/// Tells what a machine needs to know to join, beside a token.
#[utoipa::path(get, path = "/agents/join", tag = "agents",
    responses((status = OK, body = JoinInfo), Refused))]
async fn join_info(
    caller: Caller,
    Extension(joining): Extension<Arc<Joining>>,
) -> ApiResult<Json<JoinInfo>> {
    caller.require(Permission::ServersRead)?;
    Ok(Json(JoinInfo {
        server: joining.external_url.clone(),
        pin: joining
            .certificate
            .as_ref()
            .map(|certificate| certificate.pin.clone()),
        architecture: std::env::consts::ARCH.to_owned(),
    }))
}

/// Trades an enrolment token for a key of the machine's own. A machine that has joined before gets a new
/// key in the place of the old one.
#[utoipa::path(post, path = "/agents/enrol", tag = "agents", security(()),
    request_body = EnrolRequest, responses((status = CREATED, body = Enrolled), Refused))]
async fn enrol(
    State(app): State<Arc<App>>,
    CameFrom(origin): CameFrom,
    Json(body): Json<EnrolRequest>,
) -> ApiResult<(StatusCode, Json<Enrolled>)> {
    if app.health.is_database_away() {
        return Err(ApiError::database_away());
    }
    let token = Secret::new(body.token);
    let machine = Machine {
        name: body.name.unwrap_or_else(|| body.host_name.clone()),
        host_name: body.host_name,
        machine_id: body.machine_id,
        version: body.version,
        cloud: body.cloud.map(cloud_from).transpose()?,
    };
    let names = app.names_for(machine.cloud.as_ref());
    let mut transaction = app.database.transaction();
    let enrolled = app
        .enrolment
        .enrol(&mut transaction, &token, machine, &names)
        .await
        .inspect_err(|error| {
            let address = origin.address.map(|address| address.to_string());
            let error = with_causes(error);
            tracing::warn!(error, address, "a machine was not let in");
        })?;
    let answer = Enrolled {
        id: enrolled.agent.id.to_string(),
        name: enrolled.agent.name.clone(),
        key: enrolled.key.expose().to_owned(),
        tags: enrolled.agent.tags.clone(),
    };
    let agent = agent_of(enrolled.agent);
    let mut event = AuditEvent::new(Action::AgentEnrolled, target(&agent)).after(&recorded(&agent));
    if let Some(before) = enrolled.before {
        event = event.before(&recorded(&agent_of(before)));
    }
    let machine = yunhai_identity::Caller::anonymous(&agent.name, &origin);
    let audit = app.identity.audit();
    audit
        .commit_change(transaction, &machine, vec![event])
        .await?;
    tell(&app);
    Ok((StatusCode::CREATED, Json(answer)))
}

/// Revokes the key of a machine's agent. What it has measured stays.
#[utoipa::path(delete, path = "/agents/{id}", tag = "agents", params(IdPath),
    responses((status = NO_CONTENT), Refused))]
async fn revoke_agent(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(path): Path<IdPath>,
) -> ApiResult<StatusCode> {
    caller.require(Permission::AgentsWrite)?;
    let id: AgentId = path.parsed("agent")?;
    let mut transaction = app.database.transaction();
    let agent = agent_of(app.enrolment.revoke(&mut transaction, id).await?);
    let event = AuditEvent::new(Action::AgentRevoked, target(&agent)).before(&recorded(&agent));
    app.commit(transaction, &caller, [event]).await?;
    tell(&app);
    Ok(StatusCode::NO_CONTENT)
}

/// Lists the tokens with which machines join, also those that are used up or have expired.
#[utoipa::path(get, path = "/agents/enrolment-tokens", tag = "agents", params(ListQuery),
    responses((status = OK, body = List<EnrolmentToken>), Refused))]
async fn list_enrolment_tokens(
    State(app): State<Arc<App>>,
    caller: Caller,
    Query(query): Query<ListQuery>,
) -> ApiResult<Json<List<EnrolmentToken>>> {
    caller.require(Permission::AgentsWrite)?;
    let request = request_for(&query, TOKEN_FIELDS)?;
    let now_ms = app.clock.now_ms();
    let tokens = app.enrolment.tokens().await?.into_iter();
    let tokens = tokens.map(|token| token_of(token, now_ms)).collect();
    list(tokens, &request, TOKEN_FIELDS, |token, text| {
        token.name.to_lowercase().contains(text)
    })
}

/// Makes a token with which machines join; its text is in this answer and never again.
#[utoipa::path(post, path = "/agents/enrolment-tokens", tag = "agents",
    request_body = CreateEnrolmentTokenRequest,
    responses((status = CREATED, body = CreatedEnrolmentToken), Refused))]
async fn create_enrolment_token(
    State(app): State<Arc<App>>,
    caller: Caller,
    Json(body): Json<CreateEnrolmentTokenRequest>,
) -> ApiResult<(StatusCode, Json<CreatedEnrolmentToken>)> {
    caller.require(Permission::AgentsWrite)?;
    let now_ms = app.clock.now_ms();
    let new = NewEnrolmentToken {
        name: body.name,
        expires_at_ms: body.expires_at_ms.unwrap_or(now_ms + USUAL_LIFE_MS),
        uses: body.uses,
        tags: body.tags,
        created_by: caller.principal.user.name.clone(),
    };
    let mut transaction = app.database.transaction();
    let (token, text) = app.enrolment.create_token(&mut transaction, new).await?;
    let token = token_of(token, now_ms);
    let event = AuditEvent::new(Action::EnrolmentTokenCreated, token_target(&token))
        .after(&changes::recorded(&token, &["state", "used"]));
    app.commit(transaction, &caller, [event]).await?;
    tell(&app);
    let created = CreatedEnrolmentToken {
        entry: token,
        token: text.expose().to_owned(),
    };
    Ok((StatusCode::CREATED, Json(created)))
}

/// Revokes a token with which machines join; those that have joined with it stay.
#[utoipa::path(delete, path = "/agents/enrolment-tokens/{id}", tag = "agents", params(IdPath),
    responses((status = NO_CONTENT), Refused))]
async fn revoke_enrolment_token(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(path): Path<IdPath>,
) -> ApiResult<StatusCode> {
    caller.require(Permission::AgentsWrite)?;
    let id: EnrolmentTokenId = path.parsed("enrolment token")?;
    let mut transaction = app.database.transaction();
    let token = app.enrolment.revoke_token(&mut transaction, id).await?;
    let token = token_of(token, app.clock.now_ms());
    let event = AuditEvent::new(Action::EnrolmentTokenRevoked, token_target(&token))
        .before(&changes::recorded(&token, &["state"]));
    app.commit(transaction, &caller, [event]).await?;
    tell(&app);
    Ok(StatusCode::NO_CONTENT)
}

/// Which one.
#[derive(serde::Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Path)]
struct IdPath {
    /// The id.
    id: String,
}

impl IdPath {
    fn parsed<T: std::str::FromStr>(&self, kind: &str) -> ApiResult<T> {
        self.id
            .parse()
            .map_err(|_| ApiError::not_found(format_args!("{kind} `{}`", self.id)))
    }
}

/// Tells open pages that something about agents has changed.
fn tell(app: &App) {
    // Nobody listens when no page is open.
    let _ = app.events.send(LiveEvent {
        kind: "agents",
        id: None,
    });
}

fn target(agent: &Agent) -> Target {
    Target::new(TargetKind::Agent, &agent.id, agent.name.clone())
}

fn token_target(token: &EnrolmentToken) -> Target {
    Target::new(TargetKind::EnrolmentToken, &token.id, token.name.clone())
}

/// An agent as the audit log has it: without what changes by itself. The log hides whatever is called a
/// token; with which one the machine has joined is to be seen in it.
fn recorded(agent: &Agent) -> Value {
    let by_itself = [
        "last_seen_ms",
        "last_seen_address",
        "clock_skew_ms",
        "enrolment_token",
    ];
    let mut recorded = changes::recorded(agent, &by_itself);
    recorded["enrolled_with"] = agent.enrolment_token.as_str().into();
    recorded
}

fn cloud_from(cloud: AgentCloud) -> ApiResult<CloudIdentity> {
    let provider: Provider = cloud
        .provider
        .parse()
        .map_err(|said| Problem::new(ProblemCode::ValidationFailed, format!("cloud: {said}")))?;
    Ok(CloudIdentity {
        provider,
        ids: cloud.ids,
        region: cloud.region,
        account: cloud.account,
    })
}

fn agent_of(agent: yunhai_enrolment::Agent) -> Agent {
    let seen = agent.seen;
    Agent {
        id: agent.id.to_string(),
        name: agent.name,
        host_name: agent.host_name,
        version: agent.version,
        machine_id: agent.machine_id,
        cloud: agent.cloud.map(|cloud| AgentCloud {
            provider: cloud.provider.to_string(),
            ids: cloud.ids,
            region: cloud.region,
            account: cloud.account,
        }),
        tags: agent.tags,
        enrolled_at_ms: agent.enrolled_at_ms,
        enrolment_token: agent.enrolled_with.to_string(),
        last_seen_ms: seen.as_ref().map(|seen| seen.at_ms),
        clock_skew_ms: seen.as_ref().and_then(|seen| seen.clock_skew_ms),
        last_seen_address: seen.and_then(|seen| seen.address),
    }
}

fn token_of(token: yunhai_enrolment::EnrolmentToken, now_ms: TimestampMs) -> EnrolmentToken {
    use yunhai_enrolment::EnrolmentTokenState as State;
    EnrolmentToken {
        id: token.id.to_string(),
        state: match token.state(now_ms) {
            State::Open => EnrolmentTokenState::Open,
            State::UsedUp => EnrolmentTokenState::UsedUp,
            State::Expired => EnrolmentTokenState::Expired,
        },
        name: token.name,
        created_by: token.created_by,
        created_at_ms: token.created_at_ms,
        expires_at_ms: token.expires_at_ms,
        uses: token.uses,
        used: token.used,
        tags: token.tags,
    }
}
