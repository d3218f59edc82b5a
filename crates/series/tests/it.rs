//! The store as its callers see it.

#![allow(clippy::unwrap_used)]

#[path = "it/append.rs"]
mod append;
#[path = "it/blocks.rs"]
mod blocks;
#[path = "it/buckets.rs"]
mod buckets;
#[path = "it/duckdb.rs"]
mod duckdb;
#[path = "it/formats.rs"]
mod formats;
#[path = "it/kill.rs"]
mod kill;
#[path = "it/model.rs"]
mod model;
#[path = "it/rollups.rs"]
mod rollups;
#[path = "it/support.rs"]
mod support;
