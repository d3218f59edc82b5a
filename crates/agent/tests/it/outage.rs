//! A server that goes away and comes back.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use http::StatusCode;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use yunhai_agent::{AgentConfig, Buffer, Connection, Error, run};
use yunhai_collector::host::HostConfig;
use yunhai_model::{Clock, Secret};

use super::receiver::{Receiver, TOKEN};

/// Each look at it is a second later, so that each round has a time of its own.
#[derive(Debug, Default)]
struct Counting(AtomicI64);

impl Clock for Counting {
    fn now_ms(&self) -> i64 {
        self.0.fetch_add(1000, Ordering::SeqCst)
    }
}

fn config(receiver: &Receiver, buffer: &Path) -> AgentConfig {
    let mut host = HostConfig::new("web-1");
    host.tags.insert("env".into(), "prod".into());
    AgentConfig {
        connection: Connection {
            server: format!("http://{}/base/", receiver.address)
                .parse()
                .unwrap(),
            ca_file: None,
            allow_plain_http: false,
        },
        token: Secret::new(TOKEN),
        host,
        interval: Duration::from_millis(20),
        buffer: buffer.to_owned(),
        buffer_bytes: 1 << 20,
    }
}

struct Running {
    stop: CancellationToken,
    agent: JoinHandle<Result<(), Error>>,
}

impl Running {
    fn start(config: AgentConfig, clock: &Arc<Counting>) -> Self {
        let stop = CancellationToken::new();
        let agent = tokio::spawn(run(config, clock.clone(), stop.clone()));
        Self { stop, agent }
    }

    async fn stop(self) {
        self.stop.cancel();
        self.agent.await.unwrap().unwrap();
    }
}

async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..1500 {
        if holds() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("it never came about that {what}");
}

fn has_no_gap(times: &[i64]) -> bool {
    times.windows(2).all(|pair| pair[1] == pair[0] + 1000)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_missing_after_an_outage_and_a_restart_of_the_agent() {
    let receiver = Receiver::start().await;
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(Counting::default());
    let first = Running::start(config(&receiver, folder.path()), &clock);
    until("rounds arrive", || receiver.times().len() >= 3).await;
    assert!(receiver.metrics_told() > 30);

    receiver.answer(Some(StatusCode::SERVICE_UNAVAILABLE));
    until("the server is found to be away", || {
        receiver.refusals() >= 1
    })
    .await;
    let waiting = || Buffer::open(folder.path(), 1 << 20).unwrap().bytes() > 5000;
    until("measurements wait on disk", waiting).await;
    first.stop().await;

    let second = Running::start(config(&receiver, folder.path()), &clock);
    let before = receiver.refusals();
    until("it tries again", || receiver.refusals() > before).await;
    let heard = receiver.times().len();
    receiver.answer(None);
    until("all has arrived", || receiver.times().len() > heard + 20).await;
    until("nothing waits any more", || {
        receiver.agent("server_agent_buffered_bytes") == Some(0.0)
    })
    .await;
    second.stop().await;
    let times = receiver.times();
    assert!(has_no_gap(&times), "{times:?}");
    assert_eq!(
        receiver.agent("server_agent_dropped_samples_total"),
        Some(0.0)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_refused_for_good_is_counted_and_not_sent_again() {
    let receiver = Receiver::start().await;
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(Counting::default());
    receiver.answer(Some(StatusCode::BAD_REQUEST));
    let agent = Running::start(config(&receiver, folder.path()), &clock);
    until("rounds are refused", || receiver.refusals() >= 3).await;
    receiver.answer(None);
    until("later ones arrive", || !receiver.times().is_empty()).await;
    until("the refused ones are counted", || {
        receiver.agent("server_agent_refused_samples_total") > Some(0.0)
    })
    .await;
    agent.stop().await;
    let times = receiver.times();
    assert!(has_no_gap(&times), "{times:?}");
    assert!(times[0] >= 3000, "the first three were refused: {times:?}");
}

#[tokio::test]
async fn the_token_does_not_go_over_the_network_in_the_clear() {
    let folder = tempfile::tempdir().unwrap();
    let receiver = Receiver::start().await;
    let mut config = config(&receiver, folder.path());
    for (address, is_plain) in [
        ("http://yunhai.example.com:8420", true),
        ("ftp://yunhai.example.com", false),
    ] {
        config.connection.server = address.parse().unwrap();
        let clock = Arc::new(Counting::default());
        let error = run(config.clone(), clock, CancellationToken::new())
            .await
            .unwrap_err();
        match error {
            Error::Plain(_) => assert!(is_plain),
            Error::Address(_) => assert!(!is_plain),
            other => panic!("{other}"),
        }
    }
}
