//! A process that is killed at any instant neither loses nor doubles a notification.
//!
//! The child evaluates, tells and sends as fast as it can, and is killed over and over. The parent
//! is the receiver: it changes what there is to tell only when it has heard of all before.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use yunhai_database::Database;
use yunhai_model::{
    HumanDuration, Labels, PageRequest, Sample, SystemClock, TimeSeries, TimestampMs,
};
use yunhai_monitor::{
    DEFAULT_RULES_NAME, Delivered, MIGRATIONS, Monitor, MonitorConfig, MonitorParts, NewChannel,
    Node, Notification, Notifier, NotifyError, OutboxFilter, OutboxState, Preview, RateLimits,
    Route, SampleSink,
};
use yunhai_promql::{Engine, Matcher, Queryable, SelectError, SelectHints};
use yunhai_test_support::databases::{self, TestDatabase};

use super::support::Reverser;

const URL: &str = "YUNHAI_KILL_TEST_DATABASE";
const FOLDER: &str = "YUNHAI_KILL_TEST_FOLDER";

/// One series, `probe{n="…"}`, whose number stands in a file; none where the file is empty.
struct StepFile(PathBuf);

#[async_trait]
impl Queryable for StepFile {
    async fn select(
        &self,
        matchers: &[Matcher],
        _: TimestampMs,
        end_ms: TimestampMs,
        _: &SelectHints,
    ) -> Result<Vec<TimeSeries>, SelectError> {
        let step =
            std::fs::read_to_string(&self.0).map_err(|error| SelectError(error.to_string()))?;
        let labels = Labels::of_metric("probe", [("n", step.as_str())]);
        let is_wanted = !step.is_empty()
            && matchers
                .iter()
                .all(|matcher| matcher.matches(labels.get(matcher.name()).unwrap_or_default()));
        let samples = vec![Sample {
            timestamp_ms: end_ms,
            value: 1.0,
        }];
        Ok(if is_wanted {
            vec![TimeSeries { labels, samples }]
        } else {
            Vec::new()
        })
    }
}

struct NoSink;

#[async_trait]
impl SampleSink for NoSink {
    async fn append(&self, _: Vec<TimeSeries>) -> Result<(), String> {
        Ok(())
    }
}

/// Posts to the parent, with the id in the header by which a receiver knows a repetition.
struct Poster;

#[async_trait]
impl Notifier for Poster {
    fn check(&self, _: &Value) -> Result<(), String> {
        Ok(())
    }

    fn secret_fields(&self, _: &Value) -> Vec<String> {
        Vec::new()
    }

    fn rate_limits(&self, _: &Value) -> Option<RateLimits> {
        None
    }

    fn has_texts(&self, _: &Value) -> bool {
        true
    }

    fn preview(&self, _: &Value, _: &Notification) -> Preview {
        unreachable!("nobody asks for a preview here")
    }

    async fn send(
        &self,
        config: &Value,
        id: &str,
        notification: &Notification,
    ) -> Result<Delivered, NotifyError> {
        let failed = |error: std::io::Error| NotifyError {
            message: error.to_string(),
            is_retryable: true,
            retry_after_ms: None,
            max_attempts: None,
        };
        let address = config["address"].as_str().unwrap();
        let alert = &notification.alerts[0];
        let body = format!(
            "{} {}",
            alert.labels.get("n").unwrap(),
            alert.status.as_str()
        );
        let mut stream = TcpStream::connect(address).await.map_err(failed)?;
        let request = format!(
            "POST / HTTP/1.1\r\nHost: {address}\r\nIdempotency-Key: {id}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(request.as_bytes()).await.map_err(failed)?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.map_err(failed)?;
        if answer.starts_with("HTTP/1.1 200") {
            Ok(Delivered { answer })
        } else {
            Err(failed(std::io::ErrorKind::UnexpectedEof.into()))
        }
    }
}

async fn open(url: &str, folder: &Path) -> (Database, Monitor) {
    let database = Database::connect(url).await.unwrap();
    database.migrate(MIGRATIONS, &SystemClock).await.unwrap();
    let config = MonitorConfig {
        send_lease: HumanDuration(Duration::from_millis(60)),
        retry_first: HumanDuration(Duration::from_millis(5)),
        retry_most: HumanDuration(Duration::from_millis(20)),
        flapping_changes: 0,
        ..MonitorConfig::default()
    };
    let monitor = Monitor::new(MonitorParts {
        database: database.clone(),
        queryable: Arc::new(StepFile(folder.join("step"))),
        engine: Engine::default(),
        notifier: Arc::new(Poster),
        sink: Arc::new(NoSink),
        sealer: Arc::new(Reverser),
        clock: Arc::new(SystemClock),
        node: Node {
            id: "kill".into(),
            name: "kill".into(),
        },
        config,
    })
    .await
    .unwrap();
    (database, monitor)
}

#[tokio::test]
#[ignore = "the child process of the tests below"]
async fn child() {
    let (Ok(url), Ok(folder)) = (std::env::var(URL), std::env::var(FOLDER)) else {
        return;
    };
    let (_database, monitor) = open(&url, Path::new(&folder)).await;
    loop {
        monitor.evaluate_once().await.unwrap();
        tokio::task::yield_now().await;
    }
}

/// What arrived, in order: the id and the text.
#[derive(Default)]
struct Receiver {
    deliveries: Mutex<Vec<(String, String)>>,
    news: Notify,
}

impl Receiver {
    fn has(&self, text: &str) -> bool {
        self.deliveries
            .lock()
            .unwrap()
            .iter()
            .any(|(_, found)| found == text)
    }

    /// Takes one request. Every seventh answer is lost on the way.
    async fn take(&self, mut stream: TcpStream) -> std::io::Result<()> {
        let mut request = Vec::new();
        let mut buffer = [0; 4096];
        loop {
            let text = String::from_utf8_lossy(&request).into_owned();
            if let Some((head, body)) = text.split_once("\r\n\r\n") {
                let field = |name: &str| {
                    head.lines()
                        .find_map(|line| line.strip_prefix(name))
                        .unwrap_or_default()
                        .trim()
                        .to_owned()
                };
                if body.len().to_string() == field("Content-Length:") {
                    let number = {
                        let mut deliveries = self.deliveries.lock().unwrap();
                        deliveries.push((field("Idempotency-Key:"), body.to_owned()));
                        deliveries.len()
                    };
                    self.news.notify_one();
                    if number % 7 != 0 {
                        stream
                            .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
                            .await?;
                    }
                    return Ok(());
                }
            }
            let read = stream.read(&mut buffer).await?;
            if read == 0 {
                return Ok(());
            }
            request.extend_from_slice(&buffer[..read]);
        }
    }
}

async fn survive(engine: databases::Engine, kills: usize) {
    let test_database = tokio::task::spawn_blocking(move || TestDatabase::start(engine))
        .await
        .unwrap();
    let folder = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let receiver = Arc::new(Receiver::default());
    let accepting = tokio::spawn({
        let receiver = receiver.clone();
        async move {
            while let Ok((stream, _)) = listener.accept().await {
                let receiver = receiver.clone();
                tokio::spawn(async move { receiver.take(stream).await });
            }
        }
    });
    let set_step = |step: &str| {
        std::fs::write(folder.path().join("next"), step).unwrap();
        std::fs::rename(folder.path().join("next"), folder.path().join("step")).unwrap();
    };
    set_step("");
    let (database, monitor) = open(&test_database.url, folder.path()).await;
    let mut transaction = database.transaction();
    monitor
        .delete_rule_file(&mut transaction, DEFAULT_RULES_NAME)
        .await
        .unwrap();
    let rules = "groups: [{name: g, rules: [{alert: Probe, expr: probe == 1}]}]";
    monitor
        .put_rule_file(&mut transaction, "kill", rules, "test")
        .await
        .unwrap();
    let channel = NewChannel {
        name: "parent".into(),
        config: json!({"kind": "test", "address": address}),
        is_enabled: true,
        ..NewChannel::default()
    };
    let channel = monitor
        .add_channel(&mut transaction, channel)
        .await
        .unwrap()
        .id;
    let route = Route {
        channels: vec![channel],
        group_by: Some(vec!["...".into()]),
        group_wait: Some(HumanDuration::from_secs(0)),
        group_interval: Some(HumanDuration(Duration::from_millis(1))),
        repeat_interval: Some(HumanDuration::from_secs(86_400)),
        ..Route::default()
    };
    monitor.put_route(&mut transaction, &route).await.unwrap();
    transaction.commit().await.unwrap();
    drop(monitor);
    database.close().await.unwrap();

    let spawn = || {
        tokio::process::Command::new(std::env::current_exe().unwrap())
            .args(["it::kill::child", "--exact", "--ignored"])
            .env(URL, &test_database.url)
            .env(FOLDER, folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap()
    };
    let mut chance: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut step = 0_usize;
    let mut killed = 0;
    let mut child = spawn();
    // The step goes on with the deliveries, the kills with the clock; at the end the step is empty.
    let is_complete = |step: usize, is_last: bool| {
        (is_last || receiver.has(&format!("{step} firing")))
            && (step == 0 || receiver.has(&format!("{} resolved", step - 1)))
    };
    let mut is_last = false;
    set_step("0");
    loop {
        if is_complete(step, is_last) {
            if is_last {
                break;
            }
            step += 1;
            is_last = killed >= kills;
            set_step(&if is_last {
                String::new()
            } else {
                step.to_string()
            });
        }
        chance = chance
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let life = Duration::from_micros(15_000 + (chance >> 33) % 220_000);
        let killing = tokio::time::sleep(life);
        tokio::pin!(killing);
        loop {
            tokio::select! {
                () = receiver.news.notified() => {
                    if is_complete(step, is_last) && !is_last {
                        step += 1;
                        is_last = killed >= kills;
                        set_step(&if is_last { String::new() } else { step.to_string() });
                    }
                }
                () = &mut killing => break,
            }
        }
        child.kill().await.unwrap();
        killed += 1;
        child = spawn();
    }
    child.kill().await.unwrap();

    let deliveries = receiver.deliveries.lock().unwrap().clone();
    let mut ids: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (id, text) in &deliveries {
        ids.entry(text).or_default().insert(id);
    }
    let expected: BTreeSet<String> = (0..step)
        .flat_map(|n| [format!("{n} firing"), format!("{n} resolved")])
        .collect();
    assert_eq!(
        ids.keys().map(ToString::to_string).collect::<BTreeSet<_>>(),
        expected,
        "none lost, none invented"
    );
    for (text, ids) in &ids {
        assert_eq!(ids.len(), 1, "`{text}` was told under several ids: {ids:?}");
    }
    let repeated = deliveries.len() - expected.len();
    eprintln!(
        "{killed} kills, {} notifications, each under one id; {repeated} repeated deliveries under the same id",
        expected.len()
    );
    // What was under way at the last kill is finished, and then the outbox agrees.
    let (_database, monitor) = open(&test_database.url, folder.path()).await;
    while monitor
        .notifications(
            &OutboxFilter {
                states: vec![OutboxState::Pending, OutboxState::Sending],
                channel: None,
            },
            &PageRequest::default(),
        )
        .await
        .unwrap()
        .total
        > 0
    {
        monitor.evaluate_once().await.unwrap();
    }
    let sent = OutboxFilter {
        states: vec![OutboxState::Sent],
        channel: None,
    };
    let total = monitor
        .notifications(&sent, &PageRequest::default())
        .await
        .unwrap()
        .total;
    assert_eq!(total, expected.len() as u64);
    accepting.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_kills_lose_and_double_nothing() {
    survive(databases::Engine::Sqlite, 200).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kills_lose_and_double_nothing_on_postgres() {
    survive(databases::Engine::Postgres, 40).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kills_lose_and_double_nothing_on_mysql() {
    survive(databases::Engine::Mysql, 40).await;
}
