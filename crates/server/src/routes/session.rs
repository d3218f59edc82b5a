//! Set-up, registration and sign-in: what one does before one is somebody.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use yunhai_api_types::{
    PasswordAdvice, PasswordStrength, PasswordStrengthRequest, ProblemCode, ReauthenticateRequest,
    RegisterRequest, Registration, RegistrationMode, SessionInfo, SetupRequest, SetupState,
    SignInRequest, User,
};
use yunhai_identity::{Login, LoginOutcome, NewRegistration, NewSession, NewUser, Principal, Role};
use yunhai_model::{Secret, TimestampMs};

use super::users::user_of;
use crate::app::App;
use crate::caller::{Caller, CameFrom};
use crate::error::{ApiError, ApiResult, Json, Refused};

pub(super) fn router() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(setup_state, complete_setup))
        .routes(routes!(show_session, sign_in, sign_out))
        .routes(routes!(reauthenticate))
        .routes(routes!(registration, register))
        .routes(routes!(password_strength))
}

/// Tells whether the first administrator has yet to be created.
#[utoipa::path(get, path = "/setup", tag = "session", security(()),
    responses((status = OK, body = SetupState)))]
async fn setup_state(State(app): State<Arc<App>>) -> ApiResult<Json<SetupState>> {
    let needed = app.identity.needs_setup().await?;
    Ok(Json(SetupState { needed }))
}

/// Creates the first administrator and signs them in.
#[utoipa::path(post, path = "/setup", tag = "session", security(()), request_body = SetupRequest,
    responses((status = OK, body = SessionInfo), Refused))]
async fn complete_setup(
    State(app): State<Arc<App>>,
    CameFrom(origin): CameFrom,
    Json(body): Json<SetupRequest>,
) -> ApiResult<Response> {
    let administrator = NewUser {
        name: body.name,
        display_name: body.display_name.unwrap_or_default(),
        email: body.email,
        role: Role::Administrator,
        password: Secret::new(body.password),
        language: None,
    };
    let code = Secret::new(body.code.trim());
    let session = app
        .identity
        .complete_setup(&code, administrator, &origin)
        .await?;
    Ok(signed_in(&app, &session))
}

/// Tells who is signed in, and gives the CSRF token.
#[utoipa::path(get, path = "/session", tag = "session",
    responses((status = OK, body = SessionInfo), Refused))]
async fn show_session(State(app): State<Arc<App>>, caller: Caller) -> ApiResult<Json<SessionInfo>> {
    let csrf_token = caller
        .principal
        .session_id()
        .map(|id| app.identity.csrf_token(id))
        .unwrap_or_default();
    Ok(Json(session_info(
        &caller.principal,
        &csrf_token,
        caller.expires_at_ms.unwrap_or(i64::MAX),
    )))
}

/// Signs in.
#[utoipa::path(post, path = "/session", tag = "session", security(()), request_body = SignInRequest,
    responses((status = OK, body = SessionInfo), Refused))]
async fn sign_in(
    State(app): State<Arc<App>>,
    CameFrom(origin): CameFrom,
    Json(body): Json<SignInRequest>,
) -> ApiResult<Response> {
    let login = Login {
        name: body.name,
        password: Secret::new(body.password),
        code: body.totp.or(body.recovery_code).map(Secret::new),
        origin,
    };
    match app.identity.login(&login).await? {
        LoginOutcome::SignedIn(session) => Ok(signed_in(&app, &session)),
        LoginOutcome::SecondFactorRequired => Err(ApiError::new(
            ProblemCode::TotpRequired,
            "this account has a second factor: send a one-time code too",
        )),
    }
}

/// Signs out.
#[utoipa::path(delete, path = "/session", tag = "session",
    responses((status = NO_CONTENT), Refused))]
async fn sign_out(State(app): State<Arc<App>>, caller: Caller) -> ApiResult<Response> {
    caller.require_session()?;
    app.identity
        .logout(&caller.principal, &caller.origin)
        .await?;
    let cookie = app.session_cookie(&Secret::default());
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, cookie)]).into_response())
}

/// Confirms the password before a dangerous action.
#[utoipa::path(post, path = "/session/reauthenticate", tag = "session",
    request_body = ReauthenticateRequest,
    responses((status = NO_CONTENT), Refused))]
async fn reauthenticate(
    State(app): State<Arc<App>>,
    caller: Caller,
    Json(body): Json<ReauthenticateRequest>,
) -> ApiResult<StatusCode> {
    caller.require_session()?;
    let code = body.totp.map(Secret::new);
    app.identity
        .reauthenticate(
            &caller.principal,
            &Secret::new(body.password),
            code.as_ref(),
            &caller.origin,
        )
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Tells how people become users.
#[utoipa::path(get, path = "/registration", tag = "session", security(()),
    responses((status = OK, body = Registration)))]
async fn registration(State(app): State<Arc<App>>) -> ApiResult<Json<Registration>> {
    let mode = registration_mode(app.identity.registration().await?);
    Ok(Json(Registration { mode }))
}

/// Registers, where registration is open or with an invitation.
#[utoipa::path(post, path = "/registration", tag = "session", security(()),
    request_body = RegisterRequest,
    responses((status = CREATED, body = User), Refused))]
async fn register(
    State(app): State<Arc<App>>,
    CameFrom(origin): CameFrom,
    Json(body): Json<RegisterRequest>,
) -> ApiResult<(StatusCode, Json<User>)> {
    let registration = NewRegistration {
        name: body.name,
        display_name: body.display_name.unwrap_or_default(),
        email: body.email,
        password: Secret::new(body.password),
        language: None,
        invitation: body.invitation.map(Secret::new),
    };
    let user = app.identity.register(&origin, registration).await?;
    Ok((StatusCode::CREATED, Json(user_of(user))))
}

/// Tells how strong a password is, before it is chosen.
#[utoipa::path(post, path = "/password-strength", tag = "session", security(()),
    request_body = PasswordStrengthRequest,
    responses((status = OK, body = PasswordStrength), Refused))]
async fn password_strength(
    State(app): State<Arc<App>>,
    Json(body): Json<PasswordStrengthRequest>,
) -> ApiResult<Json<PasswordStrength>> {
    let about: Vec<&str> = body
        .user_inputs
        .iter()
        .take(10)
        .map(String::as_str)
        .collect();
    let strength = app
        .identity
        .password_strength(&Secret::new(body.password), &about);
    Ok(Json(PasswordStrength {
        score: strength.score,
        acceptable: strength.weakness.is_none(),
        reasons: strength
            .weakness
            .into_iter()
            .flat_map(|weak| std::iter::once(weak.reason).chain(weak.suggestions))
            .map(|advice| PasswordAdvice {
                code: advice.code.to_owned(),
                limit: advice.limit.map(|limit| limit as u64),
                detail: advice.sentence,
            })
            .collect(),
    }))
}

fn signed_in(app: &App, session: &NewSession) -> Response {
    let info = session_info(
        &session.principal,
        &session.csrf_token,
        session.expires_at_ms,
    );
    let cookie = app.session_cookie(&session.token);
    ([(header::SET_COOKIE, cookie)], Json(info)).into_response()
}

fn session_info(
    principal: &Principal,
    csrf_token: &Secret,
    expires_at_ms: TimestampMs,
) -> SessionInfo {
    SessionInfo {
        user: user_of(principal.user.clone()),
        permissions: principal
            .permissions()
            .into_iter()
            .map(|permission| permission.to_string())
            .collect(),
        csrf_token: csrf_token.expose().to_owned(),
        expires_at_ms,
    }
}

pub(super) fn registration_mode(mode: yunhai_identity::Registration) -> RegistrationMode {
    match mode {
        yunhai_identity::Registration::Closed => RegistrationMode::Closed,
        yunhai_identity::Registration::Invitation => RegistrationMode::Invitation,
        yunhai_identity::Registration::Open => RegistrationMode::Open,
    }
}
