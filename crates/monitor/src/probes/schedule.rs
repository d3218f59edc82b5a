//! When probes run: each in its own interval, never twice at once, and not all at the same moment.

use std::collections::{BTreeSet, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use yunhai_model::{ProbeId, TimestampMs};

/// Over how long the first runs after a start are spread at most.
const SPREAD: Duration = Duration::from_mins(1);

/// A probe that is to run.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted {
    pub(super) id: ProbeId,
    pub(super) interval: Duration,
    pub(super) updated_at_ms: TimestampMs,
}

/// What runs when. Time is how long ago the schedule began.
#[derive(Debug, Default)]
pub(super) struct Schedule {
    planned: HashMap<ProbeId, Planned>,
    /// The probes that wait, the next one first; those that run are not in it.
    queue: BTreeSet<(Duration, ProbeId)>,
    has_begun: bool,
}

#[derive(Clone, Copy, Debug)]
struct Planned {
    due: Duration,
    interval: Duration,
    updated_at_ms: TimestampMs,
    is_running: bool,
    /// Whether it was changed while it ran.
    is_outdated: bool,
}

impl Schedule {
    /// Follows what is wanted: what is new or changed runs at once, except at the start, where
    /// the first runs are spread.
    pub(super) fn follow(&mut self, wanted: &[Wanted], now: Duration) {
        let ids: BTreeSet<ProbeId> = wanted.iter().map(|wanted| wanted.id).collect();
        self.planned.retain(|id, _| ids.contains(id));
        self.queue.retain(|(_, id)| ids.contains(id));
        for wanted in wanted {
            match self.planned.get_mut(&wanted.id) {
                Some(planned) if planned.updated_at_ms == wanted.updated_at_ms => {}
                Some(planned) => {
                    self.queue.remove(&(planned.due, wanted.id));
                    planned.interval = wanted.interval;
                    planned.updated_at_ms = wanted.updated_at_ms;
                    planned.due = now;
                    planned.is_outdated = planned.is_running;
                    if !planned.is_running {
                        self.queue.insert((now, wanted.id));
                    }
                }
                None => {
                    let due = if self.has_begun {
                        now
                    } else {
                        now + spread(wanted.id, wanted.interval.min(SPREAD))
                    };
                    let planned = Planned {
                        due,
                        interval: wanted.interval,
                        updated_at_ms: wanted.updated_at_ms,
                        is_running: false,
                        is_outdated: false,
                    };
                    self.planned.insert(wanted.id, planned);
                    self.queue.insert((due, wanted.id));
                }
            }
        }
        self.has_begun = true;
    }

    /// When the next probe is due.
    pub(super) fn next_due(&self) -> Option<Duration> {
        self.queue.first().map(|(due, _)| *due)
    }

    /// Takes the next probe that is due; it counts as running until [`Self::finished`].
    pub(super) fn take_due(&mut self, now: Duration) -> Option<ProbeId> {
        let (due, id) = *self.queue.first()?;
        if due > now {
            return None;
        }
        self.queue.pop_first();
        if let Some(planned) = self.planned.get_mut(&id) {
            planned.is_running = true;
        }
        Some(id)
    }

    /// Plans the next run after one has ended. Times that passed meanwhile are skipped, so the
    /// runs stay on their grid.
    pub(super) fn finished(&mut self, id: ProbeId, now: Duration) {
        let Some(planned) = self.planned.get_mut(&id) else {
            return;
        };
        planned.is_running = false;
        if std::mem::take(&mut planned.is_outdated) {
            planned.due = now;
        } else {
            let interval_ms = planned.interval.as_millis().max(1);
            let passed = now.saturating_sub(planned.due).as_millis() / interval_ms;
            let steps = u64::try_from((passed + 1) * interval_ms).unwrap_or(u64::MAX);
            planned.due += Duration::from_millis(steps);
        }
        self.queue.insert((planned.due, id));
    }
}

/// A part of `window` that is always the same for a probe.
fn spread(id: ProbeId, window: Duration) -> Duration {
    let mut hasher = DefaultHasher::new();
    id.hash(&mut hasher);
    let share = f64::from((hasher.finish() >> 32) as u32) / f64::from(u32::MAX);
    window.mul_f64(share)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn wanted(id: ProbeId, secs: u64, updated_at_ms: i64) -> Wanted {
        Wanted {
            id,
            interval: Duration::from_secs(secs),
            updated_at_ms,
        }
    }

    #[test]
    fn a_thousand_probes_do_not_start_at_once() {
        let mut schedule = Schedule::default();
        let probes: Vec<_> = (0..1000).map(|_| wanted(ProbeId::new(), 300, 0)).collect();
        schedule.follow(&probes, Duration::ZERO);
        let mut most = 0;
        for second in 1..=60 {
            let mut started = 0;
            while schedule.take_due(SECOND * second).is_some() {
                started += 1;
            }
            most = most.max(started);
        }
        assert!(most < 50, "{most} in a second");
        assert_eq!(schedule.next_due(), None, "all ran within a minute");
    }

    #[test]
    fn a_run_that_takes_long_skips_its_turns_and_never_overlaps() {
        let mut schedule = Schedule::default();
        schedule.follow(&[], Duration::ZERO);
        let id = ProbeId::new();
        schedule.follow(&[wanted(id, 10, 0)], SECOND * 100);
        assert_eq!(schedule.take_due(SECOND * 100), Some(id));
        assert_eq!(schedule.take_due(SECOND * 115), None, "it still runs");
        schedule.finished(id, SECOND * 125);
        assert_eq!(schedule.next_due(), Some(SECOND * 130));
        assert_eq!(schedule.take_due(SECOND * 130), Some(id));
        schedule.finished(id, SECOND * 130);
        assert_eq!(schedule.next_due(), Some(SECOND * 140));
    }

    #[test]
    fn a_change_counts_at_once_also_while_it_runs() {
        let mut schedule = Schedule::default();
        let id = ProbeId::new();
        schedule.follow(&[], Duration::ZERO);
        schedule.follow(&[wanted(id, 600, 0)], SECOND);
        assert_eq!(schedule.take_due(SECOND), Some(id));
        schedule.follow(&[wanted(id, 5, 1)], SECOND * 2);
        assert_eq!(schedule.next_due(), None, "it still runs");
        schedule.finished(id, SECOND * 3);
        assert_eq!(schedule.take_due(SECOND * 3), Some(id));
        schedule.finished(id, SECOND * 3);
        assert_eq!(schedule.next_due(), Some(SECOND * 8));
        schedule.follow(&[], SECOND * 4);
        assert_eq!(schedule.next_due(), None);
        schedule.finished(id, SECOND * 5);
        assert_eq!(
            schedule.next_due(),
            None,
            "a deleted probe does not come back"
        );
    }
}
