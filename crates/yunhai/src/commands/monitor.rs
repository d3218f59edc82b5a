//! `yunhai monitor …`: queries, and the one-shot mode.

use std::process::ExitCode;

use reqwest::Method;

use super::Session;
use crate::config::DataDir;
use crate::output::{Format, print_done, print_json, print_rows};

/// The exit code of the one-shot mode when something fires.
const FIRING: u8 = 3;

/// What can be done with metrics.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum MonitorCommand {
    /// Answer a PromQL query, in the shape of the Prometheus API with --format json
    #[command(after_help = "Examples:
  yunhai monitor query server_cpu_utilization_ratio
  yunhai monitor query 'avg by (server) (server_load1)' --format json
  yunhai monitor query server_load1 \\
    --start 2026-11-22T00:00:00Z --end 2026-11-22T01:00:00Z --step 5m")]
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
    /// Measure this machine, ask the clouds, evaluate all rules and notify, once and without a server
    ///
    /// Exits with 0 when nothing fires and with 3 when something does, so that cron or a
    /// serverless function can act on it. Rules and channels are set up with --data on `alert rule
    /// apply`, `channel add` and the like.
    Once {
        #[command(flatten)]
        data_dir: DataDir,
    },
}

/// Runs `yunhai monitor …`.
pub(crate) async fn run(session: &Session, command: MonitorCommand) -> anyhow::Result<ExitCode> {
    match command {
        MonitorCommand::Query {
            expression,
            time,
            start,
            end,
            step,
        } => query(session, expression, time, start, end, step).await,
        MonitorCommand::Once { data_dir } => once(session, &data_dir).await,
    }
}

async fn once(session: &Session, data_dir: &DataDir) -> anyhow::Result<ExitCode> {
    super::serve::start_log(false, super::serve::SERVER_LOG);
    let config = data_dir.load()?;
    config.check()?;
    let _lock = data_dir.lock()?;
    let state = crate::state::open_with(data_dir, &config).await?;
    let url = config.server.external_url.clone().unwrap_or_default();
    let parts = super::serve::parts(state, config, data_dir, &url);
    let summary = yunhai_server::check_once(parts).await?;
    let sentence = format!(
        "{} firing, {} pending, {} acknowledged; {} rules could not be evaluated.",
        summary.firing, summary.pending, summary.acknowledged, summary.failed_rules
    );
    print_done(session.format, &summary, &sentence);
    anyhow::ensure!(
        summary.failed_rules == 0,
        "{} rules could not be evaluated",
        summary.failed_rules
    );
    Ok(ExitCode::from(if summary.firing > 0 { FIRING } else { 0 }))
}

async fn query(
    session: &Session,
    expression: String,
    time: Option<String>,
    start: Option<String>,
    end: Option<String>,
    step: Option<String>,
) -> anyhow::Result<ExitCode> {
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
    let client = session.client().await?;
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
