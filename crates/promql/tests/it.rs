//! PromQL beside Prometheus itself, and as its users call it.

#![allow(clippy::float_cmp, reason = "tests state exact results")]

#[path = "it/conformance.rs"]
mod conformance;
#[path = "it/engine.rs"]
mod engine;
#[path = "it/parse_errors.rs"]
mod parse_errors;
#[path = "it/testlang.rs"]
mod testlang;
