//! Decides what is told to whom, now: routes, groups, waits, repeats, silences, inhibitions and
//! escalations, as a pure function of what is stored. The caller writes the plan in one
//! transaction, so that a notification and the memory of it come into being together.

mod muting;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use yunhai_model::{AlertId, ChannelId, Labels, TimestampMs};

use crate::alert::{Alert, digest};
use crate::inhibition::Inhibition;
use crate::maintenance::MaintenanceWindow;
use crate::notification::{AlertStatus, Notification, NotifiedAlert, Occasion};
use crate::routing::{Destination, Route};
use crate::silence::Silence;
use crate::state_machine::AlertState;

pub use muting::Muting;
pub(crate) use muting::mutings_of;

/// How many alerts a notification tells one by one; of the others it has the number. A channel takes
/// fewer mostly, and each of its notifications is kept whole until it has arrived.
const MAX_ALERTS: usize = 500;

/// What is remembered of a group of alerts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct GroupState {
    /// A digest of route, escalation step and group labels.
    pub(crate) key: String,
    pub(crate) labels: Labels,
    pub(crate) first_seen_ms: TimestampMs,
    /// When the group was last looked at for changes, whether or not there were any.
    pub(crate) flushed_at_ms: Option<TimestampMs>,
    /// When it was last told.
    pub(crate) told_at_ms: Option<TimestampMs>,
    /// How many times it was told: the ids of its notifications follow from it.
    pub(crate) sequence: i64,
    /// The alerts that were last told as firing, by fingerprint, as they were told.
    pub(crate) firing: BTreeMap<String, NotifiedAlert>,
    /// The counter by which a change by another server is noticed.
    pub(crate) version: i64,
}

impl GroupState {
    /// What lies ahead, because the clock was set back, counts as just now: nothing would be told
    /// until the clock is there again.
    fn follow_clock(&mut self, now_ms: TimestampMs) {
        self.first_seen_ms = self.first_seen_ms.min(now_ms);
        self.flushed_at_ms = self.flushed_at_ms.map(|at_ms| at_ms.min(now_ms));
        self.told_at_ms = self.told_at_ms.map(|at_ms| at_ms.min(now_ms));
    }
}

/// What is stored, as far as the decision needs it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DispatchInput<'a> {
    pub(crate) alerts: &'a [Alert],
    pub(crate) groups: &'a BTreeMap<String, GroupState>,
    pub(crate) route: &'a Route,
    pub(crate) silences: &'a [Silence],
    pub(crate) windows: &'a [MaintenanceWindow],
    pub(crate) inhibitions: &'a [Inhibition],
    /// The names of the channels that exist and are switched on.
    pub(crate) channels: &'a BTreeMap<ChannelId, String>,
    pub(crate) external_url: &'a str,
    pub(crate) now_ms: TimestampMs,
    /// Whether new groups wait for more alerts; not in the one-shot mode, which does not come back
    /// soon.
    pub(crate) waits: bool,
}

/// A notification for one channel.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Outgoing {
    /// The stable id.
    pub(crate) id: String,
    pub(crate) channel: ChannelId,
    pub(crate) occasion: Occasion,
    pub(crate) notification: Notification,
    /// The alerts of the notification that still have a row, for their timelines.
    pub(crate) alerts: Vec<AlertId>,
}

/// What to write.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct DispatchPlan {
    pub(crate) outgoing: Vec<Outgoing>,
    /// The groups that are new or changed.
    pub(crate) groups: Vec<GroupState>,
    /// The groups that are over.
    pub(crate) removed: Vec<GroupState>,
    /// The ended alerts of which everything has been told.
    pub(crate) settled: Vec<AlertId>,
    /// The alerts that are not told now, and why.
    pub(crate) muted: BTreeMap<String, Vec<Muting>>,
}

/// Where an alert goes: a destination, or an escalation step of it.
struct Bucket<'a> {
    destination: Destination,
    step: Option<usize>,
    labels: Labels,
    alerts: Vec<&'a Alert>,
}

/// Plans what to tell.
pub(crate) fn plan(input: &DispatchInput<'_>) -> DispatchPlan {
    let mut plan = DispatchPlan {
        muted: muting::mutings(input),
        ..DispatchPlan::default()
    };
    let buckets = buckets(input);
    let mut untold: BTreeSet<AlertId> = BTreeSet::new();
    for (key, bucket) in &buckets {
        let previous = input.groups.get(key);
        let mut group = previous.cloned().unwrap_or_else(|| GroupState {
            key: key.clone(),
            labels: bucket.labels.clone(),
            first_seen_ms: input.now_ms,
            flushed_at_ms: None,
            told_at_ms: None,
            sequence: 0,
            firing: BTreeMap::new(),
            version: 0,
        });
        group.follow_clock(input.now_ms);
        flush(input, bucket, &mut group, &mut plan);
        for alert in &bucket.alerts {
            if alert.told_status() == AlertStatus::Resolved
                && group.firing.contains_key(&alert.fingerprint)
            {
                untold.insert(alert.id);
            }
        }
        let has_firing = bucket
            .alerts
            .iter()
            .any(|alert| alert.told_status() == AlertStatus::Firing);
        if !has_firing && group.firing.is_empty() {
            if previous.is_some() {
                plan.removed.push(group);
            }
        } else if previous != Some(&group) {
            plan.groups.push(group);
        }
    }
    for (key, group) in input.groups {
        if !buckets.contains_key(key) {
            plan.removed.push(group.clone());
        }
    }
    plan.settled = input
        .alerts
        .iter()
        .filter(|alert| alert.told_status() == AlertStatus::Resolved)
        .map(|alert| alert.id)
        .filter(|id| !untold.contains(id))
        .collect();
    plan
}

fn buckets<'a>(input: &DispatchInput<'a>) -> BTreeMap<String, Bucket<'a>> {
    let mut buckets: BTreeMap<String, Bucket<'a>> = BTreeMap::new();
    let mut seen: BTreeMap<&str, &Alert> = BTreeMap::new();
    // Of several episodes of one alert the last one counts.
    for alert in input.alerts {
        let latest = seen.entry(&alert.fingerprint).or_insert(alert);
        if latest.id < alert.id {
            *latest = alert;
        }
    }
    for alert in seen.into_values() {
        for destination in input.route.destinations(&alert.labels) {
            let labels = destination.group_labels(&alert.labels);
            for step in std::iter::once(None).chain((0..destination.escalations.len()).map(Some)) {
                let key = group_key(&destination.route, step, &labels);
                if let Some(step) = step
                    && !is_escalated(input, alert, &destination, step, &key)
                {
                    continue;
                }
                buckets
                    .entry(key)
                    .or_insert_with(|| Bucket {
                        destination: destination.clone(),
                        step,
                        labels: labels.clone(),
                        alerts: Vec::new(),
                    })
                    .alerts
                    .push(alert);
            }
        }
    }
    buckets
}

fn group_key(route: &str, step: Option<usize>, labels: &Labels) -> String {
    digest(&format!("{route}\0{step:?}\0{labels}"))
}

/// Tells whether an alert belongs to an escalation step: it has waited too long, or the step has
/// been told of it and must hear of its end.
fn is_escalated(
    input: &DispatchInput<'_>,
    alert: &Alert,
    destination: &Destination,
    step: usize,
    key: &str,
) -> bool {
    let has_waited = alert.instance.state == AlertState::Firing
        && alert.instance.fired_at_ms.is_some_and(|fired_ms| {
            input.now_ms - fired_ms >= destination.escalations[step].after.as_millis()
        });
    has_waited
        || input
            .groups
            .get(key)
            .is_some_and(|group| group.firing.contains_key(&alert.fingerprint))
}

/// Tells a group's changes where it is time.
fn flush(
    input: &DispatchInput<'_>,
    bucket: &Bucket<'_>,
    group: &mut GroupState,
    plan: &mut DispatchPlan,
) {
    let due_ms = match group.flushed_at_ms {
        None if bucket.step.is_some() || !input.waits => group.first_seen_ms,
        None => group.first_seen_ms + bucket.destination.group_wait_ms,
        Some(flushed_ms) => flushed_ms + bucket.destination.group_interval_ms,
    };
    if input.now_ms < due_ms {
        return;
    }
    let mut told: Vec<&Alert> = bucket
        .alerts
        .iter()
        .copied()
        .filter(|alert| !plan.muted.contains_key(&alert.fingerprint))
        .collect();
    told.sort_by(|a, b| {
        let key = |alert: &'_ Alert| alert.instance.fired_at_ms;
        key(a).cmp(&key(b)).then_with(|| a.labels.cmp(&b.labels))
    });
    let by_status = |status| {
        told.iter()
            .copied()
            .filter(move |alert| alert.told_status() == status)
    };
    let firing: Vec<&Alert> = by_status(AlertStatus::Firing).collect();
    let ended: Vec<&Alert> = by_status(AlertStatus::Resolved)
        .filter(|alert| group.firing.contains_key(&alert.fingerprint))
        .collect();
    // As Alertmanager does: a group is looked at once per interval, changed or not.
    group.flushed_at_ms = Some(input.now_ms);
    let has_new = firing
        .iter()
        .any(|alert| !group.firing.contains_key(&alert.fingerprint));
    let needs_repeat = firing
        .iter()
        .any(|alert| alert.instance.state != AlertState::Acknowledged)
        && group
            .told_at_ms
            .is_some_and(|told_ms| input.now_ms - told_ms >= bucket.destination.repeat_interval_ms);
    let occasion = match bucket.step {
        Some(_) if has_new => Occasion::Escalation,
        _ if has_new || !ended.is_empty() => Occasion::Change,
        _ if needs_repeat => Occasion::Repeat,
        _ => return,
    };
    group.sequence += 1;
    group.told_at_ms = Some(input.now_ms);
    let alerts: Vec<NotifiedAlert> = firing
        .iter()
        .chain(&ended)
        .map(|alert| alert.to_notified(input.external_url))
        .collect();
    let ids = firing.iter().chain(&ended).map(|alert| alert.id);
    let ids: Vec<AlertId> = ids.take(MAX_ALERTS).collect();
    let present: BTreeSet<&str> = bucket
        .alerts
        .iter()
        .map(|alert| alert.fingerprint.as_str())
        .collect();
    group.firing.retain(|fingerprint, _| {
        // A muted alert is not told now; what was told of it stays to be corrected later.
        plan.muted.contains_key(fingerprint) && present.contains(fingerprint.as_str())
    });
    for alert in &alerts {
        if alert.status == AlertStatus::Firing {
            group
                .firing
                .insert(alert.fingerprint.clone(), alert.clone());
        }
    }
    let channels = match bucket.step {
        Some(step) => &bucket.destination.escalations[step].channels,
        None => &bucket.destination.channels,
    };
    let channels: BTreeSet<&ChannelId> = channels.iter().collect();
    let notification = Notification::new(
        String::new(),
        group.key.clone(),
        group.labels.clone(),
        input.external_url,
        alerts,
    )
    .shortened(MAX_ALERTS);
    for channel in channels {
        let Some(name) = input.channels.get(channel) else {
            continue;
        };
        plan.outgoing.push(Outgoing {
            id: notification_id(group, *channel),
            channel: *channel,
            occasion,
            notification: Notification {
                receiver: name.clone(),
                ..notification.clone()
            },
            alerts: ids.clone(),
        });
    }
}

/// The id of a group's current notification for a channel. It follows from what is stored, so that
/// the same decision made twice yields the same id, which the outbox takes only once.
fn notification_id(group: &GroupState, channel: ChannelId) -> String {
    digest(&format!(
        "{}\0{}\0{}\0{channel}",
        group.key, group.first_seen_ms, group.sequence
    ))
}

#[cfg(test)]
mod tests;
