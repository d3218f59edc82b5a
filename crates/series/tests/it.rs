//! The store as its callers see it.

#![allow(clippy::unwrap_used)]

#[path = "it/append.rs"]
mod append;
#[path = "it/support.rs"]
mod support;
