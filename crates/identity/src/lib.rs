//! Users, sessions, tokens, roles, second factors and the audit log.
//!
//! [`Identity`] is the door: the server calls it and maps its [`Error`]s to answers. What a
//! principal may do is asked of [`Principal::require`] before; the methods here do what they are
//! told and record it in the [`AuditLog`]. Cookies, headers and rate limits belong to the server.

mod audit;
mod caller;
mod config;
mod entity;
mod error;
mod identity;
mod invitation;
mod key_ring;
mod listing;
mod lockout;
mod login;
mod names;
mod password;
mod password_advice;
mod permission;
mod recent;
mod registration;
mod second_factor;
mod session;
mod setup;
mod strength;
mod token;
mod user;

pub use audit::{
    Action, AuditEntry, AuditEvent, AuditFault, AuditFilter, AuditLog, AuditVerification,
    Checkpoint, FaultKind, Outcome, SecurityCounts, Target, TargetKind,
};
pub use caller::{Actor, Caller, Origin};
pub use config::{IdentityConfig, Registration};
pub use entity::MIGRATIONS;
pub use error::{Error, Result};
pub use identity::Identity;
pub use invitation::{Invitation, InvitationFilter, InvitationState, NewInvitation};
pub use key_ring::DatabaseKeyRing;
pub use login::{Login, LoginOutcome};
pub use names::UnknownName;
pub use password::{WeakPassword, check_strength};
pub use password_advice::{PasswordAdvice, password_advice_codes};
pub use permission::{Denied, Permission, Principal, Role, Via};
pub use registration::NewRegistration;
pub use second_factor::{SecondFactorSetup, SecondFactorStatus};
pub use session::{Authenticated, NewSession, Session};
pub use setup::SetupCode;
pub use strength::PasswordStrength;
pub use token::{ApiToken, NewToken, TokenEnd};
pub use user::{NewUser, User, UserChange, UserFilter, UserState};
