//! `cargo xtask test`: everything that must pass before a change is merged, in one command.
//!
//! It needs nothing but a fresh clone and network access to the package registries, reads no
//! standard input, and goes on after a failed step, so that one run shows every fault.

mod browser;
mod contract;
mod rust;

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::workspace::Workspace;
use crate::{command, debian, interface, python, tidy, toolchain};

/// Which steps to run.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Runs only this step; may be given several times.
    #[arg(long, value_name = "STEP", value_parser = clap::builder::PossibleValuesParser::new(
        STEPS.iter().map(|step| step.name)
    ))]
    only: Vec<String>,
    /// Stops at the first step that fails.
    #[arg(long)]
    fail_fast: bool,
}

/// One thing that is checked.
struct Step {
    name: &'static str,
    about: &'static str,
    run: fn(&Workspace) -> Result<Outcome>,
}

/// How a step that did not fail ended.
enum Outcome {
    Passed,
    /// It does not apply on this machine, and why.
    Skipped(&'static str),
}

/// In the order in which they run: what is quick, and what others need, comes first.
const STEPS: [Step; 12] = [
    Step {
        name: "install",
        about: "what the tests need",
        run: install,
    },
    Step {
        name: "format",
        about: "rustfmt",
        run: rust::format,
    },
    Step {
        name: "tidy",
        about: "the rules of the code",
        run: |it| tidy::run(it).map(passed),
    },
    Step {
        name: "interface",
        about: "typecheck, Vitest and build of web/",
        run: test_interface,
    },
    Step {
        name: "lint",
        about: "clippy without a warning",
        run: rust::lint,
    },
    Step {
        name: "licences",
        about: "cargo-deny",
        run: rust::licences,
    },
    Step {
        name: "unit",
        about: "unit and integration tests",
        run: rust::unit,
    },
    Step {
        name: "doc",
        about: "documentation tests",
        run: rust::doc,
    },
    Step {
        name: "build",
        about: "the binary for the next two",
        run: rust::build,
    },
    Step {
        name: "contract",
        about: "schemathesis against the API",
        run: contract::run,
    },
    Step {
        name: "browser",
        about: "the journeys in Chromium",
        run: browser::run,
    },
    Step {
        name: "release",
        about: "the archive that people install, started once",
        run: rust::release,
    },
];

/// Runs the steps and prints how each ended and how long it took.
pub(crate) fn run(workspace: &Workspace, arguments: &Arguments) -> Result<()> {
    let chosen = STEPS.iter().filter(|step| {
        arguments.only.is_empty() || arguments.only.iter().any(|it| it == step.name)
    });
    let started = Instant::now();
    let mut results = Vec::new();
    for step in chosen {
        println!("\n━━ {}: {}", step.name, step.about);
        let began = Instant::now();
        let outcome = (step.run)(workspace);
        if let Err(error) = &outcome {
            println!("━━ {} FAILED: {error:#}", step.name);
        }
        let failed = outcome.is_err();
        results.push((step, outcome, began.elapsed()));
        // Without its tools every later step would fail for the same reason.
        if failed && (arguments.fail_fast || step.name == "install") {
            break;
        }
    }
    summarise(&results, started.elapsed())
}

fn summarise(results: &[(&Step, Result<Outcome>, Duration)], total: Duration) -> Result<()> {
    println!("\n━━ summary");
    for (step, outcome, time) in results {
        let (mark, note) = match outcome {
            Ok(Outcome::Passed) => ("ok  ", String::new()),
            Ok(Outcome::Skipped(why)) => ("skip", format!("  ({why})")),
            Err(error) => ("FAIL", format!("  {error:#}")),
        };
        println!(
            "{mark}  {:<10} {:>7.1} s{note}",
            step.name,
            time.as_secs_f64()
        );
    }
    println!("      {:<10} {:>7.1} s", "total", total.as_secs_f64());
    let failed: Vec<&str> = results
        .iter()
        .filter(|(_, outcome, _)| outcome.is_err())
        .map(|(step, ..)| step.name)
        .collect();
    if !failed.is_empty() {
        bail!("failed: {}", failed.join(", "));
    }
    Ok(())
}

fn passed((): ()) -> Outcome {
    Outcome::Passed
}

fn install(workspace: &Workspace) -> Result<Outcome> {
    debian::install()?;
    toolchain::check()?;
    python::install(workspace)?;
    interface::install_packages(workspace)?;
    interface::install_emulators(workspace)?;
    Ok(Outcome::Passed)
}

fn test_interface(workspace: &Workspace) -> Result<Outcome> {
    interface::install_packages(workspace)?;
    command::run(workspace.npm().args(["run", "typecheck"]))?;
    command::run(workspace.npm().args(["run", "test"]))?;
    interface::build(workspace)?;
    Ok(Outcome::Passed)
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    use super::*;

    fn step(name: &'static str) -> Step {
        Step {
            name,
            about: "",
            run: |_| Ok(Outcome::Passed),
        }
    }

    #[test]
    fn one_failed_step_fails_the_whole_and_is_named() {
        let (format, lint) = (step("format"), step("lint"));
        let results = [
            (&format, Ok(Outcome::Passed), Duration::from_secs(1)),
            (&lint, Err(anyhow!("two warnings")), Duration::from_secs(2)),
        ];
        let error = summarise(&results, Duration::from_secs(3)).unwrap_err();
        assert_eq!(error.to_string(), "failed: lint");
    }

    #[test]
    fn a_skipped_step_is_no_failure() {
        let licences = step("licences");
        let results = [(
            &licences,
            Ok(Outcome::Skipped("not installed")),
            Duration::ZERO,
        )];
        summarise(&results, Duration::ZERO).unwrap();
    }
}
