//! The engine as its callers use it.

use std::time::{Duration, Instant};

use yunhai_model::{Labels, Sample};
use yunhai_promql::{
    Engine, EngineOptions, Error, MemoryStore, QueryValue, metric_selectors, parse,
};

const MINUTE_MS: i64 = 60_000;

/// Servers with a gauge every five minutes for a day.
fn fleet(servers: usize) -> MemoryStore {
    let mut store = MemoryStore::new();
    for server in 0..servers {
        let labels = Labels::of_metric(
            "server_cpu_utilization_ratio",
            [
                ("server", format!("s{server}")),
                ("region", format!("r{}", server % 7)),
            ],
        );
        store.append(
            &labels,
            (0..=288).map(|at| Sample {
                timestamp_ms: at * 5 * MINUTE_MS,
                value: (at as f64 + server as f64) % 100.0 / 100.0,
            }),
        );
    }
    store
}

#[tokio::test]
async fn a_day_of_a_large_fleet_is_averaged_quickly() {
    let store = fleet(2000);
    let engine = Engine::default();
    let started = Instant::now();
    let value = engine
        .range(
            &store,
            "avg by (region) (server_cpu_utilization_ratio)",
            0,
            288 * 5 * MINUTE_MS,
            5 * MINUTE_MS,
        )
        .await
        .unwrap();
    let QueryValue::Matrix(series) = value else {
        panic!("expected a matrix");
    };
    assert_eq!(series.len(), 7);
    assert_eq!(series[0].samples.len(), 289);
    // Far more than it takes, even without optimisation on a busy machine; the benchmark measures.
    assert!(started.elapsed() < Duration::from_secs(10));
}

#[tokio::test]
async fn limits_have_clear_errors() {
    let store = fleet(10);
    let engine = Engine::new(EngineOptions {
        max_samples: 100,
        ..EngineOptions::default()
    });
    let expr = "server_cpu_utilization_ratio";
    let error = engine
        .range(&store, expr, 0, 288 * 5 * MINUTE_MS, 5 * MINUTE_MS)
        .await
        .unwrap_err();
    assert!(matches!(error, Error::TooManySamples(100)), "{error}");
    let error = engine.range(&store, expr, 0, 11_000, 1).await.unwrap_err();
    assert!(error.to_string().contains("11000 points"), "{error}");
    let error = engine.range(&store, expr, 0, 100, 0).await.unwrap_err();
    assert!(error.to_string().contains("step"), "{error}");
    let error = engine.range(&store, expr, 100, 0, 1).await.unwrap_err();
    assert!(error.to_string().contains("before start"), "{error}");
    let error = engine
        .range(&store, "server_cpu_utilization_ratio[5m]", 0, 100, 1)
        .await
        .unwrap_err();
    assert_eq!(error.api_type(), "bad_data");
}

#[tokio::test]
async fn a_query_stops_at_its_deadline() {
    let store = fleet(10);
    let engine = Engine::new(EngineOptions {
        timeout: Duration::ZERO,
        ..EngineOptions::default()
    });
    let error = engine.instant(&store, "1 + 1", 0).await.unwrap_err();
    assert!(matches!(error, Error::Timeout(_)), "{error}");
    assert_eq!(error.api_type(), "timeout");
}

#[tokio::test]
async fn range_vectors_are_shown_by_instant_queries() {
    let store = fleet(1);
    let value = Engine::default()
        .instant(&store, "server_cpu_utilization_ratio[10m]", 20 * MINUTE_MS)
        .await
        .unwrap();
    let QueryValue::Matrix(series) = value else {
        panic!("expected a matrix");
    };
    assert_eq!(series[0].samples.len(), 3);
}

#[tokio::test]
async fn doubtful_queries_are_remarked_upon() {
    let store = fleet(1);
    let annotated = Engine::default()
        .instant_annotated(
            &store,
            "quantile(2, rate(server_cpu_utilization_ratio[10m]))",
            20 * MINUTE_MS,
        )
        .await
        .unwrap();
    assert!(annotated.warnings[0].contains("between 0 and 1"));
    assert!(annotated.infos[0].contains("might not be a counter"));
}

#[test]
fn selectors_of_an_expression_are_listed() {
    let expr = parse(r#"a{x="1"} / on(x) sum(rate(b[5m])) + {y="z"} > 5"#).unwrap();
    let names: Vec<Option<String>> = metric_selectors(&expr)
        .into_iter()
        .map(|selector| selector.metric)
        .collect();
    assert_eq!(names, [Some("a".into()), Some("b".into()), None]);
}

#[tokio::test]
async fn long_chains_of_operators_do_not_overflow_the_stack() {
    let text = vec!["1"; 2000].join(" + ");
    let value = Engine::default()
        .instant(&MemoryStore::new(), &text, 0)
        .await
        .unwrap();
    assert!(matches!(value, QueryValue::Scalar(sample) if sample.value == 2000.0));
}
