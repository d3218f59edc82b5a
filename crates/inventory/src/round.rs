//! One round of questions to an account: which servers there are, and what was measured of them.

use std::collections::{BTreeMap, BTreeSet};

use yunhai_cloud::{Account, CloudServer, Inventory, MetricsQuery, MetricsRound, Missing};
use yunhai_model::TimestampMs;

use crate::account::{AccountSettings, RoundReport};
use crate::server::{self, KnownServer, Owner};
use crate::store::{Course, StoredAccount};

/// How many intervals are asked for again each time, as providers measure late.
const OVERLAP_INTERVALS: i64 = 3;

/// How far back it is asked for what was missed.
const MOST_BACKFILL_MS: i64 = 24 * 3_600_000;

/// What a round brought.
pub(crate) struct Round {
    pub(crate) servers: Vec<KnownServer>,
    pub(crate) metrics: MetricsRound,
    pub(crate) course: Course,
    pub(crate) report: RoundReport,
}

/// Asks an account. `known` are its servers as they were, `taken` the labels of all others.
pub(crate) async fn ask(
    account: &dyn Account,
    stored: &StoredAccount,
    known: Vec<KnownServer>,
    taken: &BTreeSet<String>,
    now_ms: TimestampMs,
) -> Round {
    let settings = &stored.body.settings;
    let mut course = stored.course.clone();
    course.budget = std::mem::take(&mut course.budget).at(now_ms);
    let listed = match account.regions().await {
        Ok(regions) => account.servers().list(&regions).await,
        Err(error) => Inventory {
            missing: vec![Missing {
                scope: settings.name.clone(),
                error,
            }],
            ..Inventory::default()
        },
    };
    let owner = Owner {
        id: stored.id,
        name: &settings.name,
        provider: settings.provider,
    };
    let servers = server::merge(&owner, known, &listed, taken, now_ms);
    let alive: Vec<CloudServer> = servers
        .iter()
        .filter(|server| server.gone_at_ms.is_none())
        .map(|server| server.details.clone())
        .collect();
    let mut metrics = MetricsRound::default();
    let mut is_over_budget = false;
    for (from_ms, servers) in by_start(&alive, settings, &course, now_ms) {
        let query = MetricsQuery {
            servers: &servers,
            from_ms,
            until_ms: now_ms,
            interval_secs: settings.interval_secs,
        };
        let estimate = account.metrics().estimate(query).await;
        if !course
            .budget
            .allows(settings.monthly_budget_micro_usd, estimate)
        {
            is_over_budget = true;
            continue;
        }
        let round = account.metrics().collect(query).await;
        course.budget.add(round.usage);
        let failed: BTreeSet<&str> = round.missing.iter().map(|m| m.scope.as_str()).collect();
        for server in &servers {
            let region = &server.server.region;
            if !failed.contains(region.as_str()) {
                course.collected_until_ms.insert(region.clone(), now_ms);
            }
        }
        metrics += round;
    }
    course.budget.calls += listed.calls;
    let mut usage = metrics.usage;
    usage.calls += listed.calls;
    let report = RoundReport {
        at_ms: now_ms,
        took_ms: 0,
        servers: alive.len() as u64,
        samples: metrics.series.iter().map(|s| s.samples.len() as u64).sum(),
        missing: each_once(listed.missing.into_iter().chain(metrics.missing.clone())),
        usage,
        is_over_budget,
    };
    Round {
        servers,
        metrics,
        course,
        report,
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
    let overlap_ms = OVERLAP_INTERVALS * settings.interval_secs as i64 * 1000;
    let mut by_start: BTreeMap<TimestampMs, Vec<CloudServer>> = BTreeMap::new();
    for server in servers {
        let until_ms = course.collected_until_ms.get(&server.server.region);
        // A clock that was set back has collected nothing yet of what comes.
        let until_ms = until_ms.copied().unwrap_or(now_ms).min(now_ms);
        let from_ms = (until_ms - overlap_ms).max(now_ms - MOST_BACKFILL_MS);
        by_start.entry(from_ms).or_default().push(server.clone());
    }
    by_start
}

/// The same trouble of the same region is told once, however many questions met it.
fn each_once(missing: impl Iterator<Item = Missing>) -> Vec<Missing> {
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
