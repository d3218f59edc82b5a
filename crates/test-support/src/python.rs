//! Programs of the tests' Python, `target/venv`, that tell by a line of JSON that they are ready
//! and end when their standard input does.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use anyhow::{Context as _, bail};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Starts moto, for scripts that follow.
pub(crate) const MOTO: &str = include_str!("moto.py");

/// How much of what a program logs is kept, to tell why it did not start.
const LOG_BYTES: usize = 10_000;

/// A running program; it ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Program {
    process: Child,
    output: BufReader<ChildStdout>,
}

impl Program {
    /// Runs a script and returns what its first line says.
    pub(crate) fn start<T: DeserializeOwned>(
        name: &str,
        script: &str,
        arguments: &[&str],
    ) -> anyhow::Result<(Self, T)> {
        let mut process = Command::new(installed("target/venv/bin/python")?)
            .args(["-W", "ignore", "-c", script])
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {name}"))?;
        let output = process.stdout.take().context("the output is piped")?;
        let errors = process.stderr.take();
        // What it logs tells why it did not start; later on it is of no interest.
        let log = std::thread::spawn(move || {
            errors.map_or_else(String::new, |errors| {
                let lines = BufReader::new(errors).lines().map_while(Result::ok);
                lines.fold(String::new(), |log, line| {
                    if log.len() < LOG_BYTES {
                        log + &line + "\n"
                    } else {
                        log
                    }
                })
            })
        });
        let mut program = Self {
            process,
            output: BufReader::new(output),
        };
        if let Ok(started) = program.read() {
            return Ok((program, started));
        }
        program.process.kill()?;
        program.process.wait()?;
        bail!("{name} did not start: {}", log.join().unwrap_or_default())
    }

    /// Asks the program something and returns what it answers.
    pub(crate) fn ask<T: DeserializeOwned>(
        &mut self,
        question: &impl Serialize,
    ) -> anyhow::Result<T> {
        let mut line = serde_json::to_vec(question)?;
        line.push(b'\n');
        let input = self.process.stdin.as_mut().context("the input is piped")?;
        input.write_all(&line)?;
        input.flush()?;
        self.read()
    }

    fn read<T: DeserializeOwned>(&mut self) -> anyhow::Result<T> {
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        serde_json::from_str(&line).with_context(|| format!("the program said {line:?}"))
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

/// Returns the path of something that `cargo xtask test` installs.
pub(crate) fn installed(path: &str) -> anyhow::Result<PathBuf> {
    let whole = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .join(path);
    if !whole.exists() {
        bail!("{path} is missing: `cargo xtask test --only install` makes it");
    }
    Ok(whole)
}
