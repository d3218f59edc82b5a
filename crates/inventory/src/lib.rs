//! Cloud accounts, the servers in them, and what their providers measure of those.
//!
//! [`Inventory`] keeps the accounts, their credentials sealed, and asks each in its interval: which
//! servers there are, and what was measured of them since the last round. What cannot be had is kept
//! beside what could be, with its reason. What a round of questions may cost is decided here too
//! ([`Budget`]). An [`Order`] is kept before a provider hears of it, and is followed to its end
//! whoever carries it out by then; how the questions are put is the business of the provider's crate.

mod access;
mod account;
mod budget;
mod error;
mod inventory;
mod order;
mod round;
mod schedule;
mod series;
mod server;
mod store;

pub use account::{AccountSettings, AccountView, NewAccount, RoundReport};
pub use budget::Budget;
pub use error::{Error, Result};
pub use inventory::{Inventory, InventoryParts, Opener, OrderLog, SampleSink, Stored};
pub use order::{Order, OrderBy, OrderFilter, OrderState, Ordered, Placed, Progress};
pub use server::KnownServer;
pub use store::{MIGRATIONS, SealedAccounts};
