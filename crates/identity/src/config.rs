//! The settings of identities, with defaults that need no change.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use yunhai_model::HumanDuration;

use crate::names::named;

named! {
    /// Who may make a user of their own.
    pub enum Registration("registration mode") {
        /// Nobody: administrators make all users.
        Closed = "closed",
        /// Who has an invitation.
        Invitation = "invitation",
        /// Anyone, but an administrator has to approve.
        Open = "open",
    }
}

/// The settings of users, sessions and the audit log (`[identity]`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct IdentityConfig {
    /// Who may register: `closed`, `invitation` or `open` (with approval).
    pub registration: Registration,
    /// The least length of a password in characters.
    pub password_min_length: usize,
    /// After how long without a request a session ends.
    pub session_idle: HumanDuration,
    /// After how long a session ends in any case.
    pub session_max: HumanDuration,
    /// How many wrong passwords or codes lock a user name for a while.
    pub lockout_failures: u32,
    /// How many failed attempts lock a network address for a while.
    pub lockout_address_failures: u32,
    /// How long the first lock lasts; each further failure doubles it.
    pub lockout_delay: HumanDuration,
    /// The longest lock.
    pub lockout_max_delay: HumanDuration,
    /// How long an invitation holds unless its maker says otherwise.
    pub invitation_valid: HumanDuration,
    /// How long a set-up code holds.
    pub setup_code_valid: HumanDuration,
    /// After how many entries the audit log is signed.
    pub audit_checkpoint_entries: u32,
    /// The name that authenticator apps show beside the user's.
    pub issuer: String,
    /// Memory for hashing a password, in KiB (Argon2id).
    pub password_memory_kib: u32,
    /// Passes over that memory.
    pub password_iterations: u32,
    /// Where signed checkpoints of the audit log are written besides the database; the server
    /// sets it to `audit-checkpoints.jsonl` in the data directory.
    #[serde(skip)]
    pub checkpoint_file: Option<PathBuf>,
}

impl Default for IdentityConfig {
    fn default() -> Self {
        const DAY: u64 = 24 * 3600;
        Self {
            registration: Registration::Closed,
            password_min_length: 10,
            session_idle: HumanDuration::from_secs(12 * 3600),
            session_max: HumanDuration::from_secs(7 * DAY),
            lockout_failures: 5,
            lockout_address_failures: 30,
            lockout_delay: HumanDuration::from_secs(30),
            lockout_max_delay: HumanDuration::from_secs(3600),
            invitation_valid: HumanDuration::from_secs(7 * DAY),
            setup_code_valid: HumanDuration::from_secs(DAY),
            audit_checkpoint_entries: 100,
            issuer: "Yunhai".to_owned(),
            // OWASP Password Storage Cheat Sheet: Argon2id with 19 MiB, 2 passes, 1 lane.
            password_memory_kib: 19 * 1024,
            password_iterations: 2,
            checkpoint_file: None,
        }
    }
}

impl IdentityConfig {
    /// Returns what is wrong with the settings: the key and the reason of every fault.
    pub fn faults(&self) -> Vec<(&'static str, String)> {
        let mut faults = Vec::new();
        let mut check = |is_fine: bool, key, reason: &str| {
            if !is_fine {
                faults.push((key, reason.to_owned()));
            }
        };
        check(
            (8..=128).contains(&self.password_min_length),
            "password_min_length",
            "must be from 8 to 128",
        );
        check(
            self.session_idle <= self.session_max,
            "session_idle",
            "must not be longer than session_max",
        );
        check(
            self.session_idle.as_millis() >= 60_000,
            "session_idle",
            "must be at least 1m",
        );
        check(
            self.lockout_failures >= 1,
            "lockout_failures",
            "must be at least 1",
        );
        check(
            self.lockout_address_failures >= 1,
            "lockout_address_failures",
            "must be at least 1",
        );
        check(
            self.lockout_delay.as_millis() >= 1000 && self.lockout_delay <= self.lockout_max_delay,
            "lockout_delay",
            "must be from 1s to lockout_max_delay",
        );
        check(
            self.audit_checkpoint_entries >= 1,
            "audit_checkpoint_entries",
            "must be at least 1",
        );
        check(
            (8..=1 << 20).contains(&self.password_memory_kib),
            "password_memory_kib",
            "must be from 8 to 1048576",
        );
        check(
            (1..=16).contains(&self.password_iterations),
            "password_iterations",
            "must be from 1 to 16",
        );
        check(
            !self.issuer.trim().is_empty() && !self.issuer.contains(':'),
            "issuer",
            "must not be empty and must not contain a colon",
        );
        faults
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_have_no_fault_and_all_faults_are_named() {
        assert_eq!(IdentityConfig::default().faults(), []);
        let config = IdentityConfig {
            lockout_failures: 0,
            issuer: "a:b".to_owned(),
            ..IdentityConfig::default()
        };
        let keys: Vec<_> = config.faults().into_iter().map(|(key, _)| key).collect();
        assert_eq!(keys, ["lockout_failures", "issuer"]);
    }
}
