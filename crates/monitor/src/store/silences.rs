//! Silences, maintenance windows and inhibitions: what keeps alerts from being told.

use sea_orm::sea_query::{Condition, Expr, ExprTrait};
use sea_orm::{ConnectionTrait, DatabaseTransaction, Value};
use yunhai_model::{InhibitionId, MaintenanceWindowId, Page, PageRequest, SilenceId, TimestampMs};

use super::rows::{self, Row};
use super::{Store, shortened};
use crate::error::Result;
use crate::inhibition::Inhibition;
use crate::maintenance::MaintenanceWindow;
use crate::silence::{Silence, SilenceFilter, SilenceState};

impl Row for Silence {
    const TABLE: &'static str = "monitor_silence";
    const WHAT: &'static str = "silence";
    const SORT_FIELDS: &'static [(&'static str, &'static str)] = &[
        ("starts_at", "starts_at"),
        ("ends_at", "ends_at"),
        ("author", "author"),
    ];
    const OWN_ORDER: &'static str = "-ends_at";

    fn id(&self) -> String {
        self.id.to_string()
    }

    fn columns(&self) -> Vec<(&'static str, Value)> {
        let mut search: Vec<_> = self.matchers.iter().map(ToString::to_string).collect();
        search.push(self.comment.clone());
        search.push(self.author.clone());
        vec![
            ("starts_at", self.starts_at_ms.into()),
            ("ends_at", self.ends_at_ms.into()),
            ("author", shortened(&self.author).into()),
            ("search", search.join("\n").to_lowercase().into()),
        ]
    }
}

impl Row for MaintenanceWindow {
    const TABLE: &'static str = "monitor_window";
    const WHAT: &'static str = "maintenance window";

    fn id(&self) -> String {
        self.id.to_string()
    }

    fn columns(&self) -> Vec<(&'static str, Value)> {
        Vec::new()
    }
}

impl Row for Inhibition {
    const TABLE: &'static str = "monitor_inhibition";
    const WHAT: &'static str = "inhibition";

    fn id(&self) -> String {
        self.id.to_string()
    }

    fn columns(&self) -> Vec<(&'static str, Value)> {
        Vec::new()
    }
}

impl Store {
    /// The silences that have not expired.
    pub(crate) async fn current_silences(
        &self,
        connection: &impl ConnectionTrait,
        now_ms: TimestampMs,
    ) -> Result<Vec<Silence>> {
        let query = rows::select::<Silence>()
            .and_where(Expr::col("ends_at").gt(now_ms))
            .to_owned();
        rows::read(connection, &query).await
    }

    /// One page of silences.
    pub(crate) async fn silences(
        &self,
        filter: &SilenceFilter,
        now_ms: TimestampMs,
        page: &PageRequest,
    ) -> Result<Page<Silence>> {
        let starts_at = || Expr::col("starts_at");
        let ends_at = || Expr::col("ends_at");
        let mut condition = Condition::all();
        if !filter.states.is_empty() {
            let mut any = Condition::any();
            for state in &filter.states {
                any = any.add(match state {
                    SilenceState::Pending => starts_at().gt(now_ms).and(ends_at().gt(now_ms)),
                    SilenceState::Active => starts_at().lte(now_ms).and(ends_at().gt(now_ms)),
                    SilenceState::Expired => ends_at().lte(now_ms),
                });
            }
            condition = condition.add(any);
        }
        if let Some(author) = &filter.author {
            condition = condition.add(Expr::col("author").eq(shortened(author)));
        }
        rows::page(self.database.connection(), condition, page).await
    }

    pub(crate) async fn silence(&self, id: SilenceId) -> Result<Silence> {
        rows::find(self.database.connection(), id).await
    }

    pub(crate) async fn hold_silence(
        &self,
        transaction: &DatabaseTransaction,
        id: SilenceId,
    ) -> Result<Silence> {
        rows::hold(transaction, id).await
    }

    pub(crate) async fn put_silence(
        &self,
        connection: &impl ConnectionTrait,
        silence: &Silence,
    ) -> Result<()> {
        rows::put(connection, silence).await
    }

    /// All maintenance windows, the oldest first.
    pub(crate) async fn windows(
        &self,
        connection: &impl ConnectionTrait,
    ) -> Result<Vec<MaintenanceWindow>> {
        all(connection).await
    }

    pub(crate) async fn window(&self, id: MaintenanceWindowId) -> Result<MaintenanceWindow> {
        rows::find(self.database.connection(), id).await
    }

    pub(crate) async fn hold_window(
        &self,
        transaction: &DatabaseTransaction,
        id: MaintenanceWindowId,
    ) -> Result<MaintenanceWindow> {
        rows::hold(transaction, id).await
    }

    pub(crate) async fn put_window(
        &self,
        connection: &impl ConnectionTrait,
        window: &MaintenanceWindow,
    ) -> Result<()> {
        rows::put(connection, window).await
    }

    pub(crate) async fn delete_window(
        &self,
        connection: &impl ConnectionTrait,
        id: MaintenanceWindowId,
    ) -> Result<()> {
        rows::delete::<MaintenanceWindow>(connection, id).await
    }

    /// All inhibitions, the oldest first.
    pub(crate) async fn inhibitions(
        &self,
        connection: &impl ConnectionTrait,
    ) -> Result<Vec<Inhibition>> {
        all(connection).await
    }

    pub(crate) async fn inhibition(&self, id: InhibitionId) -> Result<Inhibition> {
        rows::find(self.database.connection(), id).await
    }

    pub(crate) async fn hold_inhibition(
        &self,
        transaction: &DatabaseTransaction,
        id: InhibitionId,
    ) -> Result<Inhibition> {
        rows::hold(transaction, id).await
    }

    pub(crate) async fn put_inhibition(
        &self,
        connection: &impl ConnectionTrait,
        inhibition: &Inhibition,
    ) -> Result<()> {
        rows::put(connection, inhibition).await
    }

    pub(crate) async fn delete_inhibition(
        &self,
        connection: &impl ConnectionTrait,
        id: InhibitionId,
    ) -> Result<()> {
        rows::delete::<Inhibition>(connection, id).await
    }
}

async fn all<T: Row>(connection: &impl ConnectionTrait) -> Result<Vec<T>> {
    let query = rows::select::<T>()
        .order_by("id", sea_orm::sea_query::Order::Asc)
        .to_owned();
    rows::read(connection, &query).await
}
