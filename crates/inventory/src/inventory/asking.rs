//! One round of questions to an account: its servers, what was measured of them, and how it fared.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::time::Instant;

use yunhai_cloud::{ErrorKind, Missing, ServerRef};
use yunhai_model::{CloudAccountId, Labels, TimestampMs, with_causes};

use super::Inventory;
use crate::account::{AccountSettings, RoundReport};
use crate::error::{Error, Result};
use crate::round;
use crate::series;
use crate::server::{self, KnownServer, NamedElsewhere, Owner};
use crate::store::StoredAccount;

/// How often a server's row is written though only the time of its last listing changed.
const LAST_SEEN_WRITTEN_MS: i64 = 3_600_000;

/// What is known of an account's servers after they were listed.
struct TakenOver {
    servers: Vec<KnownServer>,
    /// What servers were known by that are gone from the list, or go by other labels now.
    ended: Vec<Labels>,
}

impl Inventory {
    /// Asks an account now, after the round that is under way.
    pub async fn ask(&self, id: CloudAccountId) -> Result<RoundReport> {
        let inventory = self.clone();
        to_the_end(async move {
            // Another server on the same database may be the one that asks in the intervals.
            inventory.reload().await?;
            inventory.ask_once(id).await
        })
        .await
    }

    /// Asks an account that is due.
    pub(crate) async fn ask_in_turn(&self, id: CloudAccountId) -> Result<RoundReport> {
        let inventory = self.clone();
        to_the_end(async move { inventory.ask_once(id).await }).await
    }

    async fn ask_once(&self, id: CloudAccountId) -> Result<RoundReport> {
        let asking = self.known(id)?.asking;
        let _asking = asking.lock().await;
        let known = self.known(id)?;
        let settings = &known.stored.body.settings;
        let now_ms = self.now_ms();
        let started = Instant::now();
        let account = match self.opened(&known).await {
            Ok(account) => account,
            Err(error) => {
                let report = not_opened(settings, &error, now_ms);
                self.keep(id, None, &report).await?;
                return Err(error);
            }
        };
        let regions = account.regions().await;
        let (regions, listed) = match regions {
            Ok(regions) => {
                let listed = account.servers().list(&regions).await;
                (Some(regions), listed)
            }
            Err(error) => (None, nothing_listed(settings, error)),
        };
        let is_failed = regions
            .as_deref()
            .is_none_or(|regions| is_nothing_listed(regions, &listed));
        let taken_over = self
            .take_over(&known.stored, regions.as_deref(), None, &listed, now_ms)
            .await?;
        let (sink, course) = (&*self.0.sink, &known.stored.course);
        let servers = &taken_over.servers;
        let measured = round::measure(&*account, settings, servers, course, sink, now_ms).await;
        // Only now, so that there is never a moment without the server.
        self.end(taken_over.ended).await;
        let mut usage = measured.usage;
        usage.calls += listed.calls;
        let missing = listed.missing.into_iter().chain(measured.missing);
        let report = RoundReport {
            at_ms: now_ms,
            took_ms: started.elapsed().as_millis() as i64,
            servers: listed.servers.len() as u64,
            samples: measured.samples,
            missing: round::each_once(missing.collect()),
            usage,
            is_over_budget: measured.is_over_budget,
            is_failed,
        };
        self.keep(id, Some(measured.collected_until_ms), &report)
            .await?;
        Ok(report)
    }

    /// Lists the servers of one region anew, without asking what was measured.
    pub(super) async fn refresh(&self, id: CloudAccountId, region: &str) -> Result<()> {
        let asking = self.known(id)?.asking;
        let _asking = asking.lock().await;
        let known = self.known(id)?;
        let account = self.opened(&known).await?;
        let regions = [region.to_owned()];
        let mut listed = account.servers().list(&regions).await;
        // A server of another region would count as new, and get another name.
        listed
            .servers
            .retain(|server| server.server.region == region);
        let (regions, now_ms) = (Some(&regions[..]), self.now_ms());
        let taken_over = self
            .take_over(&known.stored, regions, Some(region), &listed, now_ms)
            .await?;
        self.end(taken_over.ended).await;
        match listed.missing.into_iter().next() {
            Some(missing) => Err(missing.error.into()),
            None => Ok(()),
        }
    }

    /// Brings what was listed together with what is known, and gives names to those that are new.
    ///
    /// That names are given out and kept under one lock is what keeps each of them single. Where
    /// `only` one region was listed, all others stay as they are.
    async fn take_over(
        &self,
        stored: &StoredAccount,
        regions: Option<&[String]>,
        only: Option<&str>,
        listed: &yunhai_cloud::Inventory,
        now_ms: TimestampMs,
    ) -> Result<TakenOver> {
        let _changing = self.0.changing.lock().await;
        match self
            .put_together(stored, regions, only, listed, now_ms)
            .await
        {
            Err(Error::LabelTaken) => {
                self.set_servers(self.0.store.servers().await?);
                self.put_together(stored, regions, only, listed, now_ms)
                    .await
            }
            outcome => outcome,
        }
    }

    async fn put_together(
        &self,
        stored: &StoredAccount,
        regions: Option<&[String]>,
        only: Option<&str>,
        listed: &yunhai_cloud::Inventory,
        now_ms: TimestampMs,
    ) -> Result<TakenOver> {
        // Its name may have changed, and it may be gone, since the question was put.
        let settings = self.known(stored.id)?.stored.body.settings;
        let owner = Owner {
            id: stored.id,
            name: &settings.name,
            provider: settings.provider,
        };
        let (before, others): (Vec<KnownServer>, Vec<KnownServer>) =
            self.servers().iter().cloned().partition(|server| {
                let region = &server.details.server.region;
                server.account_id == stored.id && only.is_none_or(|only| only == region)
            });
        let taken = others.iter().map(|server| server.label.clone()).collect();
        let named = self
            .named_elsewhere(&before, &settings, listed, now_ms)
            .await;
        let after = server::merge(
            &owner,
            before.clone(),
            regions,
            listed,
            &taken,
            &named,
            now_ms,
        );
        let now: HashMap<&ServerRef, &KnownServer> = after
            .iter()
            .map(|server| (&server.details.server, server))
            .collect();
        let ended = before
            .iter()
            .filter_map(|before| {
                let known_by = series::labels(before);
                let is_kept = match now.get(&before.details.server) {
                    Some(now) => series::labels(now) == known_by,
                    None => before.gone_at_ms.is_some(),
                };
                (!is_kept).then(|| Labels::new(known_by))
            })
            .collect();
        let labels: BTreeSet<&str> = after.iter().map(|server| server.label.as_str()).collect();
        let forgotten: Vec<String> = before
            .iter()
            .filter(|server| !labels.contains(server.label.as_str()))
            .map(|server| server.label.clone())
            .collect();
        let before: BTreeMap<&str, &KnownServer> = before
            .iter()
            .map(|server| (server.label.as_str(), server))
            .collect();
        let changed: Vec<KnownServer> = after
            .iter()
            .filter(|now| {
                before
                    .get(now.label.as_str())
                    .is_none_or(|before| is_worth_writing(before, now))
            })
            .cloned()
            .collect();
        let store = &self.0.store;
        store.put_servers(stored.id, &changed, &forgotten).await?;
        let all = others.into_iter().chain(after.iter().cloned()).collect();
        self.set_servers(all);
        Ok(TakenOver {
            servers: after,
            ended,
        })
    }

    /// The names that are measured otherwise, where somebody is to be given one.
    async fn named_elsewhere(
        &self,
        before: &[KnownServer],
        settings: &AccountSettings,
        listed: &yunhai_cloud::Inventory,
        now_ms: TimestampMs,
    ) -> NamedElsewhere {
        let known: HashSet<&ServerRef> = before.iter().map(|known| &known.details.server).collect();
        if listed.servers.iter().all(|one| known.contains(&one.server)) {
            return NamedElsewhere::default();
        }
        let agents = self.0.sink.agents(settings.provider).await;
        let agents = agents.unwrap_or_else(|said| {
            tracing::warn!(error = said, "cannot look which servers have agents");
            BTreeMap::new()
        });
        let servers = self.0.sink.other_servers(now_ms).unwrap_or_else(|said| {
            tracing::warn!(
                error = said,
                "cannot look which names of servers are in use already"
            );
            BTreeSet::new()
        });
        NamedElsewhere { servers, agents }
    }

    /// Keeps how an account fares, unless it was deleted meanwhile, and writes it down as series.
    async fn keep(
        &self,
        id: CloudAccountId,
        collected_until_ms: Option<BTreeMap<String, TimestampMs>>,
        report: &RoundReport,
    ) -> Result<()> {
        let _changing = self.0.changing.lock().await;
        let Ok(known) = self.known(id) else {
            return Ok(());
        };
        let now_ms = self.now_ms();
        let kept = self.0.store.change_course(id, |course| {
            // Another server may have spent something meanwhile.
            course.budget = std::mem::take(&mut course.budget).at(now_ms);
            course.budget.add(report.usage);
            course.last_round = Some(report.clone());
            if let Some(collected_until_ms) = collected_until_ms {
                course.collected_until_ms = collected_until_ms;
            }
        });
        let Some(course) = kept.await? else {
            return Ok(());
        };
        let settings = &known.stored.body.settings;
        let series = series::of_account(settings, report, &course.budget, report.at_ms);
        if let Err(said) = self.0.sink.append(series).await {
            tracing::warn!(
                account = settings.name,
                error = said,
                "cannot store how a cloud account fares"
            );
        }
        if let Some(known) = self.write_accounts().get_mut(&id) {
            known.stored.course = course;
        }
        self.moved_on();
        Ok(())
    }
}

/// Lets a round run in a task of its own: whoever wants to know may go away, and what was paid for by
/// then is kept and counted all the same.
async fn to_the_end(
    round: impl Future<Output = Result<RoundReport>> + Send + 'static,
) -> Result<RoundReport> {
    let round = tokio::spawn(round);
    round.await.map_err(|_| Error::RoundEnded)?
}

fn nothing_listed(
    settings: &AccountSettings,
    error: yunhai_cloud::Error,
) -> yunhai_cloud::Inventory {
    yunhai_cloud::Inventory {
        missing: vec![Missing {
            scope: settings.name.clone(),
            error,
        }],
        ..yunhai_cloud::Inventory::default()
    }
}

/// What is told of an account that could not even be opened.
fn not_opened(settings: &AccountSettings, error: &Error, now_ms: TimestampMs) -> RoundReport {
    let said = with_causes(error);
    let error = yunhai_cloud::Error::new(ErrorKind::Credentials, "open the account", said);
    RoundReport {
        at_ms: now_ms,
        missing: nothing_listed(settings, error).missing,
        is_failed: true,
        ..RoundReport::default()
    }
}

/// Tells whether all regions are missing, or, with clouds that are asked by subscriptions or projects,
/// whether nothing came but what is missing.
fn is_nothing_listed(regions: &[String], listed: &yunhai_cloud::Inventory) -> bool {
    let is_missing = |region: &String| listed.missing.iter().any(|m| m.scope == *region);
    if listed.missing.iter().any(|m| regions.contains(&m.scope)) {
        return regions.iter().all(is_missing);
    }
    listed.servers.is_empty() && !listed.missing.is_empty()
}

fn is_worth_writing(before: &KnownServer, now: &KnownServer) -> bool {
    let hour = |server: &KnownServer| server.last_seen_ms.div_euclid(LAST_SEEN_WRITTEN_MS);
    let same = KnownServer {
        last_seen_ms: now.last_seen_ms,
        ..before.clone()
    };
    hour(before) != hour(now) || same != *now
}
