//! What the CloudWatch agent measures within instances.
//!
//! Its metrics can only be asked for with exactly the dimensions that they were sent with, and those
//! depend on the agent's configuration, so they are listed first. The list is believed for a while.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, PoisonError};

use aws_sdk_cloudwatch::types::{Dimension, RecentlyActive};
use yunhai_cloud::{CloudServer, Collector, Error, MetricsRound, Pages, Usage};
use yunhai_model::TimestampMs;

use crate::account::AwsAccount;
use crate::error::told;
use crate::metrics::missing;
use crate::table::{AGENT_METRICS, AgentMetric, NOT_ON_DISK};

/// How long a list is believed.
const BELIEVED_MS: i64 = 3_600_000;

/// What a call of ListMetrics costs: 0.01 $ for a thousand.
const LIST: Usage = Usage {
    calls: 1,
    billed: 0,
    cost_micro_usd: 10,
};

/// A metric of an agent with the dimensions it was sent with.
#[derive(Clone, Debug)]
pub(crate) struct Listed {
    pub(crate) metric: &'static AgentMetric,
    pub(crate) dimensions: Vec<Dimension>,
}

/// What was listed, by region.
#[derive(Debug, Default)]
pub(crate) struct AgentSeries(Mutex<BTreeMap<String, (TimestampMs, Vec<Listed>)>>);

impl AgentSeries {
    fn get(&self, region: &str, now_ms: TimestampMs) -> Option<Vec<Listed>> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (at_ms, listed) = known.get(region)?;
        // A clock that was set back makes a list no younger.
        ((0..BELIEVED_MS).contains(&(now_ms - at_ms))).then(|| listed.clone())
    }

    fn put(&self, region: &str, now_ms: TimestampMs, listed: Vec<Listed>) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(region.to_owned(), (now_ms, listed));
    }
}

impl AwsAccount {
    /// Returns the metrics of the agents in a region; what could not be listed is told.
    pub(crate) async fn agent_series(
        &self,
        region: &str,
        now_ms: TimestampMs,
        collector: &dyn Collector,
    ) -> (Vec<Listed>, MetricsRound) {
        let mut round = MetricsRound::default();
        if let Some(known) = self.agent_series.get(region, now_ms) {
            return (known, round);
        }
        let mut listed = Vec::new();
        for metric in AGENT_METRICS {
            match self.list(region, metric, collector).await {
                Ok(Some(mut found)) => listed.append(&mut found),
                Ok(None) => {
                    round.is_over_budget = true;
                    return (listed, round);
                }
                Err(error) => {
                    round.missing.push(missing(region, error));
                    return (listed, round);
                }
            }
        }
        self.agent_series.put(region, now_ms, listed.clone());
        (listed, round)
    }

    /// Lists one metric; nothing, where it may not cost any more.
    async fn list(
        &self,
        region: &str,
        metric: &'static AgentMetric,
        collector: &dyn Collector,
    ) -> Result<Option<Vec<Listed>>, Error> {
        let request = self
            .clients
            .of(region)
            .cloudwatch
            .list_metrics()
            .namespace("CWAgent")
            .metric_name(metric.name)
            .recently_active(RecentlyActive::Pt3H);
        let mut listed = Vec::new();
        let mut pages = Pages::default();
        loop {
            if !collector.may_spend(LIST) {
                return Ok(None);
            }
            let attempted = format!("list what the CloudWatch agents of {region} measure");
            let page = request.clone().set_next_token(pages.token()).send().await;
            let page = page.map_err(|error| told(&attempted, &error))?;
            listed.extend(page.metrics().iter().filter_map(|found| {
                let dimensions = found.dimensions().to_vec();
                let in_memory =
                    value(&dimensions, "fstype").is_some_and(|kind| NOT_ON_DISK.contains(&kind));
                // Without what tells them apart it is a mean over several.
                let is_single = metric
                    .labels
                    .first()
                    .is_none_or(|(dimension, _)| value(&dimensions, dimension).is_some());
                (is_single && !in_memory).then_some(Listed { metric, dimensions })
            }));
            if !pages.go_on(page.next_token, attempted)? {
                return Ok(Some(listed));
            }
        }
    }
}

impl Listed {
    /// Returns on which of the servers it was measured.
    pub(crate) fn owner<'a>(&self, servers: &Owners<'a>) -> Option<&'a CloudServer> {
        if let Some(id) = value(&self.dimensions, "InstanceId") {
            return servers.by_id.get(id).copied();
        }
        let host = value(&self.dimensions, "host")?;
        servers.by_host.get(host).copied()
    }

    /// The labels that tell it apart from others of the server.
    pub(crate) fn labels(&self) -> BTreeMap<String, String> {
        self.metric
            .labels
            .iter()
            .filter_map(|(dimension, label)| {
                let value = value(&self.dimensions, dimension)?;
                Some(((*label).to_owned(), value.to_owned()))
            })
            .collect()
    }
}

/// Servers by what agents call them: the id, or the name that a server has for itself.
pub(crate) struct Owners<'a> {
    by_id: HashMap<&'a str, &'a CloudServer>,
    by_host: HashMap<&'a str, &'a CloudServer>,
}

impl<'a> Owners<'a> {
    pub(crate) fn new(servers: &[&'a CloudServer]) -> Self {
        let mut by_host: HashMap<&str, Option<&CloudServer>> = HashMap::new();
        for server in servers {
            let whole = server.host_name.as_deref();
            let short = whole.and_then(|name| name.split('.').next());
            for name in whole.into_iter().chain(short) {
                // Networks that know nothing of each other give the same names.
                let is_other = |known: &mut Option<&CloudServer>| {
                    if known.is_some_and(|known| known.server != server.server) {
                        *known = None;
                    }
                };
                by_host
                    .entry(name)
                    .and_modify(is_other)
                    .or_insert(Some(server));
            }
        }
        Self {
            by_id: servers
                .iter()
                .map(|server| (server.server.id.as_str(), *server))
                .collect(),
            by_host: by_host
                .into_iter()
                .filter_map(|(name, server)| Some((name, server?)))
                .collect(),
        }
    }
}

fn value<'a>(dimensions: &'a [Dimension], name: &str) -> Option<&'a str> {
    dimensions
        .iter()
        .find(|dimension| dimension.name() == Some(name))
        .and_then(|dimension| dimension.value())
}
