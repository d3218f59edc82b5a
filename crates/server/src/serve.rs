//! Listens, and stops gracefully.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use axum_server::{Address, Handle, Server};
use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::config::ServerConfig;
use crate::routes::install::Joining;
use crate::security::Guard;

/// How long requests under way may take to end once the server is asked to stop.
const GRACE: Duration = Duration::from_secs(10);

/// How long the head of a request may take at most, so that nobody holds connections with heads
/// that never end. The body is within the time limit of the whole request.
const HEAD_TIME: Duration = Duration::from_secs(30);

/// A socket that is bound and not yet answering.
#[derive(Debug)]
pub struct Bound {
    listener: TcpListener,
    address: SocketAddr,
    encrypted: bool,
}

impl Bound {
    /// Binds the address of the configuration.
    pub fn new(config: &ServerConfig) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(config.listen).map_err(|error| {
            let hint = if error.kind() == std::io::ErrorKind::AddrInUse {
                "another program listens there; stop it, or choose another port with --listen"
            } else {
                "choose an address of this machine with --listen"
            };
            anyhow::anyhow!("cannot listen on {}: {error}\nhint: {hint}", config.listen)
        })?;
        listener
            .set_nonblocking(true)
            .context("cannot prepare the socket")?;
        let address = listener
            .local_addr()
            .context("cannot tell the socket's address")?;
        Ok(Self {
            listener,
            address,
            encrypted: config.tls != crate::config::TlsConfig::Off,
        })
    }

    /// Returns the address to open in a browser.
    pub fn url(&self) -> String {
        let scheme = if self.encrypted { "https" } else { "http" };
        let mut address = self.address;
        if address.ip().is_unspecified() {
            address.set_ip([127, 0, 0, 1].into());
        }
        format!("{scheme}://{address}")
    }

    /// Answers requests until `stop` is cancelled and those under way have ended.
    pub async fn serve(
        self,
        app: Arc<App>,
        config: &ServerConfig,
        data_dir: &Path,
        stop: CancellationToken,
    ) -> anyhow::Result<()> {
        let guard = Arc::new(Guard::new(config));
        let tls = crate::tls::rustls_config(config, data_dir)?;
        let joining = Arc::new(Joining::new(config, data_dir)?);
        let service = crate::router::router(Arc::clone(&app), Arc::clone(&guard), config, joining)
            .into_make_service_with_connect_info::<SocketAddr>();
        let handle = Handle::new();
        let waiting = {
            let handle = handle.clone();
            let stop = stop.clone();
            tokio::spawn(async move {
                let mut tidy = tokio::time::interval(Duration::from_mins(5));
                loop {
                    tokio::select! {
                        () = stop.cancelled() => break,
                        _ = tidy.tick() => guard.forget_quiet_addresses(),
                    }
                }
                handle.graceful_shutdown(Some(GRACE));
            })
        };
        let head_time = HEAD_TIME.min(config.request_timeout.0);
        let served = if let Some(tls) = tls {
            let server = axum_server::from_tcp_rustls(self.listener, tls)?.handle(handle);
            with_head_time(server, head_time).serve(service).await
        } else {
            let server = axum_server::from_tcp(self.listener)?.handle(handle);
            with_head_time(server, head_time).serve(service).await
        };
        stop.cancel();
        let _ = waiting.await;
        served.context("the server stopped listening")
    }
}

/// Closes connections whose heads of requests take longer, the first one and those that follow.
fn with_head_time<A: Address, Acceptor>(
    server: Server<A, Acceptor>,
    time: Duration,
) -> Server<A, Acceptor> {
    let mut server = server.first_request_timeout(time);
    server.http_builder().http1().header_read_timeout(time);
    server
}
