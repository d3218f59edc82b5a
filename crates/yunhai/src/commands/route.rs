//! `yunhai alert route …`: which channels an alert goes to.

use std::path::PathBuf;

use anyhow::Context;
use reqwest::Method;
use serde_json::Value;
use yunhai_api_types::Channel;
use yunhai_model::{ChannelId, HumanDuration};
use yunhai_monitor::Route;

use super::{Session, read_file_or_stdin};
use crate::output::{print_done, print_rows};

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
}

/// Runs `yunhai alert route …`.
pub(crate) async fn run(session: &Session, command: RouteCommand) -> anyhow::Result<()> {
    let client = session.client().await?;
    match command {
        RouteCommand::List => {
            let root: Route = client.get("api/v1/routes", &[]).await?;
            if session.format == crate::output::Format::Json {
                crate::output::print_json(&root);
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
    }
    Ok(())
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
