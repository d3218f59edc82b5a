//! Accounts and servers behind one door.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Instant;

use async_trait::async_trait;
use serde_json::Value;
use tokio::sync::watch;
use yunhai_cloud::{Account, AccountCheck, PowerState, Provider};
use yunhai_database::Database;
use yunhai_model::{Clock, CloudAccountId, Secret, TimeSeries, TimestampMs};
use yunhai_vault::Vault;

use crate::access;
use crate::account::{AccountSettings, AccountView, NewAccount, RoundReport};
use crate::error::{Error, Result};
use crate::round;
use crate::series;
use crate::server::KnownServer;
use crate::store::{Body, Course, Store, StoredAccount, place};

/// How often a server's row is written though only the time of its last listing changed.
const LAST_SEEN_WRITTEN_MS: i64 = 3_600_000;

/// How many series are handed over at once.
const SERIES_AT_ONCE: usize = 5_000;

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

/// Takes what was measured. The server wires the series store in.
#[async_trait]
pub trait SampleSink: Send + Sync {
    /// Stores samples; the error says why it could not.
    async fn append(&self, series: Vec<TimeSeries>) -> Result<(), String>;
}

/// What an inventory is built from.
pub struct InventoryParts {
    /// The state database, migrated with [`crate::MIGRATIONS`].
    pub database: Database,
    /// Opens accounts.
    pub opener: Arc<dyn Opener>,
    /// Takes what was measured.
    pub sink: Arc<dyn SampleSink>,
    /// Seals credentials.
    pub vault: Vault,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
}

/// All accounts and their servers. Cheap to clone.
#[derive(Clone)]
pub struct Inventory(Arc<Inner>);

struct Inner {
    store: Store,
    opener: Arc<dyn Opener>,
    sink: Arc<dyn SampleSink>,
    vault: Vault,
    clock: Arc<dyn Clock>,
    accounts: RwLock<BTreeMap<CloudAccountId, Known>>,
    servers: RwLock<Arc<Vec<KnownServer>>>,
    /// Held while what is known and what is stored are brought together.
    changing: tokio::sync::Mutex<()>,
    generation: watch::Sender<u64>,
}

/// An account, and the open one once it was needed.
#[derive(Clone)]
struct Known {
    stored: StoredAccount,
    opened: Arc<tokio::sync::OnceCell<Arc<dyn Account>>>,
    /// Held during a round, so that there is never a second one of the same account.
    asking: Arc<tokio::sync::Mutex<()>>,
}

impl Known {
    fn new(stored: StoredAccount) -> Self {
        Self {
            stored,
            opened: Arc::default(),
            asking: Arc::default(),
        }
    }
}

impl Inventory {
    /// Reads the accounts; nothing is asked yet.
    pub async fn load(parts: InventoryParts) -> Result<Self> {
        let store = Store::new(parts.database);
        let inventory = Self(Arc::new(Inner {
            store,
            opener: parts.opener,
            sink: parts.sink,
            vault: parts.vault,
            clock: parts.clock,
            accounts: RwLock::default(),
            servers: RwLock::default(),
            changing: tokio::sync::Mutex::default(),
            generation: watch::Sender::new(0),
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
                _ => Known::new(account),
            };
            accounts.insert(known.stored.id, known);
        }
        let ids: BTreeSet<CloudAccountId> = accounts.keys().copied().collect();
        drop(accounts);
        let servers = self.servers();
        if servers
            .iter()
            .any(|server| !ids.contains(&server.account_id))
        {
            let kept = servers.iter().filter(|s| ids.contains(&s.account_id));
            self.set_servers(kept.cloned().collect());
        }
        Ok(())
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

    /// Returns how often a server's account is asked, in seconds.
    pub fn interval_secs(&self, label: &str) -> Option<u64> {
        let id = self.server(label, |server| server.account_id)?;
        let accounts = self.read_accounts();
        Some(accounts.get(&id)?.stored.body.settings.interval_secs)
    }

    /// Returns when a server that is off was last seen to be so.
    pub fn off_at_ms(&self, label: &str) -> Option<TimestampMs> {
        self.server(label, |server| {
            let is_off = matches!(
                server.details.state,
                PowerState::Stopped
                    | PowerState::StoppedBilled
                    | PowerState::Deleting
                    | PowerState::Deleted
            );
            is_off.then_some(server.gone_at_ms.unwrap_or(server.last_seen_ms))
        })?
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

    /// Tries credentials without keeping anything; those of the account `id` where none are given.
    pub async fn try_out(
        &self,
        provider: Provider,
        access: Option<&Secret>,
        id: Option<CloudAccountId>,
    ) -> Result<AccountCheck> {
        let access = match (access, id) {
            (None, None) => return Err(access_is_missing()),
            (Some(access), None) => access.clone(),
            (access, Some(id)) => self.whole_access(&self.known(id)?.stored, access).await?,
        };
        let account = self.open(provider, &access).await?;
        Ok(account.check().await?)
    }

    /// Keeps an account whose credentials the provider knows; its first round comes soon.
    pub async fn add(&self, new: NewAccount) -> Result<AccountView> {
        let access = new.access.as_ref().ok_or_else(access_is_missing)?;
        let (check, opened) = self.checked(&new.settings, access).await?;
        let id = CloudAccountId::new();
        let stored = StoredAccount {
            id,
            sealed_access: self.0.vault.seal_secret(&place(id), access),
            body: Body {
                access: self.shown(&new.settings, access)?,
                settings: new.settings,
                check: Some(check),
                created_at_ms: self.0.clock.now_ms(),
            },
            course: Course::default(),
        };
        let _changing = self.0.changing.lock().await;
        self.0.store.add(&stored).await?;
        self.put(stored, opened);
        self.account(id)
    }

    /// Changes an account. Its provider stays; without credentials those it has stay too.
    pub async fn change(&self, id: CloudAccountId, new: NewAccount) -> Result<AccountView> {
        let before = self.known(id)?.stored;
        if new.settings.provider != before.body.settings.provider {
            return Err(Error::Invalid(vec![
                "provider: cannot be changed; make another account".to_owned(),
            ]));
        }
        let access = self.whole_access(&before, new.access.as_ref()).await?;
        // What is only paused, or asked less often, need not be reached for that.
        let (check, opened) = if new.access.is_some() {
            let (check, opened) = self.checked(&new.settings, &access).await?;
            (Some(check), opened)
        } else {
            refuse(new.settings.faults())?;
            let opened = self.open(new.settings.provider, &access).await?;
            (before.body.check.clone(), opened)
        };
        let _changing = self.0.changing.lock().await;
        let course = self.known(id)?.stored.course;
        let stored = StoredAccount {
            id,
            sealed_access: self.0.vault.seal_secret(&place(id), &access),
            body: Body {
                access: self.shown(&new.settings, &access)?,
                settings: new.settings,
                check,
                created_at_ms: before.body.created_at_ms,
            },
            course,
        };
        self.0.store.change(&stored).await?;
        self.put(stored, opened);
        self.account(id)
    }

    /// Deletes an account and forgets its servers. What was measured stays.
    pub async fn delete(&self, id: CloudAccountId) -> Result<()> {
        let _changing = self.0.changing.lock().await;
        self.0.store.delete(id).await?;
        self.write_accounts().remove(&id);
        let mut servers = Vec::clone(&self.servers());
        servers.retain(|server| server.account_id != id);
        self.set_servers(servers);
        Ok(())
    }

    /// Asks an account now, after the round that is under way.
    pub async fn ask(&self, id: CloudAccountId) -> Result<RoundReport> {
        let asking = self.known(id)?.asking;
        let _asking = asking.lock().await;
        let known = self.known(id)?;
        let account = self.opened(&known).await?;
        let (own, others): (Vec<KnownServer>, Vec<KnownServer>) = self
            .servers()
            .iter()
            .cloned()
            .partition(|server| server.account_id == id);
        let taken: BTreeSet<String> = others.into_iter().map(|server| server.label).collect();
        let now_ms = self.0.clock.now_ms();
        let started = Instant::now();
        let mut round = round::ask(&*account, &known.stored, own.clone(), &taken, now_ms).await;
        let mut measured = series::of_servers(round.metrics.series, &round.servers);
        measured.extend(series::of_account(
            &known.stored.body.settings,
            &round.report,
            &round.course.budget,
            now_ms,
        ));
        if let Err(said) = self.append(measured).await {
            // What could not be stored is asked for again.
            tracing::error!(
                account = known.stored.body.settings.name,
                error = said,
                "cannot store what a cloud measured"
            );
            round.course.collected_until_ms = known.stored.course.collected_until_ms.clone();
        }
        round.report.took_ms = started.elapsed().as_millis() as i64;
        round.course.last_round = Some(round.report.clone());
        self.keep(id, round.course, own, round.servers).await?;
        Ok(round.report)
    }

    async fn append(&self, mut series: Vec<TimeSeries>) -> Result<(), String> {
        while !series.is_empty() {
            let rest = series.split_off(series.len().min(SERIES_AT_ONCE));
            self.0.sink.append(series).await?;
            series = rest;
        }
        Ok(())
    }

    /// Keeps what a round brought, unless the account was deleted meanwhile.
    async fn keep(
        &self,
        id: CloudAccountId,
        course: Course,
        before: Vec<KnownServer>,
        after: Vec<KnownServer>,
    ) -> Result<()> {
        let _changing = self.0.changing.lock().await;
        if self.known(id).is_err() {
            return Ok(());
        }
        let labels: BTreeSet<&str> = after.iter().map(|server| server.label.as_str()).collect();
        let forgotten: Vec<String> = before
            .iter()
            .filter(|server| !labels.contains(server.label.as_str()))
            .map(|server| server.label.clone())
            .collect();
        let before: BTreeMap<&str, &KnownServer> = before
            .iter()
            .map(|server| (server.label.as_str(), server))
            .collect();
        let changed: Vec<KnownServer> = after
            .iter()
            .filter(|now| {
                before
                    .get(now.label.as_str())
                    .is_none_or(|before| is_worth_writing(before, now))
            })
            .cloned()
            .collect();
        self.0
            .store
            .put_round(id, &course, &changed, &forgotten)
            .await?;
        if let Some(known) = self.write_accounts().get_mut(&id) {
            known.stored.course = course;
        }
        let others = self.servers();
        let others = others.iter().filter(|server| server.account_id != id);
        let servers = others.cloned().chain(after).collect();
        self.set_servers(servers);
        Ok(())
    }

    /// The accounts that are not paused, and how often each is asked.
    pub(crate) fn wanted(&self) -> Vec<(CloudAccountId, AccountSettings)> {
        self.read_accounts()
            .values()
            .filter(|known| !known.stored.body.settings.is_paused)
            .map(|known| (known.stored.id, known.stored.body.settings.clone()))
            .collect()
    }

    async fn checked(
        &self,
        settings: &AccountSettings,
        access: &Secret,
    ) -> Result<(AccountCheck, Arc<dyn Account>)> {
        refuse(settings.faults())?;
        let account = self.open(settings.provider, access).await?;
        Ok((account.check().await?, account))
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

    /// What people entered, with the secrets that were there where they entered none.
    async fn whole_access(
        &self,
        stored: &StoredAccount,
        entered: Option<&Secret>,
    ) -> Result<Secret> {
        let before = self.access(stored).await?;
        let Some(entered) = entered else {
            return Ok(before);
        };
        let secret_fields = self.0.opener.secret_fields(stored.body.settings.provider);
        let whole = access::with_kept_secrets(
            access::parse(entered)?,
            &access::parse(&before)?,
            secret_fields,
        );
        Ok(Secret::new(whole.to_string()))
    }

    fn shown(&self, settings: &AccountSettings, access: &Secret) -> Result<Value> {
        let secret_fields = self.0.opener.secret_fields(settings.provider);
        Ok(access::shown(&access::parse(access)?, secret_fields))
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

    fn put(&self, stored: StoredAccount, opened: Arc<dyn Account>) {
        let known = Known::new(stored);
        let known = Known {
            opened: Arc::new(tokio::sync::OnceCell::new_with(Some(opened))),
            ..known
        };
        self.write_accounts().insert(known.stored.id, known);
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
        self.0.generation.send_modify(|generation| *generation += 1);
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
    }
}

fn is_worth_writing(before: &KnownServer, now: &KnownServer) -> bool {
    let hour = |server: &KnownServer| server.last_seen_ms.div_euclid(LAST_SEEN_WRITTEN_MS);
    let same = KnownServer {
        last_seen_ms: now.last_seen_ms,
        ..before.clone()
    };
    hour(before) != hour(now) || same != *now
}

fn refuse(faults: Vec<String>) -> Result<()> {
    if faults.is_empty() {
        Ok(())
    } else {
        Err(Error::Invalid(faults))
    }
}

fn access_is_missing() -> Error {
    Error::Invalid(vec!["access: credentials are missing".to_owned()])
}
