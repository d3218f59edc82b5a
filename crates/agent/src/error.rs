//! Why the agent cannot start.

use std::path::PathBuf;

use url::Url;

/// Why the agent cannot start. What fails later is logged and tried again.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The folder of the buffer cannot be used.
    #[error("cannot use the buffer {folder}")]
    Buffer {
        /// The folder.
        folder: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The server's address is no HTTP address.
    #[error("{0} is no address of a server: it begins with https://")]
    Address(Url),
    /// The token would go over the network in the clear.
    #[error("{0} is not encrypted, and the token would be readable on the way")]
    Plain(Url),
    /// The certificate that is to be trusted cannot be read or understood.
    #[error("cannot use the certificate {path}: {reason}")]
    Certificate {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The HTTP client cannot be made.
    #[error("cannot start the HTTP client")]
    Client(#[source] reqwest::Error),
    /// The key of this machine cannot be kept or read.
    #[error("cannot use this machine's key {path}")]
    Key {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The server does not let this machine join, and will not later.
    #[error("this machine was not let in: {0}")]
    NotLetIn(String),
    /// The token cannot be part of a request.
    #[error("the token is not one line of printable characters")]
    Token,
}
