//! Probes, their secrets sealed, and what people set for servers.

use std::collections::BTreeMap;

use sea_orm::sea_query::{Expr, ExprTrait, LockType, OnConflict, Order, Query};
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, ExecResult, Statement};
use yunhai_database::{Table, is_unique_violation};
use yunhai_model::ProbeId;

use super::{Store, body, encode};
use crate::error::{Error, Result};
use crate::probe::Probe;
use crate::servers::ServerSettings;

pub(super) fn tables(backend: DbBackend) -> Vec<Statement> {
    [
        Table::new("monitor_probe")
            .id("id")
            .string("name")
            .text("body")
            .primary_key(&["id"])
            .unique(&["name"]),
        Table::new("monitor_server")
            .string("name")
            .text("body")
            .primary_key(&["name"]),
    ]
    .iter()
    .flat_map(|table| table.statements(backend))
    .collect()
}

impl Store {
    pub(crate) async fn probes(&self) -> Result<Vec<Probe>> {
        let query = Query::select()
            .column("body")
            .from("monitor_probe")
            .order_by("id", Order::Asc)
            .to_owned();
        let rows = self.database.connection().query_all(&query).await?;
        rows.iter().map(|row| body(row, "probe")).collect()
    }

    /// Reads a probe for a change: nobody else changes it until the transaction ends.
    pub(crate) async fn hold_probe(
        &self,
        transaction: &DatabaseTransaction,
        id: ProbeId,
    ) -> Result<Probe> {
        let query = Query::select()
            .column("body")
            .from("monitor_probe")
            .and_where(Expr::col("id").eq(id.to_string()))
            .lock(LockType::Update)
            .to_owned();
        let row = transaction.query_one(&query).await?;
        let row = row.ok_or_else(|| not_found(id))?;
        body(&row, "probe")
    }

    pub(crate) async fn add_probe(
        &self,
        connection: &impl ConnectionTrait,
        probe: &Probe,
    ) -> Result<()> {
        let insert = Query::insert()
            .into_table("monitor_probe")
            .columns(["id", "name", "body"])
            .values_panic([
                probe.id.to_string().into(),
                probe.settings.name.as_str().into(),
                encode(probe).into(),
            ])
            .to_owned();
        named_once(probe, connection.execute(&insert).await)
    }

    pub(crate) async fn change_probe(
        &self,
        connection: &impl ConnectionTrait,
        probe: &Probe,
    ) -> Result<()> {
        let update = Query::update()
            .table("monitor_probe")
            .value("name", probe.settings.name.as_str())
            .value("body", encode(probe))
            .and_where(Expr::col("id").eq(probe.id.to_string()))
            .to_owned();
        named_once(probe, connection.execute(&update).await)
    }

    pub(crate) async fn delete_probe(
        &self,
        connection: &impl ConnectionTrait,
        id: ProbeId,
    ) -> Result<()> {
        let delete = Query::delete()
            .from_table("monitor_probe")
            .and_where(Expr::col("id").eq(id.to_string()))
            .to_owned();
        if connection.execute(&delete).await?.rows_affected() == 0 {
            return Err(not_found(id));
        }
        Ok(())
    }

    pub(crate) async fn server_settings(&self) -> Result<BTreeMap<String, ServerSettings>> {
        let query = Query::select()
            .columns(["name", "body"])
            .from("monitor_server")
            .to_owned();
        let rows = self.database.connection().query_all(&query).await?;
        rows.iter()
            .map(|row| Ok((row.try_get("", "name")?, body(row, "settings of a server")?)))
            .collect()
    }

    /// Reads what is set for a server for a change: nobody else changes it until the transaction ends.
    pub(crate) async fn hold_server_settings(
        &self,
        transaction: &DatabaseTransaction,
        name: &str,
    ) -> Result<ServerSettings> {
        let query = Query::select()
            .column("body")
            .from("monitor_server")
            .and_where(Expr::col("name").eq(name))
            .lock(LockType::Update)
            .to_owned();
        let row = transaction.query_one(&query).await?;
        row.map_or_else(
            || Ok(ServerSettings::default()),
            |row| body(&row, "settings of a server"),
        )
    }

    pub(crate) async fn put_server_settings(
        &self,
        connection: &impl ConnectionTrait,
        name: &str,
        settings: &ServerSettings,
    ) -> Result<()> {
        let insert = Query::insert()
            .into_table("monitor_server")
            .columns(["name", "body"])
            .values_panic([name.into(), encode(settings).into()])
            .on_conflict(OnConflict::column("name").update_column("body").to_owned())
            .to_owned();
        connection.execute(&insert).await?;
        Ok(())
    }
}

fn not_found(id: ProbeId) -> Error {
    Error::NotFound {
        what: "probe",
        id: id.to_string(),
    }
}

/// Says in plain words that a name is taken.
fn named_once(probe: &Probe, outcome: Result<ExecResult, DbErr>) -> Result<()> {
    match outcome {
        Ok(_) => Ok(()),
        Err(error) if is_unique_violation(&error) => Err(Error::Conflict(format!(
            "there is a probe named `{}` already",
            probe.settings.name
        ))),
        Err(error) => Err(error.into()),
    }
}
