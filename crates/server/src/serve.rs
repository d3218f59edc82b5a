//! Listens, and stops gracefully.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use axum_server::Handle;
use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::config::ServerConfig;
use crate::security::Guard;

/// How long requests under way may take to end once the server is asked to stop.
const GRACE: Duration = Duration::from_secs(10);

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
        let service = crate::router::router(Arc::clone(&app), Arc::clone(&guard), config)
            .into_make_service_with_connect_info::<SocketAddr>();
        let tls = crate::tls::rustls_config(config, data_dir)?;
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
        let served = match tls {
            Some(tls) => {
                axum_server::from_tcp_rustls(self.listener, tls)?
                    .handle(handle)
                    .serve(service)
                    .await
            }
            None => {
                axum_server::from_tcp(self.listener)?
                    .handle(handle)
                    .serve(service)
                    .await
            }
        };
        stop.cancel();
        let _ = waiting.await;
        served.context("the server stopped listening")
    }
}
