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
    /// The id of the token that it was made with, where it was: when that is revoked, so is this.
    pub made_by: Option<String>,
}

/// Makes a token.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateTokenRequest {
    /// What it is for.
    pub name: String,
    /// What it may do: permissions that you have yourself.
    pub scopes: Vec<String>,
    /// When it ends. Left out: after 90 days. `null`: never, which takes a session. A token makes
    /// none that outlives it.
    #[serde(default, skip_serializing_if = "TokenEnd::is_usual")]
    #[schema(value_type = Option<i64>)]
    pub expires_at_ms: TokenEnd,
}

/// When a token is to end: a time, or `null` for never, or left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Option<i64>", into = "Option<i64>")]
pub enum TokenEnd {
    /// As usual: left out.
    #[default]
    Usual,
    /// At a time, in milliseconds since 1970 UTC.
    At(i64),
    /// Never: `null`.
    Never,
}

impl TokenEnd {
    fn is_usual(&self) -> bool {
        *self == Self::Usual
    }
}

impl From<Option<i64>> for TokenEnd {
    fn from(value: Option<i64>) -> Self {
        value.map_or(Self::Never, Self::At)
    }
}

impl From<TokenEnd> for Option<i64> {
    fn from(end: TokenEnd) -> Self {
        match end {
            TokenEnd::At(at_ms) => Some(at_ms),
            TokenEnd::Usual | TokenEnd::Never => None,
        }
    }
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
