//! The routing tree and the log of notifications, for people.

use yunhai_model::{Page, PageRequest};

use super::{Monitor, StateChange, check};
use crate::error::Result;
use crate::routing::Route;
use crate::store::{OutboxEntry, OutboxFilter, settings};

impl Monitor {
    /// One page of the notification log.
    pub async fn notifications(
        &self,
        filter: &OutboxFilter,
        page: &PageRequest,
    ) -> Result<Page<OutboxEntry>> {
        self.0.store.outbox(filter, page).await
    }

    /// The routing tree.
    pub async fn route(&self) -> Result<Route> {
        let store = &self.0.store;
        let route = store
            .setting(store.database().connection(), settings::ROUTE)
            .await?;
        Ok(route.unwrap_or_default())
    }

    /// Replaces the routing tree, or tells all its faults.
    pub async fn put_route(&self, route: &Route) -> Result<()> {
        let store = &self.0.store;
        let connection = store.database().connection();
        let mut faults = route.faults();
        let known = store.channels(connection).await?;
        for id in route.channels() {
            if !known.iter().any(|channel| channel.id == id) {
                faults.push(format!("channels: there is no channel `{id}`"));
            }
        }
        check("routes", faults)?;
        store
            .put_setting(connection, settings::ROUTE, route)
            .await?;
        self.announce(StateChange::Settings { what: "route" });
        Ok(())
    }
}
