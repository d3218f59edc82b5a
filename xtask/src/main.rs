//! Builds, tests, checks and measures Yunhai; `cargo xtask help` lists what it can do.
//!
//! It drives the tools that are on the machine (cargo, npm, Python). Of Yunhai itself it uses the
//! evaluator of PromQL only, so that it compiles quickly.

#![allow(clippy::print_stdout, reason = "it talks to people on their terminal")]

mod bench;
mod command;
mod debian;
mod http;
mod interface;
mod promql;
mod python;
mod release;
mod running_server;
mod test;
mod tidy;
mod toolchain;
mod up;
mod workspace;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{CommandFactory as _, Parser, Subcommand};

use crate::workspace::Workspace;

/// Builds, tests, checks and measures Yunhai.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Builds Yunhai and starts it on this machine.
    Up(up::Arguments),
    /// Installs what the tests need and runs all of them.
    Test(test::Arguments),
    /// Checks the rules of the code that no compiler knows.
    Tidy,
    /// Runs a benchmark by its name.
    Bench(bench::Arguments),
    /// Runs files in the language of Prometheus's own PromQL tests.
    Promql {
        /// The folder of `*.test` files.
        directory: PathBuf,
    },
    /// Builds the package that people install.
    Release,
}

fn main() -> ExitCode {
    let arguments = Arguments::try_parse().unwrap_or_else(|error| leave(&error));
    let outcome = Workspace::load().and_then(|workspace| match arguments.task {
        Task::Up(arguments) => up::run(&workspace, &arguments),
        Task::Test(arguments) => test::run(&workspace, &arguments),
        Task::Tidy => tidy::run(&workspace),
        Task::Bench(arguments) => bench::run(&workspace, &arguments),
        Task::Promql { directory } => promql::run(&directory),
        Task::Release => release::run(&workspace),
    });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Tells what is wrong with the arguments, and shows the tasks to who named one that does not exist.
fn leave(error: &clap::Error) -> ! {
    if error.kind() == ErrorKind::InvalidSubcommand {
        // Nothing can be done where the terminal takes no text.
        let _ = error.print();
        eprintln!();
        let _ = Arguments::command().print_help();
        std::process::exit(2);
    }
    error.exit()
}
