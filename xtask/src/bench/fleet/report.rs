//! What was promised, what was measured, and whether it is enough.

use std::collections::BTreeMap;
use std::fmt::{self, Display};
use std::time::Duration;

use anyhow::{Result, ensure};

use super::Arguments;
use super::observation::{Load, Memory, OwnMetrics};
use super::simulation::{INTERVAL_SECS, METRICS_A_SERVER};
use super::users::{Experience, OVERVIEW_NAME};
use super::writer::Written;

/// The overview answers 99 of 100 times within this time.
const OVERVIEW_LIMIT: Duration = Duration::from_millis(100);
/// The server never takes more memory than this.
const RESIDENT_LIMIT: u64 = 500 << 20;
/// From this share of a processor on, other programs have spoiled the figures.
const QUIET_SHARE: f64 = 0.1;

/// Everything that was seen while the load lasted.
pub(crate) struct Seen {
    pub(crate) experience: Experience,
    pub(crate) written: Written,
    pub(crate) elapsed: Duration,
    pub(crate) evaluations: Evaluations,
    /// One for each group and minute.
    pub(crate) expected_evaluations: u64,
    pub(crate) memory: Memory,
    pub(crate) load: Load,
}

/// The evaluations of rule groups in a time.
pub(crate) struct Evaluations {
    run: f64,
    skipped: f64,
    failed_rules: f64,
    /// How long they took together.
    seconds: f64,
    /// How many took at most so many seconds, in rising order.
    up_to: Vec<(&'static str, f64)>,
}

impl Evaluations {
    pub(crate) fn between(before: &OwnMetrics, after: &OwnMetrics) -> Result<Self> {
        const DURATION: &str = "yunhai_rule_group_evaluation_duration_seconds";
        const BUCKETS: [&str; 8] = ["0.05", "0.1", "0.25", "0.5", "1", "2.5", "5", "10"];
        // A histogram that has observed nothing yet is not shown.
        let grown = |metric: &str| -> Result<f64> {
            Ok(after.sum(metric)? - before.sum(metric).unwrap_or_default())
        };
        let in_bucket = |limit| after.up_to(DURATION, limit) - before.up_to(DURATION, limit);
        Ok(Self {
            run: grown("yunhai_rule_group_evaluations_total")?,
            skipped: grown("yunhai_rule_group_evaluations_skipped_total")?,
            failed_rules: grown("yunhai_rule_evaluation_failures_total")?,
            seconds: grown(&format!("{DURATION}_sum"))?,
            up_to: BUCKETS.map(|limit| (limit, in_bucket(limit))).to_vec(),
        })
    }

    /// In words, how long the slowest took at most.
    fn slowest(&self) -> String {
        self.up_to
            .iter()
            .find(|(_, count)| *count >= self.run)
            .map_or_else(
                || "more than 10 s".to_owned(),
                |(limit, _)| format!("at most {limit} s"),
            )
    }
}

/// One promise and what came of it.
struct Verdict {
    promise: &'static str,
    wanted: String,
    measured: String,
    is_met: bool,
}

/// Prints the report; an error names the promises that are not kept.
pub(crate) fn print(seen: &Seen, arguments: &Arguments) -> Result<()> {
    let writes = seen
        .written
        .times
        .iter()
        .map(|time| ("remote write", *time));
    let times = by_name(seen.experience.answers.iter().copied().chain(writes));
    let verdicts = judge(seen, times.get(OVERVIEW_NAME));

    println!(
        "\n{} servers x {METRICS_A_SERVER} metrics every {INTERVAL_SECS} s, {} users, {:.0} s\n",
        arguments.servers,
        arguments.users,
        seen.elapsed.as_secs_f64()
    );
    println!("{:<30} {:>12} {:>24}", "promise", "wanted", "measured");
    for verdict in &verdicts {
        let mark = if verdict.is_met { "met" } else { "MISSED" };
        println!(
            "{:<30} {:>12} {:>24}  {mark}",
            verdict.promise, verdict.wanted, verdict.measured
        );
    }
    println!(
        "\n{:<30} {:>8} {:>9} {:>9} {:>9} {:>9}",
        "answers, in ms", "number", "p50", "p95", "p99", "longest"
    );
    for (name, times) in &times {
        print!("{name:<30} {:>8}", times.0.len());
        for share in [0.5, 0.95, 0.99, 1.0] {
            print!(" {:>9.1}", milliseconds(times.quantile(share)));
        }
        println!();
    }
    println!("\n{}", Details(seen));

    let missed: Vec<&str> = verdicts
        .iter()
        .filter(|verdict| !verdict.is_met)
        .map(|verdict| verdict.promise)
        .collect();
    ensure!(missed.is_empty(), "missed: {}", missed.join(", "));
    Ok(())
}

/// Compares what was seen with what is promised.
fn judge(seen: &Seen, overview: Option<&Times>) -> [Verdict; 4] {
    let overview = overview.map(|times| times.quantile(0.99));
    let evaluations = &seen.evaluations;
    // The time may begin and end between two evaluations of a group, so that it sees one less.
    let is_complete = evaluations.run >= seen.expected_evaluations as f64 * 0.95;
    [
        Verdict {
            promise: "evaluations skipped",
            wanted: "0".to_owned(),
            measured: format!("{}, {} were run", evaluations.skipped, evaluations.run),
            is_met: evaluations.skipped < 1.0 && is_complete,
        },
        Verdict {
            promise: "overview, p99",
            wanted: format!("< {:.0} ms", milliseconds(OVERVIEW_LIMIT)),
            measured: format!("{:.1} ms", milliseconds(overview.unwrap_or_default())),
            is_met: overview.is_some_and(|time| time < OVERVIEW_LIMIT),
        },
        Verdict {
            promise: "resident memory, the most",
            wanted: format!("< {:.0} MiB", mebibytes(RESIDENT_LIMIT)),
            measured: format!("{:.0} MiB", mebibytes(seen.memory.most)),
            is_met: seen.memory.most < RESIDENT_LIMIT,
        },
        Verdict {
            promise: "failed requests and rules",
            wanted: "0".to_owned(),
            measured: format!(
                "{} and {}",
                seen.experience.failures.len(),
                evaluations.failed_rules
            ),
            is_met: seen.experience.failures.is_empty() && evaluations.failed_rules < 1.0,
        },
    ]
}

/// What is of interest beside the promises.
struct Details<'a>(&'a Seen);

impl Display for Details<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Seen {
            experience,
            written,
            elapsed,
            evaluations,
            memory,
            load,
            ..
        } = self.0;
        writeln!(
            f,
            "samples: {:.0}/s acknowledged, sent at most {:.0} ms late",
            written.samples as f64 / elapsed.as_secs_f64(),
            milliseconds(written.lateness)
        )?;
        writeln!(
            f,
            "rules: a group of them takes {:.0} ms on average, {}",
            1000.0 * evaluations.seconds / evaluations.run.max(1.0),
            evaluations.slowest()
        )?;
        writeln!(f, "memory: {:.0} MiB in the end", mebibytes(memory.now))?;
        writeln!(
            f,
            "processors: of {}, {:.2} for the server, {:.2} for the benchmark, {:.2} for others",
            load.processors, load.server, load.client, load.others
        )?;
        if load.others > QUIET_SHARE {
            writeln!(
                f,
                "the machine was not quiet: measure again when nothing else runs"
            )?;
        }
        for failure in experience.failures.iter().take(5) {
            writeln!(f, "failed: {failure}")?;
        }
        Ok(())
    }
}

/// Times of one kind of request, sorted.
struct Times(Vec<Duration>);

impl Times {
    /// The time within which this share of the requests was answered; zero without requests.
    fn quantile(&self, share: f64) -> Duration {
        let rank = (share * self.0.len() as f64).ceil() as usize;
        let at = rank.saturating_sub(1);
        self.0.get(at).copied().unwrap_or_default()
    }
}

/// Gathers times under the names of their requests.
fn by_name<'a>(answers: impl IntoIterator<Item = (&'a str, Duration)>) -> BTreeMap<&'a str, Times> {
    let mut times: BTreeMap<&str, Times> = BTreeMap::new();
    for (name, time) in answers {
        let of_name = times.entry(name).or_insert_with(|| Times(Vec::new()));
        of_name.0.push(time);
    }
    for Times(times) in times.values_mut() {
        times.sort_unstable();
    }
    times
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

/// A size as people compare it.
pub(crate) fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_the_nearest_rank() {
        let times = by_name((1..=100).map(|number| ("a", Duration::from_millis(number))));
        for (share, milliseconds) in [(0.5, 50), (0.99, 99), (1.0, 100)] {
            assert_eq!(
                times["a"].quantile(share),
                Duration::from_millis(milliseconds)
            );
        }
        assert_eq!(Times(Vec::new()).quantile(0.99), Duration::ZERO);
    }
}
