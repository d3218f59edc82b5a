//! Accounts and servers behind one door.

mod asking;
mod carrying_out;
mod changes;
mod orders;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError, RwLock};

use async_trait::async_trait;
use tokio::sync::{Notify, broadcast, watch};
use yunhai_cloud::{Account, PowerState, Provider};
use yunhai_database::{Database, Transaction};
use yunhai_model::{Clock, CloudAccountId, CloudOrderId, Labels, Secret, TimeSeries, TimestampMs};
use yunhai_vault::Vault;

use crate::account::{AccountSettings, AccountView};
use crate::error::{Error, Result};
use crate::order::Order;
use crate::server::KnownServer;
use crate::store::{Store, StoredAccount, place};

/// How old the newest measurement is when it can be had: it is dated by the beginning of its period
/// of five minutes, or of one, and the provider needs two more to settle on it.
const BASIC_DELAY_SECS: u64 = 420;
const DETAILED_DELAY_SECS: u64 = 180;

/// Opens accounts. The server wires the providers' crates in.
#[async_trait]
pub trait Opener: Send + Sync {
    /// The names of the fields of a provider's access that are secret.
    fn secret_fields(&self, provider: Provider) -> &'static [&'static str];

    /// Opens an account by what people entered; the faults are each `field: what`.
    async fn open(
        &self,
        provider: Provider,
        access: &Secret,
    ) -> Result<Arc<dyn Account>, Vec<String>>;
}

/// Takes what was measured, and knows what else is. The server wires the series store in.
#[async_trait]
pub trait SampleSink: Send + Sync {
    /// Stores samples; the error says why it could not.
    async fn append(&self, series: Vec<TimeSeries>) -> Result<Stored, String>;

    /// Ends the series of servers and accounts that were known by these labels and go by them no
    /// longer: their silence is no failure.
    async fn end(&self, known_by: Vec<Labels>, at_ms: TimestampMs) -> Result<(), String>;

    /// Returns the names of machines of a provider that agents run on, by the ids in small letters that
    /// the provider may list them under.
    async fn agents(&self, _: Provider) -> Result<BTreeMap<String, String>, String> {
        Ok(BTreeMap::new())
    }

    /// Returns the labels `server` of everything that is measured otherwise than by a cloud.
    fn other_servers(&self, now_ms: TimestampMs) -> Result<BTreeSet<String>, String>;
}

/// Records what became of orders. The server wires the audit log in.
#[async_trait]
pub trait OrderLog: Send + Sync {
    /// Records the end of an order in the transaction that ends it, and commits.
    async fn commit_end(&self, transaction: Transaction, order: &Order) -> Result<(), String>;
}

/// What became of samples.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stored {
    /// How many are new.
    pub accepted: u64,
    /// Why others were refused for good; that some were known already is no refusal.
    pub refusal: Option<String>,
}

/// What an inventory is built from.
pub struct InventoryParts {
    /// The state database, migrated with [`crate::MIGRATIONS`].
    pub database: Database,
    /// Opens accounts.
    pub opener: Arc<dyn Opener>,
    /// Takes what was measured.
    pub sink: Arc<dyn SampleSink>,
    /// Records what became of orders.
    pub order_log: Arc<dyn OrderLog>,
    /// Seals credentials.
    pub vault: Vault,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
}

/// All accounts and their servers. Cheap to clone.
#[derive(Clone)]
pub struct Inventory(Arc<Inner>);

struct Inner {
    database: Database,
    store: Store,
    opener: Arc<dyn Opener>,
    sink: Arc<dyn SampleSink>,
    order_log: Arc<dyn OrderLog>,
    vault: Vault,
    clock: Arc<dyn Clock>,
    accounts: RwLock<BTreeMap<CloudAccountId, Known>>,
    servers: RwLock<Arc<Vec<KnownServer>>>,
    /// Held while what is known and what is stored are brought together.
    changing: Arc<tokio::sync::Mutex<()>>,
    generation: watch::Sender<u64>,
    /// Wakes whoever carries orders out.
    order_placed: Notify,
    order_changes: broadcast::Sender<CloudOrderId>,
}

/// An account, and the open one once it was needed.
#[derive(Clone)]
struct Known {
    stored: StoredAccount,
    opened: Arc<tokio::sync::OnceCell<Arc<dyn Account>>>,
    /// Held during a round, so that there is never a second one of the same account.
    asking: Arc<tokio::sync::Mutex<()>>,
    /// How often it was changed since this process knows it.
    revision: u64,
}

/// An account that is to be asked.
pub(crate) struct Wanted {
    pub(crate) id: CloudAccountId,
    pub(crate) settings: AccountSettings,
    pub(crate) revision: u64,
    pub(crate) asked_at_ms: Option<TimestampMs>,
}

impl Known {
    fn new(stored: StoredAccount) -> Self {
        Self {
            stored,
            opened: Arc::default(),
            asking: Arc::default(),
            revision: 0,
        }
    }
}

impl Inventory {
    /// Reads the accounts; nothing is asked yet.
    pub async fn load(parts: InventoryParts) -> Result<Self> {
        let store = Store::new(parts.database.clone());
        let inventory = Self(Arc::new(Inner {
            database: parts.database,
            store,
            opener: parts.opener,
            sink: parts.sink,
            order_log: parts.order_log,
            vault: parts.vault,
            clock: parts.clock,
            accounts: RwLock::default(),
            servers: RwLock::default(),
            changing: Arc::default(),
            generation: watch::Sender::new(0),
            order_placed: Notify::new(),
            order_changes: broadcast::Sender::new(256),
        }));
        inventory.reload().await?;
        Ok(inventory)
    }

    /// Takes over what another server on the same database has changed.
    pub async fn reload(&self) -> Result<()> {
        self.reload_accounts().await?;
        let _changing = self.0.changing.lock().await;
        self.set_servers(self.0.store.servers().await?);
        Ok(())
    }

    /// Takes over accounts only: whoever asks them knows their servers best.
    pub(crate) async fn reload_accounts(&self) -> Result<()> {
        let _changing = self.0.changing.lock().await;
        let stored = self.0.store.accounts().await?;
        let deleted = self.replace_accounts(stored);
        for known in deleted.into_values() {
            self.forget(&known.stored).await;
        }
        Ok(())
    }

    /// Takes over what is stored; returns the accounts that are no longer.
    fn replace_accounts(&self, stored: Vec<StoredAccount>) -> BTreeMap<CloudAccountId, Known> {
        let mut accounts = self.write_accounts();
        let mut before = std::mem::take(&mut *accounts);
        for account in stored {
            let known = match before.remove(&account.id) {
                Some(mut known)
                    if known.stored.body == account.body
                        && known.stored.sealed_access == account.sealed_access =>
                {
                    known.stored.course = account.course;
                    known
                }
                Some(known) => Known {
                    asking: known.asking,
                    revision: known.revision + 1,
                    ..Known::new(account)
                },
                None => Known::new(account),
            };
            accounts.insert(known.stored.id, known);
        }
        before
    }

    /// Returns all accounts, by name.
    pub fn accounts(&self) -> Vec<AccountView> {
        let now_ms = self.0.clock.now_ms();
        let accounts = self.read_accounts();
        let mut views: Vec<AccountView> = accounts
            .values()
            .map(|known| view(&known.stored, now_ms))
            .collect();
        views.sort_by(|a, b| a.settings.name.cmp(&b.settings.name));
        views
    }

    /// Returns an account.
    pub fn account(&self, id: CloudAccountId) -> Result<AccountView> {
        Ok(view(&self.known(id)?.stored, self.0.clock.now_ms()))
    }

    /// Returns the servers of all accounts, by label; those that are gone for a week at most too.
    pub fn servers(&self) -> Arc<Vec<KnownServer>> {
        let servers = self.0.servers.read();
        Arc::clone(&servers.unwrap_or_else(PoisonError::into_inner))
    }

    /// Returns how often a server's measurements come, and how old each is by then, in seconds.
    pub fn rhythm_secs(&self, label: &str) -> Option<(u64, u64)> {
        let (id, is_each_minute) = self.server(label, |server| {
            (server.account_id, server.details.is_measured_each_minute)
        })?;
        let accounts = self.read_accounts();
        let interval_secs = accounts.get(&id)?.stored.body.settings.interval_secs;
        let delay_secs = if is_each_minute {
            DETAILED_DELAY_SECS
        } else {
            BASIC_DELAY_SECS
        };
        Some((interval_secs, delay_secs))
    }

    /// Returns until when what was measured of a server is no longer of interest: it is off, or
    /// nobody asks about it.
    pub fn silent_until_ms(&self, label: &str) -> Option<TimestampMs> {
        let (id, off_at_ms) = self.server(label, |server| {
            let is_off = matches!(
                server.details.state,
                PowerState::Stopped
                    | PowerState::StoppedBilled
                    | PowerState::Deleting
                    | PowerState::Deleted
            );
            let off_at_ms = server.gone_at_ms.unwrap_or(server.last_seen_ms);
            (server.account_id, is_off.then_some(off_at_ms))
        })?;
        let accounts = self.read_accounts();
        let stored = &accounts.get(&id)?.stored;
        let last = stored.course.last_round.as_ref();
        let unasked_at_ms = last
            .filter(|round| stored.body.settings.is_paused || round.is_over_budget)
            .map(|round| round.at_ms);
        off_at_ms.max(unasked_at_ms)
    }

    fn server<T>(&self, label: &str, take: impl FnOnce(&KnownServer) -> T) -> Option<T> {
        let servers = self.servers();
        let at = servers
            .binary_search_by(|server| server.label.as_str().cmp(label))
            .ok()?;
        Some(take(&servers[at]))
    }

    /// Follows the changes of accounts and servers.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.0.generation.subscribe()
    }

    /// The accounts that are not paused.
    pub(crate) fn wanted(&self) -> Vec<Wanted> {
        self.read_accounts()
            .values()
            .filter(|known| !known.stored.body.settings.is_paused)
            .map(|known| Wanted {
                id: known.stored.id,
                settings: known.stored.body.settings.clone(),
                revision: known.revision,
                asked_at_ms: known
                    .stored
                    .course
                    .last_round
                    .as_ref()
                    .map(|round| round.at_ms),
            })
            .collect()
    }

    pub(crate) fn now_ms(&self) -> TimestampMs {
        self.0.clock.now_ms()
    }

    async fn open(&self, provider: Provider, access: &Secret) -> Result<Arc<dyn Account>> {
        let opened = self.0.opener.open(provider, access).await;
        opened.map_err(Error::Invalid)
    }

    async fn opened(&self, known: &Known) -> Result<Arc<dyn Account>> {
        let opened = known
            .opened
            .get_or_try_init(|| async {
                let access = self.access(&known.stored).await?;
                self.open(known.stored.body.settings.provider, &access)
                    .await
            })
            .await?;
        Ok(Arc::clone(opened))
    }

    async fn access(&self, stored: &StoredAccount) -> Result<Secret> {
        let opened = self
            .0
            .vault
            .open_latest(&place(stored.id), &stored.sealed_access)
            .await;
        opened.map_err(|source| Error::Sealed {
            account: stored.body.settings.name.clone(),
            source,
        })
    }

    /// Ends series that nothing is written to any more. Where that fails they look like silence.
    async fn end(&self, known_by: Vec<Labels>) {
        if known_by.is_empty() {
            return;
        }
        if let Err(said) = self.0.sink.end(known_by, self.now_ms()).await {
            tracing::warn!(
                error = said,
                "cannot end the series of cloud servers under their old labels"
            );
        }
    }

    fn moved_on(&self) {
        self.0.generation.send_modify(|generation| *generation += 1);
    }

    fn known(&self, id: CloudAccountId) -> Result<Known> {
        let found = self.read_accounts().get(&id).cloned();
        found.ok_or_else(|| Error::NotFound(id.to_string()))
    }

    fn set_servers(&self, mut servers: Vec<KnownServer>) {
        servers.sort_by(|a, b| a.label.cmp(&b.label));
        let known = self.0.servers.write();
        *known.unwrap_or_else(PoisonError::into_inner) = Arc::new(servers);
        self.moved_on();
    }

    fn read_accounts(&self) -> std::sync::RwLockReadGuard<'_, BTreeMap<CloudAccountId, Known>> {
        let accounts = self.0.accounts.read();
        accounts.unwrap_or_else(PoisonError::into_inner)
    }

    fn write_accounts(&self) -> std::sync::RwLockWriteGuard<'_, BTreeMap<CloudAccountId, Known>> {
        let accounts = self.0.accounts.write();
        accounts.unwrap_or_else(PoisonError::into_inner)
    }
}

fn view(stored: &StoredAccount, now_ms: TimestampMs) -> AccountView {
    AccountView {
        id: stored.id,
        settings: stored.body.settings.clone(),
        access: stored.body.access.clone(),
        check: stored.body.check.clone(),
        last_round: stored.course.last_round.clone(),
        budget: stored.course.budget.clone().at(now_ms),
        created_at_ms: stored.body.created_at_ms,
        updated_at_ms: stored.body.updated_at_ms,
    }
}
