//! Rows with sealed secrets, as they lie there.

use sea_orm::ConnectionTrait;
use sea_orm::sea_query::{Expr, ExprTrait, Query};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Channel, Store, decode, encode};
use crate::error::Result;
use crate::probe::Probe;

/// A value of which a part is sealed.
pub(crate) trait Sealed: Serialize + DeserializeOwned {
    /// Its table.
    const TABLE: &'static str;
    /// What it is, for errors.
    const WHAT: &'static str;

    /// Its key.
    fn key(&self) -> String;
}

impl Sealed for Channel {
    const TABLE: &'static str = "monitor_channel";
    const WHAT: &'static str = "channel";

    fn key(&self) -> String {
        self.id.to_string()
    }
}

impl Sealed for Probe {
    const TABLE: &'static str = "monitor_probe";
    const WHAT: &'static str = "probe";

    fn key(&self) -> String {
        self.id.to_string()
    }
}

impl Store {
    /// All channels, each with the text that is stored.
    pub(crate) async fn sealed_channels(&self) -> Result<Vec<(Channel, String)>> {
        self.sealed().await
    }

    /// All probes, each with the text that is stored.
    pub(crate) async fn sealed_probes(&self) -> Result<Vec<(Probe, String)>> {
        self.sealed().await
    }

    async fn sealed<T: Sealed>(&self) -> Result<Vec<(T, String)>> {
        let query = Query::select().column("body").from(T::TABLE).to_owned();
        let rows = self.database.connection().query_all(&query).await?;
        rows.iter()
            .map(|row| {
                let text: String = row.try_get("", "body")?;
                Ok((decode(&text, T::WHAT)?, text))
            })
            .collect()
    }

    /// Replaces a row if it is still what was read; tells whether it was.
    pub(crate) async fn replace_sealed<T: Sealed>(&self, value: &T, read: &str) -> Result<bool> {
        let update = Query::update()
            .table(T::TABLE)
            .value("body", encode(value))
            .and_where(Expr::col("id").eq(value.key()))
            .and_where(Expr::col("body").eq(read))
            .to_owned();
        let outcome = self.database.connection().execute(&update).await?;
        Ok(outcome.rows_affected() == 1)
    }
}
