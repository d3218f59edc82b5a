//! `yunhai serve`.

use std::io::IsTerminal;
use std::net::SocketAddr;

use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;
use yunhai_collector::host::HostConfig;
use yunhai_series::StoreConfig;
use yunhai_server::{Bound, Parts};

use crate::config::{Config, DataDir};
use crate::output::print_text;
use crate::state::{self, State};

/// What a server logs unless `YUNHAI_LOG` says otherwise. Of a certificate that is not trusted
/// whoever wanted to connect tells.
pub(crate) const SERVER_LOG: &str = "warn,yunhai=info,rustls_platform_verifier=off";

/// How the server runs.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  yunhai serve
  yunhai serve --data /var/lib/yunhai --config /etc/yunhai.toml
  yunhai serve --database postgres://yunhai:secret@db.example.com/yunhai \\
    --listen 127.0.0.1:0")]
pub(crate) struct ServeArgs {
    #[command(flatten)]
    data_dir: DataDir,
    /// The address to listen on; port 0 takes a free one
    #[arg(long, env = "YUNHAI_LISTEN", value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    /// Write the log as JSON
    #[arg(long, env = "YUNHAI_LOG_JSON")]
    log_json: bool,
}

/// Runs the server until it is told to stop.
pub(crate) async fn serve(args: ServeArgs) -> anyhow::Result<()> {
    start_log(args.log_json, SERVER_LOG);
    let mut config = args.data_dir.load()?;
    if let Some(listen) = args.listen {
        config.server.listen = listen;
    }
    config.check()?;
    // The port first: when it is taken, nothing of the data has been touched.
    let bound = Bound::new(&config.server)?;
    let _lock = args.data_dir.lock()?;
    let state = state::open_with(&args.data_dir, &config).await?;

    let setup_code = state.identity.issue_setup_code().await?;
    let url = config
        .server
        .external_url
        .clone()
        .unwrap_or_else(|| bound.url());

    let stop = CancellationToken::new();
    tokio::spawn(stop_on_signal(stop.clone()));
    let server = yunhai_server::Server::start(
        parts(state, config.clone(), &args.data_dir, &url),
        stop.clone(),
    )
    .await?;

    print_text(&format!("Yunhai is at {url}"));
    let listening = bound.url();
    if listening != url.trim_end_matches('/') {
        print_text(&format!("It listens on {listening}"));
    }
    if let Some(code) = setup_code {
        print_text(&format!(
            "Set-up code: {}\nOpen the address and enter the code to create the administrator.",
            code.code.expose()
        ));
    }
    server
        .serve(bound, &config.server, &args.data_dir.data)
        .await
}

/// Puts together what the server is made of.
pub(crate) fn parts(state: State, config: Config, data_dir: &DataDir, url: &str) -> Parts {
    let encrypted = config.server.is_reached_over_https();
    let mut series = config.series;
    if series.directory == StoreConfig::default().directory {
        series.directory = data_dir.data.join("series");
    }
    let mut monitor = config.monitor;
    if monitor.external_url.is_empty() {
        url.clone_into(&mut monitor.external_url);
    }
    let mut host = HostConfig::new(config.collect.server_name.unwrap_or_else(host_name));
    host.account = config.collect.account;
    host.region = config.collect.region;
    host.tags = config.collect.tags;
    Parts {
        clock: state.clock,
        database: state.database,
        vault: state.vault,
        identity: state.identity,
        series,
        monitor,
        host,
        collect_interval_secs: config
            .collect
            .interval
            .map(|interval| interval.0.as_secs().max(1)),
        encrypted,
    }
}

/// Stops when the operating system or a person says so.
pub(crate) async fn stop_on_signal(stop: CancellationToken) {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut terminate), Ok(mut interrupt)) = (
        signal(SignalKind::terminate()),
        signal(SignalKind::interrupt()),
    ) else {
        tracing::warn!("cannot listen for signals; stop the server by killing it");
        return;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    tracing::info!("stopping");
    stop.cancel();
}

/// Logs to the standard error, so that the standard output holds what people wait for.
pub(crate) fn start_log(json: bool, default: &str) {
    let filter = EnvFilter::try_from_env("YUNHAI_LOG").unwrap_or_else(|_| EnvFilter::new(default));
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        // Colours are for people: in a file or the journal they are noise.
        .with_ansi(std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none())
        .with_writer(std::io::stderr);
    if json {
        log.json().init();
    } else {
        log.init();
    }
}

/// What the machine is called.
pub(crate) fn host_name() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname")
        .map_or_else(|_| "localhost".to_owned(), |name| name.trim().to_owned())
}
