//! Opening stores by URL.

#![allow(clippy::unwrap_used)]

#[path = "it/open.rs"]
mod open;
