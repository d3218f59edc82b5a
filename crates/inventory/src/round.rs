//! One round of questions to an account: what was measured of its servers, within the budget.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use yunhai_cloud::{
    Account, CloudSeries, CloudServer, Collector, Error, ErrorKind, MetricsQuery, MetricsRound,
    Missing, Usage,
};
use yunhai_model::TimestampMs;

use crate::account::AccountSettings;
use crate::budget::Budget;
use crate::inventory::SampleSink;
use crate::series;
use crate::server::KnownServer;
use crate::store::Course;

/// How many intervals are asked for again each time, as providers measure late.
const OVERLAP_INTERVALS: i64 = 3;

/// How far back it is asked for what was missed, and in how many intervals at least.
const MOST_BACKFILL_MS: i64 = 24 * 3_600_000;
const LEAST_BACKFILL_INTERVALS: i64 = 4;

/// How many series are handed over at once.
const SERIES_AT_ONCE: usize = 5_000;

/// What measuring brought, beside what was stored.
pub(crate) struct Measured {
    pub(crate) collected_until_ms: BTreeMap<String, TimestampMs>,
    pub(crate) missing: Vec<Missing>,
    pub(crate) usage: Usage,
    pub(crate) samples: u64,
    pub(crate) is_over_budget: bool,
}

/// Asks what was measured of an account's servers, and stores it.
pub(crate) async fn measure(
    account: &dyn Account,
    settings: &AccountSettings,
    servers: &[KnownServer],
    course: &Course,
    sink: &dyn SampleSink,
    now_ms: TimestampMs,
) -> Measured {
    let alive: Vec<CloudServer> = servers
        .iter()
        .filter(|server| server.gone_at_ms.is_none())
        .map(|server| server.details.clone())
        .collect();
    let asking = Asking {
        servers,
        sink,
        limit_micro_usd: settings.monthly_budget_micro_usd,
        state: Mutex::new(State {
            budget: course.budget.clone().at(now_ms),
            usage: Usage::default(),
            samples: 0,
            refusal: None,
            failure: None,
        }),
    };
    let mut collected_until_ms = course.collected_until_ms.clone();
    let mut whole = MetricsRound::default();
    for (from_ms, servers) in by_start(&alive, settings, course, now_ms) {
        let query = MetricsQuery {
            servers: &servers,
            from_ms,
            until_ms: now_ms,
            interval_secs: settings.interval_secs,
        };
        let round = account.metrics().collect(query, &asking).await;
        let is_stored = asking.lock().failure.is_none();
        for server in &servers {
            let region = &server.server.region;
            if is_stored && !round.unread.contains(region) {
                collected_until_ms.insert(region.clone(), now_ms);
            }
        }
        whole += round;
    }
    let state = asking.state.into_inner();
    let state = state.unwrap_or_else(PoisonError::into_inner);
    let trouble = |kind, said| Missing {
        scope: settings.name.clone(),
        error: Error::new(kind, "store what was measured", said),
    };
    let mut missing = whole.missing;
    missing.extend(
        state
            .failure
            .map(|said| trouble(ErrorKind::Unavailable, said)),
    );
    missing.extend(state.refusal.map(|said| trouble(ErrorKind::Quota, said)));
    Measured {
        collected_until_ms,
        missing,
        usage: state.usage,
        samples: state.samples,
        is_over_budget: whole.is_over_budget,
    }
}

/// Pays for questions, and stores the answers as they come.
struct Asking<'a> {
    servers: &'a [KnownServer],
    sink: &'a dyn SampleSink,
    limit_micro_usd: Option<u64>,
    state: Mutex<State>,
}

struct State {
    budget: Budget,
    usage: Usage,
    samples: u64,
    /// Why some of it was refused.
    refusal: Option<String>,
    /// Why none of it could be stored.
    failure: Option<String>,
}

impl Asking<'_> {
    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Collector for Asking<'_> {
    fn may_spend(&self, usage: Usage) -> bool {
        let mut state = self.lock();
        if !state.budget.allows(self.limit_micro_usd, usage) {
            return false;
        }
        state.budget.add(usage);
        state.usage += usage;
        true
    }

    async fn take(&self, series: Vec<CloudSeries>) {
        let mut series = series::of_servers(series, self.servers);
        while !series.is_empty() {
            let rest = series.split_off(series.len().min(SERIES_AT_ONCE));
            let outcome = self.sink.append(series).await;
            let mut state = self.lock();
            match outcome {
                Ok(stored) => {
                    state.samples += stored.accepted;
                    state.refusal = state.refusal.take().or(stored.refusal);
                }
                Err(said) => state.failure = Some(said),
            }
            drop(state);
            series = rest;
        }
    }
}

/// The servers by the moment from which their measurements are wanted: a region that could not be
/// asked before catches up, and the others do not pay for it.
fn by_start(
    servers: &[CloudServer],
    settings: &AccountSettings,
    course: &Course,
    now_ms: TimestampMs,
) -> BTreeMap<TimestampMs, Vec<CloudServer>> {
    let interval_ms = settings.interval_secs as i64 * 1000;
    let most_ms = MOST_BACKFILL_MS.max(LEAST_BACKFILL_INTERVALS * interval_ms);
    let mut by_start: BTreeMap<TimestampMs, Vec<CloudServer>> = BTreeMap::new();
    for server in servers {
        let until_ms = course.collected_until_ms.get(&server.server.region);
        // A clock that was set back has collected nothing yet of what comes.
        let until_ms = until_ms.copied().unwrap_or(now_ms).min(now_ms);
        let from_ms = (until_ms - OVERLAP_INTERVALS * interval_ms).max(now_ms - most_ms);
        by_start.entry(from_ms).or_default().push(server.clone());
    }
    by_start
}

/// The same trouble of the same region is told once, however many questions met it.
pub(crate) fn each_once(missing: Vec<Missing>) -> Vec<Missing> {
    let mut once: Vec<Missing> = Vec::new();
    for trouble in missing {
        let is_known = once.iter().any(|known| {
            known.scope == trouble.scope
                && known.error.kind == trouble.error.kind
                && known.error.said == trouble.error.said
        });
        if !is_known {
            once.push(trouble);
        }
    }
    once
}
