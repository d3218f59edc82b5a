//! Accounts and servers behind one door.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Instant;

use async_trait::async_trait;
use serde_json::Value;
use tokio::sync::watch;
use yunhai_cloud::{Account, AccountCheck, ErrorKind, Missing, PowerState, Provider};
use yunhai_database::Database;
use yunhai_model::{Clock, CloudAccountId, Secret, TimeSeries, TimestampMs, with_causes};
use yunhai_vault::Vault;

use crate::access;
use crate::account::{AccountSettings, AccountView, NewAccount, RoundReport};
use crate::error::{Error, Result};
use crate::round;
use crate::series;
use crate::server::{self, KnownServer, Owner};
use crate::store::{Body, Course, Store, StoredAccount, place};

/// How old the newest measurement is when it can be had: it is dated by the beginning of its period
/// of five minutes, or of one, and the provider needs two more to settle on it.
const BASIC_DELAY_SECS: u64 = 420;
const DETAILED_DELAY_SECS: u64 = 180;

/// How often a server's row is written though only the time of its last listing changed.
const LAST_SEEN_WRITTEN_MS: i64 = 3_600_000;

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
    async fn append(&self, series: Vec<TimeSeries>) -> Result<Stored, String>;
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
                Some(known) => Known {
                    asking: known.asking,
                    revision: known.revision + 1,
                    ..Known::new(account)
                },
                None => Known::new(account),
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
        // In a task of its own: whoever wants to know may go away, and what was paid for by then is
        // kept and counted all the same.
        let inventory = self.clone();
        let round = tokio::spawn(async move { inventory.ask_to_the_end(id).await });
        round.await.map_err(|_| Error::RoundEnded)?
    }

    async fn ask_to_the_end(&self, id: CloudAccountId) -> Result<RoundReport> {
        let asking = self.known(id)?.asking;
        let _asking = asking.lock().await;
        let known = self.known(id)?;
        let settings = &known.stored.body.settings;
        let now_ms = self.0.clock.now_ms();
        let started = Instant::now();
        let account = match self.opened(&known).await {
            Ok(account) => account,
            Err(error) => {
                let report = not_opened(settings, &error, now_ms);
                self.keep(id, known.stored.course.clone(), &report).await?;
                return Err(error);
            }
        };
        let regions = account.regions().await;
        let (regions, listed) = match regions {
            Ok(regions) => {
                let listed = account.servers().list(&regions).await;
                (Some(regions), listed)
            }
            Err(error) => (None, nothing_listed(settings, error)),
        };
        let servers = self
            .take_over(&known.stored, regions.as_deref(), &listed, now_ms)
            .await?;
        let sink = &*self.0.sink;
        let course = &known.stored.course;
        let measured = round::measure(&*account, settings, &servers, course, sink, now_ms).await;
        let mut usage = measured.usage;
        usage.calls += listed.calls;
        let mut course = known.stored.course.clone();
        course.budget = measured.budget;
        course.budget.calls += listed.calls;
        course.collected_until_ms = measured.collected_until_ms;
        let missing = listed.missing.into_iter().chain(measured.missing);
        let report = RoundReport {
            at_ms: now_ms,
            took_ms: started.elapsed().as_millis() as i64,
            servers: listed.servers.len() as u64,
            samples: measured.samples,
            missing: round::each_once(missing.collect()),
            usage,
            is_over_budget: measured.is_over_budget,
        };
        self.keep(id, course, &report).await?;
        Ok(report)
    }

    /// Brings what was listed together with what is known, and gives names to those that are new.
    ///
    /// That names are given out and kept under one lock is what keeps each of them single.
    async fn take_over(
        &self,
        stored: &StoredAccount,
        regions: Option<&[String]>,
        listed: &yunhai_cloud::Inventory,
        now_ms: TimestampMs,
    ) -> Result<Vec<KnownServer>> {
        let _changing = self.0.changing.lock().await;
        // Its name may have changed, and it may be gone, since the question was put.
        let settings = self.known(stored.id)?.stored.body.settings;
        let owner = Owner {
            id: stored.id,
            name: &settings.name,
            provider: settings.provider,
        };
        let (before, others): (Vec<KnownServer>, Vec<KnownServer>) = self
            .servers()
            .iter()
            .cloned()
            .partition(|server| server.account_id == stored.id);
        let taken = others.iter().map(|server| server.label.clone()).collect();
        let after = server::merge(&owner, before.clone(), regions, listed, &taken, now_ms);
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
        self.0.store.put_servers(&changed, &forgotten).await?;
        let all = others.into_iter().chain(after.iter().cloned()).collect();
        self.set_servers(all);
        Ok(after)
    }

    /// Keeps how an account fares, unless it was deleted meanwhile, and writes it down as series.
    async fn keep(
        &self,
        id: CloudAccountId,
        mut course: Course,
        report: &RoundReport,
    ) -> Result<()> {
        course.last_round = Some(report.clone());
        let _changing = self.0.changing.lock().await;
        let Ok(known) = self.known(id) else {
            return Ok(());
        };
        self.0.store.put_course(id, &course).await?;
        let settings = &known.stored.body.settings;
        let series = series::of_account(settings, report, &course.budget, report.at_ms);
        if let Err(said) = self.0.sink.append(series).await {
            tracing::warn!(
                account = settings.name,
                error = said,
                "cannot store how a cloud account fares"
            );
        }
        if let Some(known) = self.write_accounts().get_mut(&id) {
            known.stored.course = course;
        }
        self.0.generation.send_modify(|generation| *generation += 1);
        Ok(())
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
        let mut accounts = self.write_accounts();
        let before = accounts.get(&stored.id).cloned();
        let known = Known {
            opened: Arc::new(tokio::sync::OnceCell::new_with(Some(opened))),
            revision: before.as_ref().map_or(0, |known| known.revision + 1),
            asking: before.map(|known| known.asking).unwrap_or_default(),
            stored,
        };
        accounts.insert(known.stored.id, known);
        drop(accounts);
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

fn nothing_listed(
    settings: &AccountSettings,
    error: yunhai_cloud::Error,
) -> yunhai_cloud::Inventory {
    yunhai_cloud::Inventory {
        missing: vec![Missing {
            scope: settings.name.clone(),
            error,
        }],
        ..yunhai_cloud::Inventory::default()
    }
}

/// What is told of an account that could not even be opened.
fn not_opened(settings: &AccountSettings, error: &Error, now_ms: TimestampMs) -> RoundReport {
    let said = with_causes(error);
    let error = yunhai_cloud::Error::new(ErrorKind::Credentials, "open the account", said);
    RoundReport {
        at_ms: now_ms,
        missing: nothing_listed(settings, error).missing,
        ..RoundReport::default()
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
