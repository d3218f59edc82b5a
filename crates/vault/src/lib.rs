//! Keys, sealing of secrets, signatures.
//!
//! A [`Vault`] seals values for the database under a data key; the data keys lie in a key ring,
//! each wrapped by a [`MasterKey`] that stays outside the database: a key file, later a cloud's
//! key service. `docs/formats/secrets.md` describes what is stored.

mod error;
mod key_file;
mod key_ring;
mod master_key;
mod place;
mod random;
mod sealed;
mod signing;
mod token_hash;
mod vault;

pub use error::{Error, Result};
pub use key_ring::{KeyRingStore, MemoryKeyRing, StoreError, StoredKeyRing};
pub use master_key::{LocalKey, MasterKey};
pub use place::Place;
pub use random::{random_bytes, random_token};
pub use sealed::is_sealed;
pub use signing::{PublicKey, SigningKey};
pub use token_hash::TokenHasher;
pub use vault::{KeySummary, Resealer, RotationReport, Vault};

/// Compares two secrets in a time that does not depend on where they differ.
pub fn constant_time_eq(left: &[u8], right: &[u8]) -> bool {
    use subtle::ConstantTimeEq;
    left.ct_eq(right).into()
}
