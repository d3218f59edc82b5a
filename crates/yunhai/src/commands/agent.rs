//! `yunhai agent`.

use std::io::Read;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, ensure};
use tokio_util::sync::CancellationToken;
use yunhai_agent::AgentConfig;
use yunhai_collector::host::HostConfig;
use yunhai_model::{ByteSize, HumanDuration, Secret, SystemClock};

use super::serve::{SERVER_LOG, host_name, start_log, stop_on_signal};
use super::{Session, name_and_value};

/// How the agent runs.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  yunhai agent --server https://yunhai.example.com:8420 \\
    --token-file /etc/yunhai/agent-token
  yunhai agent --server https://10.0.0.5:8420 \\
    --ca-file yunhai.pem --token-file token --interval 10s \\
    --region eu-west --tag environment=production

The token is an API token that may write metrics: `yunhai token create --name web-1 --scope \
metrics:write --days 365`.")]
pub(crate) struct AgentArgs {
    /// The file with the token; `-` reads it from the standard input
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// What this machine is called; its host name unless set
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
    #[arg(long, default_value = "60s", value_name = "DURATION")]
    interval: HumanDuration,
    /// The folder where measurements wait while the server is away
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
    #[arg(long)]
    allow_plain_http: bool,
    /// Write the log as JSON
    #[arg(long, env = "YUNHAI_LOG_JSON")]
    log_json: bool,
}

/// Runs the agent until it is told to stop.
pub(crate) async fn agent(session: &Session, args: AgentArgs) -> anyhow::Result<()> {
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
    let token = match (&args.token_file, &connection.token) {
        (Some(path), _) => read_token(path)?,
        (None, Some(token)) => Secret::new(token),
        (None, None) => anyhow::bail!(
            "the agent needs a token that may write metrics\n\
             hint: `yunhai token create --name web-1 --scope metrics:write --days 365`, and \
             --token-file"
        ),
    };
    ensure!(
        args.interval.0.as_secs() > 0,
        "--interval {}: a second is the least",
        args.interval
    );
    let mut host = HostConfig::new(args.name.unwrap_or_else(host_name));
    host.account = args.account;
    host.region = args.region;
    for tag in &args.tags {
        let (name, value) = name_and_value("--tag", tag)?;
        host.tags.insert(name.to_owned(), value.to_owned());
    }
    let config = AgentConfig {
        server,
        token,
        ca_file: connection.ca_file.clone(),
        allow_plain_http: args.allow_plain_http,
        host,
        interval: args.interval.0,
        buffer: args.buffer,
        buffer_bytes: args.buffer_size.0,
    };
    tracing::info!(
        server = %config.server,
        name = config.host.server,
        interval = %args.interval,
        "measuring this machine"
    );
    let stop = CancellationToken::new();
    tokio::spawn(stop_on_signal(stop.clone()));
    match yunhai_agent::run(config, Arc::new(SystemClock), stop).await {
        Err(error @ yunhai_agent::Error::Plain(_)) => anyhow::bail!(
            "{error}\n\
             hint: use https:// (--ca-file trusts a self-signed certificate), or --allow-plain-http"
        ),
        ended => Ok(ended?),
    }
}

fn read_token(path: &PathBuf) -> anyhow::Result<Secret> {
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
