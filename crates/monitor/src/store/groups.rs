//! What is remembered of groups of alerts. A version guards each row against another server that
//! decides at the same time.

use std::collections::BTreeMap;

use sea_orm::ConnectionTrait;
use sea_orm::sea_query::{Expr, ExprTrait, Query};
use yunhai_database::is_unique_violation;

use super::{Store, body, encode};
use crate::dispatch::GroupState;
use crate::error::{Error, Result};

fn lost() -> Error {
    Error::Conflict("another server has told of these alerts at the same time".to_owned())
}

impl Store {
    pub(crate) async fn groups(
        &self,
        connection: &impl ConnectionTrait,
    ) -> Result<BTreeMap<String, GroupState>> {
        let query = Query::select()
            .column("body")
            .from("monitor_group")
            .to_owned();
        let rows = connection.query_all(&query).await?;
        let groups = rows
            .iter()
            .map(|row| body::<GroupState>(row, "alert group"));
        groups
            .map(|group| group.map(|group| (group.key.clone(), group)))
            .collect()
    }

    pub(crate) async fn put_group(
        &self,
        connection: &impl ConnectionTrait,
        group: &GroupState,
    ) -> Result<()> {
        let next = GroupState {
            version: group.version + 1,
            ..group.clone()
        };
        if group.version == 0 {
            let insert = Query::insert()
                .into_table("monitor_group")
                .columns(["key", "version", "body"])
                .values_panic([
                    next.key.as_str().into(),
                    next.version.into(),
                    encode(&next).into(),
                ])
                .to_owned();
            return match connection.execute(&insert).await {
                Ok(_) => Ok(()),
                Err(error) if is_unique_violation(&error) => Err(lost()),
                Err(error) => Err(error.into()),
            };
        }
        let update = Query::update()
            .table("monitor_group")
            .value("version", next.version)
            .value("body", encode(&next))
            .and_where(Expr::col("key").eq(group.key.as_str()))
            .and_where(Expr::col("version").eq(group.version))
            .to_owned();
        if connection.execute(&update).await?.rows_affected() == 1 {
            Ok(())
        } else {
            Err(lost())
        }
    }

    pub(crate) async fn delete_group(
        &self,
        connection: &impl ConnectionTrait,
        group: &GroupState,
    ) -> Result<()> {
        let delete = Query::delete()
            .from_table("monitor_group")
            .and_where(Expr::col("key").eq(group.key.as_str()))
            .and_where(Expr::col("version").eq(group.version))
            .to_owned();
        if connection.execute(&delete).await?.rows_affected() == 1 {
            Ok(())
        } else {
            Err(lost())
        }
    }
}
