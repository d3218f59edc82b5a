//! Whether the server lives, is ready, and how it does.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::response::IntoResponse;
use axum::routing::get;
use http::{StatusCode, header};

use crate::app::App;

pub(crate) fn router() -> Router<Arc<App>> {
    Router::new()
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
}

/// Ready when the state database answers and there is room to write; a server that stands by is
/// ready too. The second line tells whether this server evaluates rules and sends.
async fn ready(State(app): State<Arc<App>>) -> (StatusCode, String) {
    if app.health.is_database_away() || !app.health.ask_database().await {
        let told = "the state database does not answer\n";
        return (StatusCode::SERVICE_UNAVAILABLE, told.to_owned());
    }
    if let Some(place) = app.health.unwritable_folder().await {
        return (StatusCode::SERVICE_UNAVAILABLE, format!("{place}\n"));
    }
    let role = app.monitor.leadership().role.as_str();
    (StatusCode::OK, format!("ready\nalerting: {role}\n"))
}

/// Yunhai's own metrics in Prometheus's text format. They name no server and no user, so that a
/// scraper needs no token.
async fn metrics(State(app): State<Arc<App>>) -> impl IntoResponse {
    (
        [(
            header::CONTENT_TYPE,
            "text/plain; version=0.0.4; charset=utf-8",
        )],
        crate::own_metrics::render(&app),
    )
}
