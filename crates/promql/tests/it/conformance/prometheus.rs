//! A Prometheus of its own for the test: an empty directory, a port of its choice.

use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use super::api::Api;

const PROGRAM: &str = "/usr/bin/prometheus";

pub(super) struct Prometheus {
    pub(super) api: Api,
    // Killed when dropped, before its directory goes.
    _process: Child,
    _directory: tempfile::TempDir,
}

impl Prometheus {
    /// Starts one that looks back so far for a series' value.
    pub(super) async fn start(look_back: &str) -> Result<Self> {
        ensure!(
            std::path::Path::new(PROGRAM).exists(),
            "{PROGRAM} is missing: this test compares with Prometheus 2.42, run `apt-get install prometheus`"
        );
        let directory = tempfile::tempdir()?;
        let config = directory.path().join("prometheus.yml");
        std::fs::write(&config, "")?;
        let mut process = Command::new(PROGRAM)
            .arg(format!("--config.file={}", config.display()))
            .arg(format!(
                "--storage.tsdb.path={}",
                directory.path().join("data").display()
            ))
            .arg("--storage.tsdb.retention.time=100y")
            .arg("--web.listen-address=127.0.0.1:0")
            .arg("--web.enable-remote-write-receiver")
            .arg(format!("--query.lookback-delta={look_back}"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("starting {PROGRAM}"))?;
        let log = process.stderr.take().context("its log is piped")?;
        let address = tokio::time::timeout(Duration::from_mins(1), ready_address(log))
            .await
            .context("Prometheus was not ready within a minute")??;
        Ok(Self {
            api: Api {
                url: format!("http://{address}/api/v1"),
                client: reqwest::Client::builder().no_proxy().build()?,
            },
            _process: process,
            _directory: directory,
        })
    }
}

/// Reads the log until it tells that all is ready, and goes on reading so that it never blocks.
async fn ready_address(log: tokio::process::ChildStderr) -> Result<String> {
    let mut lines = BufReader::new(log).lines();
    let mut address = None;
    let mut seen = String::new();
    while let Some(line) = lines.next_line().await? {
        if line.contains("msg=\"Listening on\"") {
            address = line
                .split_once("address=")
                .map(|(_, address)| address.trim().to_owned());
        }
        if line.contains("Server is ready to receive web requests") {
            tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
            return address.context("Prometheus did not tell its address");
        }
        seen += &line;
        seen.push('\n');
    }
    bail!("Prometheus stopped:\n{seen}")
}
