//! `yunhai monitor …`: queries, and the one-shot mode.

use std::process::ExitCode;

use reqwest::Method;

use super::Session;
use crate::output::{Format, print_json, print_rows};

/// What can be done with metrics.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum MonitorCommand {
    /// Answer a PromQL query, in the shape of the Prometheus API with --format json
    Query {
        /// The expression
        #[arg(value_name = "EXPR")]
        expression: String,
        /// The moment of an instant query: RFC 3339 or Unix seconds; default: now
        #[arg(long, conflicts_with_all = ["start", "end", "step"])]
        time: Option<String>,
        /// The start of a range query
        #[arg(long, requires = "end", requires = "step")]
        start: Option<String>,
        /// The end of a range query
        #[arg(long, requires = "start")]
        end: Option<String>,
        /// The step of a range query: 30s, 5m, or seconds
        #[arg(long, requires = "start")]
        step: Option<String>,
    },
}

/// Runs `yunhai monitor …`.
pub(crate) async fn run(session: &Session, command: MonitorCommand) -> anyhow::Result<ExitCode> {
    let MonitorCommand::Query {
        expression,
        time,
        start,
        end,
        step,
    } = command;
    let mut form = vec![("query", expression)];
    let path = if start.is_some() {
        form.extend(start.map(|start| ("start", start)));
        form.extend(end.map(|end| ("end", end)));
        form.extend(step.map(|step| ("step", step)));
        "prometheus/api/v1/query_range"
    } else {
        form.extend(time.map(|time| ("time", time)));
        "prometheus/api/v1/query"
    };
    let client = session.client()?;
    let response = client
        .send(client.request(Method::POST, path)?.form(&form))
        .await?;
    let answer: serde_json::Value = response.json().await?;
    match session.format {
        Format::Json => print_json(&answer),
        Format::Table => print_samples(&answer["data"]),
    }
    Ok(ExitCode::SUCCESS)
}

/// Prints a result of the Prometheus API with a row for each sample.
fn print_samples(data: &serde_json::Value) {
    let mut rows: Vec<[String; 3]> = Vec::new();
    let mut add = |series: &str, sample: &serde_json::Value| {
        let time_ms = sample[0]
            .as_f64()
            .map(|secs| (secs * 1000.0).round() as i64);
        let value = sample[1].as_str().unwrap_or_default().to_owned();
        rows.push([series.to_owned(), crate::output::time(time_ms), value]);
    };
    match data["resultType"].as_str() {
        Some("vector" | "matrix") => {
            for series in data["result"].as_array().into_iter().flatten() {
                let name = serde_json::from_value::<yunhai_model::Labels>(series["metric"].clone())
                    .map(|labels| labels.to_string())
                    .unwrap_or_default();
                if series["value"].is_array() {
                    add(&name, &series["value"]);
                }
                for sample in series["values"].as_array().into_iter().flatten() {
                    add(&name, sample);
                }
            }
        }
        _ => add("", &data["result"]),
    }
    print_rows(
        Format::Table,
        &rows,
        ["series", "time", "value"],
        Clone::clone,
    );
}
