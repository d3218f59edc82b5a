//! Real components for tests: buckets, database servers, SMTP, channel simulators, and what their
//! clients send.

pub mod buckets;
pub mod channels;
pub mod databases;
pub mod remote_write;
pub mod smtp;
