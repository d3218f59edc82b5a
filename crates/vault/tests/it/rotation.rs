use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use yunhai_vault::{
    Error, KeyRingStore, LocalKey, MemoryKeyRing, Place, Resealer, StoreError, Vault,
};

use crate::{clock, vault};

/// A domain with one sealed value.
struct Note(Mutex<String>);

fn place() -> Place {
    Place::new("notes", 1, "text")
}

impl Note {
    fn sealed(&self) -> String {
        self.0.lock().unwrap().clone()
    }
}

#[async_trait]
impl Resealer for Note {
    fn domain(&self) -> &'static str {
        "notes"
    }

    async fn reseal(&self, vault: &Vault) -> Result<u64, StoreError> {
        let sealed = self.sealed();
        let Some(fresh) = vault.reseal(&place(), &sealed)? else {
            return Ok(0);
        };
        *self.0.lock().unwrap() = fresh;
        Ok(1)
    }
}

#[tokio::test]
async fn a_value_under_a_key_that_another_process_made_is_opened() {
    let ring = Arc::new(MemoryKeyRing::default());
    let master = Arc::new(LocalKey::generate());
    let open = async || {
        let (ring, master) = (Arc::clone(&ring), Arc::clone(&master));
        Vault::open_with(ring, master, clock()).await.unwrap()
    };
    let (server, command) = (open().await, open().await);
    command.rotate(&[]).await.unwrap();
    let sealed = command.seal(&place(), b"fresh");
    assert!(matches!(
        server.open_secret(&place(), &sealed),
        Err(Error::UnknownKey { .. })
    ));
    let opened = server.open_latest(&place(), &sealed).await.unwrap();
    assert_eq!(opened.expose(), "fresh");
}

#[tokio::test]
async fn rotation_reseals_and_keeps_old_values_readable_until_then() {
    let (vault, _) = vault().await;
    let reached = Note(Mutex::new(vault.seal(&place(), b"reached")));
    let missed = vault.seal(&place(), b"missed");
    let old_key = vault.keys()[0].id.clone();
    let hash = vault.token_hasher().hash("session", "token");

    let report = vault.rotate(&[&reached]).await.unwrap();
    assert_eq!(report.resealed, [("notes".to_owned(), 1)]);
    assert!(
        reached
            .sealed()
            .starts_with(&format!("v1.{}.", report.key_id))
    );
    assert_eq!(
        &*vault.open(&place(), &reached.sealed()).unwrap(),
        b"reached"
    );
    assert_eq!(&*vault.open(&place(), &missed).unwrap(), b"missed");
    assert_eq!(vault.token_hasher().hash("session", "token"), hash);
    assert_eq!(reached.reseal(&vault).await.unwrap(), 0);

    assert!(matches!(
        vault.retire(&report.key_id).await,
        Err(Error::KeyInUse(_))
    ));
    vault.retire(&old_key).await.unwrap();
    assert_eq!(
        &*vault.open(&place(), &reached.sealed()).unwrap(),
        b"reached"
    );
    assert!(matches!(
        vault.open(&place(), &missed),
        Err(Error::UnknownKey { .. })
    ));
}

#[tokio::test]
async fn another_server_learns_of_a_rotation() {
    let store: Arc<dyn KeyRingStore> = Arc::new(MemoryKeyRing::default());
    let master = Arc::new(LocalKey::generate());
    let first = Vault::open_with(store.clone(), master.clone(), clock())
        .await
        .unwrap();
    let second = Vault::open_with(store, master, clock()).await.unwrap();
    first.rotate(&[]).await.unwrap();
    let sealed = first.seal(&place(), b"new");
    assert!(matches!(
        second.open(&place(), &sealed),
        Err(Error::UnknownKey { .. })
    ));
    second.refresh().await.unwrap();
    assert_eq!(&*second.open(&place(), &sealed).unwrap(), b"new");
    // The second has the first's ring, so its own rotation does not lose the first's key.
    second.rotate(&[]).await.unwrap();
    assert_eq!(second.keys().len(), 3);
}

#[tokio::test]
async fn a_changed_master_key_opens_what_the_old_one_sealed() {
    let (vault, store) = vault().await;
    let sealed = vault.seal(&place(), b"value");
    let fresh = Arc::new(LocalKey::generate());
    vault.change_master_key(fresh.clone()).await.unwrap();
    let shared: Arc<dyn KeyRingStore> = store.clone();
    let again = Vault::open_with(shared.clone(), fresh, clock())
        .await
        .unwrap();
    assert_eq!(&*again.open(&place(), &sealed).unwrap(), b"value");
    let other = Vault::open_with(shared, Arc::new(LocalKey::generate()), clock()).await;
    assert!(matches!(other, Err(Error::WrongMasterKey { .. })));
}

#[tokio::test]
async fn a_damaged_key_ring_is_named() {
    let master = Arc::new(LocalKey::generate());
    let store = Arc::new(MemoryKeyRing::default());
    let shared: Arc<dyn KeyRingStore> = store.clone();
    Vault::open_with(shared.clone(), master.clone(), clock())
        .await
        .unwrap();
    let ring = store.load().await.unwrap().unwrap();
    let swapped = ring
        .text
        .replacen("\"wrapped\":\"", "\"wrapped\":\"AAAA", 1);
    assert!(store.save(&swapped, Some(1)).await.unwrap());
    let error = Vault::open_with(shared, master, clock()).await.unwrap_err();
    assert!(matches!(error, Error::KeyRingDamaged { .. }), "{error}");
    assert!(error.to_string().contains("does not open"), "{error}");
}
