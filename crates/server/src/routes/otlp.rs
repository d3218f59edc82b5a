//! OTLP over HTTP: metrics, as protobuf or JSON (<https://opentelemetry.io/docs/specs/otlp/>).

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use http::{HeaderMap, header};
use opentelemetry_proto::tonic::collector::metrics::v1::{
    ExportMetricsPartialSuccess, ExportMetricsServiceRequest, ExportMetricsServiceResponse,
};
use prost::Message;
use tower_http::decompression::RequestDecompressionLayer;
use yunhai_api_types::ProblemCode;
use yunhai_identity::Permission;
use yunhai_model::with_causes;

use crate::app::App;
use crate::caller::Caller;
use crate::error::{ApiError, ApiResult, Json};
use crate::samples::SampleSource;

/// The largest request, decompressed.
const MAX_BYTES: usize = 64 << 20;

/// Takes bodies as they are or compressed with gzip, as collectors send them unless told otherwise.
pub(crate) fn router() -> Router<Arc<App>> {
    Router::new()
        .route("/otlp/v1/metrics", post(metrics))
        .layer(DefaultBodyLimit::max(MAX_BYTES))
        .layer(RequestDecompressionLayer::new())
}

async fn metrics(
    State(app): State<Arc<App>>,
    caller: Caller,
    headers: HeaderMap,
    body: Bytes,
) -> ApiResult<Response> {
    caller.require(Permission::MetricsWrite)?;
    let is_json = headers
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"));
    let malformed = |error: String| {
        ApiError::new(
            ProblemCode::InvalidRequest,
            format!("the body is not an OTLP metrics request: {error}"),
        )
    };
    let request: ExportMetricsServiceRequest = if is_json {
        serde_json::from_slice(&body).map_err(|error| malformed(error.to_string()))?
    } else {
        ExportMetricsServiceRequest::decode(body).map_err(|error| malformed(error.to_string()))?
    };
    let converted = crate::otlp::convert(request);
    let left_out = converted.left_out();
    app.arrivals.note(&converted.series, app.clock.now_ms());
    app.store
        .record_metadata(converted.metadata)
        .map_err(unavailable)?;
    let outcome = app
        .store
        .append(converted.series)
        .await
        .map_err(unavailable)?;
    SampleSource::Otlp.count(&outcome);
    SampleSource::Otlp.count_refused(converted.left_out_points);
    let refused = converted.left_out_points + outcome.rejected_samples();
    let messages: Vec<String> = left_out
        .into_iter()
        .chain(outcome.rejected.iter().map(ToString::to_string))
        .take(5)
        .collect();
    let answer = ExportMetricsServiceResponse {
        partial_success: (refused > 0).then(|| ExportMetricsPartialSuccess {
            rejected_data_points: refused as i64,
            error_message: messages.join("; "),
        }),
    };
    Ok(if is_json {
        Json(answer).into_response()
    } else {
        let kind = [(header::CONTENT_TYPE, "application/x-protobuf")];
        (kind, answer.encode_to_vec()).into_response()
    })
}

/// The sender keeps the samples and tries again.
#[allow(clippy::needless_pass_by_value)]
fn unavailable(error: yunhai_series::Error) -> ApiError {
    ApiError::new(ProblemCode::Unavailable, with_causes(&error))
}
