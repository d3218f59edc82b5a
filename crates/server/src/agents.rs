//! Who sends measurements: a person's token, or the key of one machine's agent, which writes for that
//! machine alone.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use http::header;
use http::request::Parts;
use yunhai_api_types::{Fault, Problem, ProblemCode};
use yunhai_cloud::Provider;
use yunhai_enrolment::{Agent, CloudIdentity, Enrolment, Error, Names, Seen};
use yunhai_inventory::KnownServer;
use yunhai_model::{Secret, TimestampMs, with_causes};
use yunhai_series::IncomingSeries;

use crate::app::App;
use crate::caller::{Caller, bearer_token, origin};
use crate::error::{ApiError, ApiResult};

/// The agent's time at which it sent a request, in milliseconds.
const SENT_AT: &str = "x-yunhai-sent-at";

/// What an agent calls itself before its version.
const USER_AGENT: &str = "yunhai-agent/";

/// What to do about an enrolment token that lets nobody in.
const NEW_TOKEN: &str = "make a new one with `yunhai agent-token create`, or with the button Add server on the page of \
     servers";

/// Who sends measurements.
pub(crate) enum Writer {
    /// Somebody with a permission.
    Caller(Box<Caller>),
    /// The agent on one machine.
    Agent(Box<WritingAgent>),
}

/// An agent that has proved which one it is.
pub(crate) struct WritingAgent {
    agent: Agent,
    key: Secret,
    version: Option<String>,
    seen: Seen,
}

impl FromRequestParts<Arc<App>> for Writer {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> ApiResult<Self> {
        let token = bearer_token(&parts.headers)?;
        let Some(key) = token.filter(|token| yunhai_enrolment::is_key(token.expose())) else {
            let caller = Caller::from_request_parts(parts, app).await?;
            return Ok(Self::Caller(Box::new(caller)));
        };
        if app.health.is_database_away() {
            return Err(ApiError::database_away());
        }
        let agent = app.enrolment.authenticate(&key).await?;
        let header = |name: &str| parts.headers.get(name)?.to_str().ok();
        let now_ms = app.clock.now_ms();
        let sent_at_ms: Option<TimestampMs> = header(SENT_AT).and_then(|text| text.parse().ok());
        let address = origin(&parts.extensions, &parts.headers).address;
        Ok(Self::Agent(Box::new(WritingAgent {
            agent,
            key,
            version: header(header::USER_AGENT.as_str())
                .and_then(|name| name.strip_prefix(USER_AGENT))
                .map(str::to_owned),
            seen: Seen {
                at_ms: now_ms,
                address: address.map(|address| address.to_string()),
                clock_skew_ms: sent_at_ms.map(|sent_at_ms| sent_at_ms.saturating_sub(now_ms)),
            },
        })))
    }
}

impl WritingAgent {
    /// The server that the agent may write for.
    pub(crate) fn server(&self) -> &str {
        &self.agent.name
    }

    /// Keeps the series of the agent's own server, and returns how many samples of others there were.
    pub(crate) fn keep_own(&self, series: &mut Vec<IncomingSeries<'_>>) -> usize {
        let mut foreign = 0;
        series.retain(|series| {
            let mut names = series.labels.iter().filter(|(label, _)| *label == "server");
            let is_own = names
                .next()
                .is_some_and(|(_, name)| *name == self.agent.name)
                && names.next().is_none();
            if !is_own {
                foreign += series.samples.len();
            }
            is_own
        });
        foreign
    }

    /// Notes that the agent was seen. That it cannot be noted is no reason to refuse measurements.
    pub(crate) async fn note(self, enrolment: &Enrolment) {
        let version = self.version.as_deref();
        let noted = enrolment.note_seen(&self.key, self.agent, version, self.seen);
        if let Err(error) = noted.await {
            tracing::warn!(
                error = with_causes(&error),
                "cannot note when an agent was seen"
            );
        }
    }
}

impl App {
    /// Tells which names a machine may have: that of its instance, where a cloud account lists it, and
    /// none of this machine's or of another instance.
    pub(crate) fn names_for(&self, cloud: Option<&CloudIdentity>) -> Names {
        let servers = self.inventory.servers();
        let own = cloud.and_then(|cloud| {
            servers
                .iter()
                .find(|server| server.gone_at_ms.is_none() && is_instance(server, cloud))
        });
        let mut taken: BTreeSet<String> =
            servers.iter().map(|server| server.label.clone()).collect();
        taken.insert(self.host.name().to_owned());
        if let Some(own) = own {
            taken.remove(&own.label);
        }
        Names {
            in_cloud: own.map(|own| own.label.clone()),
            taken,
        }
    }
}

/// Whether a cloud lists the machine under this id, written whole or by its last part.
fn is_instance(server: &KnownServer, cloud: &CloudIdentity) -> bool {
    let id = &server.details.server.id;
    let last = id.rsplit('/').next().unwrap_or_default();
    server.provider == cloud.provider && (cloud.goes_by(id) || cloud.goes_by(last))
}

/// The names of machines with agents by the ids, in small letters, under which a provider lists them.
pub(crate) async fn names_in_cloud(
    enrolment: &Enrolment,
    provider: Provider,
) -> Result<std::collections::BTreeMap<String, String>, String> {
    let agents = enrolment.agents_in(provider).await;
    let agents = agents.map_err(|error| with_causes(&error))?;
    let names = agents.into_iter().flat_map(|agent| {
        let ids = agent.cloud.map(|cloud| cloud.ids).unwrap_or_default();
        let name = agent.name;
        ids.into_iter()
            .map(move |id| (id.to_ascii_lowercase(), name.clone()))
    });
    Ok(names.collect())
}

impl From<Error> for ApiError {
    fn from(error: Error) -> Self {
        let text = error.to_string();
        match error {
            Error::Invalid { field, reason } => {
                let fault = Fault {
                    pointer: Some(format!("/{field}")),
                    detail: reason,
                    ..Fault::default()
                };
                let problem = Problem::new(ProblemCode::ValidationFailed, text);
                problem.with_errors(vec![fault]).into()
            }
            Error::UnknownToken | Error::ExpiredToken(_) | Error::UsedUpToken(_) => {
                Self::new(ProblemCode::InvalidToken, text).hint(NEW_TOKEN)
            }
            Error::UnknownKey => Self::new(ProblemCode::InvalidToken, text).hint(
                "to let the machine join again, put a new enrolment token into its file and restart \
                 the agent",
            ),
            Error::NotFound { .. } => Self::new(ProblemCode::NotFound, text),
            Error::NameTaken(_) => Self::new(ProblemCode::Conflict, text)
                .hint("try again")
                .retry_after(1),
            error => Self::internal(error),
        }
    }
}
