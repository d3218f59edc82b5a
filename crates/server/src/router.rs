//! All addresses, and what stands before them.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{MatchedPath, Request};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use http::{HeaderName, StatusCode};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::limit::RequestBodyLimitLayer;
use tower_http::request_id::{MakeRequestUuid, PropagateRequestIdLayer, SetRequestIdLayer};
use tower_http::timeout::TimeoutLayer;
use utoipa_swagger_ui::SwaggerUi;
use yunhai_api_types::ProblemCode;

use crate::app::App;
use crate::config::ServerConfig;
use crate::error::ApiError;
use crate::security::{Guard, guard};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Builds the router.
pub(crate) fn router(app: Arc<App>, guarding: Arc<Guard>, config: &ServerConfig) -> Router {
    let (api, description) = crate::routes::api().split_for_parts();
    let max_body = usize::try_from(config.max_body.0).unwrap_or(usize::MAX);
    Router::new()
        .merge(api)
        .nest("/prometheus/api/v1", crate::routes::prometheus::router())
        .merge(crate::routes::otlp::router())
        .merge(crate::routes::health::router())
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
        .layer(middleware::from_fn_with_state(guarding, guard))
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

/// Counts requests and how long they take, by route rather than by address, so that the number of
/// series stays bounded.
async fn measure(request: Request, next: Next) -> Response {
    let method = request.method().as_str().to_owned();
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or_else(|| "other".to_owned(), |path| path.as_str().to_owned());
    let start = std::time::Instant::now();
    let response = next.run(request).await;
    let elapsed: Duration = start.elapsed();
    let status = response.status().as_u16().to_string();
    let labels = [("method", method), ("route", route), ("status", status)];
    metrics::counter!("yunhai_http_requests_total", &labels).increment(1);
    metrics::histogram!("yunhai_http_request_duration_seconds", &labels).record(elapsed);
    response
}
