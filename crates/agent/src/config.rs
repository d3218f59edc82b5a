//! What an agent is told.

use std::path::PathBuf;
use std::time::Duration;

use yunhai_collector::host::HostConfig;
use yunhai_model::Secret;

use crate::Connection;

/// What an agent is told.
#[derive(Clone, Debug)]
pub struct AgentConfig {
    /// The way to the server.
    pub connection: Connection,
    /// This machine's key, or a token that may write metrics.
    pub token: Secret,
    /// What the machine is called and where it belongs.
    pub host: HostConfig,
    /// How often it is measured.
    pub interval: Duration,
    /// Where measurements wait while the server is away.
    pub buffer: PathBuf,
    /// How large the buffer may become, in bytes.
    pub buffer_bytes: u64,
}
