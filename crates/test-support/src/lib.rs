//! Real components for tests: database servers, SMTP, channel simulators.

pub mod databases;
