use proptest::prelude::*;
use yunhai_model::Secret;
use yunhai_vault::{
    Error, Place, PublicKey, SigningKey, constant_time_eq, is_sealed, random_token,
};

use crate::vault;

#[tokio::test]
async fn a_sealed_value_opens_at_its_own_place_only() {
    let (vault, _) = vault().await;
    let place = Place::new("channels", "7", "password");
    let sealed = vault.seal_secret(&place, &Secret::new("hunter2"));
    assert!(is_sealed(&sealed) && !sealed.contains("hunter2"));
    assert_ne!(sealed, vault.seal_secret(&place, &Secret::new("hunter2")));
    assert_eq!(
        vault.open_secret(&place, &sealed).unwrap().expose(),
        "hunter2"
    );
    for other in [
        Place::new("users", "7", "password"),
        Place::new("channels", "8", "password"),
        Place::new("channels", "7", "token"),
        Place::new("channels7", "", "password"),
    ] {
        let error = vault.open_secret(&other, &sealed).unwrap_err();
        assert!(matches!(error, Error::Tampered { .. }), "{error}");
    }
}

#[tokio::test]
async fn every_changed_character_is_noticed() {
    let (vault, _) = vault().await;
    let place = Place::new("t", 1, "f");
    let sealed = vault.seal(&place, b"value");
    for at in 0..sealed.len() {
        let mut changed = sealed.clone().into_bytes();
        changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(changed).unwrap();
        assert!(vault.open(&place, &changed).is_err(), "{at}: {changed}");
    }
    let error = vault.open(&place, "plain text").unwrap_err().to_string();
    assert_eq!(error, "t/1/f does not hold a sealed value");
}

#[tokio::test]
async fn nothing_printed_shows_a_key() {
    let (vault, store) = vault().await;
    let text = format!("{vault:?} {store:?} {:?}", vault.token_hasher());
    assert!(text.contains("active key"));
    // 32 key bytes as a list, as derived `Debug` would print them.
    assert!(!text.contains(", 1"), "{text}");
}

#[tokio::test]
async fn signatures_hold_for_their_message_and_key() {
    let (vault, _) = vault().await;
    let place = Place::new("audit", 1, "key");
    let key = SigningKey::generate();
    let key = SigningKey::open(&vault, &place, &key.seal(&vault, &place)).unwrap();
    let signature = key.sign(b"message");
    let public = PublicKey::from_hex(&key.public_key().to_hex()).unwrap();
    assert!(public.verify(b"message", &signature));
    assert!(!public.verify(b"massage", &signature));
    assert!(!public.verify(b"message", &signature[1..]));
    assert!(
        !SigningKey::generate()
            .public_key()
            .verify(b"message", &signature)
    );
}

#[tokio::test]
async fn token_hashes_depend_on_token_purpose_and_installation() {
    let hasher = vault().await.0.token_hasher();
    let token = random_token();
    let hash = hasher.hash("session", token.expose());
    assert_eq!(hash.len(), 64);
    assert_eq!(hash, hasher.hash("session", token.expose()));
    assert_ne!(hash, hasher.hash("csrf", token.expose()));
    assert_ne!(hash, hasher.hash("session", random_token().expose()));
    assert_ne!(
        hash,
        vault()
            .await
            .0
            .token_hasher()
            .hash("session", token.expose())
    );
    assert!(constant_time_eq(b"abc", b"abc") && !constant_time_eq(b"abc", b"abd"));
}

proptest! {
    #[test]
    fn any_bytes_survive(plain: Vec<u8>, row: String) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let (vault, _) = runtime.block_on(vault());
        let place = Place::new("t", row, "f");
        let sealed = vault.seal(&place, &plain);
        prop_assert_eq!(&*vault.open(&place, &sealed).unwrap(), &plain);
    }
}
