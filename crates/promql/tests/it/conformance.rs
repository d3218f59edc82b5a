//! Debian's Prometheus 2.42 and our engine get the same samples and must answer alike.
//!
//! The real program is asked the same in `crates/yunhai/tests/it/conformance.rs`.

#[path = "conformance/api.rs"]
mod api;
#[path = "conformance/compare.rs"]
mod compare;
#[path = "conformance/fixture.rs"]
mod fixture;
#[path = "conformance/prometheus.rs"]
mod prometheus;
#[path = "conformance/queries.rs"]
mod queries;

use anyhow::Result;
use yunhai_promql::{Engine, MemoryStore};

use api::Answer;
use prometheus::Prometheus;
use queries::{Query, When};

#[tokio::test(flavor = "multi_thread")]
async fn answers_are_those_of_prometheus() -> Result<()> {
    let series = fixture::series();
    let prometheus = Prometheus::start("5m").await?;
    prometheus.api.write(&series).await?;
    let mut store = MemoryStore::new();
    for series in &series {
        store.append(&series.labels, series.samples.iter().copied());
    }
    let (engine, store) = (&Engine::default(), &store);
    let ours = |query| async move { Ok(ask_engine(engine, store, query).await) };
    compare::check(&prometheus.api, ours).await
}

async fn ask_engine(engine: &Engine, store: &MemoryStore, query: &Query) -> Answer {
    let answer = match query.when {
        When::Instant(time_ms) => engine.instant(store, &query.expr, time_ms).await,
        When::Range {
            start_ms,
            end_ms,
            step_ms,
        } => {
            engine
                .range(store, &query.expr, start_ms, end_ms, step_ms)
                .await
        }
    };
    match answer {
        Ok(value) => Answer::Value(serde_json::to_value(value).expect("a value is JSON")),
        Err(error) => Answer::Failure {
            kind: error.api_type().into(),
            message: error.to_string(),
        },
    }
}
