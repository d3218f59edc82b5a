//! `cargo xtask bench fleet`: thousands of servers against the build that people get.
//!
//! The servers are simulated: their measurements come by remote write, spread over every minute.
//! Fifty rules watch them beside the default ones, and twenty people have the overview and the
//! list of servers open. What is promised under this load stands in `report.rs`.

mod api;
mod observation;
mod report;
mod simulation;
mod users;
mod writer;

use std::fs;
use std::net::SocketAddr;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, ensure};

use self::observation::{OwnMetrics, ProcessorTime, resident_bytes};
use self::report::{Evaluations, Seen, mebibytes};
use self::simulation::{INTERVAL_SECS, Write};
use self::users::Users;
use self::writer::{Writer, Written};
use crate::running_server::{Build, RunningServer, build_release};
use crate::workspace::Workspace;

/// How much is simulated.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// How long the load lasts.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..))]
    minutes: u64,
    /// How many servers measure.
    #[arg(long, default_value_t = 5000)]
    servers: usize,
    /// How many people look.
    #[arg(long, default_value_t = 20)]
    users: usize,
}

/// All requests of the benchmark come from one address, where real ones come from many.
const CONFIGURATION: &str = "\
[server]
requests_per_minute = 1000000
sign_ins_per_minute = 1000000
";

/// How long the server may take to list all servers after their first samples.
const LIST_LIMIT: Duration = Duration::from_secs(30);

/// Builds, starts, loads and judges a server.
pub(crate) fn run(workspace: &Workspace, arguments: &Arguments) -> Result<()> {
    build_release(workspace)?;
    let server = RunningServer::start(workspace, Build::Release, "fleet", |data| {
        let configuration = data.join("yunhai.toml");
        fs::write(&configuration, CONFIGURATION).context("writing the configuration")?;
        Ok(vec!["--config".into(), configuration.into()])
    })?;
    let seen = measure(&server, arguments)
        .with_context(|| format!("the server's log is {}", server.log.display()))?;
    server.stop()?;
    report::print(&seen, arguments)
}

fn measure(server: &RunningServer, arguments: &Arguments) -> Result<Seen> {
    let (address, pid) = (server.address, server.pid());
    let code = server
        .set_up_code
        .as_deref()
        .context("the server printed no set-up code")?;
    println!("creating {} users and the rules", arguments.users);
    let ready = api::set_up(address, code, arguments.users)?;

    println!("preparing the samples of {} servers", arguments.servers);
    // Room to prepare in, so that no sample is sent late.
    let begin = now() + Duration::from_secs(3 + 2 * arguments.minutes);
    let (first, writes) = prepare(arguments, begin)?;
    std::thread::sleep(begin.saturating_sub(now()));
    let mut writer = Writer::open(address, ready.authorization)?;
    writer.send(&first, Instant::now())?;
    wait_for_all_servers(address, &ready.sessions[0], arguments.servers)?;

    println!(
        "{} servers, {} rules in {} groups, {} users: {} min begin",
        arguments.servers, ready.rules, ready.rule_groups, arguments.users, arguments.minutes
    );
    let before = OwnMetrics::read(address)?;
    let processors = ProcessorTime::read(pid)?;
    let begun = Instant::now();
    let users = Users::arrive(address, ready.sessions);
    let mut written = Written::default();
    for minute in writes.chunks(first.len()) {
        written.merge(writer.send(minute, begun)?);
        println!(
            "{:>4.0} s: {:>4.0} MiB resident",
            begun.elapsed().as_secs_f64(),
            mebibytes(resident_bytes(pid)?.now)
        );
    }
    let end = Duration::from_secs(arguments.minutes * INTERVAL_SECS);
    std::thread::sleep(end.saturating_sub(begun.elapsed()));

    let elapsed = begun.elapsed();
    let evaluations = Evaluations::between(&before, &OwnMetrics::read(address)?)?;
    let load = ProcessorTime::read(pid)?.load_since(&processors);
    let memory = resident_bytes(pid)?;
    Ok(Seen {
        experience: users.leave(),
        written,
        elapsed,
        evaluations,
        expected_evaluations: ready.rule_groups as u64 * arguments.minutes,
        memory,
        load,
    })
}

/// The requests of a first round, which lies in the minute before `begin` and is sent at once, and
/// those of the minutes from `begin` on.
fn prepare(arguments: &Arguments, begin: Duration) -> Result<(Vec<Write>, Vec<Write>)> {
    let interval_ms = INTERVAL_SECS * 1000;
    let begin_ms = i64::try_from(begin.as_millis()).context("the clock is far off")?;
    let first_ms = begin_ms - interval_ms.cast_signed();
    let round = |round| {
        let mut writes = simulation::round(arguments.servers, round, first_ms);
        for write in &mut writes {
            write.at_ms = write.at_ms.saturating_sub(interval_ms);
        }
        writes
    };
    Ok((round(0), (1..=arguments.minutes).flat_map(round).collect()))
}

/// Waits until the overview knows of every server.
fn wait_for_all_servers(address: SocketAddr, session: &api::Session, servers: usize) -> Result<()> {
    let deadline = Instant::now() + LIST_LIMIT;
    loop {
        let overview = api::get(address, session, "/api/v1/overview")?;
        let known = overview["servers"]["total"].as_u64().unwrap_or_default();
        if known >= servers as u64 {
            return Ok(());
        }
        ensure!(
            Instant::now() < deadline,
            "only {known} of {servers} servers were listed within {} s",
            LIST_LIMIT.as_secs()
        );
        std::thread::sleep(Duration::from_millis(500));
    }
}

fn now() -> Duration {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
}
