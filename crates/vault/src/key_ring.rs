//! The key ring: the wrapped data keys, as one text that a store keeps.

use std::collections::BTreeMap;
use std::sync::Mutex;

use async_trait::async_trait;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Serialize};
use yunhai_model::TimestampMs;
use zeroize::Zeroizing;

use crate::sealed::KeyBytes;
use crate::{Error, MasterKey, Result, random_bytes};

/// Why a store or a key service failed.
pub type StoreError = Box<dyn std::error::Error + Send + Sync>;

/// A key ring as it lies in its store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredKeyRing {
    /// The ring's text.
    pub text: String,
    /// Counts its changes.
    pub revision: i64,
}

/// Keeps the key ring; the database in a server, memory in tests.
#[async_trait]
pub trait KeyRingStore: Send + Sync + std::fmt::Debug {
    /// Returns the ring, if there is one.
    async fn load(&self) -> Result<Option<StoredKeyRing>, StoreError>;

    /// Replaces the ring of revision `previous` (none: there must be no ring yet) by one of the
    /// next revision, the first being 1; false when another server was faster.
    async fn save(&self, text: &str, previous: Option<i64>) -> Result<bool, StoreError>;
}

/// A store that forgets, for tests.
#[derive(Debug, Default)]
pub struct MemoryKeyRing(Mutex<Option<StoredKeyRing>>);

#[async_trait]
impl KeyRingStore for MemoryKeyRing {
    async fn load(&self) -> Result<Option<StoredKeyRing>, StoreError> {
        Ok(self.0.lock().map_err(|_| "poisoned")?.clone())
    }

    async fn save(&self, text: &str, previous: Option<i64>) -> Result<bool, StoreError> {
        let mut stored = self.0.lock().map_err(|_| "poisoned")?;
        if stored.as_ref().map(|ring| ring.revision) != previous {
            return Ok(false);
        }
        *stored = Some(StoredKeyRing {
            text: text.to_owned(),
            revision: previous.unwrap_or(0) + 1,
        });
        Ok(true)
    }
}

const VERSION: u32 = 1;

/// The id of the key that hashes tokens. It stays when the data keys rotate, or all tokens would
/// end.
pub(crate) const TOKEN_KEY_ID: &str = "token";

/// The ring's text, in JSON.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct KeyRing {
    version: u32,
    /// The fingerprint of the master key.
    master: String,
    /// The id of the key that seals.
    pub(crate) active: String,
    pub(crate) keys: BTreeMap<String, WrappedKey>,
}

/// A data key that only the master key can read.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WrappedKey {
    pub(crate) created_at_ms: TimestampMs,
    wrapped: String,
}

/// The keys of a ring, readable.
#[derive(Clone)]
pub(crate) struct OpenKeys(pub(crate) BTreeMap<String, KeyBytes>);

impl KeyRing {
    /// Makes a ring with a first data key and the key for tokens.
    pub(crate) async fn create(master: &dyn MasterKey, now_ms: TimestampMs) -> Result<Self> {
        let mut ring = Self {
            version: VERSION,
            master: master.fingerprint(),
            active: String::new(),
            keys: BTreeMap::new(),
        };
        ring.put(
            master,
            TOKEN_KEY_ID,
            &Zeroizing::new(random_bytes()),
            now_ms,
        )
        .await?;
        ring.add_data_key(master, now_ms).await?;
        Ok(ring)
    }

    /// Adds a new random data key, which seals from now on.
    pub(crate) async fn add_data_key(
        &mut self,
        master: &dyn MasterKey,
        now_ms: TimestampMs,
    ) -> Result<()> {
        let id = hex::encode(random_bytes::<8>());
        self.put(master, &id, &Zeroizing::new(random_bytes()), now_ms)
            .await?;
        self.active = id;
        Ok(())
    }

    async fn put(
        &mut self,
        master: &dyn MasterKey,
        id: &str,
        key: &KeyBytes,
        created_at_ms: TimestampMs,
    ) -> Result<()> {
        let wrapped = master
            .wrap(key.as_slice(), &context(id))
            .await
            .map_err(|source| Error::KeyRingStore {
                action: "write",
                source,
            })?;
        self.keys.insert(
            id.to_owned(),
            WrappedKey {
                created_at_ms,
                wrapped: BASE64_STANDARD.encode(wrapped),
            },
        );
        Ok(())
    }

    /// Wraps all keys by another master key.
    pub(crate) async fn rewrap(&self, keys: &OpenKeys, master: &dyn MasterKey) -> Result<Self> {
        let mut ring = Self {
            master: master.fingerprint(),
            ..self.clone()
        };
        for (id, key) in &keys.0 {
            let created_at_ms = self.keys[id].created_at_ms;
            ring.put(master, id, key, created_at_ms).await?;
        }
        Ok(ring)
    }

    pub(crate) fn parse(text: &str) -> Result<Self> {
        let damaged = |reason: String| Error::KeyRingDamaged { reason };
        let ring: Self = serde_json::from_str(text).map_err(|error| damaged(error.to_string()))?;
        if ring.version != VERSION {
            return Err(damaged(format!(
                "it has version {}, this release knows version {VERSION}",
                ring.version
            )));
        }
        for id in [TOKEN_KEY_ID, &ring.active] {
            if !ring.keys.contains_key(id) {
                return Err(damaged(format!("the key `{id}` is missing")));
            }
        }
        Ok(ring)
    }

    pub(crate) fn text(&self) -> String {
        serde_json::to_string(self).expect("a ring has only texts and numbers")
    }

    /// Opens every key, so that a wrong master key or a changed ring shows at once.
    pub(crate) async fn open(&self, master: &dyn MasterKey) -> Result<OpenKeys> {
        let given = master.fingerprint();
        if given != self.master {
            return Err(Error::WrongMasterKey {
                expected: self.master.clone(),
                given,
            });
        }
        let mut keys = BTreeMap::new();
        for (id, key) in &self.keys {
            let damaged = || Error::KeyRingDamaged {
                reason: format!("the key `{id}` does not open"),
            };
            let wrapped = BASE64_STANDARD
                .decode(&key.wrapped)
                .map_err(|_| damaged())?;
            let bytes = master
                .unwrap(&wrapped, &context(id))
                .await
                .map_err(|source| Error::KeyRingStore {
                    action: "read",
                    source,
                })?
                .ok_or_else(damaged)?;
            let bytes: [u8; 32] = bytes.as_slice().try_into().map_err(|_| damaged())?;
            keys.insert(id.clone(), Zeroizing::new(bytes));
        }
        Ok(OpenKeys(keys))
    }
}

fn context(id: &str) -> Vec<u8> {
    format!("yunhai key ring v1 {id}").into_bytes()
}
