//! Proofs of identity that were checked a moment ago, so that a browser or a program that sends
//! many requests at once does not have the database asked for each of them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use yunhai_model::TimestampMs;

use crate::Principal;

/// For how long a proof is believed. What this process changes counts at once; another one on the
/// same database may have ended a session or revoked a token within this time.
const BELIEVED_MS: i64 = 1000;

/// More are not kept: whoever comes then is looked up.
const CAPACITY: usize = 10_000;

/// Who proved what lately, by the hash of the session's or API token; cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct RecentProofs(Arc<Mutex<Proofs>>);

#[derive(Debug, Default)]
struct Proofs {
    by_hash: HashMap<String, Proof>,
    /// How many changes the audit log had seen when the proofs were checked.
    changes: u64,
}

/// What was found out.
#[derive(Clone, Debug)]
pub(crate) struct Proof {
    pub(crate) principal: Principal,
    /// From where the request came, where that matters.
    pub(crate) address: Option<String>,
    pub(crate) checked_at_ms: TimestampMs,
    /// When the session or token ends of itself.
    pub(crate) expires_at_ms: Option<TimestampMs>,
}

impl RecentProofs {
    /// Returns a proof unless it is too old or something has changed since.
    pub(crate) fn find(&self, hash: &str, changes: u64, now_ms: TimestampMs) -> Option<Proof> {
        let proofs = self.lock(changes)?;
        let proof = proofs.by_hash.get(hash)?;
        let age_ms = now_ms - proof.checked_at_ms;
        let is_over = proof
            .expires_at_ms
            .is_some_and(|expires_at_ms| expires_at_ms <= now_ms);
        // A clock that was set back makes the age negative.
        ((0..BELIEVED_MS).contains(&age_ms) && !is_over).then(|| proof.clone())
    }

    /// Keeps a proof that was checked when the audit log had seen so many changes.
    pub(crate) fn keep(&self, hash: String, changes: u64, proof: Proof) {
        let Some(mut proofs) = self.lock(changes) else {
            return;
        };
        if proofs.by_hash.len() >= CAPACITY {
            let now_ms = proof.checked_at_ms;
            proofs
                .by_hash
                .retain(|_, other| now_ms - other.checked_at_ms < BELIEVED_MS);
        }
        if proofs.by_hash.len() < CAPACITY {
            proofs.by_hash.insert(hash, proof);
        }
    }

    /// Forgets what is older than the changes; nothing is returned to who knows of fewer of them.
    fn lock(&self, changes: u64) -> Option<MutexGuard<'_, Proofs>> {
        let mut proofs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if changes > proofs.changes {
            proofs.by_hash.clear();
            proofs.changes = changes;
        }
        (changes == proofs.changes).then_some(proofs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proof(checked_at_ms: i64) -> Proof {
        Proof {
            principal: Principal::local("ann"),
            address: None,
            checked_at_ms,
            expires_at_ms: Some(5500),
        }
    }

    #[test]
    fn a_proof_holds_for_a_moment_and_not_beyond_its_end() {
        let recent = RecentProofs::default();
        recent.keep("a".into(), 0, proof(5000));
        let is_found = |now_ms| recent.find("a", 0, now_ms).is_some();
        assert!(is_found(5499));
        assert!(!is_found(5500), "it ends then");
        assert!(!is_found(4999), "the clock was set back");
        recent.keep("a".into(), 0, proof(4000));
        assert!(!is_found(5000), "too old");
        assert!(recent.find("b", 0, 5000).is_none());
    }

    #[test]
    fn a_change_ends_what_was_found_before_it() {
        let recent = RecentProofs::default();
        recent.keep("a".into(), 0, proof(5000));
        assert!(recent.find("a", 1, 5001).is_none());
        // Who looked before the change comes too late with what they found.
        recent.keep("a".into(), 0, proof(5000));
        assert!(recent.find("a", 1, 5001).is_none());
        recent.keep("a".into(), 1, proof(5001));
        assert!(recent.find("a", 1, 5002).is_some());
    }

    #[test]
    fn there_is_room_for_so_many() {
        let recent = RecentProofs::default();
        for number in 0..=CAPACITY {
            recent.keep(number.to_string(), 0, proof(4000));
        }
        assert!(recent.find(&CAPACITY.to_string(), 0, 4000).is_none());
        recent.keep("later".into(), 0, proof(5000));
        assert!(recent.find("later", 0, 5000).is_some());
    }
}
