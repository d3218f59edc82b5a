//! The vault from outside: key files, sealing, rotation, signatures.
#![allow(clippy::unwrap_used, reason = "all of this is test code")]

#[path = "it/key_file.rs"]
mod key_file;
#[path = "it/rotation.rs"]
mod rotation;
#[path = "it/sealing.rs"]
mod sealing;

use std::sync::Arc;

use yunhai_model::ManualClock;
use yunhai_vault::{KeyRingStore, LocalKey, MemoryKeyRing, Vault};

fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::new(1_000))
}

async fn vault() -> (Vault, Arc<MemoryKeyRing>) {
    let store = Arc::new(MemoryKeyRing::default());
    let shared: Arc<dyn KeyRingStore> = store.clone();
    let vault = Vault::open_with(shared, Arc::new(LocalKey::generate()), clock())
        .await
        .unwrap();
    (vault, store)
}
