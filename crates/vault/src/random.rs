//! Randomness from the operating system.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use yunhai_model::Secret;

/// Returns random bytes fit for keys.
pub fn random_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)
        .expect("the operating system gives randomness, or nothing here can be kept secret");
    bytes
}

/// Returns a random token of 256 bits as 43 characters that are safe in URLs and headers.
pub fn random_token() -> Secret {
    Secret::new(BASE64_URL_SAFE_NO_PAD.encode(random_bytes::<32>()))
}
