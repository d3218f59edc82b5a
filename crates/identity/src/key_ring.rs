//! Keeps the vault's key ring in the state database, so that all servers share it.

use async_trait::async_trait;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter};
use yunhai_database::{Database, is_unique_violation};
use yunhai_model::Clock;
use yunhai_vault::{KeyRingStore, StoreError, StoredKeyRing};

use crate::entity::{MIGRATIONS, key_ring};
use crate::{Error, Result};

const ID: &str = "default";

/// The key ring in the table `key_ring`.
#[derive(Clone, Debug)]
pub struct DatabaseKeyRing(Database);

impl DatabaseKeyRing {
    /// Makes the table when absent.
    pub async fn open(database: Database, clock: &dyn Clock) -> Result<Self> {
        database.migrate(MIGRATIONS, clock).await?;
        Ok(Self(database))
    }
}

#[async_trait]
impl KeyRingStore for DatabaseKeyRing {
    async fn load(&self) -> Result<Option<StoredKeyRing>, StoreError> {
        let row = key_ring::Entity::find_by_id(ID)
            .one(self.0.connection())
            .await?;
        Ok(row.map(|row| StoredKeyRing {
            text: row.content,
            revision: row.revision,
        }))
    }

    async fn save(&self, text: &str, previous: Option<i64>) -> Result<bool, StoreError> {
        let Some(previous) = previous else {
            let row = key_ring::Model {
                id: ID.to_owned(),
                content: text.to_owned(),
                revision: 1,
            };
            let inserted = key_ring::Entity::insert(row.into_active_model())
                .exec_without_returning(self.0.connection())
                .await;
            return match inserted {
                Ok(_) => Ok(true),
                Err(error) if is_unique_violation(&error) => Ok(false),
                Err(error) => Err(Error::from(error).into()),
            };
        };
        let updated = key_ring::Entity::update_many()
            .col_expr(key_ring::Column::Content, Expr::value(text))
            .col_expr(key_ring::Column::Revision, Expr::value(previous + 1))
            .filter(key_ring::Column::Id.eq(ID))
            .filter(key_ring::Column::Revision.eq(previous))
            .exec(self.0.connection())
            .await?;
        Ok(updated.rows_affected == 1)
    }
}
