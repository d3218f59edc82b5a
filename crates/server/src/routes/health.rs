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

/// Ready when the state database answers; a server that stands by is ready too. The second line
/// tells whether this server evaluates rules and sends.
async fn ready(State(app): State<Arc<App>>) -> (StatusCode, String) {
    match app.database.ping().await {
        Ok(()) => {
            let role = app.monitor.leadership().role.as_str();
            (StatusCode::OK, format!("ready\nalerting: {role}\n"))
        }
        Err(error) => {
            tracing::warn!(
                error = yunhai_model::with_causes(&error),
                "not ready: the state database does not answer"
            );
            (
                StatusCode::SERVICE_UNAVAILABLE,
                "the state database does not answer\n".to_owned(),
            )
        }
    }
}

/// Yunhai's own metrics in Prometheus's text format. They name no server and no user, so that a
/// scraper needs no token.
async fn metrics(State(app): State<Arc<App>>) -> impl IntoResponse {
    let stats = app.store.stats();
    metrics::gauge!("yunhai_series_active").set(stats.active_series as f64);
    metrics::gauge!("yunhai_series_blocks").set(stats.blocks as f64);
    metrics::gauge!("yunhai_series_size_bytes").set((stats.block_bytes + stats.log_bytes) as f64);
    (
        [(
            header::CONTENT_TYPE,
            "text/plain; version=0.0.4; charset=utf-8",
        )],
        app.own_metrics.render(),
    )
}
