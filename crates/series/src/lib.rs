//! The time-series store: a write-ahead log and a head in memory for what is new, Parquet blocks
//! in an object store for what is old.
//!
//! [`Store`] is the way in. A sample is acknowledged once it is synced to the log ([`wal`]);
//! until its time has passed it lives in the head ([`head`]), then it is written to a block
//! ([`block`]). Maintenance merges small blocks into larger ones, makes roll-ups of five minutes
//! and one hour, and drops what the retention rules no longer want. The layout on disk is
//! described in `docs/formats/series.md`. PromQL lives in `yunhai-promql`, which asks this store
//! through its `Queryable`.

mod append;
mod block;
mod catalogue;
mod config;
mod error;
mod head;
mod metadata;
mod objects;
mod rollup;
mod store;
mod wal;

pub use append::{AppendOutcome, IncomingSeries, InvalidLabelReason, RejectReason, Rejection};
pub use config::{RetentionRule, StoreConfig};
pub use error::Error;
pub use metadata::{MetricKind, MetricMetadata};
pub use store::{Stats, Store};
