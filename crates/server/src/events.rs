//! What changed, told to open pages as it happens.

use serde::Serialize;

/// Something that open pages should know.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct LiveEvent {
    /// What changed: `servers`, `alerts`, `rules`, …
    pub(crate) kind: &'static str,
    /// Which one, where it was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) id: Option<String>,
}
