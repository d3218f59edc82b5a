//! `yunhai agent`: measures this machine for a server. `yunhai agent list` and its like ask the server.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, ensure};
use reqwest::Url;
use tokio_util::sync::CancellationToken;
use yunhai_agent::{AgentConfig, Connection, JoinConfig, METADATA_ENDPOINT, MachineKey};
use yunhai_api_types::Agent;
use yunhai_collector::host::HostConfig;
use yunhai_model::{ByteSize, HumanDuration, Secret, SystemClock};

use super::serve::{SERVER_LOG, host_name, start_log, stop_on_signal};
use super::{Session, name_and_value, segment};
use crate::output::{optional, print_done, print_rows, time};

/// What can be done with the agents of all machines.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum AgentCommand {
    /// List the machines that have joined with their agents
    List,
    /// Revoke the key of a machine's agent; what it has measured stays
    Revoke {
        /// The machine's name, or the agent's id
        agent: String,
    },
}

/// How the agent runs.
#[derive(Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Examples:
  yunhai agent --server https://yunhai.example.com:8420 \\
    --token-file /etc/yunhai/agent-token
  yunhai agent --server https://10.0.0.5:8420 \\
    --ca-file yunhai.pem --token-file token --interval 10s \\
    --region eu-west --tag environment=production
  yunhai agent list
  yunhai agent revoke web-1

The token is an enrolment token (`yunhai agent-token create`): the machine joins with it and has a key of \
its own from then on. An API token that may write metrics does too: `yunhai token create --name web-1 \
--scope metrics:write --days 365`."
)]
pub(crate) struct AgentArgs {
    #[command(subcommand)]
    command: Option<AgentCommand>,
    /// The file with the token; `-` reads it from the standard input. Not needed once the machine has
    /// joined
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// What this machine is called; its name in the cloud, or its host name unless set
    #[arg(long, env = "YUNHAI_SERVER_NAME")]
    name: Option<String>,
    /// The account that the machine belongs to
    #[arg(long)]
    account: Option<String>,
    /// The region or site where the machine stands
    #[arg(long)]
    region: Option<String>,
    /// A tag of the machine, as NAME=VALUE; may be given several times
    #[arg(long = "tag", value_name = "NAME=VALUE")]
    tags: Vec<String>,
    /// How often the machine is measured
    #[arg(
        long,
        env = "YUNHAI_AGENT_INTERVAL",
        default_value = "60s",
        value_name = "DURATION"
    )]
    interval: HumanDuration,
    /// The folder where measurements wait while the server is away, and where this machine's key is
    #[arg(
        long,
        env = "YUNHAI_AGENT_BUFFER",
        default_value = "yunhai-agent-buffer",
        value_name = "DIR"
    )]
    buffer: PathBuf,
    /// How much may wait there; beyond that the oldest are dropped
    #[arg(long, default_value = "64MiB", value_name = "SIZE")]
    buffer_size: ByteSize,
    /// Send the token in the clear to a server beyond this machine
    #[arg(long, env = "YUNHAI_AGENT_ALLOW_PLAIN_HTTP")]
    allow_plain_http: bool,
    /// What tells this machine from all others; an id of the system unless set
    #[arg(long, env = "YUNHAI_MACHINE_ID", value_name = "ID")]
    machine_id: Option<String>,
    /// Where the metadata services of clouds are
    #[arg(long, env = "YUNHAI_METADATA_ENDPOINT", default_value = METADATA_ENDPOINT, hide = true)]
    metadata_endpoint: Url,
    /// Write the log as JSON
    #[arg(long, env = "YUNHAI_LOG_JSON")]
    log_json: bool,
}

/// Runs `yunhai agent …`.
pub(crate) async fn run(session: &Session, args: AgentArgs) -> anyhow::Result<()> {
    match args.command {
        None => measure(session, args).await,
        Some(AgentCommand::List) => list(session).await,
        Some(AgentCommand::Revoke { agent }) => revoke(session, &agent).await,
    }
}

async fn list(session: &Session) -> anyhow::Result<()> {
    let agents: Vec<Agent> = session.client().await?.list("api/v1/agents", &[]).await?;
    print_rows(
        session.format,
        &agents,
        [
            "name",
            "version",
            "last seen",
            "clock",
            "cloud",
            "machine",
            "id",
        ],
        |agent| {
            let cloud = agent.cloud.as_ref();
            let cloud = cloud.map(|cloud| {
                let id = cloud.ids.first().map_or("", String::as_str);
                format!("{} {id}", cloud.provider)
            });
            [
                agent.name.clone(),
                agent.version.clone(),
                time(agent.last_seen_ms),
                optional(agent.clock_skew_ms.map(skew_text).as_deref()),
                optional(cloud.as_deref()),
                agent.machine_id.chars().take(12).collect(),
                agent.id.clone(),
            ]
        },
    );
    Ok(())
}

/// Writes by how much a clock is ahead or behind. Less than a second is on the way of every request.
fn skew_text(skew_ms: i64) -> String {
    let secs = skew_ms.unsigned_abs() / 1000;
    match (secs, skew_ms > 0) {
        (0, _) => "right".to_owned(),
        (secs, true) => format!("{} ahead", HumanDuration::from_secs(secs)),
        (secs, false) => format!("{} behind", HumanDuration::from_secs(secs)),
    }
}

async fn revoke(session: &Session, wanted: &str) -> anyhow::Result<()> {
    let client = session.client().await?;
    let agents: Vec<Agent> = client.list("api/v1/agents", &[]).await?;
    let agent = agents
        .iter()
        .find(|agent| agent.name == wanted || agent.id == wanted)
        .with_context(|| {
            format!("there is no agent `{wanted}`\nhint: `yunhai agent list` shows all")
        })?;
    client
        .delete(&format!("api/v1/agents/{}", segment(&agent.id)))
        .await?;
    let sentence = format!(
        "Revoked the key of {}. To take its agent away, run install.sh --uninstall there.",
        agent.name
    );
    print_done(session.format, &(), &sentence);
    Ok(())
}

/// Runs the agent until it is told to stop.
async fn measure(session: &Session, args: AgentArgs) -> anyhow::Result<()> {
    start_log(args.log_json, SERVER_LOG);
    ensure!(
        session.data_dir.is_none(),
        "the agent sends to a server\nhint: leave --data away; `yunhai serve` measures its own machine"
    );
    let connection = &session.connection;
    let server = connection
        .server
        .clone()
        .context("to which server?\nhint: --server https://yunhai.example.com:8420")?;
    ensure!(
        args.interval.0.as_secs() > 0,
        "--interval {}: a second is the least",
        args.interval
    );
    let mut tags = BTreeMap::new();
    for tag in &args.tags {
        let (name, value) = name_and_value("--tag", tag)?;
        tags.insert(name.to_owned(), value.to_owned());
    }
    let token = match (&args.token_file, &connection.token) {
        (Some(path), _) => Some(read_token(path)?),
        (None, Some(token)) => Some(Secret::new(token)),
        (None, None) => None,
    };
    let connection = Connection {
        server,
        ca_file: connection.ca_file.clone(),
        allow_plain_http: args.allow_plain_http,
    };
    let stop = CancellationToken::new();
    tokio::spawn(stop_on_signal(stop.clone()));
    let Some(entry) = let_in(&args, &connection, token, &stop).await? else {
        return Ok(());
    };
    let mut host = HostConfig::new(entry.name);
    host.account = args.account;
    host.region = args.region;
    host.tags = entry.tags.into_iter().chain(tags).collect();
    let config = AgentConfig {
        connection,
        token: entry.token,
        host,
        interval: args.interval.0,
        buffer: args.buffer,
        buffer_bytes: args.buffer_size.0,
    };
    tracing::info!(
        server = %config.connection.server,
        name = config.host.server,
        interval = %args.interval,
        "measuring this machine"
    );
    let ended = yunhai_agent::run(config, Arc::new(SystemClock), stop).await;
    ended.map_err(with_hint)
}

/// As whom this machine writes, and by what right.
struct Entry {
    token: Secret,
    name: String,
    tags: BTreeMap<String, String>,
}

/// Finds out as whom this machine writes: by the key that it has, or it joins for one. Nothing when it
/// was told to stop meanwhile.
async fn let_in(
    args: &AgentArgs,
    connection: &Connection,
    token: Option<Secret>,
    stop: &CancellationToken,
) -> anyhow::Result<Option<Entry>> {
    let enrolment_token = match token {
        Some(token) if !yunhai_agent::is_enrolment_token(&token) => {
            let name = args.name.clone().unwrap_or_else(host_name);
            let tags = BTreeMap::new();
            return Ok(Some(Entry { token, name, tags }));
        }
        token => token,
    };
    let kept = MachineKey::load(&args.buffer).map_err(with_hint)?;
    let key = match (kept, enrolment_token) {
        (Some(key), None) => key,
        (Some(key), Some(token)) if key.is_for(&token) => key,
        (None, None) => anyhow::bail!(
            "the agent needs a token to join with\n\
             hint: `yunhai agent-token create`, and --token-file; or a token that may write metrics"
        ),
        (_, Some(token)) => {
            let machine_id = match &args.machine_id {
                Some(id) => id.clone(),
                None => yunhai_agent::machine_id(&args.buffer).with_context(|| {
                    format!("cannot keep this machine's id in {}", args.buffer.display())
                })?,
            };
            let config = JoinConfig {
                connection: connection.clone(),
                token,
                name: args.name.clone(),
                host_name: host_name(),
                machine_id,
                metadata: args.metadata_endpoint.clone(),
                folder: args.buffer.clone(),
            };
            let joined = yunhai_agent::join(&config, stop).await;
            let Some(key) = joined.map_err(with_hint)? else {
                return Ok(None);
            };
            tracing::info!(name = key.name, "this machine has joined");
            key
        }
    };
    if let Some(wanted) = &args.name
        && *wanted != key.name
    {
        tracing::warn!(
            wanted,
            name = key.name,
            "this machine has joined under another name, which its key is for"
        );
    }
    Ok(Some(Entry {
        token: key.key,
        name: key.name,
        tags: key.tags,
    }))
}

fn with_hint(error: yunhai_agent::Error) -> anyhow::Error {
    match error {
        error @ yunhai_agent::Error::Plain(_) => anyhow::anyhow!(
            "{error}\n\
             hint: use https:// (--ca-file trusts a self-signed certificate), or --allow-plain-http"
        ),
        error => error.into(),
    }
}

fn read_token(path: &Path) -> anyhow::Result<Secret> {
    let mut text = String::new();
    let read = if path.as_os_str() == "-" {
        std::io::stdin().take(4096).read_to_string(&mut text)
    } else {
        std::fs::File::open(path).and_then(|file| file.take(4096).read_to_string(&mut text))
    };
    read.with_context(|| format!("cannot read the token from {}", path.display()))?;
    let token = text.trim();
    ensure!(!token.is_empty(), "{} holds no token", path.display());
    Ok(Secret::new(token))
}
