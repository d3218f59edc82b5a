//! `cargo xtask bench agent`: what the agent takes of the machine that it measures.
//!
//! All contenders measure this machine at once, for as long, every ten seconds: the agent sends to a
//! server of ours, `node_exporter` is scraped, `netdata` measures by itself. What child processes take
//! counts too.

mod contender;
mod process;

use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};

use self::contender::{Contender, Running};
use self::process::Usage;
use crate::running_server::{Build, RunningServer, build_release};
use crate::workspace::Workspace;

/// How often the machine is measured.
pub(crate) const INTERVAL: Duration = Duration::from_secs(10);

/// What comes before is the start: joining, the first look at everything.
const WARM_UP: Duration = Duration::from_secs(20);

/// What is promised of the agent.
const MOST_MEBIBYTES: f64 = 25.0;
const MOST_OF_A_CORE: f64 = 0.005;

/// What is measured.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// For how long.
    #[arg(long, default_value_t = 300, value_parser = clap::value_parser!(u64).range(20..))]
    secs: u64,
    /// Measure the build of the tests, without judging.
    #[arg(long)]
    development: bool,
}

/// What a contender took.
struct Measured {
    name: &'static str,
    /// Of one core.
    share: f64,
    peak_mebibytes: f64,
}

/// Builds, measures and judges.
pub(crate) fn run(workspace: &Workspace, arguments: &Arguments) -> Result<()> {
    let build = if arguments.development {
        Build::Development
    } else {
        build_release(workspace)?;
        Build::Release
    };
    let mut token = String::new();
    let server = RunningServer::start(workspace, build, "agent", |data| {
        token = contender::enrolment_token(workspace, build, data)?;
        Ok(Vec::new())
    })?;
    let (here, missing): (Vec<Contender>, Vec<Contender>) =
        Contender::ALL.into_iter().partition(|one| one.is_here());
    for contender in missing {
        println!(
            "left out: {0} is not installed (apt-get install --no-install-recommends {0})",
            contender.package()
        );
    }
    let mut running = Vec::new();
    for contender in here {
        let started = contender.start(workspace, build, &server.url(), &token);
        running.push(started.with_context(|| format!("starting {}", contender.name()))?);
    }
    let measured = measure(&mut running, Duration::from_secs(arguments.secs))?;
    print(&measured, arguments.secs);
    drop(running);
    server.stop()?;
    if arguments.development {
        return Ok(());
    }
    judge(&measured)
}

/// Lets all of them work, and asks those that only answer.
fn measure(running: &mut [Running], time: Duration) -> Result<Vec<Measured>> {
    work(running, WARM_UP)?;
    let before: Vec<Usage> = running.iter().map(Running::usage).collect::<Result<_>>()?;
    let begun = Instant::now();
    let mut peaks = work(running, time)?;
    let wall = begun.elapsed().as_secs_f64();
    let mut measured = Vec::new();
    for (at, (one, before)) in running.iter().zip(before).enumerate() {
        let after = one.usage()?;
        peaks[at] = peaks[at].max(after.resident_bytes);
        let busy = after.processor_time.saturating_sub(before.processor_time);
        measured.push(Measured {
            name: one.contender.name(),
            share: busy.as_secs_f64() / wall,
            peak_mebibytes: peaks[at] as f64 / f64::from(1 << 20),
        });
    }
    Ok(measured)
}

/// Returns the most memory that each had resident at the end of a round.
fn work(running: &mut [Running], time: Duration) -> Result<Vec<u64>> {
    let mut peaks = vec![0; running.len()];
    let end = Instant::now() + time;
    let mut due = Instant::now();
    while Instant::now() < end {
        due += INTERVAL;
        for (peak, one) in peaks.iter_mut().zip(running.iter_mut()) {
            one.scrape()?;
            *peak = one.usage()?.resident_bytes.max(*peak);
        }
        sleep(due.min(end).saturating_duration_since(Instant::now()));
    }
    Ok(peaks)
}

fn print(measured: &[Measured], secs: u64) {
    println!("{secs} s, every {} s", INTERVAL.as_secs());
    let ours = measured.first();
    for one in measured {
        let ratio = ours.map_or(1.0, |ours| one.share / ours.share.max(f64::EPSILON));
        let memory = ours.map_or(1.0, |ours| one.peak_mebibytes / ours.peak_mebibytes);
        println!(
            "  {:<24} {:6.2} % of a core ({ratio:.2} of ours)  {:6.1} MiB at most ({memory:.2} of ours)",
            one.name,
            one.share * 100.0,
            one.peak_mebibytes,
        );
    }
}

fn judge(measured: &[Measured]) -> Result<()> {
    let ours = measured.first().context("the agent was not measured")?;
    ensure!(
        ours.peak_mebibytes <= MOST_MEBIBYTES,
        "the agent took {:.1} MiB; at most {MOST_MEBIBYTES} are promised",
        ours.peak_mebibytes
    );
    ensure!(
        ours.share <= MOST_OF_A_CORE,
        "the agent took {:.2} % of a core; at most {} are promised",
        ours.share * 100.0,
        MOST_OF_A_CORE * 100.0
    );
    Ok(())
}
