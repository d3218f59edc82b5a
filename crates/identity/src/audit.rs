//! The audit log: who did what, on what, from where, with which outcome.
//!
//! Each entry carries the hash of the one before it, and checkpoints sign the hash now and then,
//! in the database and in a file beside it; `docs/formats/audit.md` describes both and what they
//! prove.

mod action;
mod checkpoint;
mod counts;
mod entry;
mod log;
mod verify;

pub use action::{Action, Outcome, TargetKind};
pub use checkpoint::Checkpoint;
pub use counts::SecurityCounts;
pub use entry::{AuditEntry, AuditEvent, Target};
pub use log::{AuditFilter, AuditLog};
pub use verify::{AuditFault, AuditVerification, FaultKind};
