//! API tokens.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// An API token, without its text.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ApiToken {
    /// The token's id.
    pub id: String,
    /// What it is for.
    pub name: String,
    /// Whose it is.
    pub user: String,
    /// What it may do.
    pub scopes: Vec<String>,
    /// When it was made.
    pub created_at_ms: i64,
    /// When it ends; unset: never.
    pub expires_at_ms: Option<i64>,
    /// When it was last used.
    pub last_used_ms: Option<i64>,
    /// The network address that it was last used from.
    pub last_used_address: Option<String>,
}

/// Makes a token.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateTokenRequest {
    /// What it is for.
    pub name: String,
    /// What it may do: permissions that you have yourself.
    pub scopes: Vec<String>,
    /// When it ends; unset: never.
    pub expires_at_ms: Option<i64>,
}

/// A new token, with the text that is shown once.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct CreatedToken {
    /// The token.
    #[serde(flatten)]
    pub entry: ApiToken,
    /// The text to send as `Authorization: Bearer`, shown once.
    pub token: String,
}
