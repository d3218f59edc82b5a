//! `cargo xtask bench NAME`: the measurements behind the promises that Yunhai makes.

use anyhow::{Result, anyhow};

use crate::command;
use crate::workspace::Workspace;

/// Which benchmark to run.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The benchmark's name; an unknown one lists them all.
    name: String,
    /// What is handed on to the benchmark.
    #[arg(last = true)]
    extra: Vec<String>,
}

/// A measurement: a bench target of one of our crates, built with optimisation.
struct Bench {
    name: &'static str,
    package: &'static str,
    about: &'static str,
}

const BENCHES: [Bench; 1] = [Bench {
    name: "series",
    package: "yunhai-series",
    about: "a week of 500 servers, beside Prometheus and VictoriaMetrics",
}];

/// Runs the benchmark that `arguments` name.
pub(crate) fn run(workspace: &Workspace, arguments: &Arguments) -> Result<()> {
    let bench = find(&arguments.name)?;
    command::run(
        workspace
            .cargo()
            .args([
                "bench",
                "--locked",
                "--package",
                bench.package,
                "--bench",
                bench.name,
                "--",
            ])
            .args(&arguments.extra),
    )
}

fn find(name: &str) -> Result<&'static Bench> {
    BENCHES
        .iter()
        .find(|bench| bench.name == name)
        .ok_or_else(|| {
            let known: Vec<String> = BENCHES
                .iter()
                .map(|bench| format!("{:<8} {}", bench.name, bench.about))
                .collect();
            anyhow!(
                "there is no benchmark `{name}`; there are:\n  {}",
                known.join("\n  ")
            )
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_name_lists_the_known_ones() {
        let error = find("speed").map(|_| ()).unwrap_err().to_string();
        assert!(
            error.starts_with("there is no benchmark `speed`; there are:\n  series"),
            "{error}"
        );
    }
}
