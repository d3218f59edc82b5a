//! Speaks to a Yunhai server's API: over the network with a token, or within this process.

use std::path::PathBuf;

use anyhow::{Context, bail};
use reqwest::{Method, RequestBuilder, Url};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use yunhai_api_types::{List, Problem};
use yunhai_model::Secret;
use yunhai_server::LocalServer;

use crate::GLOBAL;

/// Where the server is and how to be let in, from flags, the environment or an earlier login.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct Connection {
    /// The server's address, such as <https://yunhai.example.com:8420>
    #[arg(long, env = "YUNHAI_SERVER", global = true, value_name = "URL", help_heading = GLOBAL)]
    pub(crate) server: Option<Url>,
    /// An API token
    #[arg(
        long,
        env = "YUNHAI_TOKEN",
        global = true,
        hide_env_values = true,
        value_name = "TOKEN",
        help_heading = GLOBAL
    )]
    pub(crate) token: Option<String>,
    /// A PEM file with the certificate to trust, for a server with a self-signed one
    #[arg(long, env = "YUNHAI_CA_FILE", global = true, value_name = "FILE", help_heading = GLOBAL)]
    pub(crate) ca_file: Option<PathBuf>,
}

/// What `yunhai login` remembers.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Login {
    pub(crate) server: Url,
    pub(crate) user: String,
    pub(crate) token: String,
    pub(crate) ca_file: Option<PathBuf>,
}

impl Login {
    fn path() -> anyhow::Result<PathBuf> {
        let base = std::env::var_os("XDG_CONFIG_HOME")
            .map(PathBuf::from)
            .or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".config")))
            .context("neither HOME nor XDG_CONFIG_HOME is set, so there is no place for a login")?;
        Ok(base.join("yunhai").join("login.toml"))
    }

    fn load() -> anyhow::Result<Option<Self>> {
        let path = Self::path()?;
        match std::fs::read_to_string(&path) {
            Ok(text) => toml::from_str(&text)
                .map(Some)
                .with_context(|| format!("{} is damaged; sign in again", path.display())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
        }
    }

    /// Remembers the login in a file that only its owner can read, and returns the file's path.
    pub(crate) fn save(&self) -> anyhow::Result<PathBuf> {
        use std::io::Write;
        use std::os::unix::fs::OpenOptionsExt;
        let path = Self::path()?;
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)
                .with_context(|| format!("cannot make {}", folder.display()))?;
        }
        // Written beside and renamed, so that a crash leaves the old login or the new one.
        let beside = path.with_extension("new");
        let _ = std::fs::remove_file(&beside);
        std::fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&beside)
            .and_then(|mut file| {
                file.write_all(toml::to_string(self).expect("plain data").as_bytes())
            })
            .and_then(|()| std::fs::rename(&beside, &path))
            .with_context(|| format!("cannot write {}", path.display()))?;
        Ok(path)
    }

    /// Forgets the login; tells whether there was one.
    pub(crate) fn forget() -> anyhow::Result<Option<Self>> {
        let login = Self::load().unwrap_or(None);
        match std::fs::remove_file(Self::path()?) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(error).context("cannot remove the login")
            }
            _ => Ok(login),
        }
    }
}

impl Connection {
    /// Returns a client without a token, for signing in.
    pub(crate) fn anonymous(&self) -> anyhow::Result<Client> {
        let server = self
            .server
            .clone()
            .unwrap_or_else(|| Url::parse("http://127.0.0.1:8420").expect("a constant address"));
        Client::new(server, None, self.ca_file.clone())
    }

    /// Returns a client without a token for the server that one is signed in to.
    pub(crate) fn anonymous_like_login(&self) -> anyhow::Result<Client> {
        let mut client = self.client()?;
        client.token = None;
        Ok(client)
    }

    /// Returns a client that is let in.
    pub(crate) fn client(&self) -> anyhow::Result<Client> {
        let login = Login::load()?;
        let same_server =
            |login: &Login| self.server.as_ref().is_none_or(|url| *url == login.server);
        if let Some(token) = &self.token {
            let mut client = self.anonymous()?;
            if self.server.is_none()
                && let Some(login) = &login
            {
                client = Client::new(login.server.clone(), None, self.ca_file.clone())?;
            }
            client.token = Some(Secret::new(token.clone()));
            return Ok(client);
        }
        match login.filter(same_server) {
            Some(login) => Client::new(
                login.server,
                Some(Secret::new(login.token)),
                self.ca_file.clone().or(login.ca_file),
            ),
            None => bail!(
                "not signed in{}\nhint: `yunhai login --server URL --user NAME`, or set YUNHAI_SERVER and YUNHAI_TOKEN",
                self.server
                    .as_ref()
                    .map(|url| format!(" to {url}"))
                    .unwrap_or_default()
            ),
        }
    }
}

/// A client of one server.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    http: reqwest::Client,
    /// The server within this process that answers in place of one in the network.
    local: Option<LocalServer>,
    pub(crate) server: Url,
    pub(crate) token: Option<Secret>,
    pub(crate) ca_file: Option<PathBuf>,
}

impl Client {
    fn new(server: Url, token: Option<Secret>, ca_file: Option<PathBuf>) -> anyhow::Result<Self> {
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("yunhai/", env!("CARGO_PKG_VERSION")))
            .timeout(std::time::Duration::from_mins(2));
        if let Some(path) = &ca_file {
            let pem = std::fs::read(path)
                .with_context(|| format!("cannot read the certificate {}", path.display()))?;
            let certificate = reqwest::Certificate::from_pem(&pem)
                .with_context(|| format!("{} is not a PEM certificate", path.display()))?;
            builder = builder.add_root_certificate(certificate);
        }
        Ok(Self {
            http: builder.build().context("cannot start the HTTP client")?,
            local: None,
            server,
            token,
            ca_file,
        })
    }

    /// Returns a client of a server within this process.
    pub(crate) fn of_local(server: LocalServer) -> anyhow::Result<Self> {
        let nowhere = Url::parse("http://localhost").expect("a constant address");
        let mut client = Self::new(nowhere, None, None)?;
        client.local = Some(server);
        Ok(client)
    }

    /// Returns the server's address, where it is one in the network.
    pub(crate) fn address(&self) -> Option<String> {
        self.local.is_none().then(|| self.server.to_string())
    }

    /// Starts a request to a path below the server's address.
    pub(crate) fn request(&self, method: Method, path: &str) -> anyhow::Result<RequestBuilder> {
        let url = self
            .server
            .join(path)
            .with_context(|| format!("`{path}` is not a path below {}", self.server))?;
        let mut request = self.http.request(method, url);
        if let Some(token) = &self.token {
            request = request.bearer_auth(token.expose());
        }
        Ok(request)
    }

    /// Sends a request; a problem document becomes the error.
    pub(crate) async fn send(&self, request: RequestBuilder) -> anyhow::Result<reqwest::Response> {
        let response = match &self.local {
            None => request.send().await.map_err(|error| {
                let reason = innermost(&error.without_url());
                let hint = hint(&reason, &self.server);
                anyhow::anyhow!("cannot reach {}: {reason}\nhint: {hint}", self.server)
            })?,
            Some(local) => {
                let request = http::Request::<reqwest::Body>::try_from(request.build()?)?;
                local.answer(request).await?.into()
            }
        };
        if response.status().is_success() {
            return Ok(response);
        }
        let status = response.status();
        let text = response.text().await.unwrap_or_default();
        match serde_json::from_str::<Problem>(&text) {
            Ok(problem) => Err(anyhow::Error::new(ApiProblem(problem))),
            Err(_) => match serde_json::from_str::<serde_json::Value>(&text) {
                // The Prometheus API has an envelope of its own.
                Ok(envelope) if envelope["error"].is_string() => {
                    bail!("{}", envelope["error"].as_str().unwrap_or_default())
                }
                _ => bail!("{} answered {status}: {text}", self.server),
            },
        }
    }

    /// Gets a JSON document.
    pub(crate) async fn get<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &[(&str, String)],
    ) -> anyhow::Result<T> {
        let request = self.request(Method::GET, path)?.query(query);
        read(self.send(request).await?).await
    }

    /// Sends a JSON document and reads the answer.
    pub(crate) async fn send_json<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: &impl Serialize,
    ) -> anyhow::Result<T> {
        let request = self.request(method, path)?.json(body);
        read(self.send(request).await?).await
    }

    /// Deletes something.
    pub(crate) async fn delete(&self, path: &str) -> anyhow::Result<()> {
        self.send(self.request(Method::DELETE, path)?)
            .await
            .map(drop)
    }

    /// Gets every page of a list.
    pub(crate) async fn list<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &[(&str, String)],
    ) -> anyhow::Result<Vec<T>> {
        let mut items = Vec::new();
        for page in 1_u32.. {
            let mut query = query.to_vec();
            query.push(("page", page.to_string()));
            query.push(("page_size", "500".to_owned()));
            let list: List<T> = self.get(path, &query).await?;
            let last = list.items.is_empty();
            items.extend(list.items);
            if last || items.len() as u64 >= list.total {
                break;
            }
        }
        Ok(items)
    }
}

/// Reads the JSON of an answer.
pub(crate) async fn read<T: DeserializeOwned>(response: reqwest::Response) -> anyhow::Result<T> {
    let bytes = response.bytes().await.context("the answer broke off")?;
    // `()` is read from an empty answer.
    let bytes = if bytes.is_empty() {
        &b"null"[..]
    } else {
        &bytes
    };
    serde_json::from_slice(bytes)
        .context("the server's answer is not what this version of yunhai understands")
}

/// Tells what to do where a server does not answer.
fn hint(reason: &str, server: &Url) -> String {
    if reason.contains("UnknownIssuer") || reason.contains("CaUsedAsEndEntity") {
        return "where the server made its own certificate, copy tls-certificate.pem from its data \
                directory and name it with --ca-file"
            .to_owned();
    }
    if reason.contains("NotValidForName") {
        return "the certificate is for other names; use one of them in --server".to_owned();
    }
    if reason.contains("InvalidContentType") {
        return format!(
            "it speaks plain HTTP; write http:// in place of {}://",
            server.scheme()
        );
    }
    if server.scheme() == "http" && reason.contains("closed") {
        return "it may speak HTTPS only; write https:// in place of http://".to_owned();
    }
    "is the server running, and is the address right?".to_owned()
}

fn innermost(error: &dyn std::error::Error) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}

/// A problem that the server told.
#[derive(Debug)]
pub(crate) struct ApiProblem(pub(crate) Problem);

impl std::fmt::Display for ApiProblem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for ApiProblem {}
