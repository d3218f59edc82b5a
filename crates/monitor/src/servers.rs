//! What people set for servers: how often each is measured, and where it belongs.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use yunhai_database::{Database, Transaction};
use yunhai_model::TimestampMs;

use crate::error::{Error, Result};
use crate::store::Store;

/// The shortest and the longest interval of a server, in seconds.
pub const SERVER_INTERVAL_SECS: std::ops::RangeInclusive<u64> = 1..=86_400;

const MAX_TAGS: usize = 32;
const MAX_TEXT: usize = 191;

/// What people set for a server. What is `None` was not set: the configuration, or the server's
/// own measurements, say it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ServerSettings {
    /// How often its measurements come, in seconds.
    pub interval_secs: Option<u64>,
    /// The account that it belongs to.
    pub account: Option<String>,
    /// The region or site that it stands in.
    pub region: Option<String>,
    /// Its tags.
    pub tags: Option<BTreeMap<String, String>>,
    /// Until when it is forgotten what it sent, as it was removed.
    pub forgotten_at_ms: Option<TimestampMs>,
}

/// The settings of all servers, in memory and in the database. Cheap to clone.
#[derive(Clone)]
pub struct ServerDirectory(Arc<Inner>);

struct Inner {
    store: Store,
    settings: RwLock<Arc<BTreeMap<String, ServerSettings>>>,
    /// Held while what is known and what is stored are brought together.
    changing: Arc<tokio::sync::Mutex<()>>,
    generation: watch::Sender<u64>,
}

impl ServerDirectory {
    /// Reads the settings; the database is migrated with [`crate::MIGRATIONS`].
    pub async fn load(database: Database) -> Result<Self> {
        let store = Store::new(database);
        let settings = store.server_settings().await?;
        Ok(Self(Arc::new(Inner {
            store,
            settings: RwLock::new(Arc::new(settings)),
            changing: Arc::default(),
            generation: watch::Sender::new(0),
        })))
    }

    /// Returns the settings of all servers that have some, by name.
    pub fn all(&self) -> Arc<BTreeMap<String, ServerSettings>> {
        let settings = self.0.settings.read();
        Arc::clone(&settings.unwrap_or_else(PoisonError::into_inner))
    }

    /// Returns the settings of a server; the empty ones where it has none.
    pub fn get(&self, server: &str) -> ServerSettings {
        self.all().get(server).cloned().unwrap_or_default()
    }

    /// Follows the changes.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.0.generation.subscribe()
    }

    /// Changes what holds for a server from now on; returns what held before. `change` is given
    /// what is stored, which another server on this database may have changed a moment ago.
    pub async fn put(
        &self,
        transaction: &mut Transaction,
        server: &str,
        change: impl FnOnce(ServerSettings) -> ServerSettings,
    ) -> Result<ServerSettings> {
        transaction.hold(&self.0.changing).await;
        let store = &self.0.store;
        let connection = transaction.connection().await?;
        let before = store.hold_server_settings(connection, server).await?;
        let settings = change(before.clone());
        let faults = settings.faults(server);
        if !faults.is_empty() {
            return Err(Error::Invalid {
                what: "server",
                faults,
            });
        }
        store
            .put_server_settings(connection, server, &settings)
            .await?;
        let (directory, server) = (self.clone(), server.to_owned());
        transaction.after_commit(async move {
            let mut changed = BTreeMap::clone(&directory.all());
            changed.insert(server, settings);
            directory.replace(changed);
        });
        Ok(before)
    }

    /// Takes over what another server on this database has changed.
    pub async fn reload(&self) -> Result<()> {
        let _changing = self.0.changing.lock().await;
        let stored = self.0.store.server_settings().await?;
        if stored != *self.all() {
            self.replace(stored);
        }
        Ok(())
    }

    fn replace(&self, settings: BTreeMap<String, ServerSettings>) {
        let known = self.0.settings.write();
        *known.unwrap_or_else(PoisonError::into_inner) = Arc::new(settings);
        self.0.generation.send_modify(|generation| *generation += 1);
    }
}

impl std::fmt::Debug for ServerDirectory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("ServerDirectory").field(&self.all()).finish()
    }
}

impl ServerSettings {
    /// Tells everything that is wrong, `field: what`.
    fn faults(&self, server: &str) -> Vec<String> {
        let mut faults = Vec::new();
        let is_text = |text: &str| !text.trim().is_empty() && text.chars().count() <= MAX_TEXT;
        if !is_text(server) {
            faults.push("name: the server's name has more than 191 characters".to_owned());
        }
        if self
            .interval_secs
            .is_some_and(|secs| !SERVER_INTERVAL_SECS.contains(&secs))
        {
            faults.push("interval_secs: from 1 second to a day (86400)".to_owned());
        }
        for (field, text) in [("account", &self.account), ("region", &self.region)] {
            if text.as_ref().is_some_and(|text| !is_text(text)) {
                faults.push(format!("{field}: 1 to 191 characters"));
            }
        }
        if let Some(tags) = &self.tags {
            faults.extend(tag_faults(tags));
        }
        faults
    }
}

/// Tells what is wrong with tags. Each becomes a label, so two that become the same are a fault.
fn tag_faults(tags: &BTreeMap<String, String>) -> Vec<String> {
    let mut faults = Vec::new();
    if tags.len() > MAX_TAGS {
        faults.push("tags: at most 32".to_owned());
    }
    let mut labels = BTreeMap::new();
    for (name, value) in tags {
        let is_word =
            |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '/' | ':');
        if name.is_empty() || name.len() > 64 || !name.chars().all(is_word) {
            faults.push(format!(
                "tags: `{name}` is no name of a tag; use up to 64 letters, digits, _ - . / :"
            ));
        } else if value.trim().is_empty() || value.chars().count() > MAX_TEXT {
            faults.push(format!(
                "tags: the value of `{name}` needs 1 to 191 characters"
            ));
        } else if let Some(other) =
            labels.insert(yunhai_collector::host::tag_label(name), name.as_str())
        {
            faults.push(format!(
                "tags: `{other}` and `{name}` would become the same label"
            ));
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_is_named_with_its_field() {
        let tags = [("a-b", "1"), ("a_b", "2"), ("空", "3"), ("empty", " ")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()));
        let settings = ServerSettings {
            interval_secs: Some(0),
            region: Some(" ".to_owned()),
            tags: Some(tags.into()),
            ..ServerSettings::default()
        };
        let faults = settings.faults("db1");
        assert_eq!(faults.len(), 5, "{faults:?}");
        assert!(ServerSettings::default().faults("db1").is_empty());
    }
}
