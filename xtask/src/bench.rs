//! `cargo xtask bench NAME`: the measurements behind the promises that Yunhai makes.

mod agent;
mod fleet;
mod series;

use anyhow::Result;

use crate::workspace::Workspace;

/// Which benchmark to run.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    bench: Bench,
}

#[derive(clap::Subcommand)]
enum Bench {
    /// A week of 500 servers, beside Prometheus and VictoriaMetrics.
    Series(series::Arguments),
    /// The agent at 10 seconds, beside node_exporter and netdata.
    Agent(agent::Arguments),
    /// 5,000 servers, 50 rules and 20 people at one server.
    Fleet(fleet::Arguments),
}

/// Runs the benchmark that `arguments` name.
pub(crate) fn run(workspace: &Workspace, arguments: &Arguments) -> Result<()> {
    match &arguments.bench {
        Bench::Series(arguments) => series::run(workspace, arguments),
        Bench::Agent(arguments) => agent::run(workspace, arguments),
        Bench::Fleet(arguments) => fleet::run(workspace, arguments),
    }
}
