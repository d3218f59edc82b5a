//! The key above all others, which never lies in the database.

use async_trait::async_trait;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::sealed::{KeyBytes, decrypt, encrypt};
use crate::{Result, StoreError, random_bytes};

/// Wraps the data keys. A key file does it in this process, a cloud's key service elsewhere.
#[async_trait]
pub trait MasterKey: Send + Sync + std::fmt::Debug {
    /// Names the key without giving anything of it away; the same for as long as it is the same
    /// key.
    fn fingerprint(&self) -> String;

    /// Encrypts a data key; `context` is authenticated beside it.
    async fn wrap(&self, key: &[u8], context: &[u8]) -> Result<Vec<u8>, StoreError>;

    /// Decrypts a data key; none when it was wrapped by another key, for another context, or was
    /// changed.
    async fn unwrap(
        &self,
        wrapped: &[u8],
        context: &[u8],
    ) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError>;
}

/// A master key in this process's memory; [`LocalKey::read`] and [`LocalKey::create`] keep it in
/// a file.
pub struct LocalKey(KeyBytes);

impl LocalKey {
    /// Makes a new random key.
    pub fn generate() -> Self {
        Self::from_bytes(Zeroizing::new(random_bytes()))
    }

    pub(crate) fn from_bytes(bytes: KeyBytes) -> Self {
        Self(bytes)
    }

    pub(crate) fn bytes(&self) -> &KeyBytes {
        &self.0
    }
}

impl std::fmt::Debug for LocalKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "LocalKey({})", self.fingerprint())
    }
}

#[async_trait]
impl MasterKey for LocalKey {
    fn fingerprint(&self) -> String {
        let digest = Sha256::new()
            .chain_update(b"yunhai master key fingerprint")
            .chain_update(self.0.as_slice())
            .finalize();
        format!("local:{}", hex::encode(&digest[..8]))
    }

    async fn wrap(&self, key: &[u8], context: &[u8]) -> Result<Vec<u8>, StoreError> {
        Ok(encrypt(&self.0, key, context))
    }

    async fn unwrap(
        &self,
        wrapped: &[u8],
        context: &[u8],
    ) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
        Ok(decrypt(&self.0, wrapped, context))
    }
}
