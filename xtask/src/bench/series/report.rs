//! What was promised, what was measured, and whether it is enough.

use std::time::Duration;

use anyhow::{Result, ensure};

use super::contender::Contender;
use super::{Figures, figure};

/// Figures of the store in process: name, what it is, limit, and whether the limit is a minimum.
const PROMISES: [(&str, &str, f64, bool); 5] = [
    (
        "appended_samples_per_sec",
        "samples/s appended and synced",
        800_000.0,
        true,
    ),
    ("bytes_per_sample", "bytes a sample on disk", 1.4, false),
    (
        "range_of_one_series_7d_ms",
        "ms for 7 days of one series",
        5.0,
        false,
    ),
    (
        "avg_by_500_series_24h_ms",
        "ms to average 500 series, 24 h",
        50.0,
        false,
    ),
    ("peak_memory_mib", "MiB resident at most", 300.0, false),
];

/// What was seen of one server.
pub(crate) struct Measured {
    pub(crate) contender: Contender,
    pub(crate) version: String,
    pub(crate) samples: u64,
    pub(crate) wall: Duration,
    /// What processors worked for the server until the last request was acknowledged.
    pub(crate) processor_time: Duration,
    pub(crate) peak_bytes: u64,
    /// On disk, when all samples are in blocks.
    pub(crate) bytes: u64,
    /// The same with Yunhai's roll-ups, which the others do not make.
    pub(crate) bytes_with_rollups: Option<u64>,
    pub(crate) one_series: Duration,
    pub(crate) averages: Duration,
}

impl Measured {
    fn samples_per_sec(&self) -> f64 {
        self.samples as f64 / self.wall.as_secs_f64()
    }
}

/// Prints what the store did without a server.
pub(crate) fn print_in_process(figures: &Figures) {
    println!("\nIn process");
    for (name, about, limit, is_minimum) in PROMISES {
        let value = figures.get(name).copied().unwrap_or(f64::NAN);
        let sign = if is_minimum { "≥" } else { "≤" };
        let mark = if is_kept(value, limit, is_minimum) {
            "met"
        } else {
            "MISSED"
        };
        println!("{about:<32} {value:>12.2}   {sign} {limit:<9} {mark}");
    }
    for (name, value) in figures {
        if PROMISES.iter().all(|promise| promise.0 != name) {
            println!("{name:<32} {value:>12.2}");
        }
    }
    println!();
}

/// Prints the servers side by side.
pub(crate) fn print_servers(measured: &[Measured]) {
    println!("\nOver remote write");
    for one in measured {
        println!("  {}", one.version);
    }
    print!("\n{:<34}", "");
    for one in measured {
        print!(" {:>17}", one.contender.name());
    }
    for one in measured.iter().skip(1) {
        print!(" {:>20}", format!("yunhai:{}", short(one.contender)));
    }
    println!();
    row(measured, "samples/s", 0, Measured::samples_per_sec);
    row(measured, "seconds", 2, |one| one.wall.as_secs_f64());
    row(measured, "processor seconds", 2, |one| {
        one.processor_time.as_secs_f64()
    });
    row(measured, "MiB resident at most", 0, |one| {
        one.peak_bytes as f64 / f64::from(1 << 20)
    });
    row(measured, "bytes a sample on disk", 3, |one| {
        one.bytes as f64 / one.samples as f64
    });
    row(measured, "ms for 7 days of one series", 2, |one| {
        one.one_series.as_secs_f64() * 1000.0
    });
    row(measured, "ms to average 500 series, 24 h", 2, |one| {
        one.averages.as_secs_f64() * 1000.0
    });
    for one in measured {
        if let Some(bytes) = one.bytes_with_rollups {
            println!(
                "{:<34} {:>17.3}",
                "bytes a sample with roll-ups",
                bytes as f64 / one.samples as f64
            );
        }
    }
    println!();
}

fn row(measured: &[Measured], about: &str, digits: usize, of: impl Fn(&Measured) -> f64) {
    print!("{about:<34}");
    for one in measured {
        print!(" {:>17.digits$}", of(one));
    }
    if let Some((ours, others)) = measured.split_first() {
        for other in others {
            print!(" {:>20.2}", of(ours) / of(other));
        }
    }
    println!();
}

fn short(contender: Contender) -> &'static str {
    match contender {
        Contender::VictoriaMetrics => "victoria",
        other => other.name(),
    }
}

/// Fails with the promises that are not kept.
pub(crate) fn judge(in_process: &Figures, measured: &[Measured]) -> Result<()> {
    let mut missed = Vec::new();
    for (name, about, limit, is_minimum) in PROMISES {
        let value = figure(in_process, name)?;
        if !is_kept(value, limit, is_minimum) {
            missed.push(format!("{about}: {value:.2}, promised {limit}"));
        }
    }
    if let Some((ours, others)) = measured.split_first() {
        for other in others {
            if ours.samples_per_sec() <= other.samples_per_sec() {
                missed.push(format!(
                    "remote write: {:.0} samples/s, {} takes {:.0}",
                    ours.samples_per_sec(),
                    other.contender.name(),
                    other.samples_per_sec()
                ));
            }
        }
    }
    ensure!(
        missed.is_empty(),
        "promises are not kept (is the machine busy with something else?):\n  {}",
        missed.join("\n  ")
    );
    Ok(())
}

fn is_kept(value: f64, limit: f64, is_minimum: bool) -> bool {
    if is_minimum {
        value >= limit
    } else {
        value <= limit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missed_promise_is_named() {
        let mut figures: Figures = PROMISES
            .iter()
            .map(|(name, _, limit, _)| ((*name).to_owned(), *limit))
            .collect();
        assert!(judge(&figures, &[]).is_ok());
        figures.insert("bytes_per_sample".to_owned(), 1.5);
        let error = judge(&figures, &[]).unwrap_err().to_string();
        assert!(error.contains("bytes a sample on disk: 1.50"), "{error}");
    }
}
