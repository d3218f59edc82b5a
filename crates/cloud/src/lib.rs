//! What Yunhai asks of a cloud, in words that hold for all of them: which servers there are, what
//! was measured of them, and to start, stop, make and delete them.
//!
//! A provider is a crate of its own that implements [`Account`]; nothing else names its client.
//! `crates/cloud/conformance` is the suite that each of them passes. When something is asked, how
//! often, and what it may cost is the caller's; so is keeping what comes.

mod account;
mod check;
mod concurrent;
mod error;
mod inventory;
mod lifecycle;
mod metrics;
mod pages;
mod settings;

pub use account::{Account, AccountCheck, Policy, PolicyScope, Provider};
pub use check::{Trial, all_regions, check_in_time, problems};
pub use concurrent::{SCOPES_AT_ONCE, concurrently};
pub use error::{Error, ErrorKind, Result};
pub use inventory::{CloudServer, Inventory, Missing, PowerState, ServerRef, Servers};
pub use lifecycle::{
    CreateCheck, Finding, Lifecycle, NewServer, Operation, OperationState, ServerAction,
};
pub use metrics::{
    CloudSeries, Collector, Metrics, MetricsQuery, MetricsRound, Usage, whole_periods,
};
pub use pages::Pages;
pub use settings::{InvalidSettings, NO_ENDPOINT, accept, each_once, endpoint, read_settings};
