//! The text of a sealed value, and the encryption under it.

use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::{Aes256Gcm, Nonce};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

use crate::random_bytes;

/// 256 bits that are wiped from memory on drop.
pub(crate) type KeyBytes = Zeroizing<[u8; 32]>;

const VERSION: &str = "v1";
const NONCE_LENGTH: usize = 12;
const TAG_LENGTH: usize = 16;

/// Tells whether a text has the form of a sealed value; whether it opens is another question.
pub fn is_sealed(text: &str) -> bool {
    parse(text).is_some()
}

/// Splits a sealed value into its key's id and its bytes.
pub(crate) fn parse(text: &str) -> Option<(&str, Vec<u8>)> {
    let (version, rest) = text.split_once('.')?;
    let (key_id, bytes) = rest.split_once('.')?;
    if version != VERSION || key_id.is_empty() {
        return None;
    }
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(bytes).ok()?;
    (bytes.len() >= NONCE_LENGTH + TAG_LENGTH).then_some((key_id, bytes))
}

/// Writes a sealed value.
pub(crate) fn format(key_id: &str, bytes: &[u8]) -> String {
    format!(
        "{VERSION}.{key_id}.{}",
        BASE64_URL_SAFE_NO_PAD.encode(bytes)
    )
}

/// Encrypts with AES-256-GCM under a random nonce: nonce, ciphertext, tag.
pub(crate) fn encrypt(key: &KeyBytes, plain: &[u8], associated_data: &[u8]) -> Vec<u8> {
    let nonce = random_bytes::<NONCE_LENGTH>();
    let cipher = Aes256Gcm::new((&**key).into());
    let mut sealed = nonce.to_vec();
    sealed.extend(
        cipher
            .encrypt(
                &Nonce::from(nonce),
                Payload {
                    msg: plain,
                    aad: associated_data,
                },
            )
            .expect("a value in memory is below the 64 GiB that AES-GCM allows"),
    );
    sealed
}

/// Decrypts what [`encrypt`] made; none when anything was changed.
pub(crate) fn decrypt(
    key: &KeyBytes,
    sealed: &[u8],
    associated_data: &[u8],
) -> Option<Zeroizing<Vec<u8>>> {
    let (nonce, ciphertext) = sealed.split_first_chunk::<NONCE_LENGTH>()?;
    Aes256Gcm::new((&**key).into())
        .decrypt(
            &Nonce::from(*nonce),
            Payload {
                msg: ciphertext,
                aad: associated_data,
            },
        )
        .ok()
        .map(Zeroizing::new)
}
