//! Probes, their secrets sealed, and what people set for servers.

use std::collections::BTreeMap;

use sea_orm::sea_query::{Condition, Expr, ExprTrait, LockType, OnConflict, Order, Query};
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, Statement, Value as ColumnValue};
use yunhai_database::{Table, is_unique_violation};
use yunhai_model::ProbeId;

use super::rows::{self, Row};
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

impl Row for Probe {
    const TABLE: &'static str = "monitor_probe";
    const WHAT: &'static str = "probe";

    fn id(&self) -> String {
        self.id.to_string()
    }

    fn columns(&self) -> Vec<(&'static str, ColumnValue)> {
        vec![("name", self.settings.name.as_str().into())]
    }
}

impl Store {
    pub(crate) async fn probes(&self) -> Result<Vec<Probe>> {
        let query = rows::select::<Probe>()
            .order_by("id", Order::Asc)
            .to_owned();
        rows::read(self.database.connection(), &query).await
    }

    pub(crate) async fn hold_probe(
        &self,
        transaction: &DatabaseTransaction,
        id: ProbeId,
    ) -> Result<Probe> {
        rows::hold(transaction, id).await
    }

    pub(crate) async fn add_probe(
        &self,
        connection: &impl ConnectionTrait,
        probe: &Probe,
    ) -> Result<()> {
        named_once(probe, rows::insert(connection, probe).await)
    }

    pub(crate) async fn change_probe(
        &self,
        connection: &impl ConnectionTrait,
        probe: &Probe,
    ) -> Result<()> {
        let changed = rows::update(connection, probe, Condition::all()).await;
        named_once(probe, changed.map(drop))
    }

    pub(crate) async fn delete_probe(
        &self,
        connection: &impl ConnectionTrait,
        id: ProbeId,
    ) -> Result<()> {
        rows::delete::<Probe>(connection, id).await
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

/// Says in plain words that a name is taken.
fn named_once(probe: &Probe, outcome: Result<()>) -> Result<()> {
    match outcome {
        Err(Error::Database(yunhai_database::Error::Query(error)))
            if is_unique_violation(&error) =>
        {
            Err(Error::Conflict(format!(
                "there is a probe named `{}` already",
                probe.settings.name
            )))
        }
        other => other,
    }
}
