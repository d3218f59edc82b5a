//! AWS against emulators that speak its protocols: moto and ministack, with faults by microburst.
#![allow(clippy::unwrap_used)] // Helpers of tests may unwrap as well.

#[path = "../../../cloud/conformance/suite.rs"]
mod suite;

mod conformance;
mod faults;
mod fixture;
mod metrics;
mod rights;
