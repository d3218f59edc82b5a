//! How machines with agents join, and what each of them may do from then on.
//!
//! An enrolment token lets machines join: so many, until a time. Whoever has it trades it for a key of
//! one machine's own ([`Enrolment::enrol`]), which writes measurements of the server that it was made
//! for and does nothing else ([`Enrolment::authenticate`]). Keys are revoked one by one. Tokens and keys
//! are known by their hashes only. What the samples say, and what is in the clouds, is the business of
//! others: the caller says which names are taken.

mod agent;
mod enrolment;
mod error;
mod name;
mod store;
mod token;

pub use agent::{Agent, CloudIdentity, Machine, Seen};
pub use enrolment::{Enrolled, Enrolment, Names, is_key};
pub use error::{Error, Result};
pub use store::MIGRATIONS;
pub use token::{EnrolmentToken, EnrolmentTokenState, NewEnrolmentToken};
