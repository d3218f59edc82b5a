//! Wires the domains together and runs what goes on in the background.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::broadcast;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use yunhai_collector::host::{HostCollector, HostConfig};
use yunhai_database::{Database, SETTINGS_MIGRATIONS};
use yunhai_enrolment::Enrolment;
use yunhai_identity::{Action, AuditEvent, Caller, Identity, SecurityCounts, Target, TargetKind};
use yunhai_inventory::{Inventory, InventoryParts};
use yunhai_model::{Clock, with_causes};
use yunhai_monitor::{
    EvaluationSummary, Monitor, MonitorConfig, MonitorParts, Probes, ProbesParts, ServerDirectory,
    StateChange,
};
use yunhai_notify::{Sender, SenderOptions};
use yunhai_promql::{Engine, EngineOptions};
use yunhai_series::{Store, StoreConfig};
use yunhai_vault::Vault;

use crate::app::App;
use crate::arrivals::Arrivals;
use crate::audit_watch::AuditVerdict;
use crate::clouds::{AuditedOrders, CloudSink, Providers};
use crate::collect::LocalHost;
use crate::config::ServerConfig;
use crate::events::LiveEvent;
use crate::fleet::{Fleet, LOOK_BACK_MS};
use crate::health::Health;
use crate::judgement::Judge;
use crate::notifying::{ChannelNotifier, StoreSink, VaultSealer};
use crate::queries::Queries;
use crate::samples::{SampleSource, begin_counting};
use crate::serve::Bound;

/// How long work in the background may take to end once the server is asked to stop.
const STOP_TIME: Duration = Duration::from_secs(8);

/// What the server is made of.
pub struct Parts {
    /// The clock of everything.
    pub clock: Arc<dyn Clock>,
    /// The state database.
    pub database: Database,
    /// The keys that seal secrets.
    pub vault: Vault,
    /// Users, sessions, tokens and the audit log.
    pub identity: Identity,
    /// Where and how metrics are stored.
    pub series: StoreConfig,
    /// How rules are evaluated and notifications sent.
    pub monitor: MonitorConfig,
    /// How this machine is measured.
    pub host: HostConfig,
    /// How often, until somebody sets another interval.
    pub collect_interval_secs: Option<u64>,
    /// Whether browsers reach the server over HTTPS.
    pub encrypted: bool,
}

/// A server with its domains open and its background work running.
pub struct Server {
    app: Arc<App>,
    background: JoinSet<()>,
    stop: CancellationToken,
}

impl Server {
    /// Opens the stores and starts what runs in the background.
    pub async fn start(parts: Parts, stop: CancellationToken) -> anyhow::Result<Self> {
        let vault = parts.vault.clone();
        let (app, collector) = open(parts, stop.clone()).await?;
        let event = AuditEvent::new(Action::ServerStarted, Target::only(TargetKind::Server));
        app.identity
            .audit()
            .record(&Caller::system(), event)
            .await?;
        let mut server = Self {
            app,
            background: JoinSet::new(),
            stop,
        };
        server.start_background(collector, vault);
        Ok(server)
    }

    fn start_background(&mut self, collector: HostCollector, vault: Vault) {
        let (app, stop) = (Arc::clone(&self.app), self.stop.clone());
        self.background.spawn(async move {
            crate::collect::run(
                Arc::new(Mutex::new(collector)),
                app.host.clone(),
                app.store.clone(),
                Arc::clone(&app.clock),
                stop,
            )
            .await;
        });
        let (app, stop) = (Arc::clone(&self.app), self.stop.clone());
        self.background
            .spawn(async move { app.fleet.run(stop).await });
        let (app, stop) = (Arc::clone(&self.app), self.stop.clone());
        self.background
            .spawn(async move { judge_servers(&app, stop).await });
        let (app, stop) = (Arc::clone(&self.app), self.stop.clone());
        self.background
            .spawn(async move { app.probes.run(|| app.monitor.is_leader(), stop).await });
        let (app, stop) = (Arc::clone(&self.app), self.stop.clone());
        self.background.spawn(async move {
            let is_leading = || app.monitor.is_leader();
            app.inventory.run(is_leading, stop).await;
        });
        let (app, stop) = (Arc::clone(&self.app), self.stop.clone());
        self.background
            .spawn(async move { app.inventory.run_orders(stop).await });
        let (app, stop) = (Arc::clone(&self.app), self.stop.clone());
        self.background.spawn(async move {
            app.store.run_maintenance(stop).await;
        });
        let (app, stop) = (Arc::clone(&self.app), self.stop.clone());
        self.background.spawn(async move {
            if let Err(error) = app.monitor.run(stop).await {
                tracing::error!(error = with_causes(&error), "alerting stopped");
            }
        });
        let (app, stop) = (Arc::clone(&self.app), self.stop.clone());
        self.background
            .spawn(async move { tell_changes(&app, stop).await });
        let (app, stop) = (Arc::clone(&self.app), self.stop.clone());
        self.background
            .spawn(async move { tidy_sessions(&app, stop).await });
        let (app, stop) = (Arc::clone(&self.app), self.stop.clone());
        self.background
            .spawn(async move { crate::audit_watch::run(&app, stop).await });
        let (app, stop) = (Arc::clone(&self.app), self.stop.clone());
        self.background
            .spawn(async move { app.health.watch_database(stop).await });
        let stop = self.stop.clone();
        self.background
            .spawn(async move { follow_keys(&vault, stop).await });
        let (handle, stop) = (self.app.own_metrics.clone(), self.stop.clone());
        self.background
            .spawn(async move { crate::own_metrics::drain(&handle, stop).await });
    }

    /// Answers requests until told to stop, then ends the background work and closes the stores.
    pub async fn serve(
        mut self,
        bound: Bound,
        config: &ServerConfig,
        data_dir: &Path,
    ) -> anyhow::Result<()> {
        let served = bound
            .serve(Arc::clone(&self.app), config, data_dir, self.stop.clone())
            .await;
        self.stop.cancel();
        self.end_background().await;
        // Nothing is lost where the state database is away or a disk is full: what was acknowledged
        // is in the log of the series, and a missing line of the audit log is no reason to fail.
        match tokio::time::timeout(STOP_TIME, self.record_stop()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(
                error = with_causes(&error),
                "cannot record the stop of the server in the audit log"
            ),
            Err(_) => tracing::warn!("the state database is too slow to record the stop in it"),
        }
        self.app.store.close().await?;
        served
    }

    /// Waits for what runs in the background, and breaks off what a state database that does not
    /// answer holds up: all of it can be broken off anywhere, as it can be killed anywhere.
    async fn end_background(&mut self) {
        let ended = tokio::time::timeout(STOP_TIME, async {
            while let Some(ended) = self.background.join_next().await {
                if let Err(error) = ended {
                    tracing::error!(error = with_causes(&error), "a background task ended badly");
                }
            }
        });
        if ended.await.is_err() {
            tracing::warn!("work in the background takes too long to end and is broken off");
            self.background.shutdown().await;
        }
    }

    async fn record_stop(&self) -> yunhai_identity::Result<()> {
        let event = AuditEvent::new(Action::ServerStopped, Target::only(TargetKind::Server));
        let audit = self.app.identity.audit();
        audit.record(&Caller::system(), event).await?;
        audit.checkpoint().await?;
        Ok(())
    }
}

/// Opens the stores and wires the domains together; nothing runs yet.
pub(crate) async fn open(
    parts: Parts,
    stop: CancellationToken,
) -> anyhow::Result<(Arc<App>, HostCollector)> {
    let Parts {
        clock,
        database,
        identity,
        vault,
        series,
        monitor,
        host,
        collect_interval_secs,
        encrypted,
    } = parts;
    let own_metrics = crate::own_metrics::recorder()?;
    begin_counting();
    // A database of a newer release is refused before the samples are touched.
    database.migrate(SETTINGS_MIGRATIONS, &*clock).await?;
    database
        .migrate(yunhai_monitor::MIGRATIONS, &*clock)
        .await?;
    database
        .migrate(yunhai_inventory::MIGRATIONS, &*clock)
        .await?;
    database
        .migrate(yunhai_enrolment::MIGRATIONS, &*clock)
        .await?;
    let series_location = if series.blocks_url.is_empty() {
        series.directory.display().to_string()
    } else {
        series.blocks_url.clone()
    };
    let folder = series.directory.clone();
    let store = Store::open(series, Arc::clone(&clock)).await?;
    let node = crate::node::node_in(&folder, &host.server)?;
    let health = Health::new(database.clone(), folder);
    store.record_metadata(
        crate::collect::metadata()
            .chain(crate::clouds::metadata())
            .chain(crate::own_metrics::metadata()),
    )?;
    let engine = Engine::new(EngineOptions {
        // With measurements every five minutes, Prometheus's own five would make series
        // come and go.
        lookback_ms: LOOK_BACK_MS,
        ..EngineOptions::default()
    });
    let sender = Sender::new(SenderOptions {
        language: monitor.language,
        time_zone: jiff::tz::TimeZone::system(),
        clock: Arc::clone(&clock),
        ..SenderOptions::default()
    })?;
    let directory = ServerDirectory::load(database.clone()).await?;
    let local_host = LocalHost::new(&host, collect_interval_secs, directory.clone());
    let probes = Probes::load(ProbesParts {
        database: database.clone(),
        sink: Arc::new(StoreSink(store.clone(), SampleSource::Probe)),
        sealer: Arc::new(VaultSealer(vault.clone())),
        clock: Arc::clone(&clock),
        concurrency: monitor.probe_concurrency,
    })
    .await?;
    let enrolment = Enrolment::new(database.clone(), &vault, Arc::clone(&clock));
    let inventory = Inventory::load(InventoryParts {
        database: database.clone(),
        opener: Arc::new(Providers),
        sink: Arc::new(CloudSink(store.clone(), enrolment.clone())),
        order_log: Arc::new(AuditedOrders(identity.clone())),
        vault: vault.clone(),
        clock: Arc::clone(&clock),
    })
    .await?;
    let monitor = Monitor::new(MonitorParts {
        database: database.clone(),
        queryable: Arc::new(store.clone()),
        engine: engine.clone(),
        notifier: Arc::new(ChannelNotifier(sender)),
        sink: Arc::new(StoreSink(store.clone(), SampleSource::Rule)),
        sealer: Arc::new(VaultSealer(vault)),
        clock: Arc::clone(&clock),
        node,
        config: monitor,
    })
    .await?;
    let app = Arc::new(App {
        fleet: Fleet::new(
            Arc::new(store.clone()),
            Arc::clone(&clock),
            local_host.clone(),
            directory.clone(),
            inventory.clone(),
        ),
        host: local_host,
        directory,
        probes,
        inventory,
        enrolment,
        arrivals: Arrivals::default(),
        queries: Queries::new(engine.clone(), store.clone()),
        engine,
        monitor,
        clock,
        database,
        health,
        identity,
        store,
        series_location,
        events: broadcast::Sender::new(256),
        own_metrics,
        audit_verdict: AuditVerdict::default(),
        stop,
        encrypted,
    });
    let mut collector = HostCollector::new(host);
    app.host.place_collector(&mut collector);
    collector.prime();
    Ok((app, collector))
}

/// Measures this machine, runs all probes, asks the accounts with clouds that are due, evaluates all rules, notifies, and tells how many alerts
/// there are: the one-shot mode, for cron or a function.
pub async fn check_once(parts: Parts) -> anyhow::Result<EvaluationSummary> {
    let (app, collector) = open(parts, CancellationToken::new()).await?;
    // CPU use is counted between two readings.
    tokio::time::sleep(crate::collect::FIRST_ROUND).await;
    let collector = Arc::new(Mutex::new(collector));
    crate::collect::collect_once(&collector, &app.store, &app.clock).await?;
    tokio::join!(app.probes.run_all(), app.inventory.ask_all_due());
    app.inventory.carry_out_due().await?;
    app.fleet.refresh().await?;
    judge(&app, &mut Judge::default()).await;
    crate::audit_watch::write(&app, SecurityCounts::default()).await;
    let summary = app.monitor.evaluate_once().await?;
    app.store.close().await?;
    Ok(summary)
}

/// Writes what is to be said of servers after every look at them.
async fn judge_servers(app: &App, stop: CancellationToken) {
    let mut looks = app.fleet.looks();
    let mut judging = Judge::default();
    let mut reloads = tokio::time::interval(Duration::from_secs(30));
    reloads.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            look = looks.changed() => {
                if look.is_err() {
                    return;
                }
                judge(app, &mut judging).await;
            }
            _ = reloads.tick() => {
                if let Err(error) = app.directory.reload().await {
                    tracing::warn!(error = with_causes(&error), "cannot look for changes of what is set for servers");
                }
            }
        }
    }
}

async fn judge(app: &App, judging: &mut Judge) {
    let now_ms = app.clock.now_ms();
    let skews = app.arrivals.skews(now_ms);
    let series = judging.judge(&app.fleet.snapshot(), skews, now_ms);
    if series.is_empty() {
        return;
    }
    match app.store.append(series).await {
        Ok(outcome) => {
            SampleSource::Own.count(&outcome);
            for rejection in outcome.rejected.iter().take(5) {
                tracing::warn!(%rejection, "the judgement of a server was refused");
            }
        }
        Err(error) => tracing::error!(
            error = with_causes(&error),
            "cannot store the judgement of servers"
        ),
    }
}

/// Tells open pages what changes: alerts as they happen, servers after every look at them.
async fn tell_changes(app: &App, stop: CancellationToken) {
    let mut changes = app.monitor.changes();
    let mut looks = app.fleet.looks();
    let mut probes = app.probes.changes();
    let mut clouds = app.inventory.changes();
    let mut orders = app.inventory.order_changes();
    loop {
        let event = tokio::select! {
            () = stop.cancelled() => return,
            changed = probes.changed() => match changed {
                Ok(()) => LiveEvent { kind: "probes", id: None },
                Err(_) => return,
            },
            changed = clouds.changed() => match changed {
                Ok(()) => LiveEvent { kind: "clouds", id: None },
                Err(_) => return,
            },
            order = orders.recv() => match order {
                Ok(id) => LiveEvent { kind: "cloud-orders", id: Some(id.to_string()) },
                Err(broadcast::error::RecvError::Lagged(_)) => LiveEvent { kind: "cloud-orders", id: None },
                Err(broadcast::error::RecvError::Closed) => return,
            },
            look = looks.changed() => match look {
                Ok(()) => LiveEvent { kind: "servers", id: None },
                Err(_) => return,
            },
            change = changes.recv() => match change {
                Ok(StateChange::Alert { id, .. }) => LiveEvent {
                    kind: "alerts",
                    id: Some(id.to_string()),
                },
                Ok(StateChange::Settings { what }) => LiveEvent {
                    kind: match what {
                        "rules" => "rule-groups",
                        "windows" => "maintenance-windows",
                        "route" => "routes",
                        other => other,
                    },
                    id: None,
                },
                Ok(StateChange::Notification { id, .. }) => LiveEvent {
                    kind: "notifications",
                    id: Some(id),
                },
                Ok(StateChange::Elsewhere) | Err(broadcast::error::RecvError::Lagged(_)) => LiveEvent {
                    kind: "everything",
                    id: None,
                },
                Err(broadcast::error::RecvError::Closed) => return,
            },
        };
        // Nobody listens when no page is open.
        let _ = app.events.send(event);
    }
}

/// Takes up keys that `yunhai key rotate` or another server has made.
async fn follow_keys(vault: &Vault, stop: CancellationToken) {
    let mut ticks = tokio::time::interval(Duration::from_secs(10));
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = ticks.tick() => {}
        }
        if let Err(error) = vault.refresh().await {
            tracing::warn!(
                error = with_causes(&error),
                "cannot read the key ring again"
            );
        }
    }
}

/// Forgets sessions and tokens that have ended, and signs the audit log.
async fn tidy_sessions(app: &App, stop: CancellationToken) {
    let mut ticks = tokio::time::interval(Duration::from_hours(1));
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = ticks.tick() => {}
        }
        if let Err(error) = app.identity.delete_expired().await {
            tracing::warn!(
                error = with_causes(&error),
                "cannot delete the sessions that have ended"
            );
        }
        if let Err(error) = app.identity.audit().checkpoint().await {
            tracing::warn!(error = with_causes(&error), "cannot sign the audit log");
        }
    }
}
