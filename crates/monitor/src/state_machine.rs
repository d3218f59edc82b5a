//! The life of one alert as a pure function: what was, what is observed, what follows.
//!
//! pending → firing → (acknowledged) → resolved. Nothing here knows a database or a clock; the
//! caller persists the result together with the events.

use serde::{Deserialize, Serialize};
use yunhai_model::TimestampMs;

/// Where an alert stands. An alert that has never held has no instance at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlertState {
    /// The expression holds, but not yet for long enough.
    Pending,
    /// The alert is raised.
    Firing,
    /// The alert is raised and someone has taken it on.
    Acknowledged,
    /// The alert has ended.
    Resolved,
}

impl AlertState {
    /// The state as it is stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Firing => "firing",
            Self::Acknowledged => "acknowledged",
            Self::Resolved => "resolved",
        }
    }

    /// Tells whether the alert is raised, acknowledged or not.
    pub fn is_raised(self) -> bool {
        matches!(self, Self::Firing | Self::Acknowledged)
    }
}

/// Who has taken an alert on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acknowledgement {
    /// The user's name.
    pub user: String,
    /// What the user said.
    pub comment: String,
    /// When.
    pub at_ms: TimestampMs,
}

/// The state of one alert.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Instance {
    /// Where it stands.
    pub state: AlertState,
    /// Since when the expression holds.
    pub active_since_ms: TimestampMs,
    /// When it fired.
    pub fired_at_ms: Option<TimestampMs>,
    /// When it ended.
    pub ended_at_ms: Option<TimestampMs>,
    /// When the expression was last seen to hold, or not yet past the recovery threshold.
    pub last_active_ms: TimestampMs,
    /// The value when it was last seen to hold.
    #[serde(with = "any_number")]
    pub value: f64,
    /// Who has taken it on.
    pub acknowledgement: Option<Acknowledgement>,
    /// When it fired and ended within the flapping window, earlier episodes among them.
    pub changes_ms: Vec<TimestampMs>,
    /// Since when it changes too often to tell of every change.
    pub flapping_since_ms: Option<TimestampMs>,
}

/// JSON has no infinity and no NaN: they are written as texts.
mod any_number {
    use serde::{Deserialize, Deserializer, Serializer};

    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        Number(f64),
        Text(String),
    }

    #[allow(clippy::trivially_copy_pass_by_ref)] // serde calls it so.
    pub(super) fn serialize<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
        if value.is_finite() {
            serializer.serialize_f64(*value)
        } else {
            serializer.serialize_str(&value.to_string())
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
        match Written::deserialize(deserializer)? {
            Written::Number(value) => Ok(value),
            Written::Text(text) => text.parse().map_err(serde::de::Error::custom),
        }
    }
}

/// What an evaluation saw of one series.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Observation {
    /// The expression holds.
    Active {
        /// Its value.
        value: f64,
    },
    /// The expression no longer holds, but the value is not past the recovery threshold.
    Recovering {
        /// The measured value.
        value: f64,
    },
    /// The expression does not hold.
    Quiet,
    /// Nothing can be said, and the alert shall stay as it is.
    Unknown,
}

/// How long things take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// For how long the expression must hold before the alert fires.
    pub hold_ms: i64,
    /// For how long the alert outlives the expression.
    pub keep_firing_for_ms: i64,
    /// In which time changes are counted.
    pub flapping_window_ms: i64,
    /// From how many changes in that time on the alert flaps; 0 switches the damping off.
    pub flapping_changes: usize,
}

/// Something that happened to an alert by evaluation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// The expression has begun to hold.
    Pending,
    /// The expression ceased to hold before the alert fired: the instance is gone.
    Withdrawn,
    /// The alert fired.
    Fired,
    /// The alert ended.
    Resolved,
    /// The alert changes too often: its notifications are held.
    FlappingStarted,
    /// The alert has calmed down.
    FlappingEnded,
}

impl Instance {
    /// What lies ahead, because the clock was set back, counts as just now: the alert would wait,
    /// or last, until the clock is there again.
    fn following_clock(&self, now_ms: TimestampMs) -> Self {
        let mut next = self.clone();
        next.active_since_ms = next.active_since_ms.min(now_ms);
        next.last_active_ms = next.last_active_ms.min(now_ms);
        next.fired_at_ms = next.fired_at_ms.map(|at_ms| at_ms.min(now_ms));
        next.ended_at_ms = next.ended_at_ms.map(|at_ms| at_ms.min(now_ms));
        for at_ms in &mut next.changes_ms {
            *at_ms = (*at_ms).min(now_ms);
        }
        next
    }
}

/// Follows an observation: returns the next state, `None` where there is no alert, and what changed.
pub fn transition(
    previous: Option<&Instance>,
    observation: Observation,
    timing: &Timing,
    now_ms: TimestampMs,
) -> (Option<Instance>, Vec<Change>) {
    let mut changes = Vec::new();
    let previous = previous.map(|instance| instance.following_clock(now_ms));
    let mut next = match &previous {
        None => begin(observation, timing, now_ms, Vec::new(), None, &mut changes),
        Some(instance) => match instance.state {
            AlertState::Pending => pending(instance, observation, timing, now_ms, &mut changes),
            AlertState::Firing | AlertState::Acknowledged => {
                Some(raised(instance, observation, timing, now_ms, &mut changes))
            }
            AlertState::Resolved => begin(
                observation,
                timing,
                now_ms,
                instance.changes_ms.clone(),
                instance.flapping_since_ms,
                &mut changes,
            )
            .or_else(|| Some(instance.clone())),
        },
    };
    if let Some(instance) = &mut next {
        flap(instance, timing, now_ms, &mut changes);
    }
    (next, changes)
}

fn begin(
    observation: Observation,
    timing: &Timing,
    now_ms: TimestampMs,
    changes_ms: Vec<TimestampMs>,
    flapping_since_ms: Option<TimestampMs>,
    changes: &mut Vec<Change>,
) -> Option<Instance> {
    let Observation::Active { value } = observation else {
        return None;
    };
    let mut instance = Instance {
        state: AlertState::Pending,
        active_since_ms: now_ms,
        fired_at_ms: None,
        ended_at_ms: None,
        last_active_ms: now_ms,
        value,
        acknowledgement: None,
        changes_ms,
        flapping_since_ms,
    };
    if timing.hold_ms > 0 {
        changes.push(Change::Pending);
    } else {
        fire(&mut instance, now_ms, changes);
    }
    Some(instance)
}

fn fire(instance: &mut Instance, now_ms: TimestampMs, changes: &mut Vec<Change>) {
    instance.state = AlertState::Firing;
    instance.fired_at_ms = Some(now_ms);
    instance.changes_ms.push(now_ms);
    changes.push(Change::Fired);
}

fn pending(
    instance: &Instance,
    observation: Observation,
    timing: &Timing,
    now_ms: TimestampMs,
    changes: &mut Vec<Change>,
) -> Option<Instance> {
    match observation {
        Observation::Active { value } => {
            let mut next = Instance {
                value,
                last_active_ms: now_ms,
                ..instance.clone()
            };
            if now_ms - instance.active_since_ms >= timing.hold_ms {
                fire(&mut next, now_ms, changes);
            }
            Some(next)
        }
        Observation::Unknown => Some(instance.clone()),
        // The recovery threshold is for alerts that fired; a pending one has nothing to recover.
        Observation::Recovering { .. } | Observation::Quiet => {
            changes.push(Change::Withdrawn);
            None
        }
    }
}

fn raised(
    instance: &Instance,
    observation: Observation,
    timing: &Timing,
    now_ms: TimestampMs,
    changes: &mut Vec<Change>,
) -> Instance {
    let mut next = instance.clone();
    match observation {
        Observation::Active { value } | Observation::Recovering { value } => {
            next.value = value;
            next.last_active_ms = now_ms;
        }
        Observation::Unknown => {}
        Observation::Quiet => {
            let is_kept = timing.keep_firing_for_ms > 0
                && now_ms - instance.last_active_ms < timing.keep_firing_for_ms;
            if !is_kept {
                next.state = AlertState::Resolved;
                next.ended_at_ms = Some(now_ms);
                next.changes_ms.push(now_ms);
                changes.push(Change::Resolved);
            }
        }
    }
    next
}

/// Counts the changes within the window. Flapping begins at the limit and ends when the window has
/// fallen to half of it, so that it does not flap itself.
fn flap(instance: &mut Instance, timing: &Timing, now_ms: TimestampMs, changes: &mut Vec<Change>) {
    instance
        .changes_ms
        .retain(|&at_ms| now_ms - at_ms < timing.flapping_window_ms);
    let count = instance.changes_ms.len();
    match instance.flapping_since_ms {
        None if timing.flapping_changes > 0 && count >= timing.flapping_changes => {
            instance.flapping_since_ms = Some(now_ms);
            changes.push(Change::FlappingStarted);
        }
        Some(_) if count <= timing.flapping_changes / 2 => {
            instance.flapping_since_ms = None;
            changes.push(Change::FlappingEnded);
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TIMING: Timing = Timing {
        hold_ms: 10,
        keep_firing_for_ms: 0,
        flapping_window_ms: 1000,
        flapping_changes: 0,
    };
    const ACTIVE: Observation = Observation::Active { value: 1.0 };

    /// Feeds observations, one every 5 ms, and prints the states with what changed.
    fn life(timing: &Timing, observations: &[Observation]) -> Vec<String> {
        let mut instance = None;
        observations
            .iter()
            .enumerate()
            .map(|(number, observation)| {
                let (next, changes) =
                    transition(instance.as_ref(), *observation, timing, number as i64 * 5);
                instance = next;
                let state = instance
                    .as_ref()
                    .map_or("-", |found: &Instance| found.state.as_str());
                format!("{state} {changes:?}")
            })
            .collect()
    }

    #[test]
    fn an_alert_waits_then_fires_then_ends() {
        let seen = life(
            &TIMING,
            &[
                Observation::Quiet,
                ACTIVE,
                ACTIVE,
                ACTIVE,
                Observation::Quiet,
            ],
        );
        assert_eq!(
            seen,
            [
                "- []",
                "pending [Pending]",
                "pending []",
                "firing [Fired]",
                "resolved [Resolved]"
            ]
        );
    }

    #[test]
    fn a_pending_alert_that_calms_leaves_nothing() {
        assert_eq!(
            life(&TIMING, &[ACTIVE, Observation::Quiet])[1],
            "- [Withdrawn]"
        );
        assert_eq!(
            life(&TIMING, &[ACTIVE, Observation::Recovering { value: 0.8 }])[1],
            "- [Withdrawn]"
        );
    }

    #[test]
    fn the_recovery_threshold_and_missing_data_keep_an_alert() {
        let timing = Timing {
            hold_ms: 0,
            ..TIMING
        };
        let seen = life(
            &timing,
            &[
                ACTIVE,
                Observation::Recovering { value: 0.8 },
                Observation::Unknown,
                Observation::Quiet,
            ],
        );
        assert_eq!(
            seen,
            [
                "firing [Fired]",
                "firing []",
                "firing []",
                "resolved [Resolved]"
            ]
        );
    }

    #[test]
    fn keep_firing_for_outlives_the_expression() {
        let timing = Timing {
            hold_ms: 0,
            keep_firing_for_ms: 10,
            ..TIMING
        };
        let seen = life(&timing, &[ACTIVE, Observation::Quiet, Observation::Quiet]);
        assert_eq!(seen, ["firing [Fired]", "firing []", "resolved [Resolved]"]);
    }

    #[test]
    fn a_clock_that_is_set_back_neither_delays_nor_prolongs() {
        let timing = Timing {
            keep_firing_for_ms: 10,
            ..TIMING
        };
        let step = |previous: Option<&Instance>, observation, now_ms| {
            transition(previous, observation, &timing, now_ms)
                .0
                .unwrap()
        };
        let pending = step(None, ACTIVE, 7000);
        let again = step(Some(&pending), ACTIVE, 100);
        assert_eq!(again.active_since_ms, 100);
        assert_eq!(step(Some(&again), ACTIVE, 109).state, AlertState::Pending);
        let firing = step(Some(&again), ACTIVE, 110);
        assert_eq!(firing.state, AlertState::Firing);
        let kept = step(Some(&firing), Observation::Quiet, 50);
        assert_eq!(kept.state, AlertState::Firing);
        let ended = step(Some(&kept), Observation::Quiet, 60);
        assert_eq!(ended.state, AlertState::Resolved);
        assert_eq!((ended.fired_at_ms, ended.ended_at_ms), (Some(50), Some(60)));
    }

    #[test]
    fn too_many_changes_are_flapping_until_calm() {
        let timing = Timing {
            hold_ms: 0,
            flapping_changes: 4,
            flapping_window_ms: 100,
            ..TIMING
        };
        let mut observations = vec![ACTIVE, Observation::Quiet, ACTIVE, Observation::Quiet];
        observations.extend([Observation::Quiet; 20]);
        let seen = life(&timing, &observations);
        assert_eq!(seen[3], "resolved [Resolved, FlappingStarted]");
        let ended = seen
            .iter()
            .position(|line| line.contains("FlappingEnded"))
            .unwrap();
        assert_eq!(
            ended, 21,
            "100 ms after the second of four changes: {seen:?}"
        );
    }

    proptest! {
        #[test]
        fn an_alert_fires_only_after_holding_and_ends_only_after_firing(
            steps in proptest::collection::vec((0..4_u8, 1..30_i64), 1..60),
            hold_ms in 0..50_i64,
        ) {
            let timing = Timing { hold_ms, ..TIMING };
            let mut instance: Option<Instance> = None;
            let mut now_ms = 0;
            for (kind, pause_ms) in steps {
                now_ms += pause_ms;
                let observation = match kind {
                    0 => ACTIVE,
                    1 => Observation::Recovering { value: 0.5 },
                    2 => Observation::Quiet,
                    _ => Observation::Unknown,
                };
                let was_raised = instance.as_ref().is_some_and(|found| found.state.is_raised());
                let (next, changes) = transition(instance.as_ref(), observation, &timing, now_ms);
                if changes.contains(&Change::Fired) {
                    let next = next.as_ref().unwrap();
                    prop_assert!(now_ms - next.active_since_ms >= hold_ms);
                    prop_assert!(!was_raised);
                }
                prop_assert_eq!(changes.contains(&Change::Resolved), was_raised && next.as_ref().unwrap().state == AlertState::Resolved);
                instance = next;
            }
        }
    }
}
