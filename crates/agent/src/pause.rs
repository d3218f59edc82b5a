//! How long the server is left alone after it could not be reached.

use std::time::Duration;

/// The pauses between attempts grow from the first to the longest.
const FIRST: Duration = Duration::from_secs(1);
pub(crate) const LONGEST: Duration = Duration::from_mins(1);

/// Returns how long to wait after so many failures in a row: half of the pause to all of it, by chance,
/// so that agents do not come all at once after the server was away.
pub(crate) fn after(failures: u32) -> Duration {
    let pause = (FIRST * (1 << failures.min(10))).min(LONGEST);
    let chance = getrandom::u32().unwrap_or_default();
    pause.mul_f64(0.5 + 0.5 * f64::from(chance) / f64::from(u32::MAX))
}
