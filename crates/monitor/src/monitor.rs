//! The whole of alerting behind one door.

mod alerts;
mod channels;
mod counting;
mod delivery;
mod evaluation;
mod inhibitions;
mod leading;
mod others;
mod pacing;
mod pruning;
mod quiet;
mod routes;
mod rules;
mod schedule;
mod silences;
mod status;
mod telling;
mod windows;

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, MutexGuard, PoisonError, RwLock};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use tokio::sync::{Mutex, broadcast, watch};
use yunhai_database::{Database, Transaction};
use yunhai_model::{AlertId, Clock, Labels, TimeSeries, TimestampMs};
use yunhai_promql::{Engine, Queryable};

use crate::alert::RuleKey;
use crate::config::MonitorConfig;
use crate::error::{Error, Result};
use crate::evaluate::SeriesExplanation;
use crate::leadership::{Node, Term, Watched};
use crate::notification::{Notifier, SecretSealer};
use crate::rule_file::RuleFile;
use crate::state_machine::AlertState;
use crate::store::Store;

pub use alerts::AlertDetail;
pub use channels::ChannelTest;
pub use evaluation::EvaluationSummary;
pub(crate) use evaluation::alert_series;
use others::Others;

pub use inhibitions::InhibitionEffect;
pub use pruning::Pruned;
pub use routes::RoutePreview;
pub use rules::{AppliedGroup, FORM_RULES_NAME, GroupView};

/// Takes what recording rules yield. The server wires the series store in.
#[async_trait]
pub trait SampleSink: Send + Sync {
    /// Stores samples; the error says why it could not.
    async fn append(&self, series: Vec<TimeSeries>) -> Result<(), String>;
}

/// What alerting is built from.
pub struct MonitorParts {
    /// The state database, migrated with [`crate::MIGRATIONS`].
    pub database: Database,
    /// The series that rules look at.
    pub queryable: Arc<dyn Queryable>,
    /// Evaluates PromQL.
    pub engine: Engine,
    /// Carries notifications out.
    pub notifier: Arc<dyn Notifier>,
    /// Takes the results of recording rules, and `ALERTS`.
    pub sink: Arc<dyn SampleSink>,
    /// Seals the secrets of channels.
    pub sealer: Arc<dyn SecretSealer>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// This server among those on the same database.
    pub node: Node,
    /// The settings.
    pub config: MonitorConfig,
}

/// Alerting: rules, alerts, notifications. Cheap to clone.
#[derive(Clone)]
pub struct Monitor(Arc<Inner>);

struct Inner {
    store: Store,
    queryable: Arc<dyn Queryable>,
    engine: Engine,
    notifier: Arc<dyn Notifier>,
    sink: Arc<dyn SampleSink>,
    sealer: Arc<dyn SecretSealer>,
    clock: Arc<dyn Clock>,
    config: MonitorConfig,
    /// Serialises what reads alerts, decides and writes them: evaluation, dispatch, people.
    deciding: Arc<Mutex<()>>,
    /// The parsed rule files by name, and those that cannot be parsed any more.
    rules: RwLock<Arc<Vec<LoadedFile>>>,
    /// Moves on when the rules have changed.
    generation: watch::Sender<u64>,
    status: RwLock<HashMap<RuleKey, RuleStatus>>,
    groups: RwLock<HashMap<(String, String), GroupStatus>>,
    node: Node,
    /// For which time this server leads; `None` where it does not.
    term: watch::Sender<Option<Term>>,
    /// What this server has seen of the lease.
    watched: std::sync::Mutex<Watched>,
    /// What this server knows of the doings of others.
    others: Mutex<Others>,
    /// The series that rules have written last, to mark those that end.
    written: Mutex<HashMap<RuleKey, HashSet<Labels>>>,
    changes: broadcast::Sender<StateChange>,
}

/// A rule file that is in force.
#[derive(Clone, Debug)]
struct LoadedFile {
    name: String,
    rules: RuleFile,
}

/// Something that a page which is open should show.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", tag = "change")]
pub enum StateChange {
    /// An alert has changed its state.
    Alert {
        /// The alert.
        id: AlertId,
        /// Its name.
        name: String,
        /// Its labels.
        labels: Labels,
        /// Its new state; `None` where it was withdrawn while pending.
        state: Option<AlertState>,
    },
    /// Another server has changed something, or has evaluated rules.
    Elsewhere,
    /// Rules, silences, routes or channels have changed.
    Settings {
        /// What has changed: `rules`, `silences`, `windows`, `route`, `inhibitions`, `channels`.
        what: &'static str,
    },
    /// A notification was sent, or given up.
    Notification {
        /// The notification.
        id: String,
        /// Whether it arrived.
        is_delivered: bool,
    },
}

/// How a rule fared the last time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RuleStatus {
    /// When it was evaluated.
    pub evaluated_at_ms: TimestampMs,
    /// How long that took.
    pub duration_ms: f64,
    /// Why it failed.
    pub error: Option<String>,
    /// What it saw of each series.
    #[serde(skip)]
    pub explanations: Vec<SeriesExplanation>,
}

/// How a group fares.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct GroupStatus {
    /// When it was evaluated the last time.
    pub evaluated_at_ms: Option<TimestampMs>,
    /// How long that took.
    pub duration_ms: f64,
    /// How often it was evaluated since the start.
    pub evaluations: u64,
    /// How many evaluations did not happen, as the one before was not done in time.
    pub skipped: u64,
    /// Why the last evaluation failed as a whole.
    pub error: Option<String>,
}

impl Monitor {
    /// Builds alerting and loads the rules; on the first start lays down the default ones.
    pub async fn new(parts: MonitorParts) -> Result<Self> {
        let monitor = Self(Arc::new(Inner {
            store: Store::new(parts.database),
            queryable: parts.queryable,
            engine: parts.engine,
            notifier: parts.notifier,
            sink: parts.sink,
            sealer: parts.sealer,
            clock: parts.clock,
            config: parts.config,
            deciding: Arc::default(),
            rules: RwLock::new(Arc::default()),
            generation: watch::Sender::new(0),
            status: RwLock::default(),
            groups: RwLock::default(),
            node: parts.node,
            term: watch::Sender::new(None),
            watched: std::sync::Mutex::default(),
            others: Mutex::default(),
            written: Mutex::default(),
            changes: broadcast::Sender::new(1024),
        }));
        monitor.set_up().await?;
        monitor.load_rules().await?;
        Ok(monitor)
    }

    /// The settings.
    pub fn config(&self) -> &MonitorConfig {
        &self.0.config
    }

    /// Follows the changes of alerts, settings and notifications.
    pub fn changes(&self) -> broadcast::Receiver<StateChange> {
        self.0.changes.subscribe()
    }

    fn now_ms(&self) -> TimestampMs {
        self.0.clock.now_ms()
    }

    fn watched(&self) -> MutexGuard<'_, Watched> {
        self.0
            .watched
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells of changed settings once they are committed.
    fn announce_settings(&self, transaction: &mut Transaction, what: &'static str) {
        let monitor = self.clone();
        transaction.after_commit(async move {
            monitor.announce(StateChange::Settings { what });
        });
    }

    fn announce(&self, change: StateChange) {
        // Nobody listening is no failure.
        let _ = self.0.changes.send(change);
    }
}

/// Refuses what has faults.
fn check(what: &'static str, faults: Vec<String>) -> Result<()> {
    if faults.is_empty() {
        Ok(())
    } else {
        Err(Error::Invalid { what, faults })
    }
}

impl std::fmt::Debug for Monitor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Monitor")
            .field("config", &self.0.config)
            .finish_non_exhaustive()
    }
}
