//! Measures this machine and probes others: the sources of samples.
//!
//! [`host`] reads the kernel's own counters, [`probe`] asks other machines over the network, and
//! [`metrics`] names everything that either of them can report. [`process`] tells what this process
//! itself takes. Storing the samples, and deciding
//! when to measure, is the caller's.

pub mod host;
pub mod metrics;
pub mod probe;
pub mod process;

mod recorder;
