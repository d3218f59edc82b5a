//! Ed25519 signatures, for the checkpoints of the audit log.

use ed25519_dalek::{Signature, Signer};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::{Error, Place, Result, Vault, random_bytes};

/// A key that signs.
pub struct SigningKey(ed25519_dalek::SigningKey);

/// The key that checks what a [`SigningKey`] signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey(ed25519_dalek::VerifyingKey);

impl SigningKey {
    /// Makes a new random key.
    pub fn generate() -> Self {
        let seed = Zeroizing::new(random_bytes());
        Self(ed25519_dalek::SigningKey::from_bytes(&seed))
    }

    /// Seals the key for the database.
    pub fn seal(&self, vault: &Vault, place: &Place) -> String {
        let seed = Zeroizing::new(self.0.to_bytes());
        vault.seal(place, seed.as_slice())
    }

    /// Opens a key that [`Self::seal`] sealed.
    pub fn open(vault: &Vault, place: &Place, sealed: &str) -> Result<Self> {
        let seed = vault.open(place, sealed)?;
        let seed: &[u8; 32] = seed.as_slice().try_into().map_err(|_| Error::NotSealed {
            place: place.to_string(),
        })?;
        Ok(Self(ed25519_dalek::SigningKey::from_bytes(seed)))
    }

    /// Signs a message.
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message).to_bytes()
    }

    /// Returns the key that checks the signatures.
    pub fn public_key(&self) -> PublicKey {
        PublicKey(self.0.verifying_key())
    }
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SigningKey({})", self.public_key().id())
    }
}

impl PublicKey {
    /// Reads a key from its 64 hexadecimal digits; none when it is not one.
    pub fn from_hex(text: &str) -> Option<Self> {
        let bytes: [u8; 32] = hex::decode(text).ok()?.try_into().ok()?;
        ed25519_dalek::VerifyingKey::from_bytes(&bytes)
            .ok()
            .map(Self)
    }

    /// Writes the key as 64 hexadecimal digits.
    pub fn to_hex(&self) -> String {
        hex::encode(self.0.as_bytes())
    }

    /// Returns a short name of the key: 16 hexadecimal digits of its SHA-256.
    pub fn id(&self) -> String {
        hex::encode(&Sha256::digest(self.0.as_bytes())[..8])
    }

    /// Tells whether the key's owner signed the message.
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        Signature::from_slice(signature)
            .is_ok_and(|signature| self.0.verify_strict(message, &signature).is_ok())
    }
}
