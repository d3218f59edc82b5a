//! The browser interface: files of the build, and its page for every address of its own.

use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, Method, StatusCode, header};
use yunhai_api_types::ProblemCode;

use crate::error::ApiError;

/// Answers what no route of the API has claimed.
pub(crate) async fn serve(request: Request) -> Response {
    let path = request.uri().path();
    if path.starts_with("/api/") || path.starts_with("/prometheus/") {
        return ApiError::not_found(format_args!("`{path}` in this API"))
            .hint("the list of all addresses is at /api/docs")
            .into_response();
    }
    if request.method() != Method::GET && request.method() != Method::HEAD {
        return ApiError::new(
            ProblemCode::MethodNotAllowed,
            format!("{} is not allowed on `{path}`", request.method()),
        )
        .into_response();
    }
    if let Some(asset) = yunhai_web::asset(path) {
        let matches = request
            .headers()
            .get(header::IF_NONE_MATCH)
            .is_some_and(|value| value.as_bytes() == asset.etag.as_bytes());
        let mut response = if matches {
            StatusCode::NOT_MODIFIED.into_response()
        } else {
            asset.bytes.into_response()
        };
        let headers = response.headers_mut();
        if let Ok(mime) = HeaderValue::from_str(&asset.mime) {
            headers.insert(header::CONTENT_TYPE, mime);
        }
        if let Ok(etag) = HeaderValue::from_str(&asset.etag) {
            headers.insert(header::ETAG, etag);
        }
        let caching = if asset.immutable {
            "public, max-age=31536000, immutable"
        } else {
            "no-cache"
        };
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(caching));
        return response;
    }
    if yunhai_web::asset("index.html").is_none() {
        return (
            StatusCode::NOT_FOUND,
            "This build of Yunhai has no browser interface: build it with `cargo xtask up`.\n",
        )
            .into_response();
    }
    ApiError::not_found(format_args!("page `{path}`")).into_response()
}
