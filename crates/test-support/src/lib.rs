//! Real components for tests: buckets, clouds, database servers, SMTP, channel simulators, and what their
//! clients send.

pub mod azure;
pub mod buckets;
pub mod channels;
pub mod clouds;
pub mod databases;
pub mod gcp;
mod python;
pub mod remote_write;
pub mod smtp;
