//! A TCP connection, and a TLS handshake over it.

use std::sync::Arc;

use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use url::{Host, Url};

use super::certificate::{SeenCertificates, TrustedRoots};
use super::{FailureReason, ProbeConfig, ProbeFailure};

/// Connects to the first of the target's addresses that takes the connection.
pub(super) async fn connect(target: &Url) -> Result<TcpStream, ProbeFailure> {
    let (host, port) = host_and_port(target)?;
    let addresses: Vec<_> = tokio::net::lookup_host((host.as_str(), port))
        .await
        .map_err(|error| ProbeFailure::new(FailureReason::NameLookup, format!("{host}: {error}")))?
        .collect();
    let mut failure =
        ProbeFailure::new(FailureReason::NameLookup, format!("{host} has no address"));
    for address in addresses {
        match TcpStream::connect(address).await {
            Ok(stream) => return Ok(stream),
            Err(error) => {
                failure =
                    ProbeFailure::new(FailureReason::Connection, format!("{address}: {error}"));
            }
        }
    }
    Err(failure)
}

/// Connects and shakes hands.
pub(super) async fn handshake(
    config: &ProbeConfig,
    roots: &TrustedRoots,
    seen: &SeenCertificates,
) -> Result<(), ProbeFailure> {
    let tls = roots.client_config(config, seen)?;
    let (host, _) = host_and_port(&config.target)?;
    let name = ServerName::try_from(host)
        .map_err(|error| ProbeFailure::new(FailureReason::Config, error.to_string()))?;
    let stream = connect(&config.target).await?;
    TlsConnector::from(Arc::new(tls))
        .connect(name, stream)
        .await
        .map(drop)
        .map_err(|error| ProbeFailure::new(FailureReason::Tls, error.to_string()))
}

fn host_and_port(target: &Url) -> Result<(String, u16), ProbeFailure> {
    let host = match target.host() {
        Some(Host::Domain(name)) => name.to_owned(),
        Some(Host::Ipv4(address)) => address.to_string(),
        Some(Host::Ipv6(address)) => address.to_string(),
        None => String::new(),
    };
    match target.port_or_known_default() {
        Some(port) if !host.is_empty() => Ok((host, port)),
        _ => Err(ProbeFailure::new(
            FailureReason::Config,
            "the target names no host and port",
        )),
    }
}
