//! What can go wrong in the store.

use std::path::PathBuf;

/// A failure of the store.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The object store of the blocks cannot be opened.
    #[error(transparent)]
    Blobs(#[from] yunhai_blob::Error),
    /// A file or folder of the store cannot be used.
    #[error("cannot use `{}` for the series store", path.display())]
    File {
        /// The file or folder.
        path: PathBuf,
        /// What the file system answered.
        source: std::io::Error,
    },
    /// Another process has the store open.
    #[error("the series store `{}` is in use by another process; stop it first", .0.display())]
    InUse(PathBuf),
    /// The log could not be written, so the samples are not acknowledged.
    #[error(
        "the write-ahead log in `{}` could not be written, the samples are not stored",
        folder.display()
    )]
    LogWrite {
        /// The folder of the log.
        folder: PathBuf,
        /// What the file system answered to this write, or to the one that failed before.
        source: std::io::Error,
    },
    /// The object store of the blocks was opened and does not let itself be read.
    #[error(
        "cannot list the blocks in `{url}`; check that the bucket exists, that the credentials may read and write it, and the endpoint and region"
    )]
    Unavailable {
        /// The URL without user and password.
        url: String,
        /// What the store answered.
        source: object_store::Error,
    },
    /// An object of a block could not be read or written.
    #[error("cannot {action} `{path}` in the object store")]
    Object {
        /// What was attempted.
        action: &'static str,
        /// The object.
        path: String,
        /// What the store answered.
        source: object_store::Error,
    },
    /// A block's content is not what was written.
    #[error("`{path}` is damaged: {reason}")]
    Damaged {
        /// The object.
        path: String,
        /// How it differs.
        reason: String,
    },
    /// A block was written by a newer Yunhai.
    #[error(
        "`{path}` has format version {found}, this release reads up to {supported}; upgrade Yunhai"
    )]
    NewerFormat {
        /// The object.
        path: String,
        /// Its version.
        found: u32,
        /// The newest version that this release reads.
        supported: u32,
    },
    /// A block could not be encoded.
    #[error("cannot encode a block")]
    Encode(#[from] parquet::errors::ParquetError),
    /// Text that should be JSON is not.
    #[error("cannot read or write JSON of `{path}`")]
    Json {
        /// The file or object.
        path: String,
        /// Where the JSON is wrong.
        source: serde_json::Error,
    },
    /// The configuration contradicts itself.
    #[error("series store configuration: {0}")]
    Config(String),
    /// Blocks cannot be stored, so the samples in memory have become too many.
    #[error(
        "{samples} samples wait in memory because blocks cannot be stored; see the log for why, and send the samples again later"
    )]
    HeadFull {
        /// How many samples wait.
        samples: usize,
    },
    /// The store was closed.
    #[error("the series store is closed")]
    Closed,
}

impl Error {
    pub(crate) fn file(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { path, source }
    }
}
