//! What a user holds: sessions, tokens and the second factor, for administrators.

use std::sync::Arc;

use axum::extract::State;
use http::StatusCode;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use yunhai_api_types::{ApiToken, List, ListQuery, RevokedSessions, SessionEntry};
use yunhai_identity::Permission;
use yunhai_model::{SessionId, TokenId, UserId};

use super::UserPath;
use crate::app::App;
use crate::caller::Caller;
use crate::error::{ApiError, ApiResult, Json, Path, Query, Refused};
use crate::list::{list_of, page_request};
use crate::routes::{me, tokens};

pub(super) fn router() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(list_user_sessions))
        .routes(routes!(revoke_user_session))
        .routes(routes!(revoke_user_sessions))
        .routes(routes!(list_user_tokens))
        .routes(routes!(revoke_user_token))
        .routes(routes!(reset_second_factor))
}

/// Lists the sessions of a user.
#[utoipa::path(get, path = "/users/{id}/sessions", tag = "users", params(UserPath, ListQuery),
    responses((status = OK, body = List<SessionEntry>), Refused))]
async fn list_user_sessions(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(path): Path<UserPath>,
    Query(query): Query<ListQuery>,
) -> ApiResult<Json<List<SessionEntry>>> {
    caller.require(Permission::UsersManage)?;
    let request = page_request(&query, me::SESSION_SORT_FIELDS)?;
    let user = app.identity.user(path.id()?).await?;
    let sessions = app.identity.sessions(&request, Some(user.id)).await?;
    Ok(Json(list_of(sessions, &request, |session| {
        me::session_entry(&caller, session)
    })))
}

/// Ends one session of a user.
#[utoipa::path(delete, path = "/users/{id}/sessions/{held}", tag = "users", params(HeldPath),
    responses((status = NO_CONTENT), Refused))]
async fn revoke_user_session(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(path): Path<HeldPath>,
) -> ApiResult<StatusCode> {
    caller.require(Permission::UsersManage)?;
    let session: SessionId = path.held("session")?;
    app.identity
        .revoke_session(&caller.actor(), path.user()?, session)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Ends all sessions of a user; of one's own, all but the one that asks.
#[utoipa::path(post, path = "/users/{id}/sessions/revoke", tag = "users", params(UserPath),
    responses((status = OK, body = RevokedSessions), Refused))]
async fn revoke_user_sessions(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(path): Path<UserPath>,
) -> ApiResult<Json<RevokedSessions>> {
    caller.require(Permission::UsersManage)?;
    let own = caller.principal.session_id();
    let revoked = app
        .identity
        .revoke_sessions(&caller.actor(), path.id()?, own)
        .await?;
    Ok(Json(RevokedSessions { revoked }))
}

/// Lists the API tokens of a user.
#[utoipa::path(get, path = "/users/{id}/tokens", tag = "users", params(UserPath, ListQuery),
    responses((status = OK, body = List<ApiToken>), Refused))]
async fn list_user_tokens(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(path): Path<UserPath>,
    Query(query): Query<ListQuery>,
) -> ApiResult<Json<List<ApiToken>>> {
    caller.require(Permission::UsersManage)?;
    let request = page_request(&query, tokens::SORT_FIELDS)?;
    let user = app.identity.user(path.id()?).await?;
    let held = app.identity.tokens(&request, Some(user.id)).await?;
    Ok(Json(list_of(held, &request, |token| {
        tokens::token_of(token, &user.name)
    })))
}

/// Revokes an API token of a user, and all that were made with it.
#[utoipa::path(delete, path = "/users/{id}/tokens/{held}", tag = "users", params(HeldPath),
    responses((status = NO_CONTENT), Refused))]
async fn revoke_user_token(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(path): Path<HeldPath>,
) -> ApiResult<StatusCode> {
    caller.require(Permission::UsersManage)?;
    let token: TokenId = path.held("token")?;
    app.identity
        .revoke_token(&caller.actor(), token, Some(path.user()?))
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Removes the second factor of a user who has lost it. The user's sessions end.
#[utoipa::path(delete, path = "/users/{id}/totp", tag = "users", params(UserPath),
    responses((status = NO_CONTENT), Refused))]
async fn reset_second_factor(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(path): Path<UserPath>,
) -> ApiResult<StatusCode> {
    caller.require(Permission::UsersManage)?;
    caller.require_recent_authentication(&app)?;
    let (actor, id) = (caller.actor(), path.id()?);
    app.identity.disable_second_factor(&actor, id).await?;
    app.identity
        .revoke_sessions(&actor, id, caller.principal.session_id())
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Which session or token of which user.
#[derive(serde::Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Path)]
struct HeldPath {
    /// The user's id.
    id: String,
    /// The id of the session or token.
    held: String,
}

impl HeldPath {
    fn user(&self) -> ApiResult<UserId> {
        self.id
            .parse()
            .map_err(|_| ApiError::not_found(format_args!("user {}", self.id)))
    }

    fn held<T: std::str::FromStr>(&self, kind: &str) -> ApiResult<T> {
        self.held
            .parse()
            .map_err(|_| ApiError::not_found(format_args!("{kind} {}", self.held)))
    }
}
