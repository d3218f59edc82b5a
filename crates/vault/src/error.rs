//! What can go wrong with keys and sealed values, in words that say what to do.

use std::path::PathBuf;

use crate::StoreError;

/// A result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A failure of the vault. No variant carries a secret.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Secrets exist, the key to them does not.
    #[error(
        "the key file {} is missing, but secrets were sealed with it; put the file back from \
         your backup (a new one could not open them)", path.display()
    )]
    KeyFileMissing {
        /// Where it should be.
        path: PathBuf,
    },
    /// Others can read the key file.
    #[error(
        "the key file {} can be used by others (mode {mode:03o}); run `chmod 600 {}`",
        path.display(), path.display()
    )]
    KeyFilePermissions {
        /// Which file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The key file is not one, or was changed.
    #[error("the key file {} is damaged: {reason}; put it back from your backup", path.display())]
    KeyFileDamaged {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The key file cannot be read or written.
    #[error("cannot {action} the key file {}", path.display())]
    KeyFile {
        /// `read` or `create`.
        action: &'static str,
        /// Which file.
        path: PathBuf,
        /// The operating system's answer.
        source: std::io::Error,
    },
    /// The master key is a whole one, but of another installation.
    #[error(
        "this is the wrong master key: the secrets were sealed with {expected}, the given key is \
         {given}; use the key file that belongs to this database"
    )]
    WrongMasterKey {
        /// The fingerprint that the key ring names.
        expected: String,
        /// The fingerprint of the given key.
        given: String,
    },
    /// The key ring cannot be understood, or was changed.
    #[error("the key ring is damaged: {reason}; restore the database from a backup")]
    KeyRingDamaged {
        /// What is wrong with it.
        reason: String,
    },
    /// The key ring cannot be read or written.
    #[error("cannot {action} the key ring")]
    KeyRingStore {
        /// `read` or `write`.
        action: &'static str,
        /// The store's answer.
        source: StoreError,
    },
    /// Two servers changed the key ring at once.
    #[error("another server changed the key ring at the same time; try again")]
    KeyRingConflict,
    /// The text has not the form of a sealed value.
    #[error("{place} does not hold a sealed value")]
    NotSealed {
        /// Where it stands.
        place: String,
    },
    /// The key that sealed the value is not in the ring.
    #[error("{place} was sealed with the key {key_id}, which is not in the key ring")]
    UnknownKey {
        /// Where it stands.
        place: String,
        /// The key's id.
        key_id: String,
    },
    /// The value was changed, or comes from another place.
    #[error("the sealed value in {place} was changed or moved there from another place")]
    Tampered {
        /// Where it stands.
        place: String,
    },
    /// The key must not go: it is the one in use.
    #[error("the key {0} is in use; rotate first")]
    KeyInUse(String),
    /// A domain could not seal its values anew.
    #[error("cannot seal the secrets of {domain} anew")]
    Reseal {
        /// Whose secrets.
        domain: String,
        /// The domain's answer.
        source: StoreError,
    },
}
