//! Storms of alerts into providers that refuse what comes too fast.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;
use tempfile::TempDir;
use yunhai_database::Database;
use yunhai_model::{
    ChannelId, Clock, HumanDuration, Labels, ManualClock, PageRequest, Sample, TimestampMs,
};
use yunhai_monitor::{
    AlertStatus, DEFAULT_RULES_NAME, Error, MIGRATIONS, Monitor, MonitorConfig, MonitorParts,
    NewChannel, Node, Occasion, OutboxEntry, OutboxFilter, OutboxState, Route,
};
use yunhai_notify::SenderOptions;
use yunhai_promql::{Engine, Matcher, Queryable, SelectError, SelectHints};
use yunhai_test_support::channels::{
    ChannelSimulator, DINGTALK_SECRET, DINGTALK_TOKEN, FEISHU_ID, FEISHU_SECRET, Provider,
};

use super::*;

const START_MS: TimestampMs = 1_767_225_600_000;
const RULES: &str = "groups: [{name: g, rules: [{alert: Storm, expr: storm > 0}]}]";

/// So many servers are in trouble.
#[derive(Default)]
struct Storm(AtomicUsize);

#[async_trait]
impl Queryable for Storm {
    async fn select(
        &self,
        _: &[Matcher],
        _: TimestampMs,
        end_ms: TimestampMs,
        _: &SelectHints,
    ) -> Result<Vec<TimeSeries>, SelectError> {
        let series = (0..self.0.load(Ordering::SeqCst)).map(|server| TimeSeries {
            labels: Labels::of_metric("storm", [("server", format!("s{server:03}"))]),
            samples: vec![Sample {
                timestamp_ms: end_ms,
                value: 1.0,
            }],
        });
        Ok(series.collect())
    }
}

struct NoSink;

#[async_trait]
impl SampleSink for NoSink {
    async fn append(&self, _: Vec<TimeSeries>) -> Result<(), String> {
        Ok(())
    }
}

/// Leaves secrets as they are: what becomes of them is tested elsewhere.
struct NoSealer;

#[async_trait]
impl SecretSealer for NoSealer {
    fn seal(&self, _: &str, secret: &str) -> Result<String, String> {
        Ok(secret.to_owned())
    }

    fn open(&self, _: &str, sealed: &str) -> Result<String, String> {
        Ok(sealed.to_owned())
    }

    async fn refresh(&self) -> Result<(), String> {
        Ok(())
    }
}

struct House {
    simulator: ChannelSimulator,
    clock: Arc<ManualClock>,
    storm: Arc<Storm>,
    database: Database,
    monitor: Monitor,
    channels: Vec<ChannelId>,
    _folder: TempDir,
}

impl House {
    /// Two channels over one DingTalk robot, and one over Feishu; every alert is a group of its own.
    async fn new() -> Self {
        let simulator = ChannelSimulator::start(START_MS).await.unwrap();
        let clock = Arc::new(ManualClock::new(START_MS));
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("state.db").display());
        let database = Database::connect(&url).await.unwrap();
        database.migrate(MIGRATIONS, &*clock).await.unwrap();
        let storm = Arc::new(Storm::default());
        let monitor = build("one", &database, &clock, &storm).await;
        let mut transaction = database.transaction();
        monitor
            .delete_rule_file(&mut transaction, DEFAULT_RULES_NAME)
            .await
            .unwrap();
        monitor
            .put_rule_file(&mut transaction, "storm", RULES, "ann")
            .await
            .unwrap();
        let base = simulator.base_url();
        let ding = |all: bool| {
            json!({
                "kind": "dingtalk",
                "webhook_url": format!("{base}/robot/send?access_token={DINGTALK_TOKEN}"),
                "secret": DINGTALK_SECRET,
                "at_all": all,
            })
        };
        let feishu = json!({
            "kind": "feishu",
            "webhook_url": format!("{base}/open-apis/bot/v2/hook/{FEISHU_ID}"),
            "secret": FEISHU_SECRET,
        });
        let mut channels = Vec::new();
        for (name, config) in [("ding", ding(false)), ("all", ding(true)), ("fei", feishu)] {
            let new = NewChannel {
                name: name.to_owned(),
                config,
                is_enabled: true,
                ..NewChannel::default()
            };
            channels.push(monitor.add_channel(&mut transaction, new).await.unwrap().id);
        }
        let route = Route {
            channels: channels.clone(),
            group_by: Some(vec!["...".to_owned()]),
            group_interval: Some(HumanDuration::from_secs(1)),
            ..Route::default()
        };
        monitor.put_route(&mut transaction, &route).await.unwrap();
        transaction.commit().await.unwrap();
        Self {
            simulator,
            clock,
            storm,
            database,
            monitor,
            channels,
            _folder: folder,
        }
    }

    /// Lets a second pass; messages need up to 0.4 s to the providers, no two the same.
    async fn second(&self, number: i64) {
        self.clock.advance_ms(1000);
        let under_way_ms = number * 7919 % 400;
        self.simulator
            .set_now_ms(self.clock.now_ms() + under_way_ms);
        self.monitor.evaluate_once().await.unwrap();
    }

    async fn outbox(&self) -> Vec<OutboxEntry> {
        let mut entries = Vec::new();
        for page in 1.. {
            let page = PageRequest::parse(Some(page), Some(500), Some("created_at"), None).unwrap();
            let found = self
                .monitor
                .notifications(&OutboxFilter::default(), &page)
                .await
                .unwrap();
            entries.extend(found.items);
            if entries.len() as u64 >= found.total {
                break;
            }
        }
        entries
    }

    fn nothing_was_refused(&self) {
        for provider in [Provider::DingTalk, Provider::Feishu] {
            assert_eq!(self.simulator.too_fast(provider), 0, "{provider:?}");
        }
    }
}

async fn build(
    name: &str,
    database: &Database,
    clock: &Arc<ManualClock>,
    storm: &Arc<Storm>,
) -> Monitor {
    let sender = Sender::new(SenderOptions {
        clock: clock.clone(),
        ..SenderOptions::default()
    })
    .unwrap();
    Monitor::new(MonitorParts {
        database: database.clone(),
        queryable: storm.clone(),
        engine: Engine::default(),
        notifier: Arc::new(ChannelNotifier(sender)),
        sink: Arc::new(NoSink),
        sealer: Arc::new(NoSealer),
        clock: clock.clone(),
        node: Node {
            id: name.to_owned(),
            name: name.to_owned(),
        },
        config: MonitorConfig {
            flapping_changes: 0,
            ..MonitorConfig::default()
        },
    })
    .await
    .unwrap()
}

#[tokio::test]
async fn a_storm_is_told_whole_and_no_provider_has_to_refuse() {
    let mut house = House::new().await;
    house.storm.0.store(4, Ordering::SeqCst);
    house.second(0).await;
    house.storm.0.store(44, Ordering::SeqCst);
    let mut refused_tests = 0;
    for number in 1..100 {
        house.second(number).await;
        match number {
            // Another one in trouble every second.
            1..70 => {
                house.storm.0.fetch_add(1, Ordering::SeqCst);
            }
            70 => house.storm.0.store(0, Ordering::SeqCst),
            _ => {}
        }
        if number % 9 == 0 {
            match house.monitor.test_channel(house.channels[1], "ann").await {
                Ok(_) => {}
                Err(Error::Notify(_)) => refused_tests += 1,
                Err(error) => panic!("{error}"),
            }
        }
        if number == 25 {
            // Another server takes over.
            house.monitor = build("two", &house.database, &house.clock, &house.storm).await;
        }
    }
    for number in 100..200 {
        house.second(number).await;
    }
    house.nothing_was_refused();
    assert!(refused_tests > 0, "the robot was never at its limit");

    let servers: BTreeSet<String> = (0..113).map(|server| format!("s{server:03}")).collect();
    let entries = house.outbox().await;
    for channel in &house.channels {
        let mut last: BTreeMap<String, AlertStatus> = BTreeMap::new();
        let of_channel = || entries.iter().filter(|entry| entry.channel == *channel);
        for entry in of_channel() {
            match entry.state {
                OutboxState::Merged | OutboxState::Held | OutboxState::Dropped => continue,
                OutboxState::Sent => assert_eq!(entry.attempts, 1, "{entry:?}"),
                state => panic!("{state:?}: {entry:?}"),
            }
            for alert in &entry.notification.alerts {
                let server = alert.labels.get("server").unwrap();
                last.insert(server.to_owned(), alert.status);
            }
        }
        let told: BTreeSet<String> = last.keys().cloned().collect();
        assert_eq!(told, servers);
        let is_over = |status: &AlertStatus| *status == AlertStatus::Resolved;
        assert!(last.values().all(is_over), "{last:?}");
        let digests = of_channel().filter(|entry| entry.occasion == Occasion::Digest);
        assert!(digests.count() > 0);
    }
    let sent = |channels: &[ChannelId]| {
        let sent = entries
            .iter()
            .filter(|entry| entry.state == OutboxState::Sent && channels.contains(&entry.channel));
        sent.count()
    };
    let tests = 11 - refused_tests;
    let accepted = |provider| house.simulator.accepted(provider).len();
    assert_eq!(
        (accepted(Provider::DingTalk), accepted(Provider::Feishu)),
        (
            sent(&house.channels[..2]) + tests,
            sent(&house.channels[2..])
        )
    );
}

#[tokio::test]
async fn what_fits_into_the_limits_is_told_one_by_one() {
    let house = House::new().await;
    for number in 1..=5 {
        house.storm.0.store(number, Ordering::SeqCst);
        house.second(number as i64).await;
    }
    house.nothing_was_refused();
    assert_eq!(house.simulator.accepted(Provider::DingTalk).len(), 10);
    assert_eq!(house.simulator.accepted(Provider::Feishu).len(), 5);
}
