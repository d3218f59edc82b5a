//! Alerts: one row per episode.

use sea_orm::sea_query::{Condition, Expr, ExprTrait, Order, Query};
use sea_orm::{ConnectionTrait, DatabaseTransaction, QueryResult, Value};
use serde::{Deserialize, Serialize};
use yunhai_model::{AlertId, Labels, Page, PageRequest, TimestampMs};

use super::rows::{self, Row};
use super::{Store, shortened};
use crate::alert::Alert;
use crate::error::{Error, Result};
use crate::state_machine::AlertState;

/// Which alerts are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AlertFilter {
    /// In one of these states; none for any.
    pub states: Vec<AlertState>,
    /// With this severity.
    pub severity: Option<String>,
    /// With this name.
    pub name: Option<String>,
    /// Of the group of rules that is stored under this name.
    pub group: Option<String>,
    /// Of this server.
    pub server: Option<String>,
    /// Begun at this time or later.
    pub from_ms: Option<TimestampMs>,
    /// Begun before this time.
    pub until_ms: Option<TimestampMs>,
    /// Ended after this time, or not at all.
    pub ended_after_ms: Option<TimestampMs>,
}

impl Row for Alert {
    const TABLE: &'static str = "monitor_alert";
    const WHAT: &'static str = "alert";
    const SORT_FIELDS: &'static [(&'static str, &'static str)] = &[
        ("active_since", "active_since"),
        ("fired_at", "fired_at"),
        ("ended_at", "ended_at"),
        ("name", "name"),
        ("severity", "severity"),
        ("server", "server"),
        ("state", "state"),
        ("urgency", "urgency"),
    ];
    const OWN_ORDER: &'static str = "-active_since";
    const BESIDE: &'static [&'static str] = &["version"];

    fn id(&self) -> String {
        self.id.to_string()
    }

    fn columns(&self) -> Vec<(&'static str, Value)> {
        let server = self.labels.get("server").unwrap_or_default();
        vec![
            ("rule_file", self.rule.file.as_str().into()),
            ("rule_group", self.rule.group.as_str().into()),
            ("name", shortened(self.name()).into()),
            ("fingerprint", self.fingerprint.as_str().into()),
            ("severity", shortened(self.severity()).into()),
            ("urgency", urgency(self).into()),
            ("server", shortened(server).into()),
            ("active_since", self.instance.active_since_ms.into()),
            ("state", self.instance.state.as_str().into()),
            ("fired_at", self.instance.fired_at_ms.into()),
            ("ended_at", self.instance.ended_at_ms.into()),
            ("search", search_text(&self.labels).into()),
            ("version", (self.version + 1).into()),
        ]
    }

    fn first_columns(&self) -> Vec<(&'static str, Value)> {
        vec![("is_settled", false.into())]
    }

    fn take_beside(&mut self, row: &QueryResult) -> Result<()> {
        // Rows of the first release have none.
        self.version = row.try_get::<Option<i64>>("", "version")?.unwrap_or(0);
        Ok(())
    }
}

/// By what a person on call sorts alerts: what fires before what someone has taken on, that before
/// what may yet pass, and the worse before the milder in each. All that has ended is alike.
fn urgency(alert: &Alert) -> i64 {
    let state = match alert.instance.state {
        AlertState::Firing => 3,
        AlertState::Acknowledged => 2,
        AlertState::Pending => 1,
        AlertState::Resolved => return 0,
    };
    let severity = match alert.severity() {
        "critical" => 3,
        "warning" => 2,
        "info" => 1,
        _ => 0,
    };
    4 * state + severity
}

/// How many alerts have not ended that are alike in state, severity and server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActiveAlerts {
    /// Whether they do not fire yet.
    pub is_pending: bool,
    /// Whether they fire and someone has taken them on.
    pub is_acknowledged: bool,
    /// Their severity; empty where they have none.
    pub severity: String,
    /// Their server; empty where they are about none.
    pub server: String,
    /// How many there are.
    pub number: u64,
}

impl Store {
    /// The alerts of one name in a group that the next evaluation has to follow: those that have
    /// not ended, and those that ended recently enough to count for flapping.
    pub(crate) async fn named_alerts(
        &self,
        connection: &impl ConnectionTrait,
        (file, group): (&str, &str),
        name: &str,
        ended_after_ms: TimestampMs,
    ) -> Result<Vec<Alert>> {
        let query = rows::select::<Alert>()
            .and_where(Expr::col("rule_file").eq(file))
            .and_where(Expr::col("rule_group").eq(group))
            .and_where(Expr::col("name").eq(shortened(name)))
            .cond_where(
                Condition::any()
                    .add(Expr::col("is_settled").eq(false))
                    .add(Expr::col("ended_at").gt(ended_after_ms)),
            )
            .order_by("id", Order::Asc)
            .to_owned();
        rows::read(connection, &query).await
    }

    /// The alerts of which something may have to be told.
    pub(crate) async fn unsettled_alerts(
        &self,
        connection: &impl ConnectionTrait,
    ) -> Result<Vec<Alert>> {
        let query = rows::select::<Alert>()
            .and_where(Expr::col("is_settled").eq(false))
            .and_where(Expr::col("state").ne(AlertState::Pending.as_str()))
            .order_by("id", Order::Asc)
            .to_owned();
        rows::read(connection, &query).await
    }

    /// The alerts that have not ended.
    pub(crate) async fn active_alerts(&self) -> Result<Vec<Alert>> {
        let query = rows::select::<Alert>()
            .and_where(Expr::col("ended_at").is_null())
            .to_owned();
        rows::read(self.database.connection(), &query).await
    }

    /// Counts the alerts that have not ended, without reading them.
    pub(crate) async fn count_active_alerts(&self) -> Result<Vec<ActiveAlerts>> {
        let query = Query::select()
            .columns(["state", "severity", "server"])
            .expr_as(Expr::col("id").count(), "number")
            .from("monitor_alert")
            .and_where(Expr::col("ended_at").is_null())
            .group_by_columns(["state", "severity", "server"])
            .to_owned();
        let rows = self.database.connection().query_all(&query).await?;
        rows.iter()
            .map(|row| {
                let text = |column| row.try_get::<String>("", column);
                let (state, number) = (text("state")?, row.try_get::<i64>("", "number")?);
                Ok(ActiveAlerts {
                    is_pending: state == AlertState::Pending.as_str(),
                    is_acknowledged: state == AlertState::Acknowledged.as_str(),
                    severity: text("severity")?,
                    server: text("server")?,
                    number: number.unsigned_abs(),
                })
            })
            .collect()
    }

    pub(crate) async fn alert(
        &self,
        connection: &impl ConnectionTrait,
        id: AlertId,
    ) -> Result<Alert> {
        rows::find(connection, id).await
    }

    /// Reads an alert for a change: nobody else changes it until the transaction ends.
    pub(crate) async fn hold_alert(
        &self,
        transaction: &DatabaseTransaction,
        id: AlertId,
    ) -> Result<Alert> {
        rows::hold(transaction, id).await
    }

    /// One page of alerts.
    pub(crate) async fn alerts(
        &self,
        filter: &AlertFilter,
        page: &PageRequest,
    ) -> Result<Page<Alert>> {
        let mut condition = Condition::all();
        if !filter.states.is_empty() {
            let states = filter.states.iter().map(|state| state.as_str());
            condition = condition.add(Expr::col("state").is_in(states));
        }
        for (column, value) in [
            ("severity", &filter.severity),
            ("name", &filter.name),
            ("rule_file", &filter.group),
            ("server", &filter.server),
        ] {
            if let Some(value) = value {
                condition = condition.add(Expr::col(column).eq(value.as_str()));
            }
        }
        if let Some(from_ms) = filter.from_ms {
            condition = condition.add(Expr::col("active_since").gte(from_ms));
        }
        if let Some(until_ms) = filter.until_ms {
            condition = condition.add(Expr::col("active_since").lt(until_ms));
        }
        if let Some(ended_after_ms) = filter.ended_after_ms {
            let ended_at = || Expr::col("ended_at");
            condition = condition.add(
                Condition::any()
                    .add(ended_at().is_null())
                    .add(ended_at().gt(ended_after_ms)),
            );
        }
        rows::page(self.database.connection(), condition, page).await
    }

    pub(crate) async fn insert_alert(
        &self,
        connection: &impl ConnectionTrait,
        alert: &Alert,
    ) -> Result<()> {
        rows::insert(connection, alert).await
    }

    /// Writes an alert again, unless another server has changed it since it was read.
    pub(crate) async fn update_alert(
        &self,
        connection: &impl ConnectionTrait,
        alert: &Alert,
    ) -> Result<()> {
        let version = Expr::col("version");
        let unchanged = if alert.version == 0 {
            version.clone().is_null().or(version.eq(0))
        } else {
            version.eq(alert.version)
        };
        if rows::update(connection, alert, Condition::all().add(unchanged)).await? {
            Ok(())
        } else {
            Err(Error::Raced(alert.id))
        }
    }

    pub(crate) async fn delete_alert(
        &self,
        connection: &impl ConnectionTrait,
        id: AlertId,
    ) -> Result<()> {
        for (table, column) in [("monitor_alert_event", "alert_id"), ("monitor_alert", "id")] {
            let delete = Query::delete()
                .from_table(table)
                .and_where(Expr::col(column).eq(id.to_string()))
                .to_owned();
            connection.execute(&delete).await?;
        }
        Ok(())
    }

    pub(crate) async fn settle_alerts(
        &self,
        connection: &impl ConnectionTrait,
        ids: &[AlertId],
    ) -> Result<()> {
        for ids in ids.chunks(500) {
            let update = Query::update()
                .table("monitor_alert")
                .value("is_settled", true)
                .and_where(Expr::col("id").is_in(ids.iter().map(ToString::to_string)))
                .to_owned();
            connection.execute(&update).await?;
        }
        Ok(())
    }
}

fn search_text(labels: &Labels) -> String {
    let pairs: Vec<_> = labels
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    pairs.join("\n").to_lowercase()
}
