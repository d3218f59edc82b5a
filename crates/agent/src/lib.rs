//! The agent: measures the machine that it runs on in an interval, and sends what it measured to a
//! Yunhai server as Prometheus remote write.
//!
//! While the server is away, measurements wait in a buffer on disk ([`Buffer`]) and go out in the
//! order of their time once it is back, so that no gap stays. The buffer is bounded: when it is
//! full, the oldest go first, and are counted. What the machine measures is the collector's.
//!
//! A machine joins with an enrolment token ([`join`]): it tells what it is, also in its cloud, and gets
//! a key that writes measurements of it alone.

mod agent;
mod buffer;
mod cloud_metadata;
mod config;
mod connection;
mod enrolment;
mod error;
mod machine_id;
mod measure;
mod pause;
mod remote_write;
mod sender;

pub use agent::run;
pub use buffer::Buffer;
pub use cloud_metadata::{METADATA_ENDPOINT, identify};
pub use config::AgentConfig;
pub use connection::Connection;
pub use enrolment::{JoinConfig, MachineKey, is_enrolment_token, join};
pub use error::Error;
pub use machine_id::machine_id;
