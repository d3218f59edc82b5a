//! What can go wrong before the first object is read.

use std::path::PathBuf;

/// A failure to open an object store; each message names the URL without its credentials.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The text is neither a URL nor a path.
    #[error("`{url}` is not a URL of an object store: {reason}")]
    InvalidUrl {
        /// The URL as given, without credentials.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// No object store has this scheme.
    #[error(
        "`{scheme}` in `{url}` is not a kind of object store; use a path, file://, s3://, az://, gs:// or memory://"
    )]
    UnknownScheme {
        /// The URL as given, without credentials.
        url: String,
        /// The scheme that nobody serves.
        scheme: String,
    },
    /// The folder cannot be made or used.
    #[error("cannot use the folder `{}` as an object store", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the file system answered.
        source: std::io::Error,
    },
    /// A setting that this kind of store does not know.
    #[error("`{key}` is not a setting of the object store `{url}`")]
    UnknownSetting {
        /// The URL as given, without credentials.
        url: String,
        /// The setting's name.
        key: String,
    },
    /// The store refused its configuration, for instance for want of credentials.
    #[error("cannot open the object store `{url}`; check its credentials and endpoint")]
    Store {
        /// The URL as given, without credentials.
        url: String,
        /// What the store's client answered.
        source: object_store::Error,
    },
}
