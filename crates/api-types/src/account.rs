//! Set-up, sign-in and one's own account.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::User;

/// Whether the administrator has yet to be created.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct SetupState {
    /// True until the first administrator exists.
    pub needed: bool,
}

/// Creates the first administrator.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SetupRequest {
    /// The one-time code that the server printed at its first start.
    pub code: String,
    /// The administrator's sign-in name.
    pub name: String,
    /// The administrator's password.
    #[schema(format = Password)]
    pub password: String,
    /// The name shown to others.
    pub display_name: Option<String>,
    /// An e-mail address.
    pub email: Option<String>,
}

/// Signs in.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignInRequest {
    /// The sign-in name.
    pub name: String,
    /// The password.
    #[schema(format = Password)]
    pub password: String,
    /// The one-time code, where a second factor is set up.
    pub totp: Option<String>,
    /// A recovery code instead of the one-time code.
    pub recovery_code: Option<String>,
}

/// Who is signed in and what they may do.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct SessionInfo {
    /// The user.
    pub user: User,
    /// The permissions that the user has.
    pub permissions: Vec<String>,
    /// To be sent back in `X-CSRF-Token` with every request that changes something.
    pub csrf_token: String,
    /// When the session ends unless renewed.
    pub expires_at_ms: i64,
}

/// An account: the user, and how they stand with the second factor.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Account {
    /// The user.
    #[serde(flatten)]
    pub user: User,
    /// How the user stands with the second factor.
    pub second_factor: SecondFactor,
}

/// How a user stands with the second factor.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct SecondFactor {
    /// Whether signing in takes a one-time code.
    pub enabled: bool,
    /// Since when; unset while it is off.
    pub enabled_at_ms: Option<i64>,
    /// How many recovery codes are left.
    pub recovery_codes_left: u64,
}

/// Confirms the password before a dangerous action.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReauthenticateRequest {
    /// The password.
    #[schema(format = Password)]
    pub password: String,
    /// The one-time code, where a second factor is set up.
    pub totp: Option<String>,
}

/// Changes one's own account; what is left out stays.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateMeRequest {
    /// The name shown to others.
    pub display_name: Option<String>,
    /// An e-mail address; empty removes it.
    pub email: Option<String>,
    /// `en` or `zh-CN`.
    pub language: Option<String>,
}

/// Changes one's own password.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangePasswordRequest {
    /// The password now.
    #[schema(format = Password)]
    pub current: String,
    /// The password from now on.
    #[schema(format = Password)]
    pub new: String,
}

/// Asks how strong a password is.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PasswordStrengthRequest {
    /// The password.
    #[schema(format = Password)]
    pub password: String,
    /// Words that it should not contain, such as the user's name.
    #[serde(default)]
    pub user_inputs: Vec<String>,
}

/// How strong a password is.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct PasswordStrength {
    /// From 0 (guessed at once) to 4 (very strong).
    pub score: u8,
    /// Whether it may be used.
    pub acceptable: bool,
    /// What makes it weak, where it may not be used, and after that what would make it better.
    pub reasons: Vec<PasswordAdvice>,
}

/// A weakness of a password, or a way to a better one.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct PasswordAdvice {
    /// The stable code, such as `too_short` or `add_words`.
    pub code: String,
    /// The number that it is about, such as the least length, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
    /// The same as a sentence.
    pub detail: String,
}

/// A browser session.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct SessionEntry {
    /// The session's id.
    pub id: String,
    /// What the browser called itself.
    pub user_agent: String,
    /// Where it last came from.
    pub address: String,
    /// When it was opened.
    pub created_at_ms: i64,
    /// When it was last used.
    pub last_seen_ms: i64,
    /// When it ends at the latest.
    pub expires_at_ms: i64,
    /// Whether it is the session that asks.
    pub current: bool,
}

/// How many sessions were ended.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct RevokedSessions {
    /// Their number.
    pub revoked: u64,
}

/// A new second factor that waits for its first code.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct TotpEnrolment {
    /// The secret, in base 32.
    pub secret: String,
    /// The address for a QR code.
    pub otpauth_url: String,
}

/// Confirms a new second factor.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConfirmTotpRequest {
    /// The first one-time code.
    pub code: String,
}

/// Codes that each replace the second factor once.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct RecoveryCodes {
    /// Shown once.
    pub recovery_codes: Vec<String>,
}
