//! Steps of the wall clock, seen against the machine's steady one.
//!
//! No time server is asked: what shows is that the clock was set, or was corrected after it had
//! drifted or the machine had slept. A clock that has been wrong since the start does not show.

use std::time::{Duration, Instant};

use yunhai_model::TimestampMs;

use crate::recorder::Recorder;

/// How long a step shows.
const WINDOW: Duration = Duration::from_hours(1);

/// Remembers when it last took the two clocks to agree.
#[derive(Debug)]
pub(super) struct ClockCollector {
    started: Instant,
    agreed: Option<Agreed>,
}

#[derive(Clone, Copy, Debug)]
struct Agreed {
    wall_ms: TimestampMs,
    steady: Duration,
}

impl Default for ClockCollector {
    fn default() -> Self {
        Self {
            started: Instant::now(),
            agreed: None,
        }
    }
}

impl ClockCollector {
    pub(super) fn collect(&mut self, now_ms: TimestampMs, recorder: &mut Recorder<'_>) {
        let skew = self.skew_seconds(now_ms, self.started.elapsed());
        recorder.record("server_clock_skew_seconds", &[], skew);
    }

    /// Returns by how many seconds the wall clock has run ahead of the steady one.
    fn skew_seconds(&mut self, wall_ms: TimestampMs, steady: Duration) -> f64 {
        let now = Agreed { wall_ms, steady };
        let agreed = *self.agreed.get_or_insert(now);
        if steady.saturating_sub(agreed.steady) >= WINDOW {
            self.agreed = Some(now);
        }
        let wall_secs = (wall_ms - agreed.wall_ms) as f64 / 1000.0;
        wall_secs - steady.saturating_sub(agreed.steady).as_secs_f64()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_shows_for_an_hour() {
        let mut clock = ClockCollector::default();
        let mut skew_at = |minutes: u64, step_ms: i64| {
            let steady = Duration::from_mins(minutes);
            clock.skew_seconds(steady.as_millis() as i64 + step_ms, steady)
        };
        let steps = [
            (0, 0),
            (1, 0),
            (2, 90_000),
            (30, 90_000),
            (60, 90_000),
            (61, 90_000),
        ];
        let shown = steps.map(|(minutes, step_ms)| skew_at(minutes, step_ms));
        assert_eq!(shown.map(|secs| secs.round() as i64), [0, 0, 90, 90, 90, 0]);
    }
}
