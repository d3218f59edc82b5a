//! `yunhai status` and `yunhai server …`.

mod orders;

use anyhow::Context;
use reqwest::Method;
use yunhai_api_types::{CloudServerAction, Overview, ServerDetail, ServerSettings, ServerSummary};
use yunhai_model::HumanDuration;

use super::{Session, name_and_value, segment};
use crate::output::{bytes, optional, percent, print_done, print_fields, print_rows, time};

/// What can be asked of servers.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum ServerCommand {
    /// List servers
    List {
        /// Text that the name or a tag must contain
        #[arg(long, short)]
        query: Option<String>,
        /// Only servers in this state: up, down or unknown
        #[arg(long)]
        state: Option<String>,
        /// Only servers with this tag, as NAME=VALUE
        #[arg(long)]
        tag: Option<String>,
        /// Only servers of this account
        #[arg(long)]
        account: Option<String>,
        /// Only servers in this region
        #[arg(long)]
        region: Option<String>,
        /// The field to sort by, with - before it for descending
        #[arg(long, default_value = "name", allow_hyphen_values = true)]
        sort: String,
    },
    /// Show a server
    Show {
        /// The server's name
        name: String,
    },
    /// Change how a server is watched; what is not given stays, `default` takes back what was set
    Set {
        /// The server's name
        name: String,
        /// How often its measurements come, from 1s to 1d
        #[arg(long, value_name = "DURATION|default")]
        interval: Option<String>,
        /// The account that it belongs to; only for the machine that Yunhai runs on
        #[arg(long, value_name = "ACCOUNT|default")]
        account: Option<String>,
        /// The region that it stands in; only for the machine that Yunhai runs on
        #[arg(long, value_name = "REGION|default")]
        region: Option<String>,
        /// A tag, as NAME=VALUE, or NAME= to take it away; may be given several times. Only for
        /// the machine that Yunhai runs on
        #[arg(long = "tag", value_name = "NAME=VALUE")]
        tags: Vec<String>,
    },
    /// Remove a server that sends no more, until it sends again
    Remove {
        /// The server's name
        name: String,
    },
    /// Make servers in a cloud, and wait until they run
    #[command(after_help = "\
Example:
  yunhai server create shop --account prod --region eu-central-1 \\
      --image ami-0abc --type t3.micro --key ops --count 2 --dry-run")]
    Create(Box<orders::CreateArgs>),
    /// Start servers of clouds, and wait until they run
    Start(orders::ActArgs),
    /// Stop servers of clouds, so that their processors cost nothing, and wait until they have
    Stop(orders::ActArgs),
    /// Restart servers of clouds
    Restart(orders::ActArgs),
    /// Delete servers of clouds with their first disks, and wait until they are gone
    Delete(orders::DeleteArgs),
    /// List what was ordered from clouds and how far it is, or show one order
    Orders(orders::OrdersArgs),
}

/// Runs `yunhai server …`.
pub(crate) async fn run(session: &Session, command: ServerCommand) -> anyhow::Result<()> {
    match command {
        ServerCommand::List {
            query,
            state,
            tag,
            account,
            region,
            sort,
        } => {
            let mut filter = vec![("sort", sort)];
            filter.extend(query.map(|text| ("q", text)));
            filter.extend(state.map(|state| ("state", state)));
            filter.extend(tag.map(|tag| ("tag", tag)));
            filter.extend(account.map(|account| ("account", account)));
            filter.extend(region.map(|region| ("region", region)));
            let servers: Vec<ServerSummary> = session
                .client()
                .await?
                .list("api/v1/servers", &filter)
                .await?;
            print_rows(
                session.format,
                &servers,
                [
                    "server",
                    "state",
                    "where",
                    "tags",
                    "cpu",
                    "memory",
                    "disk",
                    "load",
                    "alerts",
                    "last seen",
                ],
                |server| {
                    [
                        server.name.clone(),
                        state_word(server),
                        place(server),
                        tags(server),
                        percent(server.cpu_ratio),
                        percent(server.memory_ratio),
                        percent(server.disk_ratio),
                        server
                            .load1
                            .map_or("–".to_owned(), |load| format!("{load:.2}")),
                        server.alerts.to_string(),
                        time(server.last_seen_ms),
                    ]
                },
            );
        }
        ServerCommand::Show { name } => {
            let path = format!("api/v1/servers/{}", segment(&name));
            let detail: ServerDetail = session.client().await?.get(&path, &[]).await?;
            let server = &detail.summary;
            let metrics = detail
                .metrics
                .iter()
                .map(|metric| metric.name.as_str())
                .collect::<Vec<_>>()
                .join(", ");
            print_fields(
                session.format,
                &detail,
                &[
                    ("server", server.name.clone()),
                    ("state", state_word(server)),
                    ("provider", server.provider.clone()),
                    ("account", optional(server.account.as_deref())),
                    ("region", optional(server.region.as_deref())),
                    ("cpu", percent(server.cpu_ratio)),
                    ("memory", percent(server.memory_ratio)),
                    ("disk", percent(server.disk_ratio)),
                    ("receives a second", bytes(server.receive_bytes_per_sec)),
                    ("sends a second", bytes(server.transmit_bytes_per_sec)),
                    ("last seen", time(server.last_seen_ms)),
                    ("firing alerts", server.alerts.to_string()),
                    ("tags", tags(server)),
                    (
                        "interval",
                        HumanDuration::from_secs(server.interval_secs).to_string(),
                    ),
                    ("metrics", metrics),
                ],
            );
        }
        ServerCommand::Set {
            name,
            interval,
            account,
            region,
            tags,
        } => {
            let path = format!("api/v1/servers/{}", segment(&name));
            let client = session.client().await?;
            let detail: ServerDetail = client.get(&path, &[]).await?;
            let settings = changed_settings(detail, interval, account, region, &tags)?;
            let path = format!("{path}/settings");
            let changed: ServerDetail = client.send_json(Method::PUT, &path, &settings).await?;
            let interval = HumanDuration::from_secs(changed.summary.interval_secs);
            let sentence = format!("Changed server {name}; its interval is {interval}.");
            print_done(session.format, &changed, &sentence);
        }
        ServerCommand::Remove { name } => {
            let path = format!("api/v1/servers/{}", segment(&name));
            session.client().await?.delete(&path).await?;
            let sentence = format!("Removed server {name}; it comes back when it sends again.");
            print_done(session.format, &(), &sentence);
        }
        ServerCommand::Create(args) => orders::create(session, *args).await?,
        ServerCommand::Start(args) => orders::act(session, CloudServerAction::Start, args).await?,
        ServerCommand::Stop(args) => orders::act(session, CloudServerAction::Stop, args).await?,
        ServerCommand::Restart(args) => {
            orders::act(session, CloudServerAction::Restart, args).await?;
        }
        ServerCommand::Delete(args) => orders::delete(session, args).await?,
        ServerCommand::Orders(args) => orders::list(session, args).await?,
    }
    Ok(())
}

/// Lays what was given over what is set.
fn changed_settings(
    detail: ServerDetail,
    interval: Option<String>,
    account: Option<String>,
    region: Option<String>,
    tags: &[String],
) -> anyhow::Result<ServerSettings> {
    let mut settings = detail.settings;
    if let Some(text) = interval {
        let interval: Option<HumanDuration> = unless_default(text)
            .map(|text| text.parse())
            .transpose()
            .context("--interval")?;
        settings.interval_secs = interval.map(|interval| interval.0.as_secs());
    }
    if let Some(account) = account {
        settings.account = unless_default(account);
    }
    if let Some(region) = region {
        settings.region = unless_default(region);
    }
    if !tags.is_empty() {
        let mut all = settings.tags.unwrap_or(detail.summary.tags);
        for tag in tags {
            let (name, value) = name_and_value("--tag", tag)?;
            if value.is_empty() {
                all.remove(name);
            } else {
                all.insert(name.to_owned(), value.to_owned());
            }
        }
        settings.tags = Some(all);
    }
    Ok(settings)
}

fn unless_default(text: String) -> Option<String> {
    Some(text).filter(|text| text != "default")
}

fn place(server: &ServerSummary) -> String {
    [
        Some(server.provider.as_str()),
        server.account.as_deref(),
        server.region.as_deref(),
    ]
    .into_iter()
    .flatten()
    .filter(|part| !part.is_empty())
    .collect::<Vec<_>>()
    .join(" / ")
}

fn tags(server: &ServerSummary) -> String {
    server
        .tags
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect::<Vec<_>>()
        .join(", ")
}

/// Runs `yunhai status`.
pub(crate) async fn status(session: &Session) -> anyhow::Result<()> {
    let overview: Overview = session.client().await?.get("api/v1/overview", &[]).await?;
    let top = |consumers: &[yunhai_api_types::Consumer]| {
        consumers
            .iter()
            .map(|consumer| format!("{} {}", consumer.server, percent(Some(consumer.value))))
            .collect::<Vec<_>>()
            .join(", ")
    };
    let (servers, alerts) = (&overview.servers, &overview.alerts);
    print_fields(
        session.format,
        &overview,
        &[
            (
                "servers",
                format!(
                    "{} up, {} down, {} unknown",
                    servers.up, servers.down, servers.unknown
                ),
            ),
            (
                "alerts",
                format!(
                    "{} critical, {} warning, {} info, {} pending, {} acknowledged",
                    alerts.critical,
                    alerts.warning,
                    alerts.info,
                    alerts.pending,
                    alerts.acknowledged
                ),
            ),
            ("most cpu", top(&overview.top.cpu)),
            ("most memory", top(&overview.top.memory)),
            ("fullest disk", top(&overview.top.disk)),
        ],
    );
    Ok(())
}

fn state_word(server: &ServerSummary) -> String {
    format!("{:?}", server.state).to_lowercase()
}
