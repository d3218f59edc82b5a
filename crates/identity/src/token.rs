//! API tokens: how programs prove whose they are.
//!
//! A token is `yh_`, 43 random characters, and 8 of a checksum, so that a mistyped one is known
//! without asking the database and scanners find leaked ones.

mod limit;
mod revocation;

use std::collections::BTreeSet;

use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter};
use serde::Serialize;
use sha2::{Digest, Sha256};
use yunhai_model::{
    Page, PageRequest, Secret, TimestampMs, TokenId, UserId, format_rfc3339, with_causes,
};
use yunhai_vault::random_token;

use crate::entity::{api_token, user};
use crate::listing::{Listing, of_user};
use crate::names::stored;
use crate::recent::Proof;
use crate::user::find;
use crate::{
    Action, AuditEvent, Caller, Error, Identity, Origin, Permission, Principal, Result, Target,
    TargetKind, UserState, Via,
};
use limit::make_room;
use revocation::lock_token;

const PREFIX: &str = "yh_";

/// How exactly the time of the last use is kept.
const USED_MS: i64 = 60_000;

/// How long a token holds unless its maker says otherwise.
const USUAL_LIFE_MS: i64 = 90 * 86_400_000;

/// When a token is to end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TokenEnd {
    /// After 90 days, or with the token that makes it where that ends sooner.
    #[default]
    Usual,
    /// At a time.
    At(TimestampMs),
    /// Only by being revoked.
    Never,
}

impl TokenEnd {
    /// Returns when a token ends that is made now. A token makes none that outlives it: whoever
    /// took it would have more than was given away.
    fn resolve(self, maker: &Via, now_ms: TimestampMs) -> Result<Option<TimestampMs>> {
        let usual_ms = now_ms + USUAL_LIFE_MS;
        match (self, maker) {
            (
                Self::Usual,
                Via::Token {
                    expires_at_ms: Some(latest_ms),
                    ..
                },
            ) => Ok(Some(usual_ms.min(*latest_ms))),
            (Self::Usual, _) => Ok(Some(usual_ms)),
            (Self::Never, Via::Token { .. }) => Err(Error::invalid(
                "expires_at_ms",
                "a token makes none without an end; choose an end, or sign in to make it",
            )),
            (Self::Never, _) => Ok(None),
            (Self::At(at_ms), _) if at_ms <= now_ms => Err(Error::invalid(
                "expires_at_ms",
                "choose a time in the future",
            )),
            (
                Self::At(at_ms),
                Via::Token {
                    expires_at_ms: Some(latest_ms),
                    ..
                },
            ) if at_ms > *latest_ms => Err(Error::invalid(
                "expires_at_ms",
                format!(
                    "a token makes none that outlives it, and this one ends at {}; choose an \
                     earlier time, or sign in to make it",
                    format_rfc3339(*latest_ms)
                ),
            )),
            (Self::At(at_ms), _) => Ok(Some(at_ms)),
        }
    }
}

/// A token to make.
#[derive(Clone, Debug)]
pub struct NewToken {
    /// What it is for.
    pub name: String,
    /// What it allows, of what its user may do.
    pub scopes: BTreeSet<Permission>,
    /// When it ends.
    pub end: TokenEnd,
}

/// A token as it is listed; the token itself is shown once and kept nowhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ApiToken {
    /// The token's id.
    pub id: TokenId,
    /// Whose it is.
    pub user_id: UserId,
    /// What it is for.
    pub name: String,
    /// What it allows, of what its user may do.
    pub scopes: BTreeSet<Permission>,
    /// When it was made.
    pub created_at_ms: TimestampMs,
    /// When it ends.
    pub expires_at_ms: Option<TimestampMs>,
    /// When it was used last, to the minute.
    pub last_used_at_ms: Option<TimestampMs>,
    /// From where it was used then.
    pub last_used_address: Option<String>,
    /// The token that it was made with, and is revoked with.
    pub made_by: Option<TokenId>,
}

impl TryFrom<api_token::Model> for ApiToken {
    type Error = Error;

    fn try_from(row: api_token::Model) -> Result<Self> {
        Ok(Self {
            id: stored("token id", &row.id)?,
            user_id: stored("user id", &row.user_id)?,
            scopes: serde_json::from_str(&row.scopes).map_err(|_| Error::UnknownValue {
                kind: "list of scopes",
                value: row.scopes.clone(),
            })?,
            made_by: row
                .made_by
                .map(|maker| stored("token id", &maker))
                .transpose()?,
            name: row.name,
            created_at_ms: row.created_at_ms,
            expires_at_ms: row.expires_at_ms,
            last_used_at_ms: row.last_used_at_ms,
            last_used_address: row.last_used_address,
        })
    }
}

fn checksum(body: &str) -> String {
    hex::encode(&Sha256::digest(body.as_bytes())[..4])
}

fn has_token_form(token: &str) -> bool {
    token
        .split_at_checked(token.len().saturating_sub(8))
        .is_some_and(|(body, sum)| body.starts_with(PREFIX) && checksum(body) == sum)
}

impl Identity {
    /// Makes a token for the principal. It can allow no more than the principal may do now, and one
    /// that a token makes ends no later than that token and is revoked with it.
    pub async fn create_token(
        &self,
        principal: &Principal,
        origin: &Origin,
        new: NewToken,
    ) -> Result<(ApiToken, Secret)> {
        for scope in &new.scopes {
            principal.require(*scope)?;
        }
        let caller = Caller::of(principal, origin);
        self.insert_token(&caller, principal.user.id, &principal.via, new)
            .await
    }

    /// Makes a token for a user on behalf of another caller, such as the command line on the
    /// server's machine. It can allow no more than the user's role.
    pub async fn create_token_for(
        &self,
        caller: &Caller,
        user_id: UserId,
        new: NewToken,
    ) -> Result<(ApiToken, Secret)> {
        let role = self.user(user_id).await?.role;
        if let Some(scope) = new
            .scopes
            .iter()
            .find(|scope| !role.permissions().contains(scope))
        {
            return Err(crate::Denied::Permission(*scope).into());
        }
        self.insert_token(caller, user_id, &Via::Local, new).await
    }

    async fn insert_token(
        &self,
        caller: &Caller,
        user_id: UserId,
        maker: &Via,
        new: NewToken,
    ) -> Result<(ApiToken, Secret)> {
        let name = new.name.trim();
        if name.is_empty() || name.chars().count() > 100 || name.chars().any(char::is_control) {
            return Err(Error::invalid(
                "name",
                "say in 1 to 100 characters what it is for",
            ));
        }
        if new.scopes.is_empty() {
            return Err(Error::invalid("scopes", "choose at least one"));
        }
        let now_ms = self.now_ms();
        let expires_at_ms = new.end.resolve(maker, now_ms)?;
        let body = format!("{PREFIX}{}", random_token().expose());
        let token = Secret::new(format!("{body}{}", checksum(&body)));
        let row = api_token::Model {
            id: TokenId::new().to_string(),
            user_id: user_id.to_string(),
            name: name.to_owned(),
            token_hash: self.hasher.hash("token", token.expose()),
            scopes: serde_json::to_string(&new.scopes).expect("scopes are texts"),
            created_at_ms: now_ms,
            expires_at_ms,
            last_used_at_ms: None,
            last_used_address: None,
            made_by: match maker {
                Via::Token { id, .. } => Some(id.to_string()),
                _ => None,
            },
        };
        let transaction = self.database.begin().await?;
        find(&transaction, user_id).await?;
        make_room(&transaction, &row.user_id, now_ms).await?;
        // What is made with a token that is being revoked would live on.
        if let Some(maker) = &row.made_by
            && lock_token(&transaction, maker).await?.is_none()
        {
            return Err(Error::Unauthenticated);
        }
        api_token::Entity::insert(row.clone().into_active_model())
            .exec_without_returning(&transaction)
            .await?;
        let listed = ApiToken::try_from(row)?;
        let event = AuditEvent::new(
            Action::TokenCreated,
            Target::new(TargetKind::Token, listed.id, name),
        )
        .after(&listed);
        self.audit().commit(transaction, caller, event).await?;
        Ok((listed, token))
    }

    /// Finds out whose token it is.
    pub async fn authenticate_token(&self, token: &Secret, origin: &Origin) -> Result<Principal> {
        if !has_token_form(token.expose()) {
            return Err(Error::Unauthenticated);
        }
        let hash = self.hasher.hash("token", token.expose());
        let (changes, now_ms) = (self.audit().changes(), self.now_ms());
        if let Some(proof) = self.recent.find(&hash, changes, now_ms) {
            return Ok(proof.principal);
        }
        let connection = self.database.connection();
        let row = api_token::Entity::find()
            .filter(api_token::Column::TokenHash.eq(&hash))
            .one(connection)
            .await?
            .ok_or(Error::Unauthenticated)?;
        let owner = user::Entity::find_by_id(&row.user_id)
            .one(connection)
            .await?
            .ok_or(Error::Unauthenticated)?;
        let is_over = row
            .expires_at_ms
            .is_some_and(|expires_at_ms| expires_at_ms <= now_ms);
        if is_over || owner.state != UserState::Active.as_str() {
            return Err(Error::Unauthenticated);
        }
        let is_stale = row
            .last_used_at_ms
            .is_none_or(|used_at_ms| now_ms - used_at_ms >= USED_MS);
        if is_stale {
            let address = origin.address.map(|address| address.to_string());
            let change = api_token::ActiveModel {
                id: Set(row.id.clone()),
                last_used_at_ms: Set(Some(now_ms)),
                last_used_address: Set(address),
                ..Default::default()
            };
            // A full disk must not keep anybody from looking.
            if let Err(error) = api_token::Entity::update(change).exec(connection).await {
                tracing::warn!(
                    error = with_causes(&error),
                    "cannot note when a token was used"
                );
            }
        }
        let token = ApiToken::try_from(row)?;
        let principal = Principal {
            user: owner.try_into()?,
            via: Via::Token {
                id: token.id,
                scopes: token.scopes,
                expires_at_ms: token.expires_at_ms,
            },
        };
        let proof = Proof {
            principal: principal.clone(),
            address: None,
            checked_at_ms: now_ms,
            expires_at_ms: token.expires_at_ms,
        };
        self.recent.keep(hash, changes, proof);
        Ok(principal)
    }

    /// Lists tokens, of one user or of all, sorted by `name`, `created`, `expires` or
    /// `last_used`. The request's text is looked for in the name.
    pub async fn tokens(
        &self,
        request: &PageRequest,
        of: Option<UserId>,
    ) -> Result<Page<ApiToken>> {
        use api_token::Column as C;
        let select = of_user(api_token::Entity::find(), C::UserId, of);
        let listing = Listing::<api_token::Entity> {
            searched: &[C::Name],
            fields: &[
                ("name", C::Name),
                ("created", C::CreatedAtMs),
                ("expires", C::ExpiresAtMs),
                ("last_used", C::LastUsedAtMs),
            ],
            default: "-created",
            tie: C::Id,
        };
        listing
            .page(
                self.database.connection(),
                select,
                request,
                ApiToken::try_from,
            )
            .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistyped_token_is_known_by_its_checksum() {
        let body = format!("{PREFIX}{}", random_token().expose());
        let token = format!("{body}{}", checksum(&body));
        assert!(has_token_form(&token));
        for wrong in [
            &token[1..],
            &body,
            "",
            "yh_",
            &token.to_uppercase(),
            "云海云海云海",
        ] {
            assert!(!has_token_form(wrong), "{wrong}");
        }
    }
}
