//! One binary that runs a small team's servers and data: the server and its command line.
//!
//! Exit codes: 0 done, 1 failed, 2 wrong usage; `monitor once` also has 3, firing.

// Commands that ask the server within this process hold its whole stack of layers in their futures,
// which an optimised build looks through deeper than the compiler's default.
#![recursion_limit = "256"]

mod client;
mod commands;
mod config;
mod output;
mod state;

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;

use crate::commands::Command;
use crate::output::Format;

/// Above the options that every command takes.
pub(crate) const GLOBAL: &str = "Global options";

/// What the exit codes mean, at the foot of the help and of the manual page.
const EXIT_CODES: &str = "Exit codes: 0 done, 1 failed, 2 wrong usage; \
                          `monitor once` also has 3, something fires.

Commands that speak to a server use the login that `yunhai login` remembers, or --server and \
--token (YUNHAI_SERVER, YUNHAI_TOKEN). With --data they need no server: they work on a data \
directory that no running server uses. With --format json they print what the API answers: field \
names stay as they are.";

/// Watches servers, alerts, and looks after their data.
#[derive(Debug, Parser)]
#[command(
    name = "yunhai",
    version,
    max_term_width = 100,
    arg_required_else_help = true,
    after_help = EXIT_CODES
)]
pub(crate) struct Cli {
    #[command(flatten)]
    connection: client::Connection,
    #[command(flatten)]
    data_dir: state::OptionalDataDir,
    /// How to print
    #[arg(long, global = true, value_enum, default_value_t, help_heading = GLOBAL)]
    format: Format,
    #[command(subcommand)]
    command: Command,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("error: cannot start the runtime: {error}");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(commands::run(cli)) {
        Ok(code) => code,
        Err(error) => {
            // Who reads may have gone, as in `2>&1 | head`.
            let _ = writeln!(std::io::stderr(), "error: {}", describe(&error));
            ExitCode::FAILURE
        }
    }
}

/// Writes an error and its causes, each once, and after them what to do.
fn describe(error: &anyhow::Error) -> String {
    const HINT: &str = "\nhint: ";
    let mut text = String::new();
    let mut hints = String::new();
    for cause in error.chain() {
        let cause = cause.to_string();
        let (reason, hint) = cause.split_once(HINT).unwrap_or((&cause, ""));
        if !text.contains(reason) {
            if !text.is_empty() {
                text.push_str(": ");
            }
            text.push_str(reason);
        }
        if !hint.is_empty() && !hints.contains(hint) {
            hints.push_str(HINT);
            hints.push_str(hint);
        }
    }
    text + &hints
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_to_do_comes_after_all_causes() {
        let error = anyhow::anyhow!("not a terminal")
            .context("cannot ask\nhint: use the input")
            .context("no password: not a terminal");
        assert_eq!(
            describe(&error),
            "no password: not a terminal: cannot ask\nhint: use the input"
        );
    }
}
