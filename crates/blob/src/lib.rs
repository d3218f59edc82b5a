//! Object stores by URL: a folder, S3, Azure Blob, Google Cloud Storage, or memory.
//!
//! [`open`] turns the URL an operator writes into a store and the prefix inside it. Credentials,
//! regions and endpoints come from the variables that each provider's own tools read
//! (`AWS_ACCESS_KEY_ID`, `AWS_ENDPOINT`, `AZURE_STORAGE_ACCOUNT_NAME`,
//! `GOOGLE_SERVICE_ACCOUNT` …) and from [`OpenOptions::settings`], which win. Retries and
//! timeouts wrap every remote store. Policies of buckets are left out.

mod error;
mod open;

pub use error::Error;
pub use open::{Blobs, OpenOptions, StoreSettings, open};
