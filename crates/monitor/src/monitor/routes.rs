//! The routing tree and the log of notifications, for people.

use std::collections::BTreeMap;

use yunhai_database::Transaction;
use yunhai_model::{Labels, Page, PageRequest, is_valid_label_name};

use super::{Monitor, check};
use crate::dispatch::{DispatchInput, Muting, mutings_of};
use crate::error::{Error, Result};
use crate::routing::{Destination, Route};
use crate::store::{OutboxEntry, OutboxFilter, settings};
use crate::version::Expected;

/// Where an alert with some labels would go now.
#[derive(Clone, Debug, PartialEq)]
pub struct RoutePreview {
    /// The routes that it would take, in the order of the tree.
    pub destinations: Vec<Destination>,
    /// What would keep it from being told, each with what people call it: the silence's comment,
    /// the window's name, the name of the alert that inhibits.
    pub muted_by: Vec<(Muting, String)>,
}

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

    /// Replaces the routing tree, or tells all its faults; returns what it was.
    pub async fn put_route(&self, transaction: &mut Transaction, route: &Route) -> Result<Route> {
        self.replace_route(transaction, route, &Expected::Anything)
            .await
    }

    /// Replaces the routing tree like [`Self::put_route`] while it is what was expected.
    pub async fn replace_route(
        &self,
        transaction: &mut Transaction,
        route: &Route,
        expected: &Expected,
    ) -> Result<Route> {
        let store = &self.0.store;
        let connection = transaction.connection().await?;
        let before: Option<Route> = store.hold_setting(connection, settings::ROUTE).await?;
        let mut faults = route.faults();
        let known = store.channels(connection).await?;
        for id in route.channels() {
            if !known.iter().any(|channel| channel.id == id) {
                faults.push(format!("channels: there is no channel `{id}`"));
            }
        }
        check("routes", faults)?;
        if *expected == Expected::Anything {
            store
                .put_setting(connection, settings::ROUTE, route)
                .await?;
        } else {
            // Before it was ever set there is the empty tree, which has a version too.
            let version = before.clone().unwrap_or_default().version();
            if !expected.allows(Some(&version))
                || !store
                    .replace_setting(connection, settings::ROUTE, before.as_ref(), route)
                    .await?
            {
                return Err(Error::ChangedMeanwhile { what: "routes" });
            }
        }
        self.announce_settings(transaction, "route");
        Ok(before.unwrap_or_default())
    }

    /// Where an alert with these labels would go now, and what would keep it from being told.
    pub async fn preview_route(&self, labels: &Labels) -> Result<RoutePreview> {
        let faults = labels
            .iter()
            .filter(|(name, _)| !is_valid_label_name(name))
            .map(|(name, _)| format!("labels: `{name}` is not a label name"));
        check("labels", faults.collect())?;
        let store = &self.0.store;
        let connection = store.database().connection();
        let now_ms = self.now_ms();
        let route = self.route().await?;
        let alerts = store.unsettled_alerts(connection).await?;
        let silences = store.current_silences(connection, now_ms).await?;
        let windows = store.windows(connection).await?;
        let inhibitions = store.inhibitions(connection).await?;
        let mutings = mutings_of(
            labels,
            &DispatchInput {
                alerts: &alerts,
                groups: &BTreeMap::new(),
                route: &route,
                silences: &silences,
                windows: &windows,
                inhibitions: &inhibitions,
                channels: &BTreeMap::new(),
                external_url: &self.0.config.external_url,
                now_ms,
                waits: true,
            },
        );
        let name_of = |muting: &Muting| match muting {
            Muting::Silence(id) => silences
                .iter()
                .find(|silence| silence.id.to_string() == *id)
                .map(|silence| silence.comment.clone()),
            Muting::Maintenance(id) => windows
                .iter()
                .find(|window| window.id.to_string() == *id)
                .map(|window| window.settings.name.clone()),
            Muting::Inhibition(id) => alerts
                .iter()
                .find(|alert| alert.id.to_string() == *id)
                .map(|alert| alert.name().to_owned()),
        };
        Ok(RoutePreview {
            destinations: route.destinations(labels),
            muted_by: mutings
                .into_iter()
                .map(|muting| {
                    let name = name_of(&muting).unwrap_or_default();
                    (muting, name)
                })
                .collect(),
        })
    }
}
