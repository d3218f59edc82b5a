//! Revoking tokens: with one goes what was made with it. Whoever took it could have made others.

use sea_orm::{
    ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
};
use yunhai_model::{TokenId, UserId};

use super::ApiToken;
use crate::entity::api_token;
use crate::{Action, AuditEvent, Caller, Error, Identity, Result, Target, TargetKind};

impl Identity {
    /// Revokes a token and all that were made with it, with those, and so on; `of` limits it to those
    /// of one user.
    pub async fn revoke_token(
        &self,
        caller: &Caller,
        id: TokenId,
        of: Option<UserId>,
    ) -> Result<()> {
        let transaction = self.database.begin().await?;
        let row = lock_token(&transaction, &id.to_string())
            .await?
            .filter(|row| of.is_none_or(|user_id| row.user_id == user_id.to_string()))
            .ok_or_else(|| Error::not_found("token", id))?;
        let made = made_with(&transaction, &row.id).await?;
        let ids = made.iter().map(|row| &row.id).chain([&row.id]);
        api_token::Entity::delete_many()
            .filter(api_token::Column::Id.is_in(ids))
            .exec(&transaction)
            .await?;
        // The last word in the log is on the one that was meant.
        for row in made {
            let event = revoked(row)?;
            self.audit().append(&transaction, caller, event).await?;
        }
        self.audit()
            .commit(transaction, caller, revoked(row)?)
            .await
    }
}

/// Finds a token and keeps others from making any with it, or revoking it, until the transaction
/// ends.
pub(super) async fn lock_token(
    transaction: &DatabaseTransaction,
    id: &str,
) -> Result<Option<api_token::Model>> {
    Ok(api_token::Entity::find_by_id(id)
        .lock_exclusive()
        .one(transaction)
        .await?)
}

/// Finds what was made with a token, directly or not, and locks it.
async fn made_with(transaction: &DatabaseTransaction, id: &str) -> Result<Vec<api_token::Model>> {
    let mut found: Vec<api_token::Model> = Vec::new();
    let mut makers = vec![id.to_owned()];
    while !makers.is_empty() {
        let made = api_token::Entity::find()
            .filter(api_token::Column::MadeBy.is_in(&makers))
            .order_by_asc(api_token::Column::Id)
            .lock_exclusive()
            .all(transaction)
            .await?;
        makers = made.iter().map(|row| row.id.clone()).collect();
        found.extend(made);
    }
    Ok(found)
}

fn revoked(row: api_token::Model) -> Result<AuditEvent> {
    let token = ApiToken::try_from(row)?;
    let target = Target::new(TargetKind::Token, token.id, &token.name);
    Ok(AuditEvent::new(Action::TokenRevoked, target).before(&token))
}
