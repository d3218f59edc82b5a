//! Real components for tests: buckets, database servers, SMTP, channel simulators.

pub mod buckets;
pub mod channels;
pub mod databases;
pub mod smtp;
