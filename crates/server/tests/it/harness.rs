//! A server on a free port with a data directory of its own.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use yunhai_collector::host::HostConfig;
use yunhai_database::Database;
use yunhai_identity::{Caller, DatabaseKeyRing, Identity, IdentityConfig, NewUser, Role};
use yunhai_model::{Clock, Secret, SystemClock, TimestampMs};
use yunhai_monitor::MonitorConfig;
use yunhai_series::StoreConfig;
use yunhai_server::{Bound, Parts, Server, ServerConfig};
use yunhai_vault::Vault;

pub(crate) const PASSWORD: &str = "correct horse battery 42";

/// Opens the state database and the keys of a data directory, as a process beside a server does too.
pub(crate) async fn open_state(folder: &Path, clock: &Arc<dyn Clock>) -> (Database, Vault) {
    let url = format!("sqlite://{}", folder.join("state.db").display());
    open_state_at(&url, folder, clock).await
}

async fn open_state_at(url: &str, folder: &Path, clock: &Arc<dyn Clock>) -> (Database, Vault) {
    let database = Database::connect(url).await.unwrap();
    let ring = DatabaseKeyRing::open(database.clone(), &**clock)
        .await
        .unwrap();
    let key_file = folder.join("master.key");
    let vault = Vault::open_with_key_file(Arc::new(ring), &key_file, Arc::clone(clock))
        .await
        .unwrap();
    (database, vault)
}

/// The machine's clock, and what a test lets pass besides.
#[derive(Debug, Default)]
pub(crate) struct ShiftedClock(AtomicI64);

impl ShiftedClock {
    /// Lets time pass.
    pub(crate) fn advance(&self, time: Duration) {
        self.0.fetch_add(time.as_millis() as i64, Ordering::SeqCst);
    }
}

impl Clock for ShiftedClock {
    fn now_ms(&self) -> TimestampMs {
        SystemClock.now_ms() + self.0.load(Ordering::SeqCst)
    }
}

pub(crate) struct TestServer {
    pub(crate) url: String,
    pub(crate) clock: Arc<ShiftedClock>,
    pub(crate) setup_code: Option<String>,
    pub(crate) database: Database,
    pub(crate) identity: Identity,
    pub(crate) http: reqwest::Client,
    pub(crate) data_dir: TempDir,
    stop: CancellationToken,
    running: Option<tokio::task::JoinHandle<anyhow::Result<()>>>,
}

impl TestServer {
    pub(crate) async fn start() -> Self {
        Self::start_with(ServerConfig::default()).await
    }

    /// Starts a server; of the configuration the address is replaced.
    pub(crate) async fn start_with(config: ServerConfig) -> Self {
        let data_dir = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", data_dir.path().join("state.db").display());
        Self::start_in(data_dir, config, MonitorConfig::default(), &url).await
    }

    /// Starts a server with other settings of alerting.
    pub(crate) async fn start_monitoring(monitor: MonitorConfig) -> Self {
        let data_dir = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", data_dir.path().join("state.db").display());
        Self::start_in(data_dir, ServerConfig::default(), monitor, &url).await
    }

    /// Starts a server whose state lives in a database elsewhere.
    pub(crate) async fn start_on(database: &str) -> Self {
        let data_dir = tempfile::tempdir().unwrap();
        let monitor = MonitorConfig::default();
        Self::start_in(data_dir, ServerConfig::default(), monitor, database).await
    }

    async fn start_in(
        data_dir: TempDir,
        mut config: ServerConfig,
        monitor: MonitorConfig,
        database: &str,
    ) -> Self {
        config.listen = ([127, 0, 0, 1], 0).into();
        let folder = data_dir.path().to_owned();
        let shifted = Arc::new(ShiftedClock::default());
        let clock: Arc<dyn Clock> = shifted.clone();
        let (database, vault) = open_state_at(database, &folder, &clock).await;
        let identity = Identity::new(
            database.clone(),
            vault.clone(),
            Arc::clone(&clock),
            IdentityConfig {
                // Hashing that would hold against attackers only makes tests slow.
                password_memory_kib: 8,
                password_iterations: 1,
                checkpoint_file: Some(folder.join("audit-checkpoints.jsonl")),
                ..IdentityConfig::default()
            },
        )
        .await
        .unwrap();
        let setup_code = identity
            .issue_setup_code()
            .await
            .unwrap()
            .map(|code| code.code.expose().to_owned());
        let stop = CancellationToken::new();
        let parts = Parts {
            clock,
            database: database.clone(),
            vault,
            identity: identity.clone(),
            series: StoreConfig::in_directory(folder.join("series")),
            monitor,
            host: HostConfig::new("test-host"),
            collect_interval_secs: Some(1),
            encrypted: false,
        };
        let server = Server::start(parts, stop.clone()).await.unwrap();
        let bound = Bound::new(&config).unwrap();
        let url = bound.url();
        let running = tokio::spawn(async move { server.serve(bound, &config, &folder).await });
        Self {
            url,
            clock: shifted,
            setup_code,
            database,
            identity,
            http: reqwest::Client::builder()
                .danger_accept_invalid_certs(true)
                .build()
                .unwrap(),
            data_dir,
            stop,
            running: Some(running),
        }
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.url))
    }

    pub(crate) async fn create_user(&self, name: &str, role: Role) {
        let new = NewUser {
            name: name.to_owned(),
            display_name: String::new(),
            email: None,
            role,
            password: Secret::new(PASSWORD),
            language: None,
        };
        self.identity
            .create_user(&Caller::system(), new)
            .await
            .unwrap();
    }

    /// Creates a user and signs in.
    pub(crate) async fn sign_in_new(&self, name: &str, role: Role) -> Browser<'_> {
        self.create_user(name, role).await;
        self.sign_in(name).await
    }

    pub(crate) async fn sign_in(&self, name: &str) -> Browser<'_> {
        let response = self
            .request(Method::POST, "/api/v1/session")
            .json(&json!({"name": name, "password": PASSWORD}))
            .send()
            .await
            .unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        Browser::of(self, response).await
    }

    /// Stops the server and returns how it ended.
    pub(crate) async fn stop(mut self) -> anyhow::Result<()> {
        self.stop.cancel();
        self.running.take().unwrap().await.unwrap()
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// What a browser keeps: the session's cookie and the CSRF token.
pub(crate) struct Browser<'a> {
    server: &'a TestServer,
    pub(crate) cookie: String,
    pub(crate) csrf_token: String,
}

impl<'a> Browser<'a> {
    pub(crate) async fn of(server: &'a TestServer, response: reqwest::Response) -> Self {
        let cookie = response.headers()["set-cookie"].to_str().unwrap();
        let cookie = cookie.split(';').next().unwrap().to_owned();
        let info: Value = response.json().await.unwrap();
        Self {
            server,
            cookie,
            csrf_token: info["csrf_token"].as_str().unwrap().to_owned(),
        }
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.server
            .request(method, path)
            .header("cookie", &self.cookie)
            .header("x-csrf-token", &self.csrf_token)
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        let response = self.request(Method::GET, path).send().await.unwrap();
        assert!(response.status().is_success(), "{path}: {response:?}");
        response.json().await.unwrap()
    }

    /// Sends JSON and returns the status and the answer.
    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        body: &Value,
    ) -> (StatusCode, Value) {
        answer(self.request(method, path).json(body)).await
    }

    /// Makes an API token with the scopes.
    pub(crate) async fn token(&self, scopes: &[&str]) -> String {
        let (status, created) = self
            .send(
                Method::POST,
                "/api/v1/tokens",
                &json!({"name": "test", "scopes": scopes}),
            )
            .await;
        assert_eq!(status, StatusCode::CREATED, "{created}");
        created["token"].as_str().unwrap().to_owned()
    }
}

/// Sends a request and returns the status and the JSON of the answer; null where there is none.
pub(crate) async fn answer(request: RequestBuilder) -> (StatusCode, Value) {
    let response = request.send().await.unwrap();
    let status = response.status();
    let bytes = response.bytes().await.unwrap();
    (status, serde_json::from_slice(&bytes).unwrap_or_default())
}

/// Asks again and again until the answer is there; a test that waits in vain fails with `what`.
pub(crate) async fn eventually<T>(what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = tokio::time::Instant::now() + std::time::Duration::from_mins(1);
    loop {
        if let Some(found) = ask().await {
            return found;
        }
        assert!(tokio::time::Instant::now() < deadline, "in vain: {what}");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}
