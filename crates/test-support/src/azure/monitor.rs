//! What was measured: fifty machines at once, and one by itself.
//!
//! Sources: `monitor/data-plane/Microsoft.Insights/stable/2023-10-01/metricBatch.json` with
//! `examples/MetricBatchExample.json`, "How to migrate from the metrics API to the getBatch API"
//! (learn.microsoft.com) for the restrictions, and
//! `monitor/resource-manager/Microsoft.Insights/stable/2023-10-01/metrics_API.json` for one by itself.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::login::{MANAGER, METRICS};
use super::requests::{self, Reply, Request};
use super::world::World;

/// The metrics that there are, with their units: "Supported metrics for
/// Microsoft.Compute/virtualMachines".
const KNOWN: &[(&str, &str)] = &[
    ("Percentage CPU", "Percent"),
    ("Available Memory Bytes", "Bytes"),
    ("Available Memory Percentage", "Percent"),
    ("Network In Total", "Bytes"),
    ("Network Out Total", "Bytes"),
    ("Disk Read Bytes", "Bytes"),
    ("Disk Write Bytes", "Bytes"),
    ("VmAvailabilityMetric", "Count"),
];

/// The periods that there are, in minutes.
const GRAINS: &[(&str, i64)] = &[
    ("PT1M", 1),
    ("PT5M", 5),
    ("PT15M", 15),
    ("PT30M", 30),
    ("PT1H", 60),
];

const AGGREGATIONS: &[&str] = &["average", "minimum", "maximum", "total", "count"];

/// What is asked of each machine.
struct Asked {
    from_ms: i64,
    until_ms: i64,
    grain: &'static str,
    grain_ms: i64,
    names: Vec<(&'static str, &'static str)>,
    aggregations: Vec<String>,
}

/// Answers `metrics:getBatch`.
pub(super) fn batch(world: &mut World, request: &Request) -> Result<Reply, Reply> {
    requests::authenticate(world, request, METRICS)?;
    let [
        "metrics-of",
        region,
        "subscriptions",
        subscription,
        "metrics:getbatch",
    ] = request.parts()[..]
    else {
        return Err(Reply::not_found(&request.path));
    };
    if world.broken_locations.contains(region) {
        return Err(Reply::error(
            503,
            "ServiceUnavailable",
            "The service is unavailable.",
        ));
    }
    requests::method(request, "POST")?;
    requests::version(request, &["2023-10-01", "2024-02-01"])?;
    requests::known_subscription(subscription)?;
    requests::authorise(world, request, "Microsoft.Insights/metrics/read")?;
    let namespace = request.query("metricnamespace").unwrap_or_default();
    if !namespace.eq_ignore_ascii_case("Microsoft.Compute/virtualMachines") {
        return Err(bad("metricnamespace is required."));
    }
    let asked = asked(world, request, "starttime", "endtime")?;
    let body = request.json()?;
    let ids = body["resourceids"].as_array();
    let ids: Option<Vec<&str>> = ids.and_then(|ids| ids.iter().map(Value::as_str).collect());
    let ids = ids.ok_or_else(|| bad("The request body must have a list of resourceids."))?;
    if ids.is_empty() || ids.len() > 50 {
        return Err(bad("The number of resource ids must be between 1 and 50."));
    }
    let mut values = Vec::new();
    for id in ids {
        if id.chars().any(char::is_uppercase) {
            return Err(bad(&format!("Resource id '{id}' is not in lower case.")));
        }
        if !id.starts_with(&format!("/subscriptions/{subscription}/")) {
            return Err(bad("All resources must be of the same subscription."));
        }
        let location = world
            .machines
            .get(id)
            .map(|machine| &machine.document["location"]);
        match location.and_then(Value::as_str) {
            None => return Err(Reply::not_found(id)),
            Some(location) if location != region => {
                return Err(bad(&format!(
                    "Resource id '{id}' is not in the region {region}."
                )));
            }
            Some(_) => {}
        }
        values.push(json!({
            "starttime": time(asked.from_ms),
            "endtime": time(asked.until_ms),
            "interval": asked.grain,
            "value": metrics(world, id, &asked),
            "namespace": "microsoft.compute/virtualmachines",
            "resourceregion": region,
            "resourceid": id,
        }));
    }
    Ok(Reply::ok(json!({ "values": values })))
}

/// Answers for one machine by itself: `Response` of `metrics_API.json`.
pub(super) fn single(world: &mut World, request: &Request, machine: &str) -> Result<Reply, Reply> {
    requests::authenticate(world, request, MANAGER)?;
    requests::method(request, "GET")?;
    requests::version(request, &["2023-10-01", "2024-02-01"])?;
    requests::authorise(world, request, "Microsoft.Insights/metrics/read")?;
    let Some(document) = world.machines.get(machine) else {
        return Err(Reply::not_found(machine));
    };
    let region = document.document["location"].clone();
    let asked = asked(world, request, "timespan", "timespan")?;
    Ok(Reply::ok(json!({
        "cost": 0,
        "timespan": format!("{}/{}", time(asked.from_ms), time(asked.until_ms)),
        "interval": asked.grain,
        "namespace": "Microsoft.Compute/virtualMachines",
        "resourceregion": region,
        "value": metrics(world, machine, &asked),
    })))
}

fn asked(world: &World, request: &Request, from: &str, until: &str) -> Result<Asked, Reply> {
    let moment = |name: &str, part: usize| {
        let text = request.query(name)?;
        parse(text.split('/').nth(part).unwrap_or_default())
    };
    let now_ms = world.now_ms();
    let is_span = from == until;
    let until_ms = moment(until, usize::from(is_span)).unwrap_or(now_ms);
    let from_ms = moment(from, 0);
    if from_ms.is_none() && request.query(until).is_some() {
        return Err(bad(
            "starttime is required where endtime is given; they look like 2026-11-01T00:00:00.000Z.",
        ));
    }
    let from_ms = from_ms.unwrap_or(until_ms - 3_600_000);
    if from_ms >= until_ms {
        return Err(bad("The start time must be before the end time."));
    }
    let grain = request.query("interval").unwrap_or("PT1M");
    let Some((grain, minutes)) = GRAINS.iter().find(|(name, _)| *name == grain) else {
        return Err(bad(&format!(
            "Detected invalid time grain input '{grain}'."
        )));
    };
    let names: Option<Vec<_>> = request
        .query("metricnames")
        .unwrap_or_default()
        .split(',')
        .map(|name| {
            KNOWN
                .iter()
                .find(|(known, _)| known.eq_ignore_ascii_case(name))
                .copied()
        })
        .collect();
    let Some(names) = names.filter(|names| names.len() <= 20) else {
        return Err(bad(
            "Failed to find metric configuration for provider: Microsoft.Compute, resource Type: virtualMachines.",
        ));
    };
    let aggregations: Vec<String> = request
        .query("aggregation")
        .unwrap_or("average")
        .split(',')
        .map(str::to_ascii_lowercase)
        .collect();
    if aggregations
        .iter()
        .any(|name| !AGGREGATIONS.contains(&name.as_str()))
    {
        return Err(bad("Invalid aggregation."));
    }
    Ok(Asked {
        from_ms,
        until_ms,
        grain,
        grain_ms: minutes * 60_000,
        names,
        aggregations,
    })
}

/// `Metric` of `metricBatch.json`. A period without a measurement has its time and nothing else.
fn metrics(world: &World, machine: &str, asked: &Asked) -> Vec<Value> {
    let mut metrics = Vec::new();
    for (name, unit) in &asked.names {
        let mut metric = json!({
            "id": format!("{machine}/providers/Microsoft.Insights/metrics/{name}"),
            "type": "Microsoft.Insights/metrics",
            "name": { "value": name, "localizedValue": name },
            "displayDescription": name,
            "unit": unit,
            "timeseries": [],
            "errorCode": "Success",
        });
        let fault = world
            .metric_fault
            .as_ref()
            .filter(|fault| fault.metric == *name);
        if let Some(fault) = fault {
            metric["errorCode"] = json!(fault.code);
            metric["errorMessage"] = json!(fault.message);
        } else {
            let key = (machine.to_owned(), (*name).to_owned());
            let data = points(world.measured.get(&key), asked);
            metric["timeseries"] = json!([{ "metadatavalues": [], "data": data }]);
        }
        metrics.push(metric);
    }
    metrics
}

fn points(measured: Option<&BTreeMap<i64, f64>>, asked: &Asked) -> Vec<Value> {
    let mut points = Vec::new();
    let mut at_ms = asked.from_ms.div_euclid(asked.grain_ms) * asked.grain_ms;
    while at_ms < asked.until_ms {
        let mut point = json!({ "timeStamp": time(at_ms) });
        let values: Vec<f64> = measured
            .into_iter()
            .flat_map(|measured| measured.range(at_ms..at_ms + asked.grain_ms))
            .map(|(_, value)| *value)
            .collect();
        if !values.is_empty() {
            let (total, count) = (values.iter().sum::<f64>(), values.len() as f64);
            for aggregation in &asked.aggregations {
                point[aggregation] = json!(match aggregation.as_str() {
                    "average" => total / count,
                    "minimum" => values.iter().copied().fold(f64::INFINITY, f64::min),
                    "maximum" => values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
                    "count" => count,
                    _ => total,
                });
            }
        }
        points.push(point);
        at_ms += asked.grain_ms;
    }
    points
}

fn bad(said: &str) -> Reply {
    Reply::error(400, "BadRequest", said)
}

/// The times of Monitor are UTC, to the second or finer.
fn parse(text: &str) -> Option<i64> {
    let text = text.trim();
    let timestamp: jiff::Timestamp = text.parse().ok()?;
    Some(timestamp.as_millisecond())
}

fn time(at_ms: i64) -> String {
    jiff::Timestamp::from_millisecond(at_ms).map_or_else(|_| String::new(), |time| time.to_string())
}
