//! The HTTP API of Prometheus, spoken to Prometheus and to whoever else has it.

use std::fmt;

use anyhow::{Result, bail};
use serde_json::Value;
use yunhai_model::{Sample, TimeSeries};
use yunhai_test_support::remote_write;

use super::queries::{Query, When};

/// Where it is: everything up to and with `/api/v1`.
pub(super) struct Api {
    pub(super) url: String,
    pub(super) client: reqwest::Client,
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

impl Api {
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
