//! Azure against a simulator that is as strict as it is, and that Microsoft's own clients find to
//! be like it.
#![allow(clippy::unwrap_used)] // Helpers of tests may unwrap as well.

#[path = "../../../cloud/conformance/suite.rs"]
mod suite;

mod clients;
mod conformance;
mod faults;
mod fixture;
mod inventory;
mod lifecycle;
mod metrics;
mod rights;
