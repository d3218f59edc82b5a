//! Servers and their metrics on Azure, by its REST interfaces: the Resource Manager for servers,
//! and the batch interface of Monitor for what was measured of them.
//!
//! Microsoft's Rust clients do not reach either (`azure_mgmt_*` has ended at 0.21). Everything
//! works in the other clouds of Microsoft by [`AzureSettings::cloud`], and against a private one or
//! a simulator by [`AzureSettings::endpoint`]. The instances of scale sets with uniform
//! orchestration are no servers of their own to Azure and are not listed.

mod account;
mod client;
mod endpoints;
mod error;
mod inventory;
mod lifecycle;
mod machine;
mod metrics;
mod network;
mod offer;
mod operation;
mod order;
mod policy;
mod settings;
mod table;
mod throttle;
mod tokens;

pub use account::AzureAccount;
pub use policy::policy;
pub use settings::{AzureCloud, AzureCredentials, AzureSettings, SECRET_FIELDS};
pub use table::{AzureMetric, METRICS, Normalised};
