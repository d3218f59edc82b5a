//! A server that takes remote write, or does not, as the test says.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::routing::post;
use http::{HeaderMap, StatusCode};
use yunhai_test_support::remote_write::WriteRequest;

/// Where the server takes samples.
const PATH: &str = "/base/prometheus/api/v1/write";

pub(crate) const TOKEN: &str = "yh_token";

/// What was heard, and how to answer.
#[derive(Default)]
struct Heard {
    /// The times of `server_up` of the server `web-1`, as they came.
    times: Vec<i64>,
    /// The newest value of each metric of the agent's own.
    agent: std::collections::BTreeMap<String, f64>,
    metrics_told: usize,
    refusals: usize,
    answer: Option<StatusCode>,
}

#[derive(Clone)]
pub(crate) struct Receiver {
    heard: Arc<Mutex<Heard>>,
    pub(crate) address: SocketAddr,
}

impl Receiver {
    pub(crate) async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let receiver = Self {
            heard: Arc::default(),
            address: listener.local_addr().unwrap(),
        };
        let router = Router::new()
            .route(PATH, post(write))
            .with_state(receiver.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        receiver
    }

    /// Answers so from now on; `None` takes everything.
    pub(crate) fn answer(&self, status: Option<StatusCode>) {
        self.heard.lock().unwrap().answer = status;
    }

    pub(crate) fn times(&self) -> Vec<i64> {
        self.heard.lock().unwrap().times.clone()
    }

    pub(crate) fn refusals(&self) -> usize {
        self.heard.lock().unwrap().refusals
    }

    pub(crate) fn metrics_told(&self) -> usize {
        self.heard.lock().unwrap().metrics_told
    }

    pub(crate) fn agent(&self, metric: &str) -> Option<f64> {
        self.heard.lock().unwrap().agent.get(metric).copied()
    }
}

async fn write(State(receiver): State<Receiver>, headers: HeaderMap, body: Bytes) -> StatusCode {
    assert_eq!(headers["authorization"], format!("Bearer {TOKEN}"));
    assert_eq!(headers["content-encoding"], "snappy");
    let request = WriteRequest::of_body(&body);
    let mut heard = receiver.heard.lock().unwrap();
    if let Some(status) = heard.answer {
        heard.refusals += 1;
        return status;
    }
    heard.metrics_told = heard.metrics_told.max(request.metadata.len());
    for series in request.series {
        assert!(series.labels.is_sorted_by(|one, next| one.name < next.name));
        assert_eq!(series.label("server"), Some("web-1"));
        assert_eq!(series.label("tag_env"), Some("prod"));
        let metric = series.label("__name__").unwrap();
        for sample in &series.samples {
            if metric == "server_up" {
                heard.times.push(sample.timestamp_ms);
            }
            if metric.starts_with("server_agent_") {
                heard.agent.insert(metric.to_owned(), sample.value);
            }
        }
    }
    StatusCode::NO_CONTENT
}
