//! Identities on all three engines.
#![allow(clippy::unwrap_used, reason = "all of this is test code")]

#[path = "it/audit.rs"]
mod audit;
#[path = "it/lockout.rs"]
mod lockout;
#[path = "it/login.rs"]
mod login;
#[path = "it/permissions_document.rs"]
mod permissions_document;
#[path = "it/registration.rs"]
mod registration;
#[path = "it/second_factor.rs"]
mod second_factor;
#[path = "it/session.rs"]
mod session;
#[path = "it/setup.rs"]
mod setup;
#[path = "it/token.rs"]
mod token;
#[path = "it/user.rs"]
mod user;
#[path = "it/vault.rs"]
mod vault;
#[path = "it/world.rs"]
mod world;
