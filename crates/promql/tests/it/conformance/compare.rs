//! Whether two answers say the same.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};
use futures::stream::{StreamExt, iter};
use serde_json::Value;

use super::api::{Answer, Api};
use super::queries::{self, Query};

/// Relative error that values may have.
const TOLERANCE: f64 = 1e-9;

/// Asks both all queries and fails with every difference.
pub(super) async fn check<F>(theirs: &Api, ours: impl Fn(&'static Query) -> F) -> Result<()>
where
    F: Future<Output = Result<Answer>>,
{
    // They live as long as the process, so that the questions about them may.
    let queries: &'static [Query] = queries::all().leak();
    let distinct: BTreeSet<&str> = queries.iter().map(|query| query.expr.as_str()).collect();
    assert!(
        distinct.len() >= 300,
        "only {} distinct queries",
        distinct.len()
    );
    let ours = &ours;
    let faults: Vec<String> = iter(queries)
        .map(|query| async move {
            let theirs = theirs.ask(query).await.context(query.to_string())?;
            let ours = ours(query).await.context(query.to_string())?;
            let fault = compare(query, &theirs, &ours).err();
            anyhow::Ok(fault.map(|reason| format!("{query}: {reason}")))
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
