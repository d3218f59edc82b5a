//! Probes, their secrets sealed, and what people set for servers.

use std::collections::BTreeMap;

use sea_orm::sea_query::{Expr, ExprTrait, OnConflict, Order, Query};
use sea_orm::{ConnectionTrait, DbBackend, Statement};
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

    pub(crate) async fn put_probe(&self, probe: &Probe) -> Result<()> {
        // Not by ON CONFLICT: a name that is taken must not overwrite the probe that has it, as
        // MySQL, which knows no target of the conflict, would.
        let update = Query::update()
            .table("monitor_probe")
            .value("name", probe.settings.name.as_str())
            .value("body", encode(probe))
            .and_where(Expr::col("id").eq(probe.id.to_string()))
            .to_owned();
        let insert = Query::insert()
            .into_table("monitor_probe")
            .columns(["id", "name", "body"])
            .values_panic([
                probe.id.to_string().into(),
                probe.settings.name.as_str().into(),
                encode(probe).into(),
            ])
            .to_owned();
        let connection = self.database.connection();
        let exists = Query::select()
            .column("id")
            .from("monitor_probe")
            .and_where(Expr::col("id").eq(probe.id.to_string()))
            .to_owned();
        let outcome = if connection.query_one(&exists).await?.is_some() {
            connection.execute(&update).await
        } else {
            connection.execute(&insert).await
        };
        match outcome {
            Ok(_) => Ok(()),
            Err(error) if is_unique_violation(&error) => Err(Error::Conflict(format!(
                "there is a probe named `{}` already",
                probe.settings.name
            ))),
            Err(error) => Err(error.into()),
        }
    }

    pub(crate) async fn delete_probe(&self, id: ProbeId) -> Result<()> {
        let delete = Query::delete()
            .from_table("monitor_probe")
            .and_where(Expr::col("id").eq(id.to_string()))
            .to_owned();
        let connection = self.database.connection();
        if connection.execute(&delete).await?.rows_affected() == 0 {
            return Err(Error::NotFound {
                what: "probe",
                id: id.to_string(),
            });
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

    pub(crate) async fn put_server_settings(
        &self,
        name: &str,
        settings: &ServerSettings,
    ) -> Result<()> {
        let insert = Query::insert()
            .into_table("monitor_server")
            .columns(["name", "body"])
            .values_panic([name.into(), encode(settings).into()])
            .on_conflict(OnConflict::column("name").update_column("body").to_owned())
            .to_owned();
        self.database.connection().execute(&insert).await?;
        Ok(())
    }
}
