//! Reading what an account is opened with: what is the same with every provider.

use serde::de::DeserializeOwned;
use url::Url;
use yunhai_model::Secret;

/// What is wrong with an endpoint that [`endpoint`] does not take.
pub const NO_ENDPOINT: &str = "a URL with https:// or http:// and without a user or a password";

/// Why settings were refused, each with its field.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.join("; "))]
pub struct InvalidSettings(pub Vec<String>);

/// Reads settings that are stored as JSON. A fault of form tells its place only: the parser's words
/// can repeat what was read, a secret among it.
pub fn read_settings<T: DeserializeOwned>(json: &Secret) -> Result<T, InvalidSettings> {
    serde_json::from_str(json.expose()).map_err(|error| {
        InvalidSettings(vec![format!(
            "settings: not as described, at line {} column {}",
            error.line(),
            error.column()
        )])
    })
}

/// Accepts settings that have no fault.
pub fn accept<T>(settings: T, faults: Vec<String>) -> Result<T, InvalidSettings> {
    if faults.is_empty() {
        Ok(settings)
    } else {
        Err(InvalidSettings(faults))
    }
}

/// Returns what there is, in its order and each once.
pub fn each_once<T: Into<String>>(names: impl IntoIterator<Item = T>) -> Vec<String> {
    let mut once = Vec::new();
    for name in names {
        let name = name.into();
        if !once.contains(&name) {
            once.push(name);
        }
    }
    once
}

/// Reads an address that is asked instead of the provider's. What stands before an @ would be shown
/// with the account.
pub fn endpoint(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    let is_plain = matches!(url.scheme(), "https" | "http")
        && url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none();
    is_plain.then_some(url)
}
