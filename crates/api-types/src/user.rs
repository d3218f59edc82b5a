//! Users, invitations and registration.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// What a user may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum UserRole {
    /// Everything.
    Admin,
    /// Everything but users, audit and settings.
    Operator,
    /// Looking.
    Viewer,
}

/// Whether a user can sign in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum UserState {
    /// Can sign in.
    Active,
    /// Registered and waits for approval.
    Pending,
    /// Switched off by an administrator.
    Disabled,
    /// Locked after too many wrong passwords.
    Locked,
}

/// A user.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct User {
    /// The user's id.
    pub id: String,
    /// The sign-in name.
    pub name: String,
    /// The name shown to others.
    pub display_name: String,
    /// The e-mail address.
    pub email: Option<String>,
    /// The role.
    pub role: UserRole,
    /// Whether the user can sign in.
    pub state: UserState,
    /// `en` or `zh-CN`; unset follows the browser.
    pub language: Option<String>,
    /// Whether a second factor is set up.
    pub totp_enabled: bool,
    /// When the user was created.
    pub created_at_ms: i64,
    /// When the user last signed in.
    pub last_sign_in_ms: Option<i64>,
    /// Until when wrong passwords lock the user out.
    pub locked_until_ms: Option<i64>,
}

/// Which users are asked for.
#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct UserFilter {
    /// Only users of this role.
    pub role: Option<UserRole>,
    /// Only users in this state.
    pub state: Option<UserState>,
}

/// Creates a user.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateUserRequest {
    /// The sign-in name.
    pub name: String,
    /// The first password.
    #[schema(format = Password)]
    pub password: String,
    /// The role.
    pub role: UserRole,
    /// The name shown to others.
    pub display_name: Option<String>,
    /// An e-mail address.
    pub email: Option<String>,
}

/// Changes a user; what is left out stays.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateUserRequest {
    /// The name shown to others.
    pub display_name: Option<String>,
    /// An e-mail address; empty removes it.
    pub email: Option<String>,
    /// The role.
    pub role: Option<UserRole>,
    /// Switches the user on or off.
    pub enabled: Option<bool>,
    /// A new password, which ends the user's sessions.
    #[schema(format = Password)]
    pub password: Option<String>,
}

/// How people become users.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RegistrationMode {
    /// Administrators create users.
    Closed,
    /// With an invitation.
    Invitation,
    /// Anyone, and an administrator approves.
    Open,
}

/// Whether one can register.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Registration {
    /// How people become users.
    pub mode: RegistrationMode,
}

/// Registers.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RegisterRequest {
    /// The sign-in name.
    pub name: String,
    /// The password.
    #[schema(format = Password)]
    pub password: String,
    /// The name shown to others.
    pub display_name: Option<String>,
    /// An e-mail address.
    pub email: Option<String>,
    /// The invitation's code, where one is needed.
    pub invitation: Option<String>,
}

/// Whether an invitation can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum InvitationState {
    /// It can.
    Open,
    /// Someone has registered with it.
    Used,
    /// Its time is over.
    Expired,
}

/// Which invitations are asked for.
#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct InvitationFilter {
    /// Only invitations in this state.
    pub state: Option<InvitationState>,
}

/// An invitation to register.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Invitation {
    /// The invitation's id.
    pub id: String,
    /// The role that it gives.
    pub role: UserRole,
    /// The e-mail address that it is meant for.
    pub email: Option<String>,
    /// Whether it can be used.
    pub state: InvitationState,
    /// Who made it.
    pub created_by: String,
    /// When it was made.
    pub created_at_ms: i64,
    /// When it ends.
    pub expires_at_ms: i64,
    /// The name of the user who took it.
    pub used_by: Option<String>,
    /// When they took it.
    pub used_at_ms: Option<i64>,
}

/// Makes an invitation.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateInvitationRequest {
    /// The role that it gives.
    pub role: UserRole,
    /// The e-mail address that it is meant for, to tell it from others; nothing is sent there.
    pub email: Option<String>,
    /// How long it holds, in hours.
    #[serde(default = "default_hours")]
    #[schema(minimum = 1, maximum = 720)]
    pub valid_hours: u32,
}

fn default_hours() -> u32 {
    72
}

/// A new invitation, with the code that is shown once.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct CreatedInvitation {
    /// The invitation.
    #[serde(flatten)]
    pub invitation: Invitation,
    /// The code, shown once.
    pub code: String,
}
