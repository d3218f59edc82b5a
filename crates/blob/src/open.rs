//! From a URL to a store.

use std::collections::BTreeMap;
use std::path::{Path as FsPath, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use object_store::azure::{AzureConfigKey, MicrosoftAzureBuilder};
use object_store::client::ClientConfigKey;
use object_store::gcp::{GoogleCloudStorageBuilder, GoogleConfigKey};
use object_store::local::LocalFileSystem;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectStore, RetryConfig};
use serde::{Deserialize, Serialize};
use url::Url;

use crate::Error;

/// An opened object store.
#[derive(Clone)]
pub struct Blobs {
    /// The store.
    pub store: Arc<dyn ObjectStore>,
    /// The path inside the store that the URL names; empty for its root.
    pub prefix: Path,
    /// The URL without credentials, for people; the path where it is a folder.
    pub url: String,
    /// The folder behind the store where it is a local one, so that a caller who must survive a
    /// power failure can sync what it wrote.
    pub local_root: Option<PathBuf>,
}

impl std::fmt::Debug for Blobs {
    /// Leaves the store out: its client would show the keys that it signs with.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Blobs")
            .field("url", &self.url)
            .field("prefix", &self.prefix)
            .finish_non_exhaustive()
    }
}

/// Settings of a store by their `object_store` name, such as `aws_endpoint` or `aws_allow_http`.
/// Some are secret, so that `Debug` shows only the names.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StoreSettings(pub BTreeMap<String, String>);

impl std::fmt::Debug for StoreSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// How a remote store is reached.
#[derive(Clone, Debug)]
pub struct OpenOptions {
    /// Settings of the store; they win over those of the environment.
    pub settings: StoreSettings,
    /// How long one request may take.
    pub request_timeout: Duration,
    /// How long a connection may take.
    pub connect_timeout: Duration,
    /// How often a request is tried again after a server error or a lost connection.
    pub max_retries: usize,
    /// How long all tries of a request may take together.
    pub retry_timeout: Duration,
}

impl Default for OpenOptions {
    fn default() -> Self {
        Self {
            settings: StoreSettings::default(),
            request_timeout: Duration::from_mins(1),
            connect_timeout: Duration::from_secs(5),
            max_retries: 6,
            retry_timeout: Duration::from_mins(2),
        }
    }
}

impl OpenOptions {
    fn retry(&self) -> RetryConfig {
        RetryConfig {
            max_retries: self.max_retries,
            retry_timeout: self.retry_timeout,
            ..RetryConfig::default()
        }
    }

    fn client_settings(&self) -> [(ClientConfigKey, String); 2] {
        let secs = |duration: Duration| format!("{}ms", duration.as_millis());
        [
            (ClientConfigKey::Timeout, secs(self.request_timeout)),
            (ClientConfigKey::ConnectTimeout, secs(self.connect_timeout)),
        ]
    }
}

/// Opens the store that `url` names: a path, `file://`, `s3://bucket/prefix`,
/// `az://container/prefix`, `gs://bucket/prefix` or `memory://`. A folder that is not there is
/// made; nothing remote is contacted yet.
pub fn open(url: &str, options: &OpenOptions) -> Result<Blobs, Error> {
    // A path is what has no scheme; one letter before the colon is a Windows drive.
    let scheme = url.split_once("://").map(|(scheme, _)| scheme);
    let Some(scheme) = scheme.filter(|scheme| scheme.len() > 1) else {
        return open_folder(FsPath::new(url));
    };
    let parsed = Url::parse(url).map_err(|error| Error::InvalidUrl {
        url: without_credentials(url),
        reason: error.to_string(),
    })?;
    let shown = without_credentials(url);
    let prefix = |text: &str| {
        Path::from_url_path(text).map_err(|error| Error::InvalidUrl {
            url: shown.clone(),
            reason: error.to_string(),
        })
    };
    let refused = |source| Error::Store {
        url: shown.clone(),
        source,
    };
    let need_bucket = || match parsed.host_str() {
        Some(host) if !host.is_empty() => Ok(()),
        _ => Err(Error::InvalidUrl {
            url: shown.clone(),
            reason: "it names no bucket or container".to_owned(),
        }),
    };

    match scheme {
        "file" => {
            let path = parsed.to_file_path().map_err(|()| Error::InvalidUrl {
                url: shown.clone(),
                reason: "a file URL has the form file:///folder".to_owned(),
            })?;
            open_folder(&path)
        }
        "memory" => Ok(Blobs {
            store: Arc::new(InMemory::new()),
            prefix: prefix(parsed.path())?,
            url: shown.clone(),
            local_root: None,
        }),
        "s3" | "s3a" => {
            need_bucket()?;
            let mut builder = AmazonS3Builder::from_env()
                .with_url(&shown)
                .with_retry(options.retry());
            for (key, value) in options.client_settings() {
                builder = builder.with_config(AmazonS3ConfigKey::Client(key), value);
            }
            for (key, value) in settings::<AmazonS3ConfigKey>(options, &shown)? {
                builder = builder.with_config(key, value);
            }
            Ok(remote(
                builder.build().map_err(refused)?,
                prefix(parsed.path())?,
                &shown,
            ))
        }
        "az" | "abfs" | "abfss" | "adl" | "azure" => {
            need_bucket()?;
            let mut builder = MicrosoftAzureBuilder::from_env()
                .with_url(&shown)
                .with_retry(options.retry());
            for (key, value) in options.client_settings() {
                builder = builder.with_config(AzureConfigKey::Client(key), value);
            }
            for (key, value) in settings::<AzureConfigKey>(options, &shown)? {
                builder = builder.with_config(key, value);
            }
            Ok(remote(
                builder.build().map_err(refused)?,
                prefix(parsed.path())?,
                &shown,
            ))
        }
        "gs" => {
            need_bucket()?;
            let mut builder = GoogleCloudStorageBuilder::from_env()
                .with_url(&shown)
                .with_retry(options.retry());
            for (key, value) in options.client_settings() {
                builder = builder.with_config(GoogleConfigKey::Client(key), value);
            }
            for (key, value) in settings::<GoogleConfigKey>(options, &shown)? {
                builder = builder.with_config(key, value);
            }
            Ok(remote(
                builder.build().map_err(refused)?,
                prefix(parsed.path())?,
                &shown,
            ))
        }
        other => Err(Error::UnknownScheme {
            url: shown.clone(),
            scheme: other.to_owned(),
        }),
    }
}

fn remote(store: impl ObjectStore, prefix: Path, url: &str) -> Blobs {
    Blobs {
        store: Arc::new(store),
        prefix,
        url: url.to_owned(),
        local_root: None,
    }
}

fn open_folder(path: &FsPath) -> Result<Blobs, Error> {
    let wrong = |source| Error::Folder {
        path: path.to_owned(),
        source,
    };
    std::fs::create_dir_all(path).map_err(wrong)?;
    let root = path.canonicalize().map_err(wrong)?;
    let store = LocalFileSystem::new_with_prefix(&root)
        .map_err(|source| Error::Store {
            url: root.display().to_string(),
            source,
        })?
        .with_automatic_cleanup(true);
    Ok(Blobs {
        store: Arc::new(store),
        prefix: Path::default(),
        url: root.display().to_string(),
        local_root: Some(root),
    })
}

fn settings<K: FromStr>(options: &OpenOptions, shown: &str) -> Result<Vec<(K, String)>, Error> {
    let settings = &options.settings.0;
    settings
        .iter()
        .map(|(key, value)| match key.to_ascii_lowercase().parse() {
            Ok(parsed) => Ok((parsed, value.clone())),
            Err(_) => Err(Error::UnknownSetting {
                url: shown.to_owned(),
                key: key.clone(),
            }),
        })
        .collect()
}

/// A URL may carry a user and a password, or a signature in its query, which belong in no message.
fn without_credentials(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return url.to_owned();
    };
    let end = rest.find(['?', '#']).unwrap_or(rest.len());
    let rest = &rest[..end];
    let end = rest.find('/').unwrap_or(rest.len());
    // `abfss://container@account.host` names a container before the `@`; only a colon there
    // introduces a password.
    let names_container = |user: &str| scheme.starts_with("abfs") && !user.contains(':');
    match rest[..end].rfind('@') {
        Some(at) if !names_container(&rest[..at]) => format!("{scheme}://{}", &rest[at + 1..]),
        _ => format!("{scheme}://{rest}"),
    }
}
