//! The way to the server: which addresses may be spoken to, and what is trusted there.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use reqwest::ClientBuilder;
use url::{Host, Url};

use crate::Error;

/// How long the server may take to answer.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Where the server is, and how it is spoken to.
#[derive(Clone, Debug)]
pub struct Connection {
    /// The server's address.
    pub server: Url,
    /// A certificate to trust beside those of the system, as PEM.
    pub ca_file: Option<PathBuf>,
    /// Whether the server may be spoken to in the clear beyond this machine.
    pub allow_plain_http: bool,
}

impl Connection {
    /// Returns an address of the server's.
    pub(crate) fn address(&self, path: &[&str]) -> Result<Url, Error> {
        let server = &self.server;
        match server.scheme() {
            "https" => {}
            "http" if self.allow_plain_http || is_this_machine(server) => {}
            "http" => return Err(Error::Plain(server.clone())),
            _ => return Err(Error::Address(server.clone())),
        }
        let mut url = server.clone();
        url.path_segments_mut()
            .map_err(|()| Error::Address(server.clone()))?
            .pop_if_empty()
            .extend(path);
        Ok(url)
    }

    /// Returns an HTTP client to be.
    pub(crate) fn client(&self) -> Result<ClientBuilder, Error> {
        let client = ClientBuilder::new()
            .user_agent(concat!("yunhai-agent/", env!("CARGO_PKG_VERSION")))
            .timeout(TIMEOUT);
        let Some(path) = &self.ca_file else {
            return Ok(client);
        };
        let unusable = |reason: String| Error::Certificate {
            path: path.clone(),
            reason,
        };
        let pem = std::fs::read(path).map_err(|error| unusable(error.to_string()))?;
        let certificate = reqwest::Certificate::from_pem(&pem)
            .map_err(|_| unusable("it is not a PEM certificate".to_owned()))?;
        Ok(client.add_root_certificate(certificate))
    }
}

fn is_this_machine(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => IpAddr::from(address).is_loopback(),
        Some(Host::Ipv6(address)) => IpAddr::from(address).is_loopback(),
        None => false,
    }
}
