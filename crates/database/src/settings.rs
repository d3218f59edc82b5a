//! Settings that people change while the server runs: a value of JSON for each name.

use sea_orm::ConnectionTrait;
use sea_orm::sea_query::{Expr, ExprTrait, OnConflict, Query};
use serde::Serialize;
use serde::de::DeserializeOwned;
use yunhai_model::Clock;

use crate::{Database, Error, Migration, Result, Table};

const SETTINGS: &str = "settings";

/// Makes the table of settings.
pub const SETTINGS_MIGRATIONS: &[Migration] = &[Migration {
    domain: SETTINGS,
    version: 1,
    name: "make the table of settings",
    statements: |backend| {
        Table::new(SETTINGS)
            .string("name")
            .text("value")
            .integer("updated_at_ms")
            .primary_key(&["name"])
            .statements(backend)
    },
}];

impl Database {
    /// Returns a setting, or `None` where it was never set.
    ///
    /// # Errors
    ///
    /// Also when the stored value does not have the form that is asked for.
    pub async fn setting<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>> {
        let query = Query::select()
            .column("value")
            .from(SETTINGS)
            .and_where(Expr::col("name").eq(name))
            .take();
        let Some(row) = self.connection().query_one(&query).await? else {
            return Ok(None);
        };
        let text: String = row.try_get("", "value")?;
        serde_json::from_str(&text)
            .map(Some)
            .map_err(Error::setting(name))
    }

    /// Sets a setting.
    pub async fn set_setting<T: Serialize>(
        &self,
        name: &str,
        value: &T,
        clock: &dyn Clock,
    ) -> Result<()> {
        let text = serde_json::to_string(value).map_err(Error::setting(name))?;
        let upsert = Query::insert()
            .into_table(SETTINGS)
            .columns(["name", "value", "updated_at_ms"])
            .values_panic([name.into(), text.into(), clock.now_ms().into()])
            .on_conflict(
                OnConflict::column("name")
                    .update_columns(["value", "updated_at_ms"])
                    .to_owned(),
            )
            .take();
        self.connection().execute(&upsert).await?;
        Ok(())
    }
}
