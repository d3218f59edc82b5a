//! Handlers, one module per noun of the address.

mod agents;
mod alerts;
pub(crate) mod audit;
mod channels;
mod cloud;
pub(crate) mod events;
pub(crate) mod health;
mod inhibitions;
pub(crate) mod install;
mod invitations;
mod maintenance;
mod matchers;
mod me;
pub(crate) mod otlp;
mod probes;
pub(crate) mod prometheus;
mod routing;
mod rules;
mod servers;
mod session;
mod settings;
mod silences;
mod tokens;
pub(crate) mod users;

use std::sync::Arc;

use axum::extract::DefaultBodyLimit;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};
use utoipa_axum::router::OpenApiRouter;

use crate::app::App;
use crate::error::MAX_JSON_BYTES;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Yunhai",
        description = "Everything that the browser and the command line do goes through this \
                       API. Sign in for a session cookie, or send an API token as \
                       `Authorization: Bearer`. With a cookie, requests that change something \
                       carry the session's token in `X-CSRF-Token`. Errors are RFC 9457 problem \
                       documents with a stable `code`. Beside it, and not described here, \
                       stand the Prometheus API at `/prometheus/api/v1`, OTLP metrics at \
                       `/otlp/v1/metrics` and server-sent events at `/api/v1/events`.",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    // The derive of the answers to refusals names them without registering them.
    components(schemas(yunhai_api_types::Problem, yunhai_api_types::ProblemCode)),
    modifiers(&Security),
    security(("token" = []), ("session" = []))
)]
struct Description;

struct Security;

impl Modify for Security {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let components = openapi.components.get_or_insert_default();
        components.add_security_scheme(
            "token",
            SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build()),
        );
        components.add_security_scheme(
            "session",
            SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::new("yunhai-session"))),
        );
    }
}

/// All routes that the description covers.
pub(crate) fn api() -> OpenApiRouter<Arc<App>> {
    let v1 = OpenApiRouter::new()
        .merge(session::router())
        .merge(me::router())
        .merge(users::router())
        .merge(invitations::router())
        .merge(tokens::router())
        .merge(audit::router())
        .merge(settings::router())
        .merge(servers::router())
        .merge(probes::router())
        .merge(cloud::router())
        .merge(agents::router())
        .merge(alerts::router())
        .merge(rules::router())
        .merge(silences::router())
        .merge(maintenance::router())
        .merge(inhibitions::router())
        .merge(channels::router())
        .merge(routing::router())
        .layer(DefaultBodyLimit::max(MAX_JSON_BYTES));
    OpenApiRouter::with_openapi(Description::openapi()).nest("/api/v1", v1)
}

/// Returns the API's description (OpenAPI 3.1).
pub fn openapi() -> utoipa::openapi::OpenApi {
    api().into_openapi()
}
