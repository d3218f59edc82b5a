//! A Prometheus of its own for the test: an empty directory, a port of its choice.

use std::fmt;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use yunhai_model::{Sample, TimeSeries};
use yunhai_test_support::remote_write;

use super::queries::{Query, When};

const PROGRAM: &str = "/usr/bin/prometheus";

pub(super) struct Prometheus {
    url: String,
    client: reqwest::Client,
    // Killed when dropped, before its directory goes.
    _process: Child,
    _directory: tempfile::TempDir,
}

/// An answer in the shape of the HTTP API.
pub(super) enum Answer {
    Value(Value),
    Failure { kind: String, message: String },
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Value(value) => write!(f, "{value}"),
            Self::Failure { kind, message } => write!(f, "{kind}: {message}"),
        }
    }
}

impl Prometheus {
    pub(super) async fn start() -> Result<Self> {
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
            url: format!("http://{address}/api/v1"),
            client: reqwest::Client::builder().no_proxy().build()?,
            _process: process,
            _directory: directory,
        })
    }

    /// Writes all samples, in the order of time as Prometheus wants them.
    pub(super) async fn write(&self, series: &[TimeSeries]) -> Result<()> {
        let mut times: Vec<i64> = series
            .iter()
            .flat_map(|series| series.samples.iter().map(|sample| sample.timestamp_ms))
            .collect();
        times.sort_unstable();
        times.dedup();
        for times in times.chunks(60) {
            let (first, last) = (times[0], times[times.len() - 1]);
            let within = |sample: &&Sample| (first..=last).contains(&sample.timestamp_ms);
            let series = series.iter().map(|series| {
                let samples = series.samples.iter().filter(within);
                let samples = samples.map(|sample| (sample.timestamp_ms, sample.value));
                remote_write::Series::new(series.labels.iter(), samples)
            });
            let request = remote_write::WriteRequest {
                series: series.filter(|series| !series.samples.is_empty()).collect(),
                metadata: Vec::new(),
            };
            let answer = self
                .client
                .post(format!("{}/write", self.url))
                .header("Content-Encoding", "snappy")
                .header("Content-Type", "application/x-protobuf")
                .body(request.body())
                .send()
                .await?;
            if !answer.status().is_success() {
                bail!("remote write was refused: {}", answer.text().await?);
            }
        }
        Ok(())
    }

    pub(super) async fn ask(&self, query: &Query) -> Result<Answer> {
        let seconds = |ms: i64| format!("{}.{:03}", ms.div_euclid(1000), ms.rem_euclid(1000));
        let (path, mut form) = match query.when {
            When::Instant(time_ms) => ("query", vec![("time", seconds(time_ms))]),
            When::Range {
                start_ms,
                end_ms,
                step_ms,
            } => (
                "query_range",
                vec![
                    ("start", seconds(start_ms)),
                    ("end", seconds(end_ms)),
                    ("step", seconds(step_ms)),
                ],
            ),
        };
        form.push(("query", query.expr.clone()));
        let mut answer: Value = self
            .client
            .post(format!("{}/{path}", self.url))
            .form(&form)
            .send()
            .await?
            .json()
            .await?;
        if answer["status"] == "success" {
            Ok(Answer::Value(answer["data"].take()))
        } else {
            let text = |name: &str| answer[name].as_str().unwrap_or_default().to_owned();
            Ok(Answer::Failure {
                kind: text("errorType"),
                message: text("error"),
            })
        }
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
