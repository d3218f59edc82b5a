//! Real components for tests: database servers, SMTP, channel simulators.

pub mod channels;
pub mod databases;
pub mod smtp;
