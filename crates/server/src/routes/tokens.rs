//! API tokens.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::extract::State;
use http::StatusCode;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use yunhai_api_types::{
    ApiToken, CreateTokenRequest, CreatedToken, Fault, List, ListQuery, Problem, ProblemCode,
    TokenEnd,
};
use yunhai_identity::{NewToken, Permission, Via};
use yunhai_model::TokenId;

use crate::app::App;
use crate::caller::Caller;
use crate::error::{ApiError, ApiResult, Json, Path, Query, Refused};
use crate::list::{list_of, page_request};

pub(super) const SORT_FIELDS: &[(&str, &str)] = &[
    ("name", "name"),
    ("created_at_ms", "created"),
    ("expires_at_ms", "expires"),
    ("last_used_ms", "last_used"),
];

pub(super) fn router() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(list_tokens, create_token))
        .routes(routes!(revoke_token))
}

/// Lists one's own tokens.
#[utoipa::path(get, path = "/tokens", tag = "tokens", params(ListQuery),
    responses((status = OK, body = List<ApiToken>), Refused))]
async fn list_tokens(
    State(app): State<Arc<App>>,
    caller: Caller,
    Query(query): Query<ListQuery>,
) -> ApiResult<Json<List<ApiToken>>> {
    let request = page_request(&query, SORT_FIELDS)?;
    let tokens = app
        .identity
        .tokens(&request, Some(caller.user_id()?))
        .await?;
    let user = &caller.principal.user.name;
    Ok(Json(list_of(tokens, &request, |token| {
        token_of(token, user)
    })))
}

/// Makes a token; its text is in this answer and never again. One that a token makes has no scope
/// that its maker lacks, ends no later, and is revoked with it.
#[utoipa::path(post, path = "/tokens", tag = "tokens", request_body = CreateTokenRequest,
    responses((status = CREATED, body = CreatedToken), Refused))]
async fn create_token(
    State(app): State<Arc<App>>,
    caller: Caller,
    Json(body): Json<CreateTokenRequest>,
) -> ApiResult<(StatusCode, Json<CreatedToken>)> {
    caller.require(Permission::TokensOwn)?;
    caller.user_id()?;
    // What a token may do it is never asked a password for.
    caller.require_recent_authentication(&app)?;
    let mut scopes = BTreeSet::new();
    let mut faults = Vec::new();
    for (at, scope) in body.scopes.iter().enumerate() {
        match scope.parse::<Permission>() {
            Ok(permission) => {
                scopes.insert(permission);
            }
            Err(error) => faults.push(Fault {
                pointer: Some(format!("/scopes/{at}")),
                detail: error.to_string(),
                ..Fault::default()
            }),
        }
    }
    if !faults.is_empty() {
        let problem = Problem::new(ProblemCode::ValidationFailed, "a scope does not exist");
        return Err(problem.with_errors(faults).into());
    }
    let new = NewToken {
        name: body.name,
        scopes,
        end: match body.expires_at_ms {
            TokenEnd::Usual => yunhai_identity::TokenEnd::Usual,
            TokenEnd::At(at_ms) => yunhai_identity::TokenEnd::At(at_ms),
            TokenEnd::Never => yunhai_identity::TokenEnd::Never,
        },
    };
    let (token, text) = app
        .identity
        .create_token(&caller.principal, &caller.origin, new)
        .await?;
    let created = CreatedToken {
        entry: token_of(token, &caller.principal.user.name),
        token: text.expose().to_owned(),
    };
    Ok((StatusCode::CREATED, Json(created)))
}

/// Revokes one of one's own tokens, and all that were made with it; `current` is the one that asks.
#[utoipa::path(delete, path = "/tokens/{id}", tag = "tokens",
    params(("id" = String, Path, description = "The token's id, or `current`")),
    responses((status = NO_CONTENT), Refused))]
async fn revoke_token(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
) -> ApiResult<StatusCode> {
    let wanted: TokenId = match (&caller.principal.via, id.as_str()) {
        (Via::Token { id, .. }, "current") => *id,
        (_, text) => text
            .parse()
            .map_err(|_| ApiError::not_found(format_args!("token {text}")))?,
    };
    app.identity
        .revoke_token(&caller.actor(), wanted, Some(caller.user_id()?))
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) fn token_of(token: yunhai_identity::ApiToken, user: &str) -> ApiToken {
    ApiToken {
        id: token.id.to_string(),
        name: token.name,
        user: user.to_owned(),
        scopes: token
            .scopes
            .into_iter()
            .map(|scope| scope.to_string())
            .collect(),
        created_at_ms: token.created_at_ms,
        expires_at_ms: token.expires_at_ms,
        last_used_ms: token.last_used_at_ms,
        last_used_address: token.last_used_address,
        made_by: token.made_by.map(|maker| maker.to_string()),
    }
}
