//! A browser that is signed in.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "sessions")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    pub user_id: String,
    pub token_hash: String,
    pub previous_hash: Option<String>,
    pub previous_until_ms: i64,
    pub address: Option<String>,
    pub device: Option<String>,
    pub created_at_ms: i64,
    pub last_seen_at_ms: i64,
    pub authenticated_at_ms: i64,
    pub expires_at_ms: i64,
    pub rotate: bool,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
