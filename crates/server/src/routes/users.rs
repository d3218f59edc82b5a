//! Users, for administrators.

mod access;

use std::sync::Arc;

use axum::extract::State;
use http::StatusCode;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use yunhai_api_types::{
    Account, CreateUserRequest, List, ListQuery, ProblemCode, UpdateUserRequest, User, UserFilter,
    UserRole, UserState,
};
use yunhai_identity::{NewUser, Permission, Role, UserChange};
use yunhai_model::{Secret, UserId};

use crate::app::App;
use crate::caller::Caller;
use crate::error::{ApiError, ApiResult, Json, Path, Query, Refused};
use crate::list::{list_of, page_request};

const SORT_FIELDS: &[(&str, &str)] = &[
    ("name", "name"),
    ("display_name", "display_name"),
    ("email", "email"),
    ("role", "role"),
    ("state", "state"),
    ("created_at_ms", "created"),
    ("last_sign_in_ms", "last_login"),
];

pub(super) fn router() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(list_users, create_user))
        .routes(routes!(show_user, update_user, delete_user))
        .routes(routes!(unlock_user))
        .routes(routes!(approve_user))
        .merge(access::router())
}

/// Lists users.
#[utoipa::path(get, path = "/users", tag = "users", params(ListQuery, UserFilter),
    responses((status = OK, body = List<User>), Refused))]
async fn list_users(
    State(app): State<Arc<App>>,
    caller: Caller,
    Query(query): Query<ListQuery>,
    Query(filter): Query<UserFilter>,
) -> ApiResult<Json<List<User>>> {
    caller.require(Permission::UsersManage)?;
    let request = page_request(&query, SORT_FIELDS)?;
    let filter = yunhai_identity::UserFilter {
        role: filter.role.map(role_from),
        state: filter.state.map(state_from),
    };
    let users = app.identity.users(&request, filter).await?;
    Ok(Json(list_of(users, &request, user_of)))
}

/// Creates a user.
#[utoipa::path(post, path = "/users", tag = "users", request_body = CreateUserRequest,
    responses((status = CREATED, body = User), Refused))]
async fn create_user(
    State(app): State<Arc<App>>,
    caller: Caller,
    Json(body): Json<CreateUserRequest>,
) -> ApiResult<(StatusCode, Json<User>)> {
    caller.require(Permission::UsersManage)?;
    caller.require_recent_authentication(&app)?;
    let user = app
        .identity
        .create_user(&caller.actor(), new_user(body))
        .await?;
    Ok((StatusCode::CREATED, Json(user_of(user))))
}

/// Shows a user.
#[utoipa::path(get, path = "/users/{id}", tag = "users", params(UserPath),
    responses((status = OK, body = Account), Refused))]
async fn show_user(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(path): Path<UserPath>,
) -> ApiResult<Json<Account>> {
    caller.require(Permission::UsersManage)?;
    Ok(Json(super::me::account(&app, path.id()?).await?))
}

/// Changes a user. A new password ends the user's sessions and tokens.
#[utoipa::path(patch, path = "/users/{id}", tag = "users", params(UserPath),
    request_body = UpdateUserRequest,
    responses((status = OK, body = User), Refused))]
async fn update_user(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(path): Path<UserPath>,
    Json(body): Json<UpdateUserRequest>,
) -> ApiResult<Json<User>> {
    caller.require(Permission::UsersManage)?;
    caller.require_recent_authentication(&app)?;
    let (id, actor) = (path.id()?, caller.actor());
    let change = UserChange {
        display_name: body.display_name,
        email: body.email,
        role: body.role.map(role_from),
        state: body.enabled.map(|enabled| {
            if enabled {
                yunhai_identity::UserState::Active
            } else {
                yunhai_identity::UserState::Disabled
            }
        }),
        language: None,
    };
    let user = app.identity.update_user(&actor, id, change).await?;
    if let Some(password) = body.password {
        app.identity
            .set_password(&actor, id, &Secret::new(password))
            .await?;
    }
    Ok(Json(user_of(user)))
}

/// Deletes a user.
#[utoipa::path(delete, path = "/users/{id}", tag = "users", params(UserPath),
    responses((status = NO_CONTENT), Refused))]
async fn delete_user(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(path): Path<UserPath>,
) -> ApiResult<StatusCode> {
    caller.require(Permission::UsersManage)?;
    caller.require_recent_authentication(&app)?;
    app.identity
        .delete_user(&caller.actor(), path.id()?)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Ends the lock that wrong passwords brought.
#[utoipa::path(post, path = "/users/{id}/unlock", tag = "users", params(UserPath),
    responses((status = OK, body = User), Refused))]
async fn unlock_user(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(path): Path<UserPath>,
) -> ApiResult<Json<User>> {
    caller.require(Permission::UsersManage)?;
    caller.require_recent_authentication(&app)?;
    let user = app
        .identity
        .unlock_user(&caller.actor(), path.id()?)
        .await?;
    Ok(Json(user_of(user)))
}

/// Lets a user in who has registered.
#[utoipa::path(post, path = "/users/{id}/approve", tag = "users", params(UserPath),
    responses((status = OK, body = User), Refused))]
async fn approve_user(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(path): Path<UserPath>,
) -> ApiResult<Json<User>> {
    caller.require(Permission::UsersManage)?;
    caller.require_recent_authentication(&app)?;
    let user = app
        .identity
        .approve_user(&caller.actor(), path.id()?)
        .await?;
    Ok(Json(user_of(user)))
}

/// Which user.
#[derive(serde::Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Path)]
struct UserPath {
    /// The user's id.
    id: String,
}

impl UserPath {
    fn id(&self) -> ApiResult<UserId> {
        self.id.parse().map_err(|_| {
            ApiError::new(
                ProblemCode::NotFound,
                format!("there is no user {}", self.id),
            )
        })
    }
}

/// Turns a request into a new user.
pub fn new_user(body: CreateUserRequest) -> NewUser {
    NewUser {
        name: body.name,
        display_name: body.display_name.unwrap_or_default(),
        email: body.email,
        role: role_from(body.role),
        password: Secret::new(body.password),
        language: None,
    }
}

/// Turns a user into what travels.
pub fn user_of(user: yunhai_identity::User) -> User {
    User {
        id: user.id.to_string(),
        name: user.name,
        display_name: user.display_name,
        email: user.email,
        role: role_of(user.role),
        state: match user.state {
            yunhai_identity::UserState::Active if user.locked_until_ms.is_some() => {
                UserState::Locked
            }
            yunhai_identity::UserState::Active => UserState::Active,
            yunhai_identity::UserState::Pending => UserState::Pending,
            yunhai_identity::UserState::Disabled => UserState::Disabled,
            yunhai_identity::UserState::Locked => UserState::Locked,
        },
        language: user.language,
        totp_enabled: user.second_factor,
        created_at_ms: user.created_at_ms,
        last_sign_in_ms: user.last_login_at_ms,
        locked_until_ms: user.locked_until_ms,
    }
}

fn state_from(state: UserState) -> yunhai_identity::UserState {
    match state {
        UserState::Active => yunhai_identity::UserState::Active,
        UserState::Pending => yunhai_identity::UserState::Pending,
        UserState::Disabled => yunhai_identity::UserState::Disabled,
        UserState::Locked => yunhai_identity::UserState::Locked,
    }
}

pub(crate) fn role_of(role: Role) -> UserRole {
    match role {
        Role::Administrator => UserRole::Admin,
        Role::Operator => UserRole::Operator,
        Role::Viewer => UserRole::Viewer,
    }
}

pub(crate) fn role_from(role: UserRole) -> Role {
    match role {
        UserRole::Admin => Role::Administrator,
        UserRole::Operator => Role::Operator,
        UserRole::Viewer => Role::Viewer,
    }
}
