//! Debian's Prometheus 2.42 and our engine get the same samples and must answer alike.

#[path = "conformance/fixture.rs"]
mod fixture;
#[path = "conformance/prometheus.rs"]
mod prometheus;
#[path = "conformance/queries.rs"]
mod queries;

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use futures::stream::{StreamExt, iter};
use serde_json::Value;
use yunhai_promql::{Engine, MemoryStore};

use prometheus::{Answer, Prometheus};
use queries::{Query, When};

/// Relative error that values may have.
const TOLERANCE: f64 = 1e-9;

#[tokio::test(flavor = "multi_thread")]
async fn answers_are_those_of_prometheus() -> Result<()> {
    let series = fixture::series();
    let prometheus = Prometheus::start().await?;
    prometheus.write(&series).await?;
    let mut store = MemoryStore::new();
    for series in &series {
        store.append(&series.labels, series.samples.iter().copied());
    }
    let engine = Engine::default();

    let queries = queries::read(include_str!("conformance/queries.txt"));
    let distinct: std::collections::BTreeSet<&str> =
        queries.iter().map(|query| query.expr.as_str()).collect();
    assert!(
        distinct.len() >= 300,
        "only {} distinct queries",
        distinct.len()
    );
    let (engine, store, prometheus) = (&engine, &store, &prometheus);
    let faults: Vec<String> = iter(&queries)
        .map(|query| async move {
            let theirs = prometheus.ask(query).await.context(query.to_string())?;
            let ours = ask_engine(engine, store, query).await;
            anyhow::Ok(
                compare(query, &theirs, &ours)
                    .err()
                    .map(|reason| format!("{query}: {reason}")),
            )
        })
        .buffer_unordered(4)
        .collect::<Vec<_>>()
        .await
        .into_iter()
        .collect::<Result<Vec<_>>>()?
        .into_iter()
        .flatten()
        .collect();
    assert!(
        faults.is_empty(),
        "{} of {} answers differ:\n{}",
        faults.len(),
        queries.len(),
        faults.join("\n")
    );
    Ok(())
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

fn compare(query: &Query, theirs: &Answer, ours: &Answer) -> Result<(), String> {
    match (theirs, ours) {
        (Answer::Value(theirs), Answer::Value(ours)) => compare_values(query, theirs, ours),
        (Answer::Failure { kind: theirs, .. }, Answer::Failure { kind: ours, .. })
            if theirs == ours =>
        {
            Ok(())
        }
        (theirs, ours) => Err(format!("they say {theirs}, we say {ours}")),
    }
}

fn compare_values(query: &Query, theirs: &Value, ours: &Value) -> Result<(), String> {
    if theirs["resultType"] != ours["resultType"] {
        return Err(format!(
            "their type is {}, ours is {}",
            theirs["resultType"], ours["resultType"]
        ));
    }
    let (theirs, ours) = (&theirs["result"], &ours["result"]);
    let is_list_of_series = theirs.as_array().is_some_and(|list| {
        list.iter().all(Value::is_object)
            && ours
                .as_array()
                .is_some_and(|o| o.iter().all(Value::is_object))
    });
    if !is_list_of_series {
        return compare_point(theirs, ours);
    }
    if query.is_ordered() {
        let order = |list: &Value| -> Vec<String> {
            list.as_array()
                .into_iter()
                .flatten()
                .map(|series| series["metric"].to_string())
                .collect()
        };
        if order(theirs) != order(ours) {
            return Err(format!(
                "their order is {:?}, ours is {:?}",
                order(theirs),
                order(ours)
            ));
        }
    }
    let by_labels = |list: &Value| -> BTreeMap<String, Value> {
        list.as_array()
            .into_iter()
            .flatten()
            .map(|series| (series["metric"].to_string(), series.clone()))
            .collect()
    };
    let (theirs, mut ours) = (by_labels(theirs), by_labels(ours));
    for (labels, theirs) in theirs {
        let Some(ours) = ours.remove(&labels) else {
            return Err(format!("we miss {labels}"));
        };
        let points = |series: &Value| -> Vec<Value> {
            match series["values"].as_array() {
                Some(values) => values.clone(),
                None => vec![series["value"].clone()],
            }
        };
        let (theirs, ours) = (points(&theirs), points(&ours));
        if theirs.len() != ours.len() {
            return Err(format!(
                "{labels} has {} points there, {} here",
                theirs.len(),
                ours.len()
            ));
        }
        for (theirs, ours) in theirs.iter().zip(&ours) {
            compare_point(theirs, ours).map_err(|reason| format!("{labels}: {reason}"))?;
        }
    }
    match ours.keys().next() {
        Some(labels) => Err(format!("they miss {labels}")),
        None => Ok(()),
    }
}

/// Compares `[seconds, "value"]`.
fn compare_point(theirs: &Value, ours: &Value) -> Result<(), String> {
    let is_same_time = theirs[0].as_f64() == ours[0].as_f64();
    if is_same_time && (theirs[1] == ours[1] || is_near(&theirs[1], &ours[1])) {
        Ok(())
    } else {
        Err(format!("{theirs} there, {ours} here"))
    }
}

fn is_near(theirs: &Value, ours: &Value) -> bool {
    let number = |value: &Value| value.as_str()?.parse::<f64>().ok();
    match (number(theirs), number(ours)) {
        (Some(theirs), Some(ours)) => {
            (theirs - ours).abs() <= TOLERANCE * theirs.abs().max(ours.abs())
        }
        _ => false,
    }
}
