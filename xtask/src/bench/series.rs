//! `cargo xtask bench series`: a week of 500 servers in the series store.
//!
//! First in process, then over remote write: the same requests go to Yunhai, to Prometheus and to
//! VictoriaMetrics, one after the other, each with an empty folder and all of the machine. What
//! the servers measure and how random it is stands in `crates/series/benches/series/week.rs`.

mod contender;
mod load;
mod report;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use self::contender::{Contender, Running};
use self::load::{Load, Question};
use self::report::Measured;
use crate::command;
use crate::running_server::build_release;
use crate::workspace::Workspace;

/// What is measured.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Leave out the servers and remote write.
    #[arg(long)]
    in_process: bool,
    /// How often each server is loaded; the fastest run counts.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    runs: u32,
    /// Load this server alone, without judging.
    #[arg(long, value_enum)]
    only: Option<Contender>,
}

/// Figures by the names under which the benchmark prints them.
pub(crate) type Figures = BTreeMap<String, f64>;

/// Builds, measures and judges.
pub(crate) fn run(workspace: &Workspace, arguments: &Arguments) -> Result<()> {
    let program = build(workspace)?;
    if let Some(only) = arguments.only {
        let measured = measure_all(workspace, &program, &[only], arguments.runs)?;
        report::print_servers(&measured);
        return Ok(());
    }
    let in_process = figures(Command::new(&program))?;
    report::print_in_process(&in_process);
    if arguments.in_process {
        return report::judge(&in_process, &[]);
    }
    let measured = measure_all(workspace, &program, &Contender::ALL, arguments.runs)?;
    report::print_servers(&measured);
    report::judge(&in_process, &measured)
}

/// Loads servers one after the other, each with an empty folder, and keeps the fastest run of each.
fn measure_all(
    workspace: &Workspace,
    program: &Path,
    contenders: &[Contender],
    runs: u32,
) -> Result<Vec<Measured>> {
    Contender::are_here(contenders)?;
    if contenders.contains(&Contender::Yunhai) {
        build_release(workspace)?;
    }
    let folder = tempfile::tempdir().context("making a folder for the requests")?;
    let requests = folder.path().join("requests");
    let now_ms = now().as_millis().to_string();
    let mut prepare = Command::new(program);
    prepare.arg("requests").arg(&requests).arg(&now_ms);
    let range = figures(prepare)?;
    let question = Question::of_range(&range)?;
    let load = Load::read(&requests)?;

    let mut measured = Vec::new();
    for &contender in contenders {
        let mut best: Option<Measured> = None;
        for _ in 0..runs {
            let run = measure(workspace, program, contender, &load, &question)
                .with_context(|| format!("measuring {}", contender.name()))?;
            if best.as_ref().is_none_or(|best| run.wall < best.wall) {
                best = Some(run);
            }
        }
        measured.extend(best);
    }
    Ok(measured)
}

fn measure(
    workspace: &Workspace,
    program: &Path,
    contender: Contender,
    load: &Load,
    question: &Question,
) -> Result<Measured> {
    let version = contender.version(workspace)?;
    println!(
        "{version}; load of the machine before: {}",
        fs::read_to_string("/proc/loadavg")
            .unwrap_or_default()
            .trim()
    );
    let running = contender.start(workspace)?;
    let before = running.processor_time()?;
    let wall = load.send(&running)?;
    let processor_time = running.processor_time()?.saturating_sub(before);
    println!(
        "  {:.0} samples/s, waiting for it to come to rest",
        load.samples as f64 / wall.as_secs_f64()
    );
    running.settle()?;
    let one_series = question.one_series(&running)?;
    let averages = question.averages(&running)?;
    let peak_bytes = running.peak_bytes()?;
    let (bytes, bytes_with_rollups) = size(program, running, load)?;
    Ok(Measured {
        contender,
        version,
        samples: load.samples,
        wall,
        processor_time,
        peak_bytes,
        bytes,
        bytes_with_rollups,
        one_series,
        averages,
    })
}

/// Ends a server and tells how large the samples are on disk when all are in blocks.
fn size(program: &Path, running: Running, load: &Load) -> Result<(u64, Option<u64>)> {
    if let Some(bytes) = running.size_bytes()? {
        running.stop()?;
        return Ok((bytes, None));
    }
    let folder = running.stop()?;
    let mut compact = Command::new(program);
    compact
        .arg("compact")
        .arg(folder.path().join("series"))
        .arg(now().as_millis().to_string());
    let sizes = figures(compact)?;
    let bytes = |name: &str| -> Result<u64> {
        Ok((figure(&sizes, name)? * load.samples as f64).round() as u64)
    };
    Ok((
        bytes("bytes_per_sample")?,
        Some(bytes("bytes_per_sample_with_rollups")?),
    ))
}

/// Compiles the benchmark of the store and returns its program.
fn build(workspace: &Workspace) -> Result<PathBuf> {
    let messages = command::output(workspace.cargo().args([
        "bench",
        "--locked",
        "--package",
        "yunhai-series",
        "--bench",
        "series",
        "--no-run",
        "--message-format=json-render-diagnostics",
    ]))?;
    messages
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|message| message["target"]["kind"][0] == "bench")
        .find_map(|message| message["executable"].as_str().map(PathBuf::from))
        .context("cargo names no program of the benchmark")
}

/// Runs a part of the benchmark and reads its lines of name, colon and value.
fn figures(mut command: Command) -> Result<Figures> {
    let printed = command::output(&mut command)?;
    let mut figures = Figures::new();
    for line in printed.lines() {
        let Some((name, value)) = line.split_once(": ") else {
            bail!("the benchmark printed `{line}`");
        };
        let value = value.parse().with_context(|| format!("reading `{line}`"))?;
        figures.insert(name.to_owned(), value);
    }
    Ok(figures)
}

/// Looks a figure up.
pub(crate) fn figure(figures: &Figures, name: &str) -> Result<f64> {
    let found = figures.get(name).copied();
    found.with_context(|| format!("the benchmark printed no {name}"))
}

fn now() -> Duration {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
}
