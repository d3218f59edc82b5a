//! How many tokens a user has at most: so many that they can still be revoked at once, whatever
//! somebody who has stolen one makes with it.

use sea_orm::{ColumnTrait, DatabaseTransaction, EntityTrait, PaginatorTrait, QueryFilter};
use yunhai_model::TimestampMs;

use crate::entity::api_token;
use crate::{Error, Result};

/// Ended ones count, as they are found with their makers too.
const MOST: u64 = 1000;

/// Refuses a token that would be one too many; those that have ended go first.
pub(super) async fn make_room(
    transaction: &DatabaseTransaction,
    user_id: &str,
    now_ms: TimestampMs,
) -> Result<()> {
    let theirs = api_token::Entity::find().filter(api_token::Column::UserId.eq(user_id));
    if theirs.clone().count(transaction).await? < MOST {
        return Ok(());
    }
    // What was made with them has ended too, so that nothing loses its maker and lives on.
    api_token::Entity::delete_many()
        .filter(api_token::Column::UserId.eq(user_id))
        .filter(api_token::Column::ExpiresAtMs.lte(now_ms))
        .exec(transaction)
        .await?;
    if theirs.count(transaction).await? < MOST {
        return Ok(());
    }
    Err(Error::TooManyTokens { most: MOST })
}
