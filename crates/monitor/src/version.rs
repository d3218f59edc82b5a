//! Replacing what several people edit only while it is still what they have read.

use serde::Serialize;

use crate::alert::digest;
use crate::routing::Route;
use crate::store::StoredRuleFile;

/// What must be stored for a replacement to happen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Expected {
    /// Anything, or nothing yet.
    #[default]
    Anything,
    /// Nothing: it is made.
    Nothing,
    /// This version, as `version` told it.
    Version(String),
}

impl Expected {
    /// Tells whether what is stored is what was expected.
    pub fn allows(&self, stored: Option<&str>) -> bool {
        match self {
            Self::Anything => true,
            Self::Nothing => stored.is_none(),
            Self::Version(version) => stored == Some(version),
        }
    }
}

impl StoredRuleFile {
    /// Names this version: every other text has another name.
    pub fn version(&self) -> String {
        digest(&self.source)
    }
}

impl Route {
    /// Names this version of the tree: every other tree has another name.
    pub fn version(&self) -> String {
        version_of(self)
    }
}

/// Names a version of what people edit: whatever differs has another name.
///
/// # Panics
///
/// Where it is no JSON, which only maps with other keys than texts are not.
pub fn version_of(edited: &impl Serialize) -> String {
    digest(&serde_json::to_string(edited).expect("what people edit is JSON"))
}
