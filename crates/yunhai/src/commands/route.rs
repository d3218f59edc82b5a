//! `yunhai alert route …`: which channels an alert goes to.

use std::path::PathBuf;

use anyhow::Context;
use reqwest::Method;
use serde_json::Value;
use yunhai_api_types::{Channel, RouteChannel, RoutePreview, RoutePreviewRequest};
use yunhai_model::{ChannelId, HumanDuration};
use yunhai_monitor::Route;

use super::{Session, read_file_or_stdin};
use crate::output::{Format, print_done, print_json, print_rows, print_text};

/// What can be done with routes.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum RouteCommand {
    /// List the routes from the root down
    List,
    /// Replace all routes by those of a JSON file, as `list --format json` prints them
    ///
    /// Channels stand in it by their ids or names.
    #[command(after_help = "Examples:
  yunhai alert route list --format json > routes.json
  yunhai alert route set routes.json
  echo '{\"channels\": [\"ops\"]}' | yunhai alert route set -")]
    Set {
        /// The file; - for the standard input
        file: PathBuf,
    },
    /// Tell which routes an alert would take, and what would hold it back now
    #[command(after_help = "Examples:
  yunhai alert route test alertname=DiskFull severity=critical server=web-1
  yunhai alert route test severity=warning --format json")]
    Test {
        /// The alert's labels, such as severity=critical
        #[arg(required = true, value_name = "LABEL=VALUE", value_parser = parse_label)]
        labels: Vec<(String, String)>,
    },
}

/// Runs `yunhai alert route …`.
pub(crate) async fn run(session: &Session, command: RouteCommand) -> anyhow::Result<()> {
    let client = session.client().await?;
    match command {
        RouteCommand::List => {
            let root: Route = client.get("api/v1/routes", &[]).await?;
            if session.format == Format::Json {
                print_json(&root);
                return Ok(());
            }
            let channels: Vec<Channel> = client.list("api/v1/channels", &[]).await?;
            let mut rows = Vec::new();
            flatten(&root, "root", &channels, &mut rows);
            print_rows(
                session.format,
                &rows,
                [
                    "route", "matchers", "channels", "group by", "wait", "interval", "repeat",
                ],
                Clone::clone,
            );
        }
        RouteCommand::Set { file } => {
            let text = read_file_or_stdin(&file)?;
            let mut routes: Value = serde_json::from_str(&text)
                .with_context(|| format!("{} is not JSON", file.display()))?;
            let channels: Vec<Channel> = client.list("api/v1/channels", &[]).await?;
            put_ids(&mut routes, &channels);
            let routes: Value = client
                .send_json(Method::PUT, "api/v1/routes", &routes)
                .await?;
            print_done(session.format, &routes, "The routes are replaced.");
        }
        RouteCommand::Test { labels } => {
            let request = RoutePreviewRequest {
                labels: labels.into_iter().collect(),
            };
            let preview: RoutePreview = client
                .send_json(Method::POST, "api/v1/routes/preview", &request)
                .await?;
            match session.format {
                Format::Json => print_json(&preview),
                Format::Table => print_preview(session.format, &preview),
            }
        }
    }
    Ok(())
}

fn print_preview(format: Format, preview: &RoutePreview) {
    print_rows(
        format,
        &preview.routes,
        [
            "route",
            "channels",
            "group",
            "wait",
            "interval",
            "repeat",
            "unless acknowledged",
        ],
        |taken| {
            let group = taken.group.iter();
            let group: Vec<_> = group
                .map(|(name, value)| format!("{name}={value}"))
                .collect();
            let later: Vec<_> = taken
                .escalations
                .iter()
                .map(|step| {
                    let after = seconds(step.after_secs);
                    format!("after {after}: {}", names_of(&step.channels))
                })
                .collect();
            [
                taken.route.clone(),
                names_of(&taken.channels),
                group.join(", "),
                seconds(taken.group_wait_secs),
                seconds(taken.group_interval_secs),
                seconds(taken.repeat_interval_secs),
                later.join("; "),
            ]
        },
    );
    for muting in &preview.muted_by {
        let (id, name) = (&muting.id, &muting.name);
        print_text(&match muting.kind.as_str() {
            "silence" => format!("Held back by silence {id}: {name}"),
            "maintenance" => format!("Held back by maintenance window {name}."),
            _ => format!("Held back by alert {id}, {name}."),
        });
    }
}

fn names_of(channels: &[RouteChannel]) -> String {
    if channels.is_empty() {
        return "nobody".to_owned();
    }
    let name = |channel: &RouteChannel| {
        if channel.enabled {
            channel.name.clone()
        } else {
            format!("{} (switched off)", channel.name)
        }
    };
    channels.iter().map(name).collect::<Vec<_>>().join(", ")
}

fn seconds(secs: f64) -> String {
    HumanDuration(std::time::Duration::from_secs_f64(secs)).to_string()
}

/// Reads a label of the command line.
fn parse_label(text: &str) -> anyhow::Result<(String, String)> {
    let (name, value) = text
        .split_once('=')
        .context("write it like severity=critical")?;
    anyhow::ensure!(
        yunhai_model::is_valid_label_name(name),
        "`{name}` is not a label name"
    );
    Ok((name.to_owned(), value.trim_matches('"').to_owned()))
}

/// Puts ids where channels stand by their names. What is neither, the server refuses.
fn put_ids(value: &mut Value, channels: &[Channel]) {
    match value {
        Value::Array(items) => {
            for item in items {
                put_ids(item, channels);
            }
        }
        Value::Object(fields) => {
            for (field, below) in fields {
                match below {
                    Value::Array(named) if field == "channels" => {
                        for named in named {
                            put_id(named, channels);
                        }
                    }
                    below => put_ids(below, channels),
                }
            }
        }
        _ => {}
    }
}

fn put_id(named: &mut Value, channels: &[Channel]) {
    if channels.iter().any(|channel| *named == channel.id) {
        return;
    }
    if let Some(channel) = channels.iter().find(|channel| *named == channel.name) {
        *named = channel.id.clone().into();
    }
}

/// Writes a route and those below it, a row each.
fn flatten(route: &Route, place: &str, channels: &[Channel], rows: &mut Vec<[String; 7]>) {
    let duration = |set: Option<HumanDuration>| set.map_or("–".to_owned(), |set| set.to_string());
    let name_of = |id: &ChannelId| {
        let id = id.to_string();
        channels
            .iter()
            .find(|channel| channel.id == id)
            .map_or(id, |channel| channel.name.clone())
    };
    let matchers: Vec<_> = route.matchers.iter().map(ToString::to_string).collect();
    let names: Vec<_> = route.channels.iter().map(name_of).collect();
    rows.push([
        place.to_owned(),
        matchers.join(", "),
        names.join(", "),
        route.group_by.clone().unwrap_or_default().join(", "),
        duration(route.group_wait),
        duration(route.group_interval),
        duration(route.repeat_interval),
    ]);
    for (at, below) in route.routes.iter().enumerate() {
        let place = match place {
            "root" => (at + 1).to_string(),
            place => format!("{place}.{}", at + 1),
        };
        flatten(below, &place, channels, rows);
    }
}
