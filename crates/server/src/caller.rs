//! Who calls: a session's cookie with its CSRF token, or a bearer token. The one place where a
//! request is let through to a handler as somebody.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{FromRequestParts, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::request::Parts;
use http::{Extensions, HeaderMap, HeaderValue, Method, header};
use yunhai_api_types::ProblemCode;
use yunhai_identity::{
    Action, AuditEvent, Origin, Outcome, Permission, Principal, Target, TargetKind, Via,
};
use yunhai_model::{Secret, TimestampMs, UserId, with_causes};

use crate::app::App;
use crate::error::{ApiError, ApiResult};
use crate::security::ClientAddress;

/// The header that must repeat the session's CSRF token when something is changed.
const CSRF_HEADER: &str = "x-csrf-token";

/// How recent a sign-in must be for a dangerous action.
const RECENT: Duration = Duration::from_mins(15);

/// A user who has proved who they are.
#[derive(Clone)]
pub(crate) struct Caller {
    pub(crate) principal: Principal,
    pub(crate) origin: Origin,
    /// When the session ends unless it is used.
    pub(crate) expires_at_ms: Option<TimestampMs>,
}

/// Where a request comes from, also before anybody has signed in.
pub(crate) struct CameFrom(pub(crate) Origin);

/// Marks a request of this very process as that of the machine's user, whom it names. Nothing that
/// comes over the network can carry it.
#[derive(Clone)]
pub(crate) struct LocalUser(pub(crate) String);

/// What came of looking at a request's cookie or token.
#[derive(Clone)]
struct Authentication(Result<Option<Caller>, ApiError>);

impl Caller {
    /// Fails where the caller lacks a permission.
    pub(crate) fn require(&self, permission: Permission) -> ApiResult<()> {
        Ok(self.principal.require(permission)?)
    }

    /// Fails where the caller has not entered the password lately.
    pub(crate) fn require_recent_authentication(&self, app: &App) -> ApiResult<()> {
        Ok(self
            .principal
            .require_recent_authentication(app.clock.now_ms(), RECENT)?)
    }

    /// Fails where the caller is a token: it must not change its user's own credentials.
    pub(crate) fn require_session(&self) -> ApiResult<()> {
        if self.principal.session_id().is_some() {
            return Ok(());
        }
        Err(ApiError::new(
            ProblemCode::PermissionDenied,
            "an API token cannot do this; sign in",
        ))
    }

    /// Returns on whose behalf something happens, for the domains and the audit log.
    pub(crate) fn actor(&self) -> yunhai_identity::Caller {
        yunhai_identity::Caller::of(&self.principal, &self.origin)
    }

    /// Returns the user's id; fails where there is no account behind the caller.
    pub(crate) fn user_id(&self) -> ApiResult<UserId> {
        match self.principal.via {
            Via::Session { .. } | Via::Token { .. } => Ok(self.principal.user.id),
            Via::Local => Err(ApiError::new(
                ProblemCode::PermissionDenied,
                "whoever works on the data directory itself has no account, and so no sessions \
                 and tokens of their own",
            )
            .hint("sign in to a server")),
        }
    }
}

/// Finds out who calls, and hands a session's new token to the browser when it was rotated.
pub(crate) async fn authenticate(
    State(app): State<Arc<App>>,
    request: Request,
    next: Next,
) -> Response {
    let (mut parts, body) = request.into_parts();
    let mut rotated = None;
    let found = find_caller(&app, &parts, &mut rotated).await;
    let caller = found.as_ref().ok().and_then(Option::as_ref);
    let attempt = caller.filter(|_| changes(&parts.method)).map(|caller| {
        let what = format!("{} {}", parts.method, parts.uri.path());
        (caller.actor(), what)
    });
    parts.extensions.insert(Authentication(found));
    let mut response = next.run(Request::from_parts(parts, body)).await;
    let refusal = response.extensions().get::<ProblemCode>().copied();
    match refusal {
        Some(ProblemCode::DatabaseUnavailable) => app.health.note_database_away(),
        Some(ProblemCode::DiskFull) => {
            // Where the failure showed, nobody knew which disk it was.
            if let Some(place) = app.health.unwritable_folder().await {
                response = ApiError::disk_full(Some(&place)).into_response();
            }
        }
        _ => {}
    }
    if let Some((actor, what)) = attempt
        && refusal == Some(ProblemCode::PermissionDenied)
    {
        record_denial(&app, &actor, what).await;
    }
    // A sign-in or sign-out of this very request has the last word.
    if let Some(token) = rotated
        && !response.headers().contains_key(header::SET_COOKIE)
    {
        response
            .headers_mut()
            .insert(header::SET_COOKIE, app.session_cookie(&token));
    }
    response
}

/// Tells whether a request is meant to change something.
fn changes(method: &Method) -> bool {
    !matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

/// Puts into the audit log that somebody tried to change what they may not. The answer stays what it
/// is where that fails.
async fn record_denial(app: &App, actor: &yunhai_identity::Caller, what: String) {
    let event = AuditEvent::new(
        Action::AccessDenied,
        Target::new(TargetKind::Request, "", what),
    )
    .outcome(Outcome::Denied);
    if let Err(error) = app.identity.audit().record(actor, event).await {
        tracing::error!(
            error = with_causes(&error),
            "cannot record a denied request in the audit log"
        );
    }
}

async fn find_caller(
    app: &App,
    parts: &Parts,
    rotated: &mut Option<Secret>,
) -> ApiResult<Option<Caller>> {
    if let Some(LocalUser(name)) = parts.extensions.get() {
        return Ok(Some(Caller {
            principal: Principal::local(name),
            origin: Origin::default(),
            expires_at_ms: None,
        }));
    }
    let origin = origin(&parts.extensions, &parts.headers);
    let token = bearer_token(&parts.headers)?;
    let cookie = session_cookie(&parts.headers, app.encrypted);
    if token.is_none() && cookie.is_none() {
        return Ok(None);
    }
    // Everybody would wait in vain, for seconds.
    if app.health.is_database_away() {
        return Err(ApiError::database_away());
    }
    if let Some(token) = token {
        if yunhai_enrolment::is_key(token.expose()) {
            return Err(ApiError::new(
                ProblemCode::PermissionDenied,
                "the key of an agent writes measurements of its own server and does nothing else",
            )
            .hint("use an API token"));
        }
        let principal = app.identity.authenticate_token(&token, &origin).await;
        let principal = principal.map_err(|error| match error {
            yunhai_identity::Error::Unauthenticated => ApiError::new(
                ProblemCode::InvalidToken,
                "the token is unknown, has expired or was revoked",
            )
            .hint("make a new one under your name, or with `yunhai login`"),
            error => error.into(),
        })?;
        return Ok(Some(Caller {
            principal,
            origin,
            expires_at_ms: None,
        }));
    }
    let Some(cookie) = cookie else {
        return Ok(None);
    };
    let session = match app
        .identity
        .authenticate_session(&Secret::new(cookie), &origin)
        .await
    {
        Err(yunhai_identity::Error::Unauthenticated) => return Ok(None),
        other => other?,
    };
    if changes(&parts.method) {
        let sent = parts
            .headers
            .get(CSRF_HEADER)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        if !app.identity.is_csrf_token(&session.principal, sent) {
            return Err(ApiError::new(
                ProblemCode::CsrfTokenMissing,
                "the header X-CSRF-Token does not hold the session's token",
            )
            .hint("get the token from /api/v1/session; programs use API tokens instead"));
        }
    }
    *rotated = session.rotated;
    Ok(Some(Caller {
        principal: session.principal,
        origin,
        expires_at_ms: Some(session.expires_at_ms),
    }))
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> ApiResult<Self> {
        let found = parts
            .extensions
            .get::<Authentication>()
            .map_or(Ok(None), |authentication| authentication.0.clone());
        found?.ok_or_else(|| {
            ApiError::new(ProblemCode::NotSignedIn, "this needs a session or a token")
                .hint("sign in, or send an API token as `Authorization: Bearer …`")
        })
    }
}

impl<S: Send + Sync> FromRequestParts<S> for CameFrom {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(Self(origin(&parts.extensions, &parts.headers)))
    }
}

pub(crate) fn origin(extensions: &Extensions, headers: &HeaderMap) -> Origin {
    Origin {
        address: extensions.get::<ClientAddress>().map(|address| address.0),
        device: headers
            .get(header::USER_AGENT)
            .and_then(|value| value.to_str().ok())
            .map(|text| text.chars().take(200).collect()),
    }
}

pub(crate) fn bearer_token(headers: &HeaderMap) -> ApiResult<Option<Secret>> {
    let Some(value) = headers.get(header::AUTHORIZATION) else {
        return Ok(None);
    };
    value
        .to_str()
        .ok()
        .and_then(|text| text.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| Some(Secret::new(token.trim())))
        .ok_or_else(|| {
            ApiError::new(
                ProblemCode::InvalidToken,
                "the Authorization header is not `Bearer` and a token",
            )
        })
}

/// The name of the session's cookie. With `__Host-` a browser keeps it from other hosts and from
/// plain HTTP.
fn cookie_name(encrypted: bool) -> &'static str {
    if encrypted {
        "__Host-yunhai-session"
    } else {
        "yunhai-session"
    }
}

/// Finds the session's token. A cookie of the other name is not ours: any host of the domain can
/// plant one without `__Host-`.
fn session_cookie(headers: &HeaderMap, encrypted: bool) -> Option<String> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, _)| *name == cookie_name(encrypted))
        .map(|(_, value)| value.to_owned())
}

impl App {
    /// Writes the cookie of a session; an empty token removes it.
    pub(crate) fn session_cookie(&self, token: &Secret) -> HeaderValue {
        let secure = if self.encrypted { "; Secure" } else { "" };
        let ending = if token.is_empty() { "; Max-Age=0" } else { "" };
        let text = format!(
            "{}={}; Path=/; HttpOnly; SameSite=Strict{secure}{ending}",
            cookie_name(self.encrypted),
            token.expose()
        );
        let mut value = HeaderValue::from_str(&text).expect("tokens are URL-safe text");
        value.set_sensitive(true);
        value
    }
}
