//! The HTTP server: router, authorisation and thin handlers.
//!
//! [`Server::start`] wires the domains together and starts what runs in the background;
//! [`Server::serve`] answers requests until it is told to stop. [`LocalServer`] answers its own
//! process, without a socket. Rules and SQL live in the domain
//! crates; here a handler extracts, authorises, calls one of their functions and converts.

mod agents;
mod app;
mod arrivals;
mod assets;
mod audit_watch;
mod caller;
mod changes;
mod clouds;
mod collect;
mod config;
mod error;
mod events;
mod fleet;
mod health;
mod identity_errors;
mod judgement;
mod list;
mod local;
mod monitor_errors;
mod node;
mod notifying;
mod otlp;
mod own_metrics;
mod queries;
mod remote_write;
mod router;
mod routes;
mod samples;
mod security;
mod serve;
mod server;
mod shape;
mod tls;
mod version;

pub use config::{ServerConfig, TlsConfig};
pub use local::LocalServer;
pub use routes::audit::verification_of;
pub use routes::openapi;
pub use routes::users::{new_user, user_of};
pub use serve::Bound;
pub use server::{Parts, Server, check_once};
