//! Hashes of random tokens, under which the database finds them without knowing them.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::sealed::KeyBytes;

/// Hashes tokens with HMAC-SHA-256 under a key of the vault, so that a copy of the database alone
/// does not even allow a guess to be checked.
#[derive(Clone)]
pub struct TokenHasher(KeyBytes);

impl TokenHasher {
    pub(crate) fn new(key: KeyBytes) -> Self {
        Self(key)
    }

    /// Hashes a token for one purpose as 64 hexadecimal digits; the same token has another hash
    /// for another purpose.
    pub fn hash(&self, purpose: &str, token: &str) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.0.as_slice())
            .expect("HMAC takes keys of any length");
        mac.update(&(purpose.len() as u64).to_be_bytes());
        mac.update(purpose.as_bytes());
        mac.update(token.as_bytes());
        hex::encode(mac.finalize().into_bytes())
    }
}

impl std::fmt::Debug for TokenHasher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TokenHasher")
    }
}
