//! Emulators of buckets on free ports of this machine: moto for S3, Azurite for Azure.
//!
//! For Google no emulator serves the XML interface that clients of object stores use. It is S3's
//! but for the names of some headers, so moto with those translated takes its place.
//!
//! They run in the Python environment and the folder of Node packages that `cargo xtask test`
//! makes in `target/venv` and `target/node`.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, bail};
use serde::Deserialize;

const EMULATOR: &str = include_str!("buckets/emulator.py");
const AZURITE: &str = "target/node/node_modules/azurite/dist/src/blob/main.js";

/// Whose buckets are emulated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BucketKind {
    /// `s3://`; signatures and permissions are checked.
    S3,
    /// `az://`; signatures are checked.
    Azure,
    /// `gs://`; the tokens that a service account signs are checked.
    Google,
}

/// Where the bucket is.
#[derive(Debug, Deserialize)]
struct Started {
    url: String,
    settings: BTreeMap<String, String>,
    wrong_secret: BTreeMap<String, String>,
}

/// An empty bucket; its emulator ends when this is dropped.
#[derive(Debug)]
pub struct Bucket {
    /// The URL of a folder in the bucket.
    pub url: String,
    /// The settings with which an object store opens it.
    pub settings: BTreeMap<String, String>,
    /// The setting that is secret, with a value that does not open it.
    pub wrong_secret: BTreeMap<String, String>,
    process: Child,
}

impl Bucket {
    /// Starts an emulator and makes a bucket in it.
    pub fn start(kind: BucketKind) -> anyhow::Result<Self> {
        let mut command = Command::new(installed("target/venv/bin/python")?);
        command.args(["-W", "ignore", "-c", EMULATOR]);
        match kind {
            BucketKind::S3 => command.arg("s3"),
            BucketKind::Google => command.arg("google"),
            BucketKind::Azure => command.arg("azure").arg(installed(AZURITE)?),
        };
        let mut process = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start the emulator of {kind:?}"))?;
        let (output, errors) = (process.stdout.take(), process.stderr.take());
        // What it logs tells why it did not start; later on it is of no interest.
        let log = std::thread::spawn(move || {
            errors.map_or_else(String::new, |errors| {
                let lines = BufReader::new(errors).lines().map_while(Result::ok);
                lines.fold(String::new(), |log, line| {
                    if log.len() < 10_000 {
                        log + &line + "\n"
                    } else {
                        log
                    }
                })
            })
        });
        let mut line = String::new();
        BufReader::new(output.context("the output is piped")?).read_line(&mut line)?;
        let Ok(Started {
            url,
            settings,
            wrong_secret,
        }) = serde_json::from_str(&line)
        else {
            process.kill()?;
            process.wait()?;
            bail!(
                "the emulator of {kind:?} did not start: {}",
                log.join().unwrap_or_default()
            )
        };
        Ok(Self {
            url,
            settings,
            wrong_secret,
            process,
        })
    }
}

impl Drop for Bucket {
    fn drop(&mut self) {
        // It ends its own child when its input ends.
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

fn installed(path: &str) -> anyhow::Result<PathBuf> {
    let whole = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .join(path);
    if !whole.exists() {
        bail!("{path} is missing: `cargo xtask test --only install` makes it");
    }
    Ok(whole)
}
