//! Google Cloud against a strict simulator of it, which Google's own clients are tried on too.

#[path = "../../../cloud/conformance/suite.rs"]
mod suite;

mod conformance;
mod credentials;
mod faults;
mod fixture;
mod lifecycle;
mod metrics;
mod others;
mod rights;
