//! The vault: seals and opens values, and changes keys.

use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use async_trait::async_trait;
use yunhai_model::{Clock, Secret, TimestampMs};
use zeroize::Zeroizing;

use crate::key_ring::{KeyRing, OpenKeys, TOKEN_KEY_ID};
use crate::sealed::{decrypt, encrypt, format, parse};
use crate::{Error, KeyRingStore, LocalKey, MasterKey, Place, Result, StoreError, TokenHasher};

/// Seals secrets under the active data key and opens those of every key in the ring; cheap to
/// clone.
#[derive(Clone)]
pub struct Vault(Arc<Inner>);

struct Inner {
    store: Arc<dyn KeyRingStore>,
    clock: Arc<dyn Clock>,
    opened: RwLock<Opened>,
}

struct Opened {
    master: Arc<dyn MasterKey>,
    ring: KeyRing,
    revision: i64,
    keys: OpenKeys,
}

/// What may be told of a data key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeySummary {
    /// The key's id, as sealed values name it.
    pub id: String,
    /// When it was made.
    pub created_at_ms: TimestampMs,
    /// Whether it seals.
    pub active: bool,
}

/// What a rotation did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RotationReport {
    /// The key that seals now.
    pub key_id: String,
    /// How many values each domain sealed anew.
    pub resealed: Vec<(String, u64)>,
}

/// A domain that keeps sealed values and can seal them anew.
#[async_trait]
pub trait Resealer: Send + Sync {
    /// Names the domain for the report.
    fn domain(&self) -> &str;

    /// Goes through all sealed values, replaces those for which [`Vault::reseal`] returns a new
    /// text, and returns their number.
    async fn reseal(&self, vault: &Vault) -> Result<u64, StoreError>;
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Vault(active key {})", self.opened().ring.active)
    }
}

impl Vault {
    /// Opens the vault with the key file at `path`.
    ///
    /// The file is created when there is neither a key ring nor a file: on the first start. A
    /// missing, wrong or damaged file is an error before anything is written.
    pub async fn open_with_key_file(
        store: Arc<dyn KeyRingStore>,
        path: &Path,
        clock: Arc<dyn Clock>,
    ) -> Result<Self> {
        let has_ring = load(&*store).await?.is_some();
        let key = match LocalKey::read(path) {
            Err(Error::KeyFileMissing { .. }) if !has_ring => match LocalKey::create(path) {
                Ok(key) => {
                    tracing::info!(
                        path = %path.display(),
                        "created the key file; keep a copy of it apart from the database's backups"
                    );
                    key
                }
                // Another server that starts at the same time made it in between.
                Err(Error::KeyFile { source, .. })
                    if source.kind() == std::io::ErrorKind::AlreadyExists =>
                {
                    LocalKey::read(path)?
                }
                Err(error) => return Err(error),
            },
            other => other?,
        };
        Self::open_with(store, Arc::new(key), clock).await
    }

    /// Opens the vault with any master key, making the key ring when there is none.
    pub async fn open_with(
        store: Arc<dyn KeyRingStore>,
        master: Arc<dyn MasterKey>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self> {
        let (ring, revision) = if let Some(found) = load(&*store).await? {
            found
        } else {
            let ring = KeyRing::create(&*master, clock.now_ms()).await?;
            if save(&*store, &ring, None).await? {
                (ring, 1)
            } else {
                load(&*store).await?.ok_or(Error::KeyRingConflict)?
            }
        };
        let keys = ring.open(&*master).await?;
        Ok(Self(Arc::new(Inner {
            store,
            clock,
            opened: RwLock::new(Opened {
                master,
                ring,
                revision,
                keys,
            }),
        })))
    }

    /// Seals a value for its place.
    pub fn seal(&self, place: &Place, plain: &[u8]) -> String {
        let opened = self.opened();
        let id = &opened.ring.active;
        let sealed = encrypt(&opened.keys.0[id], plain, &place.associated_data(id));
        format(id, &sealed)
    }

    /// Opens a value that was sealed for this place.
    pub fn open(&self, place: &Place, sealed: &str) -> Result<Zeroizing<Vec<u8>>> {
        let place_name = || place.to_string();
        let (key_id, bytes) = parse(sealed).ok_or_else(|| Error::NotSealed {
            place: place_name(),
        })?;
        let opened = self.opened();
        let key = opened
            .keys
            .0
            .get(key_id)
            .filter(|_| key_id != TOKEN_KEY_ID)
            .ok_or_else(|| Error::UnknownKey {
                place: place_name(),
                key_id: key_id.to_owned(),
            })?;
        decrypt(key, &bytes, &place.associated_data(key_id)).ok_or_else(|| Error::Tampered {
            place: place_name(),
        })
    }

    /// Seals a secret text for its place.
    pub fn seal_secret(&self, place: &Place, secret: &Secret) -> String {
        self.seal(place, secret.expose().as_bytes())
    }

    /// Opens a secret text that was sealed for this place.
    pub fn open_secret(&self, place: &Place, sealed: &str) -> Result<Secret> {
        let plain = self.open(place, sealed)?;
        std::str::from_utf8(&plain)
            .map(Secret::new)
            .map_err(|_| Error::Tampered {
                place: place.to_string(),
            })
    }

    /// Opens a secret text like [`Self::open_secret`]. Where its key is not known, another process
    /// has made it in the meantime, and the ring is read again.
    pub async fn open_latest(&self, place: &Place, sealed: &str) -> Result<Secret> {
        match self.open_secret(place, sealed) {
            Err(Error::UnknownKey { .. }) => {
                self.refresh().await?;
                self.open_secret(place, sealed)
            }
            other => other,
        }
    }

    /// Seals a value anew under the active key; none when it is sealed under it already.
    pub fn reseal(&self, place: &Place, sealed: &str) -> Result<Option<String>> {
        let plain = self.open(place, sealed)?;
        let is_current = parse(sealed).is_some_and(|(id, _)| id == self.opened().ring.active);
        Ok((!is_current).then(|| self.seal(place, &plain)))
    }

    /// Returns the hasher of tokens, which outlives the rotation of data keys.
    pub fn token_hasher(&self) -> TokenHasher {
        TokenHasher::new(self.opened().keys.0[TOKEN_KEY_ID].clone())
    }

    /// Lists the data keys, oldest first.
    pub fn keys(&self) -> Vec<KeySummary> {
        let opened = self.opened();
        let mut keys: Vec<_> = opened
            .ring
            .keys
            .iter()
            .filter(|(id, _)| *id != TOKEN_KEY_ID)
            .map(|(id, key)| KeySummary {
                id: id.clone(),
                created_at_ms: key.created_at_ms,
                active: *id == opened.ring.active,
            })
            .collect();
        keys.sort_by_key(|key| (key.created_at_ms, key.active));
        keys
    }

    /// Makes a new data key and has every domain seal its values anew under it. Old keys stay in
    /// the ring, so that a value which a domain did not reach remains readable, until
    /// [`Self::retire`].
    pub async fn rotate(&self, domains: &[&dyn Resealer]) -> Result<RotationReport> {
        self.refresh().await?;
        let (mut ring, revision, master) = self.snapshot();
        ring.add_data_key(&*master, self.0.clock.now_ms()).await?;
        self.replace(ring, revision, master).await?;
        let mut resealed = Vec::new();
        for domain in domains {
            let count = domain.reseal(self).await.map_err(|source| Error::Reseal {
                domain: domain.domain().to_owned(),
                source,
            })?;
            resealed.push((domain.domain().to_owned(), count));
        }
        let key_id = self.opened().ring.active.clone();
        tracing::info!(key_id, "rotated the data key");
        Ok(RotationReport { key_id, resealed })
    }

    /// Wraps the ring by another master key; the old one is then of no more use.
    pub async fn change_master_key(&self, master: Arc<dyn MasterKey>) -> Result<()> {
        self.refresh().await?;
        let (ring, revision, _) = self.snapshot();
        let keys = self.opened().keys.clone();
        let ring = ring.rewrap(&keys, &*master).await?;
        self.replace(ring, revision, master).await
    }

    /// Throws an old data key away. What is still sealed with it can never be opened again.
    pub async fn retire(&self, key_id: &str) -> Result<()> {
        self.refresh().await?;
        let (mut ring, revision, master) = self.snapshot();
        if ring.active == key_id || key_id == TOKEN_KEY_ID {
            return Err(Error::KeyInUse(key_id.to_owned()));
        }
        ring.keys.remove(key_id);
        self.replace(ring, revision, master).await
    }

    /// Takes over what another server has done to the ring.
    pub async fn refresh(&self) -> Result<()> {
        let Some((ring, revision)) = load(&*self.0.store).await? else {
            return Err(Error::KeyRingDamaged {
                reason: "it is gone".to_owned(),
            });
        };
        let (_, known, master) = self.snapshot();
        if revision == known {
            return Ok(());
        }
        let keys = ring.open(&*master).await?;
        self.set(Opened {
            master,
            ring,
            revision,
            keys,
        });
        Ok(())
    }

    async fn replace(
        &self,
        ring: KeyRing,
        revision: i64,
        master: Arc<dyn MasterKey>,
    ) -> Result<()> {
        let keys = ring.open(&*master).await?;
        if !save(&*self.0.store, &ring, Some(revision)).await? {
            return Err(Error::KeyRingConflict);
        }
        self.set(Opened {
            master,
            ring,
            revision: revision + 1,
            keys,
        });
        Ok(())
    }

    fn opened(&self) -> RwLockReadGuard<'_, Opened> {
        // A poisoned lock still holds a whole value: it is only ever replaced at once.
        self.0.opened.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, opened: Opened) {
        *self
            .0
            .opened
            .write()
            .unwrap_or_else(PoisonError::into_inner) = opened;
    }

    fn snapshot(&self) -> (KeyRing, i64, Arc<dyn MasterKey>) {
        let opened = self.opened();
        (
            opened.ring.clone(),
            opened.revision,
            Arc::clone(&opened.master),
        )
    }
}

async fn load(store: &dyn KeyRingStore) -> Result<Option<(KeyRing, i64)>> {
    let stored = store.load().await.map_err(|source| Error::KeyRingStore {
        action: "read",
        source,
    })?;
    stored
        .map(|stored| Ok((KeyRing::parse(&stored.text)?, stored.revision)))
        .transpose()
}

async fn save(store: &dyn KeyRingStore, ring: &KeyRing, previous: Option<i64>) -> Result<bool> {
    store
        .save(&ring.text(), previous)
        .await
        .map_err(|source| Error::KeyRingStore {
            action: "write",
            source,
        })
}
