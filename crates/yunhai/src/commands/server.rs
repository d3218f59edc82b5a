//! `yunhai status` and `yunhai server …`.

use yunhai_api_types::{Overview, ServerDetail, ServerSummary};

use super::{Session, segment};
use crate::output::{bytes, optional, percent, print_fields, print_rows, time};

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
        /// The field to sort by, with - before it for descending
        #[arg(long, default_value = "name", allow_hyphen_values = true)]
        sort: String,
    },
    /// Show a server
    Show {
        /// The server's name
        name: String,
    },
}

/// Runs `yunhai server …`.
pub(crate) async fn run(session: &Session, command: ServerCommand) -> anyhow::Result<()> {
    match command {
        ServerCommand::List {
            query,
            state,
            tag,
            sort,
        } => {
            let mut filter = vec![("sort", sort)];
            filter.extend(query.map(|text| ("q", text)));
            filter.extend(state.map(|state| ("state", state)));
            filter.extend(tag.map(|tag| ("tag", tag)));
            let servers: Vec<ServerSummary> =
                session.client()?.list("api/v1/servers", &filter).await?;
            print_rows(
                session.format,
                &servers,
                [
                    "server",
                    "state",
                    "provider",
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
                        server.provider.clone(),
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
            let detail: ServerDetail = session.client()?.get(&path, &[]).await?;
            let server = &detail.summary;
            let tags = server
                .tags
                .iter()
                .map(|(name, value)| format!("{name}={value}"))
                .collect::<Vec<_>>()
                .join(", ");
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
                    ("tags", tags),
                    ("metrics", metrics),
                ],
            );
        }
    }
    Ok(())
}

/// Runs `yunhai status`.
pub(crate) async fn status(session: &Session) -> anyhow::Result<()> {
    let overview: Overview = session.client()?.get("api/v1/overview", &[]).await?;
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
