//! A house to watch: a clock that stands, series in memory, a notifier that remembers.

use std::sync::{Arc, Mutex, RwLock};
use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};
use yunhai_database::Database;
use yunhai_model::{
    ChannelId, HumanDuration, Labels, ManualClock, Sample, TimeSeries, TimestampMs,
};
use yunhai_monitor::{
    Delivered, MIGRATIONS, Monitor, MonitorConfig, MonitorParts, NewChannel, Node, Notification,
    Notifier, NotifyError, Preview, RateLimit, RateLimits, Route, SampleSink, SecretSealer,
};
use yunhai_promql::{Engine, Matcher, MemoryStore, Queryable, SelectError, SelectHints};
use yunhai_test_support::databases::{self, TestDatabase};

/// Runs a test on every engine.
macro_rules! on_every_database {
    ($($(#[$meta:meta])* async fn $name:ident($house:ident: &mut House) $body:block)*) => {$(
        mod $name {
            use super::*;

            async fn run($house: &mut House) $body

            #[tokio::test]
            async fn sqlite() {
                run(&mut House::new(yunhai_test_support::databases::Engine::Sqlite).await).await;
            }

            #[tokio::test]
            async fn postgres() {
                run(&mut House::new(yunhai_test_support::databases::Engine::Postgres).await).await;
            }

            #[tokio::test]
            async fn mysql() {
                run(&mut House::new(yunhai_test_support::databases::Engine::Mysql).await).await;
            }
        }
    )*};
}
pub(crate) use on_every_database;

/// Makes a change in a transaction of its own.
macro_rules! change {
    ($database:expr, $on:expr => $method:ident($($argument:expr),* $(,)?)) => {{
        let mut transaction = $database.transaction();
        let changed = $on.$method(&mut transaction, $($argument),*).await;
        if changed.is_ok() {
            transaction.commit().await.unwrap();
        } else {
            transaction.roll_back().await;
        }
        changed
    }};
}
pub(crate) use change;

/// When the tests begin.
pub(crate) const START_MS: TimestampMs = 1_767_225_600_000;

#[derive(Clone, Default)]
pub(crate) struct Series(Arc<RwLock<MemoryStore>>);

#[async_trait]
impl Queryable for Series {
    async fn select(
        &self,
        matchers: &[Matcher],
        start_ms: TimestampMs,
        end_ms: TimestampMs,
        hints: &SelectHints,
    ) -> Result<Vec<TimeSeries>, SelectError> {
        let store = self.0.read().unwrap().clone();
        store.select(matchers, start_ms, end_ms, hints).await
    }
}

#[async_trait]
impl SampleSink for Series {
    async fn append(&self, series: Vec<TimeSeries>) -> Result<(), String> {
        let mut store = self.0.write().unwrap();
        for one in series {
            store.append(&one.labels, one.samples);
        }
        Ok(())
    }
}

/// What a notifier was given: the channel's settings, the id, the notification.
pub(crate) type Sent = (Value, String, Notification);

#[derive(Default)]
pub(crate) struct Recorder {
    pub(crate) sent: Mutex<Vec<Sent>>,
    /// The answers to come; success when there are none.
    pub(crate) failures: Mutex<Vec<NotifyError>>,
}

#[async_trait]
impl Notifier for Recorder {
    fn check(&self, config: &Value) -> Result<(), String> {
        if config["kind"].is_string() {
            Ok(())
        } else {
            Err("`kind` is missing".to_owned())
        }
    }

    fn secret_fields(&self, _: &Value) -> Vec<String> {
        vec!["/token".to_owned()]
    }

    fn rate_limits(&self, config: &Value) -> Option<RateLimits> {
        let messages = config["limit"].as_u64()? as usize;
        let robot = config["robot"].as_str().unwrap_or("robot");
        Some(RateLimits {
            counted_by: robot.to_owned(),
            limits: vec![RateLimit {
                messages,
                window: Duration::from_mins(1),
            }],
        })
    }

    fn has_texts(&self, config: &Value) -> bool {
        config["kind"] != "data"
    }

    fn preview(&self, _: &Value, notification: &Notification) -> Preview {
        Preview {
            title: notification.title.clone().unwrap_or_default(),
            body: notification.body.clone().unwrap_or_default(),
        }
    }

    async fn send(
        &self,
        config: &Value,
        id: &str,
        notification: &Notification,
    ) -> Result<Delivered, NotifyError> {
        if let Some(error) = self.failures.lock().unwrap().pop() {
            return Err(error);
        }
        self.sent
            .lock()
            .unwrap()
            .push((config.clone(), id.to_owned(), notification.clone()));
        Ok(Delivered {
            answer: "ok".to_owned(),
        })
    }
}

/// Asks until it is so.
pub(crate) async fn eventually(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(30);
    while !is_so().await {
        assert!(tokio::time::Instant::now() < deadline, "in vain: {what}");
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
}

/// Turns texts around: enough to see that they were sealed.
pub(crate) struct Reverser;

#[async_trait]
impl SecretSealer for Reverser {
    fn seal(&self, place: &str, secret: &str) -> Result<String, String> {
        Ok(format!(
            "{place}|{}",
            secret.chars().rev().collect::<String>()
        ))
    }

    fn open(&self, place: &str, sealed: &str) -> Result<String, String> {
        let (at, text) = sealed.split_once('|').ok_or("not sealed")?;
        if at == place {
            Ok(text.chars().rev().collect())
        } else {
            Err("sealed for another place".to_owned())
        }
    }

    async fn refresh(&self) -> Result<(), String> {
        Ok(())
    }
}

pub(crate) struct House {
    pub(crate) monitor: Monitor,
    pub(crate) database: Database,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) series: Series,
    pub(crate) recorder: Arc<Recorder>,
    pub(crate) config: MonitorConfig,
    pub(crate) channel: ChannelId,
    _test_database: TestDatabase,
}

impl House {
    pub(crate) async fn new(engine: databases::Engine) -> Self {
        let test_database = tokio::task::spawn_blocking(move || TestDatabase::start(engine))
            .await
            .unwrap();
        let database = Database::connect(&test_database.url).await.unwrap();
        let clock = Arc::new(ManualClock::new(START_MS));
        database.migrate(MIGRATIONS, &*clock).await.unwrap();
        let series = Series::default();
        let recorder = Arc::new(Recorder::default());
        let config = MonitorConfig {
            external_url: "http://yunhai.test".to_owned(),
            retry_first: HumanDuration::from_secs(8),
            ..MonitorConfig::default()
        };
        let monitor = build("house", &database, &clock, &series, &recorder, &config).await;
        change!(database, monitor => delete_rule_file(yunhai_monitor::DEFAULT_RULES_NAME)).unwrap();
        let mut house = Self {
            monitor,
            database,
            clock,
            series,
            recorder,
            config,
            channel: ChannelId::new(),
            _test_database: test_database,
        };
        house.channel = house
            .add_channel("ops", json!({"kind": "test", "token": "hush"}))
            .await;
        house.route(Route::default()).await;
        house
    }

    /// Starts anew over the same database, as after a restart.
    pub(crate) async fn restart(&mut self) {
        self.monitor = self.server("house").await;
    }

    /// Another server on the same database.
    pub(crate) async fn server(&self, name: &str) -> Monitor {
        build(
            name,
            &self.database,
            &self.clock,
            &self.series,
            &self.recorder,
            &self.config,
        )
        .await
    }

    pub(crate) async fn add_channel(&self, name: &str, config: Value) -> ChannelId {
        let new = NewChannel {
            name: name.to_owned(),
            config,
            is_enabled: true,
            ..NewChannel::default()
        };
        change!(self.database, self.monitor => add_channel(new))
            .unwrap()
            .id
    }

    /// Sends everything to the house's channel, without waiting for company.
    pub(crate) async fn route(&self, route: Route) {
        let route = Route {
            channels: vec![self.channel],
            group_by: route.group_by.or(Some(vec!["...".to_owned()])),
            group_wait: route.group_wait.or(Some(HumanDuration::from_secs(0))),
            group_interval: route.group_interval.or(Some(HumanDuration::from_secs(1))),
            ..route
        };
        change!(self.database, self.monitor => put_route(&route)).unwrap();
    }

    pub(crate) async fn rules(&self, yaml: &str) {
        change!(self.database, self.monitor => put_rule_file("test", yaml, "ann")).unwrap();
    }

    /// Stores a value of a metric of a server as of now.
    pub(crate) fn measure(&self, metric: &str, server: &str, value: f64) {
        use yunhai_model::Clock;
        let labels = Labels::of_metric(metric, [("server", server)]);
        let sample = Sample {
            timestamp_ms: self.clock.now_ms(),
            value,
        };
        self.series.0.write().unwrap().append(&labels, [sample]);
    }

    /// Lets time pass, measures, evaluates and sends; returns what was told.
    pub(crate) async fn step(&self, secs: i64, values: &[(&str, f64)]) -> Vec<String> {
        self.clock.advance_ms(secs * 1000);
        for (server, value) in values {
            self.measure("cpu", server, *value);
        }
        self.monitor.evaluate_once().await.unwrap();
        self.told()
    }

    /// What was told since the last call: `server status` of each alert.
    pub(crate) fn told(&self) -> Vec<String> {
        let sent = std::mem::take(&mut *self.recorder.sent.lock().unwrap());
        sent.iter()
            .map(|(_, _, notification)| {
                let alerts: Vec<_> = notification
                    .alerts
                    .iter()
                    .map(|alert| {
                        let server = alert.labels.get("server").unwrap_or("-");
                        format!("{server} {}", alert.status.as_str())
                    })
                    .collect();
                alerts.join(", ")
            })
            .collect()
    }
}

async fn build(
    name: &str,
    database: &Database,
    clock: &Arc<ManualClock>,
    series: &Series,
    recorder: &Arc<Recorder>,
    config: &MonitorConfig,
) -> Monitor {
    Monitor::new(MonitorParts {
        database: database.clone(),
        queryable: Arc::new(series.clone()),
        engine: Engine::default(),
        notifier: recorder.clone(),
        sink: Arc::new(series.clone()),
        sealer: Arc::new(Reverser),
        clock: clock.clone(),
        node: Node {
            id: name.to_owned(),
            name: name.to_owned(),
        },
        config: config.clone(),
    })
    .await
    .unwrap()
}
