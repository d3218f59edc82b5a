//! A house with accounts: a cloud that does as it is told, a clock that stands.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use yunhai_cloud::{
    Account, AccountCheck, CloudSeries, CloudServer, Collector, CreateCheck, Error, ErrorKind,
    Lifecycle, Metrics, MetricsQuery, MetricsRound, Missing, NewServer, Operation, OperationState,
    PowerState, Provider, ServerAction, ServerRef, Servers, Usage,
};
use yunhai_database::{Database, Transaction};
use yunhai_inventory::{
    AccountSettings, AccountView, Inventory, InventoryParts, MIGRATIONS, NewAccount, Opener,
    Result as Outcome, SampleSink, Stored,
};
use yunhai_model::{CloudAccountId, Labels, ManualClock, Sample, Secret, TimeSeries};
use yunhai_test_support::databases::{Engine, TestDatabase};
use yunhai_vault::{MemoryKeyRing, Vault};

/// When the tests begin: 2026-01-01.
pub(crate) const START_MS: i64 = 1_767_225_600_000;

pub(crate) const INTERVAL_MS: i64 = 300_000;

/// What the cloud answers.
#[derive(Default)]
pub(crate) struct Script {
    pub(crate) servers: Vec<CloudServer>,
    pub(crate) broken_regions: BTreeMap<String, ErrorKind>,
    /// From when to when was asked for which region.
    pub(crate) asked: Vec<(String, i64, i64)>,
    pub(crate) opened_with: Vec<Value>,
    pub(crate) cost_micro_usd: u64,
    /// How often servers were listed.
    pub(crate) lists: usize,
    /// How many lists were under way at once, now and at most.
    pub(crate) under_way: [usize; 2],
    /// What a list waits for, where there is one.
    pub(crate) gate: Option<Arc<Semaphore>>,
    /// Whether the next list panics.
    pub(crate) panics: bool,
}

#[derive(Clone, Default)]
pub(crate) struct Cloud(pub(crate) Arc<Mutex<Script>>);

impl Cloud {
    fn missing(&self, regions: &[String]) -> Vec<Missing> {
        let script = self.0.lock().unwrap();
        regions
            .iter()
            .filter_map(|region| {
                let kind = script.broken_regions.get(region)?;
                Some(Missing {
                    scope: region.clone(),
                    error: Error::new(*kind, format!("ask {region}"), "no"),
                })
            })
            .collect()
    }
}

#[async_trait]
impl Opener for Cloud {
    fn secret_fields(&self, _: Provider) -> &'static [&'static str] {
        &["secret"]
    }

    async fn open(&self, _: Provider, access: &Secret) -> Result<Arc<dyn Account>, Vec<String>> {
        let access: Value = serde_json::from_str(access.expose()).unwrap();
        if access["key"].as_str().is_none_or(str::is_empty) {
            return Err(vec!["key: is missing".to_owned()]);
        }
        let is_right = access["secret"] == "hunter2";
        self.0.lock().unwrap().opened_with.push(access);
        Ok(Arc::new(Opened {
            cloud: self.clone(),
            is_right,
        }))
    }
}

struct Opened {
    cloud: Cloud,
    is_right: bool,
}

#[async_trait]
impl Account for Opened {
    fn provider(&self) -> Provider {
        Provider::Aws
    }

    async fn check(&self) -> Result<AccountCheck, Error> {
        if !self.is_right {
            return Err(Error::new(
                ErrorKind::Credentials,
                "ask who you are",
                "wrong secret",
            ));
        }
        Ok(AccountCheck {
            identity: "user/yunhai".to_owned(),
            account: "123".to_owned(),
            regions: self.regions().await?,
            problems: Vec::new(),
        })
    }

    async fn regions(&self) -> Result<Vec<String>, Error> {
        Ok(["a", "b"].map(str::to_owned).to_vec())
    }

    fn servers(&self) -> &dyn Servers {
        self
    }

    fn metrics(&self) -> &dyn Metrics {
        self
    }

    fn lifecycle(&self) -> &dyn Lifecycle {
        self
    }
}

#[async_trait]
impl Servers for Opened {
    async fn list(&self, regions: &[String]) -> yunhai_cloud::Inventory {
        let (gate, panics) = {
            let mut script = self.cloud.0.lock().unwrap();
            script.lists += 1;
            let [now, most] = script.under_way;
            script.under_way = [now + 1, most.max(now + 1)];
            (script.gate.clone(), std::mem::take(&mut script.panics))
        };
        // Others get their turn meanwhile.
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
        if let Some(gate) = gate {
            gate.acquire().await.unwrap().forget();
        }
        self.cloud.0.lock().unwrap().under_way[0] -= 1;
        assert!(!panics, "as the test wants it");
        let missing = self.cloud.missing(regions);
        let script = self.cloud.0.lock().unwrap();
        let servers = script.servers.iter();
        yunhai_cloud::Inventory {
            servers: servers
                .filter(|server| !script.broken_regions.contains_key(&server.server.region))
                .cloned()
                .collect(),
            missing,
            calls: regions.len() as u64,
        }
    }
}

#[async_trait]
impl Metrics for Opened {
    async fn collect(&self, query: MetricsQuery<'_>, collector: &dyn Collector) -> MetricsRound {
        let regions: Vec<String> = query
            .servers
            .iter()
            .map(|s| s.server.region.clone())
            .collect();
        let cost_micro_usd = {
            let mut script = self.cloud.0.lock().unwrap();
            for region in &regions {
                script
                    .asked
                    .push((region.clone(), query.from_ms, query.until_ms));
            }
            query.servers.len() as u64 * script.cost_micro_usd
        };
        let usage = Usage {
            calls: 1,
            billed: query.servers.len() as u64,
            cost_micro_usd,
        };
        if !collector.may_spend(usage) {
            return MetricsRound {
                is_over_budget: true,
                unread: regions.into_iter().collect(),
                ..MetricsRound::default()
            };
        }
        let missing = self.cloud.missing(&regions);
        let answered = query.servers.iter().filter(|server| {
            missing
                .iter()
                .all(|missing| missing.scope != server.server.region)
        });
        let series = answered
            .map(|server| CloudSeries {
                server: server.server.clone(),
                metric: "server_cpu_utilization_ratio".to_owned(),
                labels: BTreeMap::new(),
                samples: vec![Sample {
                    timestamp_ms: query.until_ms - INTERVAL_MS,
                    value: 0.5,
                }],
            })
            .collect();
        collector.take(series).await;
        MetricsRound {
            unread: missing
                .iter()
                .map(|missing| missing.scope.clone())
                .collect(),
            missing,
            is_over_budget: false,
        }
    }

    fn delay_secs(&self, _: &CloudServer) -> u64 {
        420
    }
}

/// These tests change no servers.
#[async_trait]
impl Lifecycle for Opened {
    async fn check_create(&self, _: &NewServer) -> Result<CreateCheck, Error> {
        Err(unsupported())
    }

    async fn create(&self, _: &NewServer, _: &str) -> Result<Operation, Error> {
        Err(unsupported())
    }

    async fn act(&self, _: &ServerRef, _: ServerAction) -> Result<Operation, Error> {
        Err(unsupported())
    }

    async fn follow(&self, _: &Operation) -> Result<OperationState, Error> {
        Err(unsupported())
    }
}

fn unsupported() -> Error {
    Error::new(ErrorKind::Unsupported, "change servers", "not here")
}

/// Keeps what was measured.
#[derive(Clone, Default)]
pub(crate) struct Samples(pub(crate) Arc<Mutex<Kept>>);

#[derive(Default)]
pub(crate) struct Kept {
    pub(crate) series: Vec<TimeSeries>,
    pub(crate) failure: Option<String>,
    pub(crate) ended: Vec<Labels>,
    pub(crate) other_servers: BTreeSet<String>,
}

impl Samples {
    /// The series of a metric by the label `server`.
    pub(crate) fn of(&self, metric: &str, label: &str) -> Vec<String> {
        let kept = self.0.lock().unwrap();
        let mut found: Vec<String> = kept
            .series
            .iter()
            .filter(|series| series.labels.get("__name__") == Some(metric))
            .filter_map(|series| series.labels.get(label).map(str::to_owned))
            .collect();
        found.sort();
        found.dedup();
        found
    }

    /// The newest value of a metric.
    pub(crate) fn newest(&self, metric: &str) -> Option<f64> {
        let kept = self.0.lock().unwrap();
        let mut of_metric = kept
            .series
            .iter()
            .filter(|series| series.labels.get("__name__") == Some(metric));
        Some(of_metric.next_back()?.samples.last()?.value)
    }
}

#[async_trait]
impl SampleSink for Samples {
    async fn append(&self, series: Vec<TimeSeries>) -> Result<Stored, String> {
        let mut kept = self.0.lock().unwrap();
        if let Some(failure) = &kept.failure {
            return Err(failure.clone());
        }
        let accepted = series
            .iter()
            .map(|series| series.samples.len() as u64)
            .sum();
        kept.series.extend(series);
        Ok(Stored {
            accepted,
            refusal: None,
        })
    }

    async fn end(&self, known_by: Vec<Labels>, _: i64) -> Result<(), String> {
        self.0.lock().unwrap().ended.extend(known_by);
        Ok(())
    }

    fn other_servers(&self, _: i64) -> Result<BTreeSet<String>, String> {
        Ok(self.0.lock().unwrap().other_servers.clone())
    }
}

/// Everything that an inventory needs.
pub(crate) struct House {
    pub(crate) inventory: Inventory,
    pub(crate) cloud: Cloud,
    pub(crate) samples: Samples,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) database: Database,
    vault: Vault,
    _folder: tempfile::TempDir,
    _test_database: TestDatabase,
}

impl House {
    pub(crate) async fn new(engine: Engine) -> Self {
        let test_database = TestDatabase::start(engine);
        let database = Database::connect(&test_database.url).await.unwrap();
        let clock = Arc::new(ManualClock::new(START_MS));
        database.migrate(MIGRATIONS, &*clock).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let vault = Vault::open_with_key_file(
            Arc::new(MemoryKeyRing::default()),
            &folder.path().join("master.key"),
            Arc::clone(&clock) as _,
        )
        .await
        .unwrap();
        let (cloud, samples) = (Cloud::default(), Samples::default());
        let inventory = load(&database, &cloud, &samples, &vault, &clock).await;
        Self {
            inventory,
            cloud,
            samples,
            clock,
            database,
            vault,
            _folder: folder,
            _test_database: test_database,
        }
    }

    /// Another process on the same database.
    pub(crate) async fn restarted(&self) -> Inventory {
        load(
            &self.database,
            &self.cloud,
            &self.samples,
            &self.vault,
            &self.clock,
        )
        .await
    }

    pub(crate) async fn add(&self, name: &str) -> AccountView {
        self.try_add(new_account(name)).await.unwrap()
    }

    /// Adds an account as a handler does, which commits.
    pub(crate) async fn try_add(&self, new: NewAccount) -> Outcome<AccountView> {
        let mut transaction = self.database.transaction();
        let added = self.inventory.add(&mut transaction, new).await;
        ended(transaction, added).await
    }

    pub(crate) async fn change(&self, id: CloudAccountId, new: NewAccount) -> Outcome<AccountView> {
        let mut transaction = self.database.transaction();
        let changed = self.inventory.change(&mut transaction, id, new).await;
        ended(transaction, changed.map(|(_, after)| after)).await
    }

    pub(crate) async fn delete(&self, id: CloudAccountId) -> Outcome<AccountView> {
        self.delete_at(&self.inventory, id).await
    }

    pub(crate) async fn delete_at(
        &self,
        inventory: &Inventory,
        id: CloudAccountId,
    ) -> Outcome<AccountView> {
        let mut transaction = self.database.transaction();
        let deleted = inventory.delete(&mut transaction, id).await;
        ended(transaction, deleted).await
    }

    /// Has every list wait for a permit.
    pub(crate) fn close_gate(&self) -> Arc<Semaphore> {
        let gate = Arc::new(Semaphore::new(0));
        self.script().gate = Some(Arc::clone(&gate));
        gate
    }

    pub(crate) fn script(&self) -> std::sync::MutexGuard<'_, Script> {
        self.cloud.0.lock().unwrap()
    }
}

async fn load(
    database: &Database,
    cloud: &Cloud,
    samples: &Samples,
    vault: &Vault,
    clock: &Arc<ManualClock>,
) -> Inventory {
    Inventory::load(InventoryParts {
        database: database.clone(),
        opener: Arc::new(cloud.clone()),
        sink: Arc::new(samples.clone()),
        vault: vault.clone(),
        clock: Arc::clone(clock) as _,
    })
    .await
    .unwrap()
}

pub(crate) fn new_account(name: &str) -> NewAccount {
    NewAccount {
        settings: AccountSettings {
            name: name.to_owned(),
            provider: Provider::Aws,
            interval_secs: INTERVAL_MS as u64 / 1000,
            monthly_budget_micro_usd: None,
            is_paused: false,
        },
        access: Some(access("hunter2")),
    }
}

pub(crate) fn access(secret: &str) -> Secret {
    Secret::new(json!({ "key": "AKIA1", "secret": secret }).to_string())
}

pub(crate) fn server(region: &str, id: &str, name: &str) -> CloudServer {
    CloudServer {
        server: ServerRef {
            region: region.to_owned(),
            id: id.to_owned(),
        },
        name: name.to_owned(),
        instance_type: "t3.micro".to_owned(),
        state: PowerState::Running,
        zone: Some(format!("{region}1")),
        private_addresses: vec!["10.0.0.1".to_owned()],
        public_addresses: Vec::new(),
        host_name: None,
        image: None,
        launched_at_ms: Some(START_MS),
        is_measured_each_minute: false,
        tags: BTreeMap::from([("cost-center".to_owned(), "42".to_owned())]),
    }
}

pub(crate) async fn eventually(what: &str, is_so: impl Fn() -> bool) {
    for _ in 0..3000 {
        if is_so() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("{what} does not come");
}

/// Commits what succeeded. What failed is undone at once, so that the test's database can be dropped.
async fn ended<T>(transaction: Transaction, outcome: Outcome<T>) -> Outcome<T> {
    match outcome {
        Ok(done) => {
            transaction.commit().await?;
            Ok(done)
        }
        Err(error) => {
            transaction.roll_back().await;
            Err(error)
        }
    }
}
