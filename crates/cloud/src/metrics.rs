//! What a provider measured of its servers, in our names and units beside the provider's own.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use yunhai_model::{Sample, TimestampMs};

use crate::{CloudServer, Missing, ServerRef};

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub struct MetricsQuery<'a> {
    /// The servers as the last inventory had them. Only those that run are asked about.
    pub servers: &'a [CloudServer],
    /// The first moment that is wanted.
    pub from_ms: TimestampMs,
    /// The moment after the last that is wanted. What is not yet whole at that time is left out.
    pub until_ms: TimestampMs,
    /// How often it is asked, in seconds: no finer than this is of use.
    pub interval_secs: u64,
}

/// One metric of one server.
#[derive(Clone, Debug, PartialEq)]
pub struct CloudSeries {
    /// Of which server.
    pub server: ServerRef,
    /// The metric: ours, or the provider's own in the form `aws_ec2_network_in_sum`.
    pub metric: String,
    /// The labels that tell it apart from others of the server: `mountpoint`, `device`.
    pub labels: BTreeMap<String, String>,
    /// In the order of time, with the provider's timestamps.
    pub samples: Vec<Sample>,
}

/// What questions take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// How many calls were made, those that failed among them. How often a client repeats one by
    /// itself does not count.
    pub calls: u64,
    /// How many of the things the provider charges for: metrics asked, series returned, calls.
    pub billed: u64,
    /// What that costs at the list price, in millionths of a US dollar.
    pub cost_micro_usd: u64,
}

impl std::ops::AddAssign for Usage {
    fn add_assign(&mut self, other: Self) {
        self.calls += other.calls;
        self.billed += other.billed;
        self.cost_micro_usd += other.cost_micro_usd;
    }
}

/// Who asks: pays for the questions, and takes the answers as they come, so that nobody has to
/// hold all of them.
#[async_trait]
pub trait Collector: Send + Sync {
    /// Asked before every call that is charged for. What is allowed counts as spent, whether the
    /// call succeeds or not.
    fn may_spend(&self, usage: Usage) -> bool;

    /// Takes what was measured.
    async fn take(&self, series: Vec<CloudSeries>);
}

/// What came of a question, beside the answers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MetricsRound {
    /// What could not be had.
    pub missing: Vec<Missing>,
    /// The regions of which measurements are missing that are to be asked for again.
    pub unread: BTreeSet<String>,
    /// Whether something was not asked, as it would have cost too much.
    pub is_over_budget: bool,
}

impl std::ops::AddAssign for MetricsRound {
    fn add_assign(&mut self, mut other: Self) {
        self.missing.append(&mut other.missing);
        self.unread.append(&mut other.unread);
        self.is_over_budget = self.is_over_budget || other.is_over_budget;
    }
}

/// The whole periods between two moments, in pieces of at most `most` periods. A period that still
/// goes on would be counted in part.
pub fn whole_periods(
    from_ms: TimestampMs,
    until_ms: TimestampMs,
    period_secs: u64,
    most: i64,
) -> Vec<(TimestampMs, TimestampMs)> {
    let period_ms = period_secs as i64 * 1000;
    let until_ms = until_ms.div_euclid(period_ms) * period_ms;
    let mut from_ms = from_ms.div_euclid(period_ms) * period_ms;
    let mut windows = Vec::new();
    while from_ms < until_ms {
        let end_ms = until_ms.min(from_ms + most * period_ms);
        windows.push((from_ms, end_ms));
        from_ms = end_ms;
    }
    windows
}

/// Tells what was measured.
#[async_trait]
pub trait Metrics: Send + Sync {
    /// Asks, in as few calls as the provider allows. What cannot be had never hides the rest, and a
    /// metric that the provider does not have is absent, never 0.
    async fn collect(&self, query: MetricsQuery<'_>, collector: &dyn Collector) -> MetricsRound;

    /// How old the newest measurement of a server can be when it can first be had, in seconds:
    /// providers date a measurement by the beginning of its period, and need time to settle on it.
    fn delay_secs(&self, server: &CloudServer) -> u64;
}
