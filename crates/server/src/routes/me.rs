//! One's own account.

use std::sync::Arc;

use axum::extract::State;
use http::StatusCode;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use yunhai_api_types::{
    Account, ChangePasswordRequest, ConfirmTotpRequest, List, ListQuery, RecoveryCodes,
    RevokedSessions, SecondFactor, SessionEntry, TotpEnrolment, UpdateMeRequest,
};
use yunhai_identity::UserChange;
use yunhai_model::{Secret, SessionId, UserId};

use super::users::user_of;
use crate::app::App;
use crate::caller::Caller;
use crate::error::{ApiError, ApiResult, Json, Path, Query, Refused};
use crate::list::{list_of, page_request};

pub(super) const SESSION_SORT_FIELDS: &[(&str, &str)] = &[
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
        .routes(routes!(revoke_other_sessions))
        .routes(routes!(begin_totp, disable_totp))
        .routes(routes!(confirm_totp))
        .routes(routes!(renew_recovery_codes))
}

/// Shows one's own account.
#[utoipa::path(get, path = "/me", tag = "account",
    responses((status = OK, body = Account), Refused))]
async fn show_me(State(app): State<Arc<App>>, caller: Caller) -> ApiResult<Json<Account>> {
    Ok(Json(account(&app, caller.user_id()?).await?))
}

/// Changes one's own account.
#[utoipa::path(patch, path = "/me", tag = "account", request_body = UpdateMeRequest,
    responses((status = OK, body = Account), Refused))]
async fn update_me(
    State(app): State<Arc<App>>,
    caller: Caller,
    Json(body): Json<UpdateMeRequest>,
) -> ApiResult<Json<Account>> {
    caller.require_session()?;
    let change = UserChange {
        display_name: body.display_name,
        email: body.email,
        language: body.language,
        ..UserChange::default()
    };
    app.identity
        .update_user(&caller.actor(), caller.user_id()?, change)
        .await?;
    Ok(Json(account(&app, caller.user_id()?).await?))
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
            caller.user_id()?,
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
    let request = page_request(&query, SESSION_SORT_FIELDS)?;
    let sessions = app
        .identity
        .sessions(&request, Some(caller.user_id()?))
        .await?;
    Ok(Json(list_of(sessions, &request, |session| {
        session_entry(&caller, session)
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
        .revoke_session(&caller.actor(), caller.user_id()?, id)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Ends all of one's own sessions but the one that asks.
#[utoipa::path(post, path = "/me/sessions/revoke", tag = "account",
    responses((status = OK, body = RevokedSessions), Refused))]
async fn revoke_other_sessions(
    State(app): State<Arc<App>>,
    caller: Caller,
) -> ApiResult<Json<RevokedSessions>> {
    caller.require_session()?;
    let own = caller.principal.session_id();
    let revoked = app
        .identity
        .revoke_sessions(&caller.actor(), caller.user_id()?, own)
        .await?;
    Ok(Json(RevokedSessions { revoked }))
}

/// Begins to set up a second factor.
#[utoipa::path(post, path = "/me/totp", tag = "account",
    responses((status = OK, body = TotpEnrolment), Refused))]
async fn begin_totp(State(app): State<Arc<App>>, caller: Caller) -> ApiResult<Json<TotpEnrolment>> {
    caller.require_session()?;
    caller.require_recent_authentication(&app)?;
    let setup = app.identity.begin_second_factor(caller.user_id()?).await?;
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
            caller.user_id()?,
            &Secret::new(body.code),
            caller.principal.session_id(),
        )
        .await?;
    Ok(Json(recovery_codes(&codes)))
}

/// Makes new recovery codes in place of the old ones.
#[utoipa::path(post, path = "/me/totp/recovery-codes", tag = "account",
    responses((status = OK, body = RecoveryCodes), Refused))]
async fn renew_recovery_codes(
    State(app): State<Arc<App>>,
    caller: Caller,
) -> ApiResult<Json<RecoveryCodes>> {
    caller.require_session()?;
    caller.require_recent_authentication(&app)?;
    let codes = app
        .identity
        .renew_recovery_codes(&caller.actor(), caller.user_id()?)
        .await?;
    Ok(Json(recovery_codes(&codes)))
}

/// Removes the second factor.
#[utoipa::path(delete, path = "/me/totp", tag = "account",
    responses((status = NO_CONTENT), Refused))]
async fn disable_totp(State(app): State<Arc<App>>, caller: Caller) -> ApiResult<StatusCode> {
    caller.require_session()?;
    caller.require_recent_authentication(&app)?;
    app.identity
        .disable_second_factor(&caller.actor(), caller.user_id()?)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Puts together what is shown of an account.
pub(super) async fn account(app: &App, id: UserId) -> ApiResult<Account> {
    let user = app.identity.user(id).await?;
    let status = app.identity.second_factor(id).await?;
    Ok(Account {
        user: user_of(user),
        second_factor: SecondFactor {
            enabled: status.enabled,
            enabled_at_ms: status.enabled_at_ms,
            recovery_codes_left: status.recovery_codes_left,
        },
    })
}

/// Turns a session into what travels to the caller.
pub(super) fn session_entry(caller: &Caller, session: yunhai_identity::Session) -> SessionEntry {
    SessionEntry {
        current: caller.principal.session_id() == Some(session.id),
        id: session.id.to_string(),
        user_agent: session.device.unwrap_or_default(),
        address: session.address.unwrap_or_default(),
        created_at_ms: session.created_at_ms,
        last_seen_ms: session.last_seen_at_ms,
        expires_at_ms: session.expires_at_ms,
    }
}

fn recovery_codes(codes: &[Secret]) -> RecoveryCodes {
    RecoveryCodes {
        recovery_codes: codes.iter().map(|code| code.expose().to_owned()).collect(),
    }
}
