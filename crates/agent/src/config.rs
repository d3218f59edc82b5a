//! What an agent is told.

use std::path::PathBuf;
use std::time::Duration;

use url::Url;
use yunhai_collector::host::HostConfig;
use yunhai_model::Secret;

/// What an agent is told.
#[derive(Clone, Debug)]
pub struct AgentConfig {
    /// The server's address.
    pub server: Url,
    /// A token that may write metrics.
    pub token: Secret,
    /// A certificate to trust beside those of the system, as PEM.
    pub ca_file: Option<PathBuf>,
    /// Whether the server may be spoken to in the clear beyond this machine.
    pub allow_plain_http: bool,
    /// What the machine is called and where it belongs.
    pub host: HostConfig,
    /// How often it is measured.
    pub interval: Duration,
    /// Where measurements wait while the server is away.
    pub buffer: PathBuf,
    /// How large the buffer may become, in bytes.
    pub buffer_bytes: u64,
}
