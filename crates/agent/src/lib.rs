//! The agent: measures the machine that it runs on in an interval, and sends what it measured to a
//! Yunhai server as Prometheus remote write.
//!
//! While the server is away, measurements wait in a buffer on disk ([`Buffer`]) and go out in the
//! order of their time once it is back, so that no gap stays. The buffer is bounded: when it is
//! full, the oldest go first, and are counted. What the machine measures is the collector's.

mod agent;
mod buffer;
mod config;
mod error;
mod measure;
mod remote_write;
mod sender;

pub use agent::run;
pub use buffer::Buffer;
pub use config::AgentConfig;
pub use error::Error;
