//! What providers measured as series of ours.

use std::collections::{BTreeMap, HashMap};

use yunhai_cloud::{CloudSeries, ServerRef};
use yunhai_collector::host::tag_label;
use yunhai_model::{Labels, METRIC_NAME, Sample, TimeSeries, TimestampMs};

use crate::account::{AccountSettings, RoundReport};
use crate::budget::Budget;
use crate::server::KnownServer;

/// Gives each series the labels of its server; those of servers that are not known are left out.
pub(crate) fn of_servers(series: Vec<CloudSeries>, servers: &[KnownServer]) -> Vec<TimeSeries> {
    let by_ref: HashMap<&ServerRef, &KnownServer> = servers
        .iter()
        .map(|server| (&server.details.server, server))
        .collect();
    series
        .into_iter()
        .filter_map(|series| {
            let server = by_ref.get(&series.server)?;
            let own = series.labels.into_iter();
            let pairs = labels(server).into_iter().chain(own);
            Some(TimeSeries {
                labels: Labels::of_metric(&series.metric, pairs),
                samples: series.samples,
            })
        })
        .collect()
}

/// The labels of everything that is measured of a server.
pub(crate) fn labels(server: &KnownServer) -> BTreeMap<String, String> {
    let tags = server.details.tags.iter();
    // Of two tags that become the same label the first holds.
    let mut labels: BTreeMap<String, String> = tags
        .rev()
        .map(|(key, value)| (tag_label(key), value.clone()))
        .collect();
    labels.extend([
        ("server".to_owned(), server.label.clone()),
        ("provider".to_owned(), server.provider.to_string()),
        ("account".to_owned(), server.account.clone()),
        ("region".to_owned(), server.details.server.region.clone()),
    ]);
    labels
}

/// The labels of what is told of an account itself.
pub(crate) fn labels_of_account(settings: &AccountSettings) -> Labels {
    Labels::new([
        ("account", settings.name.as_str()),
        ("provider", settings.provider.as_str()),
    ])
}

/// How an account fares, as series of its own for rules to watch.
pub(crate) fn of_account(
    settings: &AccountSettings,
    report: &RoundReport,
    budget: &Budget,
    at_ms: TimestampMs,
) -> Vec<TimeSeries> {
    let is_up = report.missing.is_empty();
    [
        ("cloud_account_up", f64::from(u8::from(is_up))),
        ("cloud_account_servers", report.servers as f64),
        (
            "cloud_account_month_cost_usd",
            budget.spent_micro_usd as f64 / 1e6,
        ),
        (
            "cloud_account_over_budget",
            f64::from(u8::from(report.is_over_budget)),
        ),
    ]
    .into_iter()
    .map(|(name, value)| TimeSeries {
        labels: labels_of_account(settings).with(METRIC_NAME, name),
        samples: vec![Sample {
            timestamp_ms: at_ms,
            value,
        }],
    })
    .collect()
}
