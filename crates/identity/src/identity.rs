//! The door to this crate.

use std::sync::Arc;

use async_trait::async_trait;
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};
use yunhai_database::Database;
use yunhai_model::{Clock, TimestampMs};
use yunhai_vault::{Place, Resealer, SigningKey, StoreError, TokenHasher, Vault};

use crate::entity::{MIGRATIONS, setting, user};
use crate::password::PasswordHasher;
use crate::recent::RecentProofs;
use crate::{AuditLog, Error, IdentityConfig, Result};

const SIGNING_KEY: &str = "audit_signing_key";

/// Users, their proofs of identity, and the audit log; cheap to clone.
#[derive(Clone, Debug)]
pub struct Identity {
    pub(crate) database: Database,
    pub(crate) vault: Vault,
    pub(crate) hasher: TokenHasher,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) config: Arc<IdentityConfig>,
    pub(crate) passwords: PasswordHasher,
    pub(crate) recent: RecentProofs,
    audit: AuditLog,
}

impl Identity {
    /// Brings the tables up to date and opens the audit log.
    pub async fn new(
        database: Database,
        vault: Vault,
        clock: Arc<dyn Clock>,
        config: IdentityConfig,
    ) -> Result<Self> {
        database.migrate(MIGRATIONS, &*clock).await?;
        let key = signing_key(&database, &vault).await?;
        let audit = AuditLog::open(
            database.clone(),
            Arc::clone(&clock),
            key,
            config.checkpoint_file.clone(),
            config.audit_checkpoint_entries,
        )
        .await?;
        Ok(Self {
            passwords: PasswordHasher::new(&config)?,
            recent: RecentProofs::default(),
            hasher: vault.token_hasher(),
            database,
            vault,
            clock,
            config: Arc::new(config),
            audit,
        })
    }

    /// Returns the audit log.
    pub fn audit(&self) -> &AuditLog {
        &self.audit
    }

    pub(crate) fn now_ms(&self) -> TimestampMs {
        self.clock.now_ms()
    }

    pub(crate) async fn setting(
        &self,
        connection: &impl ConnectionTrait,
        id: &str,
    ) -> Result<Option<String>> {
        Ok(setting::Entity::find_by_id(id)
            .one(connection)
            .await?
            .map(|row| row.content))
    }

    pub(crate) async fn put_setting(
        &self,
        connection: &impl ConnectionTrait,
        id: &str,
        content: String,
    ) -> Result<()> {
        let row = setting::ActiveModel {
            id: Set(id.to_owned()),
            content: Set(content),
        };
        setting::Entity::insert(row)
            .on_conflict(
                OnConflict::column(setting::Column::Id)
                    .update_column(setting::Column::Content)
                    .to_owned(),
            )
            .exec_without_returning(connection)
            .await?;
        Ok(())
    }
}

/// Opens the key that signs checkpoints, making it at the first start.
async fn signing_key(database: &Database, vault: &Vault) -> Result<SigningKey> {
    let fresh = SigningKey::generate();
    let row = setting::ActiveModel {
        id: Set(SIGNING_KEY.to_owned()),
        content: Set(fresh.seal(vault, &signing_key_place())),
    };
    // Of several servers that start at once, all take the key of the first.
    setting::Entity::insert(row)
        .on_conflict(
            OnConflict::column(setting::Column::Id)
                .do_nothing_on([setting::Column::Id])
                .to_owned(),
        )
        .exec_without_returning(database.connection())
        .await?;
    let row = setting::Entity::find_by_id(SIGNING_KEY)
        .one(database.connection())
        .await?
        .ok_or_else(|| Error::not_found("setting", SIGNING_KEY))?;
    Ok(SigningKey::open(vault, &signing_key_place(), &row.content)?)
}

fn signing_key_place() -> Place {
    Place::new("identity_settings", SIGNING_KEY, "content")
}

#[async_trait]
impl Resealer for Identity {
    fn domain(&self) -> &'static str {
        "identity"
    }

    async fn reseal(&self, vault: &Vault) -> Result<u64, StoreError> {
        let connection = self.database.connection();
        let mut count = 0;
        if let Some(sealed) = self.setting(connection, SIGNING_KEY).await?
            && let Some(fresh) = vault.reseal(&signing_key_place(), &sealed)?
        {
            self.put_setting(connection, SIGNING_KEY, fresh).await?;
            count += 1;
        }
        let users = user::Entity::find()
            .filter(user::Column::TotpSecret.is_not_null())
            .all(connection)
            .await?;
        for row in users {
            let Some(sealed) = row.totp_secret else {
                continue;
            };
            let Some(fresh) = vault.reseal(&crate::second_factor::place(&row.id), &sealed)? else {
                continue;
            };
            // Only what was read is replaced: the user may have set up a new factor meanwhile.
            let updated = user::Entity::update_many()
                .col_expr(user::Column::TotpSecret, Expr::value(fresh))
                .filter(user::Column::Id.eq(&row.id))
                .filter(user::Column::TotpSecret.eq(&sealed))
                .exec(connection)
                .await?;
            count += updated.rows_affected;
        }
        Ok(count)
    }
}
