//! All addresses, and what stands before them.

use std::sync::Arc;
use std::time::Duration;

use axum::body::to_bytes;
use axum::extract::{MatchedPath, Request};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Router};
use http::{HeaderName, HeaderValue, Method, StatusCode, header};
use serde_json::json;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::limit::RequestBodyLimitLayer;
use tower_http::request_id::{MakeRequestUuid, PropagateRequestIdLayer, SetRequestIdLayer};
use tower_http::timeout::TimeoutLayer;
use utoipa_swagger_ui::SwaggerUi;
use yunhai_api_types::{Problem, ProblemCode};

use crate::app::App;
use crate::config::ServerConfig;
use crate::error::ApiError;
use crate::own_metrics::{HTTP_REQUEST_DURATION, HTTP_REQUESTS};
use crate::routes::install::Joining;
use crate::security::{Guard, guard};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Builds the router of a server that listens.
pub(crate) fn router(
    app: Arc<App>,
    guarding: Arc<Guard>,
    config: &ServerConfig,
    joining: Arc<Joining>,
) -> Router {
    addresses(app, config, joining)
        .layer(middleware::from_fn_with_state(guarding, guard))
        .layer(middleware::from_fn(explain_refusals))
        .layer(CompressionLayer::new())
        .layer(CatchPanicLayer::custom(|_| {
            ApiError::new(
                ProblemCode::Internal,
                "the request failed inside the server; its log says why",
            )
            .into_response()
        }))
        .layer(PropagateRequestIdLayer::new(REQUEST_ID))
        .layer(SetRequestIdLayer::new(REQUEST_ID, MakeRequestUuid))
}

/// Builds the router of one that answers its own process, where there are no networks to guard
/// against.
pub(crate) fn local_router(app: Arc<App>, config: &ServerConfig) -> Router {
    addresses(app, config, Arc::default()).layer(middleware::from_fn(explain_refusals))
}

/// All addresses, for those who are known and those who are not.
fn addresses(app: Arc<App>, config: &ServerConfig, joining: Arc<Joining>) -> Router {
    let (api, description) = crate::routes::api().split_for_parts();
    let max_body = usize::try_from(config.max_body.0).unwrap_or(usize::MAX);
    Router::new()
        .merge(api)
        .nest("/prometheus/api/v1", crate::routes::prometheus::router())
        .merge(crate::routes::otlp::router())
        .merge(crate::routes::health::router())
        .merge(crate::routes::install::router())
        .layer(Extension(joining))
        .layer(TimeoutLayer::with_status_code(
            StatusCode::SERVICE_UNAVAILABLE,
            config.request_timeout.0,
        ))
        // Server-sent events stay open, so they stand outside the time limit.
        .merge(crate::routes::events::router())
        .layer(middleware::from_fn_with_state(
            Arc::clone(&app),
            crate::caller::authenticate,
        ))
        .with_state(app)
        .merge(SwaggerUi::new("/api/docs").url("/api/openapi.json", description))
        .fallback(crate::assets::serve)
        .layer(middleware::from_fn(measure))
        .layer(axum::extract::DefaultBodyLimit::disable())
        .layer(RequestBodyLimitLayer::new(max_body))
}

/// Counts requests and how long they take, by route rather than by address, so that the number of
/// series stays bounded.
async fn measure(request: Request, next: Next) -> Response {
    // Anybody can make up methods, each of which would be a series of its own.
    let method = match *request.method() {
        Method::GET
        | Method::HEAD
        | Method::POST
        | Method::PUT
        | Method::PATCH
        | Method::DELETE
        | Method::OPTIONS => request.method().as_str().to_owned(),
        _ => "other".to_owned(),
    };
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or_else(|| "other".to_owned(), |path| path.as_str().to_owned());
    let start = std::time::Instant::now();
    let response = next.run(request).await;
    let elapsed: Duration = start.elapsed();
    let status = response.status().as_u16().to_string();
    let labels = [("method", method), ("route", route), ("status", status)];
    metrics::counter!(HTTP_REQUESTS, &labels).increment(1);
    metrics::histogram!(HTTP_REQUEST_DURATION, &labels).record(elapsed);
    response
}

/// Gives every refusal of the APIs a body that programs understand: a problem document also where a
/// layer refused with a bare status, and Prometheus's own envelope on its API.
async fn explain_refusals(request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let is_prometheus = path.starts_with("/prometheus/api/");
    let is_api = is_prometheus || path.starts_with("/api/") || path.starts_with("/otlp/");
    let what = format!("{} {path}", request.method());
    let response = next.run(request).await;
    let status = response.status();
    if !is_api || !(status.is_client_error() || status.is_server_error()) {
        return response;
    }
    let kind = response.headers().get(header::CONTENT_TYPE);
    let is_json = kind.is_some_and(|kind| kind == "application/json");
    let is_problem = kind.is_some_and(|kind| kind == "application/problem+json");
    if is_json || (is_problem && !is_prometheus) {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let body = to_bytes(body, MAX_PROBLEM_BYTES).await.unwrap_or_default();
    let problem = match serde_json::from_slice::<Problem>(&body) {
        Ok(problem) if is_problem => problem,
        _ => problem_of(status, &what),
    };
    let (kind, body) = if is_prometheus {
        let error = match &problem.hint {
            Some(hint) => format!("{}; {hint}", problem.detail),
            None => problem.detail,
        };
        (
            "application/json",
            json!({"status": "error", "errorType": problem.code, "error": error}).to_string(),
        )
    } else {
        let body = serde_json::to_string(&problem).unwrap_or_default();
        ("application/problem+json", body)
    };
    parts.headers.remove(header::CONTENT_LENGTH);
    parts
        .headers
        .insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    Response::from_parts(parts, body.into())
}

/// The longest problem document that is rewritten.
const MAX_PROBLEM_BYTES: usize = 1 << 20;

/// The problem behind a bare status of a layer or of the router.
fn problem_of(status: StatusCode, what: &str) -> Problem {
    match status {
        StatusCode::PAYLOAD_TOO_LARGE => Problem::new(
            ProblemCode::BodyTooLarge,
            format!("the body of {what} is larger than this server takes"),
        )
        .with_hint("send less at once, or raise server.max_body"),
        StatusCode::METHOD_NOT_ALLOWED => Problem::new(
            ProblemCode::MethodNotAllowed,
            format!("{what} is not allowed"),
        )
        .with_hint("the list of all addresses and methods is at /api/docs"),
        StatusCode::NOT_FOUND => Problem::new(ProblemCode::NotFound, format!("there is no {what}")),
        StatusCode::UNSUPPORTED_MEDIA_TYPE => Problem::new(
            ProblemCode::UnsupportedMediaType,
            format!("the body of {what} is of a kind or compression that is not understood"),
        ),
        StatusCode::SERVICE_UNAVAILABLE => Problem::new(
            ProblemCode::Unavailable,
            format!("{what} took longer than server.request_timeout"),
        )
        .with_hint("ask for less at once, or try again"),
        status if status.is_client_error() => Problem::new(
            ProblemCode::InvalidRequest,
            format!("{what} was refused: {status}"),
        ),
        status => Problem::new(ProblemCode::Internal, format!("{what} failed: {status}")),
    }
}
