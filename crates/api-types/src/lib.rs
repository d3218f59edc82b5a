//! Request and response types of the API and its table of error codes.
//!
//! Used by the server, the command line and the agent. Times are milliseconds since the Unix
//! epoch, UTC; ids are ULIDs written as text. Rules and storage live in the domain crates: these
//! types only say what travels.

mod account;
mod agent;
mod alert;
mod audit;
mod channel;
mod cloud;
mod page;
mod probe;
mod problem;
mod route;
mod rule;
mod server;
mod settings;
mod silence;
mod token;
mod user;

pub use account::*;
pub use agent::*;
pub use alert::*;
pub use audit::*;
pub use channel::*;
pub use cloud::*;
pub use page::*;
pub use probe::*;
pub use problem::*;
pub use route::*;
pub use rule::*;
pub use server::*;
pub use settings::*;
pub use silence::*;
pub use token::*;
pub use user::*;
