//! Every error of the API as a problem document, and extractors that refuse with one.

use axum::body::Bytes;
use axum::extract::rejection::{JsonRejection, PathRejection, QueryRejection};
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde::de::DeserializeOwned;
use utoipa::ToSchema;
use yunhai_api_types::{Problem, ProblemCode};
use yunhai_database::{Trouble, is_conflict_behind};
use yunhai_model::with_causes;

use crate::health::{Unwritable, is_for_lack_of_room};
use crate::shape;

/// What a handler returns.
pub(crate) type ApiResult<T> = Result<T, ApiError>;

/// An error of the API.
#[derive(Clone, Debug)]
pub(crate) struct ApiError(pub(crate) Box<Problem>);

impl ApiError {
    /// Makes an error of a code and what was wrong this time.
    pub(crate) fn new(code: ProblemCode, detail: impl Into<String>) -> Self {
        Self(Box::new(Problem::new(code, detail)))
    }

    /// Adds what to do next.
    #[must_use]
    pub(crate) fn hint(self, hint: impl Into<String>) -> Self {
        Self(Box::new(self.0.with_hint(hint)))
    }

    /// Adds what to do next, where there is something to say.
    #[must_use]
    pub(crate) fn hint_if(self, hint: String) -> Self {
        if hint.is_empty() {
            self
        } else {
            self.hint(hint)
        }
    }

    /// Adds after how many seconds to try again.
    #[must_use]
    pub(crate) fn retry_after(self, secs: u64) -> Self {
        Self(Box::new(self.0.with_retry_after(secs)))
    }

    /// Makes an error of something that does not exist.
    pub(crate) fn not_found(what: impl std::fmt::Display) -> Self {
        Self::new(ProblemCode::NotFound, format!("there is no {what}"))
    }

    /// Makes an error of a state database that does not answer.
    pub(crate) fn database_away() -> Self {
        Self::new(
            ProblemCode::DatabaseUnavailable,
            "the state database does not answer",
        )
        .hint(
            "try again in a few seconds; if that does not help, look whether the database server \
             runs and can be reached",
        )
        .retry_after(5)
    }

    /// Makes an error of a full disk; the folder, where it is one of ours.
    pub(crate) fn disk_full(place: Option<&Unwritable>) -> Self {
        let detail = match place {
            Some(place) => format!("{place}, so nothing was stored"),
            None => {
                "there is no room left for the state database, so nothing was stored".to_owned()
            }
        };
        Self::new(ProblemCode::DiskFull, detail)
            .hint("free some space on that disk, then try again; a restart is not needed")
            .retry_after(30)
    }

    /// Tells of trouble that passes as what it is. Logs any other failure, and tells the caller no
    /// more than that it happened.
    pub(crate) fn internal(error: impl std::error::Error + 'static) -> Self {
        if is_for_lack_of_room(&error) {
            tracing::error!(error = with_causes(&error), "a disk is full");
            return Self::disk_full(None);
        }
        if Trouble::behind(&error) == Some(Trouble::Unavailable) {
            tracing::debug!(error = with_causes(&error), "the state database failed");
            return Self::database_away();
        }
        if is_conflict_behind(&error) {
            tracing::debug!(error = with_causes(&error), "a change came to nothing");
            return Self::new(
                ProblemCode::Conflict,
                "something else was changed at the same moment, so nothing was changed",
            )
            .hint("try again")
            .retry_after(1);
        }
        tracing::error!(
            error = with_causes(&error),
            "a request failed inside the server"
        );
        Self::new(
            ProblemCode::Internal,
            "the request failed inside the server; its log says why",
        )
    }
}

impl From<Problem> for ApiError {
    fn from(problem: Problem) -> Self {
        Self(Box::new(problem))
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let status =
            StatusCode::from_u16(self.0.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let (code, retry_after) = (self.0.code, self.0.retry_after_secs);
        let mut response = (status, axum::Json(*self.0)).into_response();
        if let Some(secs) = retry_after {
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, HeaderValue::from(secs));
        }
        response.headers_mut().insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        // For those that the answer passes on its way out.
        response.extensions_mut().insert(code);
        response
    }
}

/// The most that a JSON body of the API may have, in bytes. Anybody may send some of them, and what
/// is read of one takes many times its room. Rule files, which are one text, may have more.
pub(crate) const MAX_JSON_BYTES: usize = 2 << 20;

impl From<JsonRejection> for ApiError {
    fn from(rejection: JsonRejection) -> Self {
        let code = match rejection.status() {
            StatusCode::PAYLOAD_TOO_LARGE => {
                return Self::new(
                    ProblemCode::BodyTooLarge,
                    "the body is larger than this address takes",
                )
                .hint(
                    "send less at once; rule files may have as much as server.max_body says, all \
                     other JSON bodies 2 MiB",
                );
            }
            StatusCode::UNSUPPORTED_MEDIA_TYPE => ProblemCode::UnsupportedMediaType,
            StatusCode::UNPROCESSABLE_ENTITY => ProblemCode::ValidationFailed,
            _ => ProblemCode::InvalidRequest,
        };
        Self::new(code, rejection.body_text())
    }
}

impl From<QueryRejection> for ApiError {
    fn from(rejection: QueryRejection) -> Self {
        Self::new(ProblemCode::InvalidRequest, rejection.body_text())
    }
}

impl From<PathRejection> for ApiError {
    fn from(rejection: PathRejection) -> Self {
        Self::new(ProblemCode::InvalidRequest, rejection.body_text())
    }
}

impl From<yunhai_model::InvalidPage> for ApiError {
    fn from(error: yunhai_model::InvalidPage) -> Self {
        Self::new(ProblemCode::InvalidRequest, error.to_string())
    }
}

impl From<yunhai_identity::Denied> for ApiError {
    fn from(denied: yunhai_identity::Denied) -> Self {
        let code = match denied {
            yunhai_identity::Denied::ReauthenticationRequired => {
                ProblemCode::ReauthenticationRequired
            }
            _ => ProblemCode::PermissionDenied,
        };
        Self::new(code, denied.to_string())
    }
}

impl From<yunhai_database::Error> for ApiError {
    fn from(error: yunhai_database::Error) -> Self {
        Self::internal(error)
    }
}

/// A JSON body, refused with a problem document.
pub(crate) struct Json<T>(pub(crate) T);

impl<T, S> FromRequest<S> for Json<T>
where
    T: DeserializeOwned + ToSchema,
    S: Send + Sync,
{
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> ApiResult<Self> {
        let (parts, body) = request.into_parts();
        let body = Request::from_parts(parts.clone(), body);
        let bytes = Bytes::from_request(body, state)
            .await
            .map_err(JsonRejection::from)?;
        let body = Request::from_parts(parts, bytes.clone().into());
        let axum::Json(value) = axum::Json::from_request(body, state).await?;
        shape::check(&T::name(), &bytes)?;
        Ok(Self(value))
    }
}

impl<T: serde::Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        axum::Json(self.0).into_response()
    }
}

/// Query parameters, refused with a problem document.
#[derive(FromRequestParts)]
#[from_request(via(axum::extract::Query), rejection(ApiError))]
pub(crate) struct Query<T>(pub(crate) T);

/// Path parameters, refused with a problem document.
#[derive(FromRequestParts)]
#[from_request(via(axum::extract::Path), rejection(ApiError))]
pub(crate) struct Path<T>(pub(crate) T);

/// How the API's description tells of refusals.
#[derive(utoipa::IntoResponses)]
#[allow(dead_code)] // Only its description is used.
pub(crate) enum Refused {
    #[response(
        status = "4XX",
        description = "Why it was refused",
        content_type = "application/problem+json"
    )]
    Faulty(Problem),
    #[response(
        status = "5XX",
        description = "Why the server could not do it now",
        content_type = "application/problem+json"
    )]
    Unable(Problem),
}
