//! Trades an enrolment token for a key of this machine's own, and keeps the key.
//!
//! The key lies in the agent's folder as `agent-key.json`, readable by the agent alone. Beside it
//! stands the hash of the token that it was traded for: another token in the token's file means that
//! the machine is to join anew.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use reqwest::header::RETRY_AFTER;
use reqwest::{Client, StatusCode};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tokio_util::sync::CancellationToken;
use url::Url;
use yunhai_api_types::{EnrolRequest, Enrolled, Problem};
use yunhai_model::{Secret, with_causes};

use crate::{Connection, Error, cloud_metadata, pause};

/// What enrolment tokens begin with.
const PREFIX: &str = "ye_";

const FILE: &str = "agent-key.json";

/// How a machine joins.
#[derive(Clone, Debug)]
pub struct JoinConfig {
    /// The way to the server.
    pub connection: Connection,
    /// The enrolment token.
    pub token: Secret,
    /// What the machine is to be called, unless its cloud has a name for it.
    pub name: Option<String>,
    /// What the machine is called by itself.
    pub host_name: String,
    /// What tells it from all others.
    pub machine_id: String,
    /// Where the metadata services of clouds are.
    pub metadata: Url,
    /// The folder in which the key is kept.
    pub folder: PathBuf,
}

/// A key that this machine has.
#[derive(Clone, Debug)]
pub struct MachineKey {
    /// What the machine is called: the key writes for this server only.
    pub name: String,
    /// The key.
    pub key: Secret,
    /// What its measurements are tagged with.
    pub tags: BTreeMap<String, String>,
    token_hash: String,
}

/// The file of a key, version 1.
#[derive(Serialize, Deserialize)]
struct Kept {
    version: u32,
    name: String,
    key: String,
    tags: BTreeMap<String, String>,
    token_sha256: String,
}

/// Tells whether a token is one to join with.
pub fn is_enrolment_token(token: &Secret) -> bool {
    token.expose().starts_with(PREFIX)
}

impl MachineKey {
    /// Reads the key that the machine has, where it has joined.
    pub fn load(folder: &Path) -> Result<Option<Self>, Error> {
        let path = folder.join(FILE);
        let unusable = |source| Error::Key {
            path: path.clone(),
            source,
        };
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(unusable(error)),
        };
        let kept: Kept = serde_json::from_str(&text)
            .map_err(|error| unusable(io::Error::new(io::ErrorKind::InvalidData, error)))?;
        Ok(Some(Self {
            name: kept.name,
            key: Secret::new(kept.key),
            tags: kept.tags,
            token_hash: kept.token_sha256,
        }))
    }

    /// Tells whether the key was traded for this token.
    pub fn is_for(&self, token: &Secret) -> bool {
        self.token_hash == hash(token)
    }

    /// Writes the key beside the old one and puts it in its place, so that a crash leaves one of them.
    fn save(&self, folder: &Path) -> Result<(), Error> {
        use std::io::Write;
        use std::os::unix::fs::OpenOptionsExt;
        let path = folder.join(FILE);
        let beside = folder.join(format!("{FILE}.new"));
        let kept = Kept {
            version: 1,
            name: self.name.clone(),
            key: self.key.expose().to_owned(),
            tags: self.tags.clone(),
            token_sha256: self.token_hash.clone(),
        };
        let written = || -> io::Result<()> {
            let text = serde_json::to_string_pretty(&kept)?;
            std::fs::create_dir_all(folder)?;
            match std::fs::remove_file(&beside) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            let mut file = std::fs::OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(&beside)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            std::fs::rename(&beside, &path)
        };
        written().map_err(|source| Error::Key {
            path: path.clone(),
            source,
        })
    }
}

fn hash(token: &Secret) -> String {
    hex::encode(Sha256::digest(token.expose()))
}

/// Joins, and keeps the key. While the server cannot be reached it is tried again, until stopped; a
/// token that lets nobody in is an error at once.
pub async fn join(
    config: &JoinConfig,
    stop: &CancellationToken,
) -> Result<Option<MachineKey>, Error> {
    let url = config
        .connection
        .address(&["api", "v1", "agents", "enrol"])?;
    let http = config.connection.client()?.build().map_err(Error::Client)?;
    let request = EnrolRequest {
        token: config.token.expose().to_owned(),
        name: config.name.clone(),
        host_name: config.host_name.clone(),
        machine_id: config.machine_id.clone(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        cloud: cloud_metadata::identify(&config.metadata).await,
    };
    let mut failures = 0;
    loop {
        let asked = tokio::select! {
            asked = ask(&http, &url, &request) => asked,
            () = stop.cancelled() => return Ok(None),
        };
        let (reason, wait) = match asked {
            Asked::In(enrolled) => {
                let key = MachineKey {
                    name: enrolled.name,
                    key: Secret::new(enrolled.key),
                    tags: enrolled.tags,
                    token_hash: hash(&config.token),
                };
                key.save(&config.folder)?;
                return Ok(Some(key));
            }
            Asked::Refused(reason) => return Err(Error::NotLetIn(reason)),
            Asked::Later(reason, wait) => (reason, wait),
        };
        if failures == 0 {
            tracing::warn!(reason, "this machine cannot join yet; it is tried again");
        }
        let pause = pause::after(failures).max(wait);
        failures += 1;
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = stop.cancelled() => return Ok(None),
        }
    }
}

/// What came of asking to be let in.
enum Asked {
    In(Enrolled),
    Refused(String),
    Later(String, std::time::Duration),
}

async fn ask(http: &Client, url: &Url, request: &EnrolRequest) -> Asked {
    let soon = std::time::Duration::ZERO;
    let answer = match http.post(url.clone()).json(request).send().await {
        Ok(answer) => answer,
        // The address may hold a password.
        Err(error) => return Asked::Later(with_causes(&error.without_url()), soon),
    };
    let status = answer.status();
    if status.is_success() {
        return match answer.json().await {
            Ok(enrolled) => Asked::In(enrolled),
            Err(error) => Asked::Later(with_causes(&error.without_url()), soon),
        };
    }
    let retry_after = answer
        .headers()
        .get(RETRY_AFTER)
        .and_then(|value| value.to_str().ok()?.parse().ok())
        .map_or(soon, std::time::Duration::from_secs);
    let text = answer.text().await.unwrap_or_default();
    let said = match serde_json::from_str::<Problem>(&text) {
        Ok(problem) => problem.to_string(),
        Err(_) => format!("the server answered {status}"),
    };
    match status {
        StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => Asked::Refused(format!(
            "{url} does not let machines join: {said}\nhint: give the address of a Yunhai server of \
             this release"
        )),
        StatusCode::CONFLICT | StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT => {
            Asked::Later(said, retry_after)
        }
        status if status.is_client_error() => Asked::Refused(said),
        _ => Asked::Later(said, retry_after),
    }
}
