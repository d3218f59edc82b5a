//! Invitations to register.

use std::sync::Arc;

use axum::extract::State;
use http::StatusCode;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use yunhai_api_types::{
    CreateInvitationRequest, CreatedInvitation, Fault, Invitation, InvitationFilter,
    InvitationState, List, ListQuery, Problem, ProblemCode,
};
use yunhai_identity::{NewInvitation, Permission};
use yunhai_model::InvitationId;

use super::users::{role_from, role_of};
use crate::app::App;
use crate::caller::Caller;
use crate::error::{ApiError, ApiResult, Json, Path, Query, Refused};
use crate::list::{list_of, page_request};

const SORT_FIELDS: &[(&str, &str)] = &[
    ("created_at_ms", "created"),
    ("expires_at_ms", "expires"),
    ("role", "role"),
    ("email", "email"),
];

const VALID_HOURS: std::ops::RangeInclusive<u32> = 1..=720;

pub(super) fn router() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(list_invitations, create_invitation))
        .routes(routes!(revoke_invitation))
}

/// Lists invitations.
#[utoipa::path(get, path = "/invitations", tag = "users", params(ListQuery, InvitationFilter),
    responses((status = OK, body = List<Invitation>), Refused))]
async fn list_invitations(
    State(app): State<Arc<App>>,
    caller: Caller,
    Query(query): Query<ListQuery>,
    Query(filter): Query<InvitationFilter>,
) -> ApiResult<Json<List<Invitation>>> {
    caller.require(Permission::UsersManage)?;
    let request = page_request(&query, SORT_FIELDS)?;
    let filter = yunhai_identity::InvitationFilter {
        state: filter.state.map(|state| match state {
            InvitationState::Open => yunhai_identity::InvitationState::Open,
            InvitationState::Used => yunhai_identity::InvitationState::Used,
            InvitationState::Expired => yunhai_identity::InvitationState::Expired,
        }),
    };
    let invitations = app.identity.invitations(&request, filter).await?;
    Ok(Json(list_of(invitations, &request, invitation_of)))
}

/// Makes an invitation; its code is in this answer and never again.
#[utoipa::path(post, path = "/invitations", tag = "users", request_body = CreateInvitationRequest,
    responses((status = CREATED, body = CreatedInvitation), Refused))]
async fn create_invitation(
    State(app): State<Arc<App>>,
    caller: Caller,
    Json(body): Json<CreateInvitationRequest>,
) -> ApiResult<(StatusCode, Json<CreatedInvitation>)> {
    caller.require(Permission::UsersManage)?;
    caller.require_recent_authentication(&app)?;
    if !VALID_HOURS.contains(&body.valid_hours) {
        let detail = "must be from 1 to 720 hours".to_owned();
        let fault = Fault {
            pointer: Some("/valid_hours".to_owned()),
            detail: detail.clone(),
            ..Fault::default()
        };
        let problem = Problem::new(ProblemCode::ValidationFailed, detail);
        return Err(problem.with_errors(vec![fault]).into());
    }
    let new = NewInvitation {
        role: role_from(body.role),
        email: body.email,
        expires_at_ms: Some(app.clock.now_ms() + i64::from(body.valid_hours) * 3_600_000),
    };
    let (invitation, code) = app.identity.create_invitation(&caller.actor(), new).await?;
    let created = CreatedInvitation {
        invitation: invitation_of(invitation),
        code: code.expose().to_owned(),
    };
    Ok((StatusCode::CREATED, Json(created)))
}

/// Withdraws an invitation.
#[utoipa::path(delete, path = "/invitations/{id}", tag = "users",
    params(("id" = String, Path, description = "The invitation's id")),
    responses((status = NO_CONTENT), Refused))]
async fn revoke_invitation(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
) -> ApiResult<StatusCode> {
    caller.require(Permission::UsersManage)?;
    let id: InvitationId = id
        .parse()
        .map_err(|_| ApiError::not_found(format_args!("invitation {id}")))?;
    app.identity.revoke_invitation(&caller.actor(), id).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn invitation_of(invitation: yunhai_identity::Invitation) -> Invitation {
    Invitation {
        id: invitation.id.to_string(),
        role: role_of(invitation.role),
        email: invitation.email,
        state: match invitation.state {
            yunhai_identity::InvitationState::Open => InvitationState::Open,
            yunhai_identity::InvitationState::Used => InvitationState::Used,
            yunhai_identity::InvitationState::Expired => InvitationState::Expired,
        },
        created_by: invitation.created_by,
        created_at_ms: invitation.created_at_ms,
        expires_at_ms: invitation.expires_at_ms,
        used_by: invitation.used_by,
        used_at_ms: invitation.used_at_ms,
    }
}
