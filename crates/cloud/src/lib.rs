//! What Yunhai asks of a cloud, in words that hold for all of them: which servers there are, what
//! was measured of them, and to start, stop, make and delete them.
//!
//! A provider is a crate of its own that implements [`Account`]; nothing else names its client.
//! `crates/cloud/conformance` is the suite that each of them passes. When something is asked, how
//! often, and what it may cost is the caller's; so is keeping what comes.

mod account;
mod error;
mod inventory;
mod lifecycle;
mod metrics;
mod pages;

pub use account::{Account, AccountCheck, Policy, PolicyScope, Provider};
pub use error::{Error, ErrorKind, Result};
pub use inventory::{CloudServer, Inventory, Missing, PowerState, ServerRef, Servers};
pub use lifecycle::{
    CreateCheck, Finding, Lifecycle, NewServer, Operation, OperationState, ServerAction,
};
pub use metrics::{CloudSeries, Collector, Metrics, MetricsQuery, MetricsRound, Usage};
pub use pages::Pages;
