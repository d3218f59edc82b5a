//! One's own account.

use std::sync::Arc;

use axum::extract::State;
use http::StatusCode;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use yunhai_api_types::{
    ChangePasswordRequest, ConfirmTotpRequest, List, ListQuery, RecoveryCodes, SessionEntry,
    TotpEnrolment, UpdateMeRequest, User,
};
use yunhai_identity::UserChange;
use yunhai_model::{Secret, SessionId};

use super::users::user_of;
use crate::app::App;
use crate::caller::Caller;
use crate::error::{ApiError, ApiResult, Json, Path, Query, Refused};
use crate::list::{list_of, page_request};

const SORT_FIELDS: &[(&str, &str)] = &[
    ("last_seen_ms", "last_seen"),
    ("created_at_ms", "created"),
    ("address", "address"),
];

pub(super) fn router() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(show_me, update_me))
        .routes(routes!(change_password))
        .routes(routes!(list_sessions))
        .routes(routes!(revoke_session))
        .routes(routes!(begin_totp, disable_totp))
        .routes(routes!(confirm_totp))
}

/// Shows one's own account.
#[utoipa::path(get, path = "/me", tag = "account",
    responses((status = OK, body = User), Refused))]
async fn show_me(State(app): State<Arc<App>>, caller: Caller) -> ApiResult<Json<User>> {
    Ok(Json(user_of(app.identity.user(caller.user_id()).await?)))
}

/// Changes one's own account.
#[utoipa::path(patch, path = "/me", tag = "account", request_body = UpdateMeRequest,
    responses((status = OK, body = User), Refused))]
async fn update_me(
    State(app): State<Arc<App>>,
    caller: Caller,
    Json(body): Json<UpdateMeRequest>,
) -> ApiResult<Json<User>> {
    caller.require_session()?;
    let change = UserChange {
        display_name: body.display_name,
        email: body.email,
        language: body.language,
        ..UserChange::default()
    };
    let user = app
        .identity
        .update_user(&caller.actor(), caller.user_id(), change)
        .await?;
    Ok(Json(user_of(user)))
}

/// Changes one's own password, which ends all other sessions.
#[utoipa::path(post, path = "/me/password", tag = "account", request_body = ChangePasswordRequest,
    responses((status = NO_CONTENT), Refused))]
async fn change_password(
    State(app): State<Arc<App>>,
    caller: Caller,
    Json(body): Json<ChangePasswordRequest>,
) -> ApiResult<StatusCode> {
    caller.require_session()?;
    app.identity
        .change_password(
            &caller.actor(),
            caller.user_id(),
            &Secret::new(body.current),
            &Secret::new(body.new),
            caller.principal.session_id(),
        )
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Lists one's own sessions.
#[utoipa::path(get, path = "/me/sessions", tag = "account", params(ListQuery),
    responses((status = OK, body = List<SessionEntry>), Refused))]
async fn list_sessions(
    State(app): State<Arc<App>>,
    caller: Caller,
    Query(query): Query<ListQuery>,
) -> ApiResult<Json<List<SessionEntry>>> {
    let request = page_request(&query, SORT_FIELDS)?;
    let own = caller.principal.session_id();
    let sessions = app
        .identity
        .sessions(&request, Some(caller.user_id()))
        .await?;
    Ok(Json(list_of(sessions, &request, |session| SessionEntry {
        current: own == Some(session.id),
        id: session.id.to_string(),
        user_agent: session.device.unwrap_or_default(),
        address: session.address.unwrap_or_default(),
        created_at_ms: session.created_at_ms,
        last_seen_ms: session.last_seen_at_ms,
        expires_at_ms: session.expires_at_ms,
    })))
}

/// Ends one of one's own sessions.
#[utoipa::path(delete, path = "/me/sessions/{id}", tag = "account",
    params(("id" = String, Path, description = "The session's id")),
    responses((status = NO_CONTENT), Refused))]
async fn revoke_session(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
) -> ApiResult<StatusCode> {
    caller.require_session()?;
    let id: SessionId = id
        .parse()
        .map_err(|_| ApiError::not_found(format_args!("session {id}")))?;
    app.identity
        .revoke_session(&caller.actor(), caller.user_id(), id)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Begins to set up a second factor.
#[utoipa::path(post, path = "/me/totp", tag = "account",
    responses((status = OK, body = TotpEnrolment), Refused))]
async fn begin_totp(State(app): State<Arc<App>>, caller: Caller) -> ApiResult<Json<TotpEnrolment>> {
    caller.require_session()?;
    caller.require_recent_authentication(&app)?;
    let setup = app.identity.begin_second_factor(caller.user_id()).await?;
    Ok(Json(TotpEnrolment {
        secret: setup.secret.expose().to_owned(),
        otpauth_url: setup.url.expose().to_owned(),
    }))
}

/// Confirms the second factor by its first code, and gives recovery codes.
#[utoipa::path(post, path = "/me/totp/confirm", tag = "account", request_body = ConfirmTotpRequest,
    responses((status = OK, body = RecoveryCodes), Refused))]
async fn confirm_totp(
    State(app): State<Arc<App>>,
    caller: Caller,
    Json(body): Json<ConfirmTotpRequest>,
) -> ApiResult<Json<RecoveryCodes>> {
    caller.require_session()?;
    let codes = app
        .identity
        .confirm_second_factor(
            &caller.actor(),
            caller.user_id(),
            &Secret::new(body.code),
            caller.principal.session_id(),
        )
        .await?;
    Ok(Json(RecoveryCodes {
        recovery_codes: codes.iter().map(|code| code.expose().to_owned()).collect(),
    }))
}

/// Removes the second factor.
#[utoipa::path(delete, path = "/me/totp", tag = "account",
    responses((status = NO_CONTENT), Refused))]
async fn disable_totp(State(app): State<Arc<App>>, caller: Caller) -> ApiResult<StatusCode> {
    caller.require_session()?;
    caller.require_recent_authentication(&app)?;
    app.identity
        .disable_second_factor(&caller.actor(), caller.user_id())
        .await?;
    Ok(StatusCode::NO_CONTENT)
}
