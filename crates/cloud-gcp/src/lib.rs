//! Servers and their metrics on Google Cloud, by its REST interfaces.
//!
//! Google's own library gets the tokens; what is asked with them are a dozen calls of Compute Engine
//! and one of Cloud Monitoring, whose clients in full would take longer to compile than all the
//! rest. Everything works against an emulator or a private endpoint by [`GcpSettings::endpoint`].

mod account;
mod client;
mod compute;
mod error;
mod inventory;
mod lifecycle;
mod metrics;
mod monitoring;
mod order;
mod policy;
mod settings;
mod table;
mod tokens;

pub use account::GcpAccount;
pub use policy::policy;
pub use settings::{GcpCredentials, GcpSettings, SECRET_FIELDS};
pub use table::{Combined, GCE_METRICS, GceMetric, Normalised};
