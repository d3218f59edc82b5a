//! A strict simulator of Azure, on this machine: sign-in, the Resource Manager for virtual machines
//! and their network, and the metrics of Monitor.
//!
//! It refuses what Azure refuses, in its words: tokens for another audience or past their end,
//! versions that an interface does not have, batches of more than fifty or with capital letters in
//! them, machines that are locked. Answers come in small pages, and what takes its time is followed
//! as an operation. Beside each shape stands where it is from; paths are those of the repository
//! azure-rest-api-specs below `specification`. That it is not our own opinion of Azure is what
//! [`AzureSimulator::seen_by_microsofts_clients`] is for: it looks at the same things by Microsoft's
//! clients for Python, and holds every answer against their models.

mod compute;
mod login;
mod monitor;
mod network;
mod offers;
mod operations;
mod requests;
mod world;

use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Context as _;
use axum_server::tls_rustls::RustlsConfig;
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::python::Program;
use world::World;
pub use world::{MachineToMake, MetricFault, OperationFault};

const CLIENTS: &str = include_str!("azure/clients.py");

/// The directory that the simulated application is registered in.
pub const TENANT: &str = "72f988bf-86f1-41af-91ab-2d7cd011db47";
/// The application.
pub const CLIENT_ID: &str = "11111111-aaaa-4bbb-8ccc-222222222222";
/// Its secret.
pub const CLIENT_SECRET: &str = "simulated~secret.0123456789";
/// Two subscriptions that it may see.
pub const SUBSCRIPTIONS: [&str; 2] = [
    "0b1f6471-1bf0-4dda-aec3-111122223333",
    "7d4c0f2a-52aa-4e86-9d0f-444455556666",
];
/// The locations that there are.
pub const LOCATIONS: [&str; 3] = ["westeurope", "eastus", "chinanorth3"];
/// A subnet of the first subscription.
pub const SUBNET: &str = "/subscriptions/0b1f6471-1bf0-4dda-aec3-111122223333/resourceGroups/net\
                          /providers/Microsoft.Network/virtualNetworks/office/subnets/default";
/// An image that there is in every location, for x64.
pub const IMAGE: &str = "Canonical:ubuntu-24_04-lts:server:latest";

type State = Arc<Mutex<World>>;

fn lock(state: &State) -> MutexGuard<'_, World> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The simulated Azure; it ends when it is dropped.
#[derive(Debug)]
pub struct AzureSimulator {
    address: SocketAddr,
    secure_address: SocketAddr,
    certificate: tempfile::NamedTempFile,
    state: State,
    servers: Vec<JoinHandle<()>>,
}

impl AzureSimulator {
    /// Starts on free ports, with two subscriptions and nothing in them.
    pub async fn start() -> anyhow::Result<Self> {
        let state: State = Arc::new(Mutex::new(World::new()));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .context("no free port for the simulator of Azure")?;
        let address = listener.local_addr()?;
        let plain = requests::router(Arc::clone(&state), format!("http://{address}"));
        let plain = tokio::spawn(async move {
            // It ends only by being aborted.
            let _ = axum::serve(listener, plain).await;
        });
        // Microsoft's clients send tokens over TLS only.
        let secure_listener = std::net::TcpListener::bind("127.0.0.1:0")?;
        secure_listener.set_nonblocking(true)?;
        let secure_address = secure_listener.local_addr()?;
        let secure = requests::router(Arc::clone(&state), format!("https://{secure_address}"));
        let own = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()])?;
        let mut certificate = tempfile::NamedTempFile::new()?;
        certificate.write_all(own.cert.pem().as_bytes())?;
        certificate.flush()?;
        let tls = tls(own.cert.der().clone(), own.signing_key.serialize_der())?;
        let secure_server = axum_server::from_tcp_rustls(secure_listener, tls)?;
        let secure = tokio::spawn(async move {
            let _ = secure_server.serve(secure.into_make_service()).await;
        });
        Ok(Self {
            address,
            secure_address,
            certificate,
            state,
            servers: vec![plain, secure],
        })
    }

    /// Returns the address of the Resource Manager, and where one signs in.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Returns the address of the metrics, with `{region}` for the location.
    pub fn metrics_endpoint(&self) -> String {
        format!("http://{}/metrics-of/{{region}}", self.address)
    }

    /// Returns settings of an account that may do everything, as JSON.
    pub fn settings(&self) -> Value {
        json!({
            "credentials": {
                "kind": "service_principal",
                "tenant": TENANT,
                "client_id": CLIENT_ID,
                "client_secret": CLIENT_SECRET,
            },
            "endpoint": self.endpoint(),
            "metrics_endpoint": self.metrics_endpoint(),
        })
    }

    /// Makes a machine that is there at once, with a network interface and, if asked for, a public
    /// address. Returns its id.
    pub fn make(&self, machine: &MachineToMake<'_>) -> String {
        lock(&self.state).make(machine)
    }

    /// Has a machine do something: `running`, `stopped`, `deallocated`.
    pub fn set_power(&self, id: &str, power: &str) {
        lock(&self.state).set_power(id, power);
    }

    /// Puts down what was measured of a machine: moments in milliseconds, and values.
    pub fn measure(&self, id: &str, metric: &str, points: &[(i64, f64)]) {
        lock(&self.state).measure(id, metric, points);
    }

    /// Returns the present moment as Azure sees it.
    pub fn now_ms(&self) -> i64 {
        lock(&self.state).now_ms()
    }

    /// Sets by how much Azure's clock is ahead of this machine's.
    pub fn set_clock_ahead_ms(&self, ahead_ms: i64) {
        lock(&self.state).clock_ahead_ms = ahead_ms;
    }

    /// Sets for how long tokens last.
    pub fn set_token_lifetime_secs(&self, lifetime_secs: i64) {
        lock(&self.state).token_lifetime_secs = lifetime_secs;
    }

    /// Lets all tokens that were given out become worthless.
    pub fn revoke_tokens(&self) {
        lock(&self.state).tokens.clear();
    }

    /// Lets the application's secret expire.
    pub fn expire_secret(&self) {
        lock(&self.state).is_secret_expired = true;
    }

    /// Answers the next so many requests but those to sign in by 429.
    pub fn throttle(&self, requests: u64, retry_after_secs: u64) {
        let world = &mut lock(&self.state);
        world.throttled = requests;
        world.retry_after_secs = retry_after_secs;
    }

    /// Says with every answer that so many questions are left.
    pub fn set_questions_left(&self, left: u64) {
        lock(&self.state).questions_left = left;
    }

    /// Refuses everything of a subscription.
    pub fn deny_subscription(&self, subscription: &str) {
        lock(&self.state)
            .denied_subscriptions
            .insert(subscription.to_owned());
    }

    /// Lets a location fail: its machines by themselves cannot be listed, nor its metrics read.
    pub fn break_location(&self, location: &str) {
        lock(&self.state)
            .broken_locations
            .insert(location.to_owned());
    }

    /// Lets the network of all subscriptions fail.
    pub fn break_network(&self) {
        lock(&self.state).is_network_broken = true;
    }

    /// Lets the next page always be the first one.
    pub fn repeat_pages(&self) {
        lock(&self.state).is_page_repeated = true;
    }

    /// Lets every list break off in the middle.
    pub fn halve_lists(&self) {
        lock(&self.state).is_list_halved = true;
    }

    /// Puts an entry into every list that no client knows what to do with.
    pub fn spoil_lists(&self) {
        lock(&self.state).is_list_spoiled = true;
    }

    /// Lets a metric fail in every batch.
    pub fn fail_metric(&self, fault: MetricFault) {
        lock(&self.state).metric_fault = Some(fault);
    }

    /// Lets every operation that begins from now on end so.
    pub fn fail_operations(&self, fault: OperationFault) {
        lock(&self.state).operation_fault = Some(fault);
    }

    /// Sets how operations are followed: how often they are still under way when they are asked
    /// about, after how many seconds, and whether by `Location` only.
    pub fn set_operations(&self, rounds: u32, retry_after_secs: u64, is_by_location: bool) {
        let world = &mut lock(&self.state);
        world.operation_rounds = rounds;
        world.operation_retry_after_secs = retry_after_secs;
        world.is_operation_by_location = is_by_location;
    }

    /// Lets Azure forget all operations, as it does after a while; what they were to do is done.
    pub fn forget_operations(&self) {
        lock(&self.state).forget_operations();
    }

    /// Allows no more than these actions, as a role does.
    pub fn permit(&self, actions: &[&str]) {
        let actions = actions.iter().map(|action| action.to_ascii_lowercase());
        lock(&self.state).permitted = Some(actions.collect());
    }

    /// Returns the requests that came, without those to sign in: `GET /subscriptions/…`.
    pub fn requests(&self) -> Vec<String> {
        lock(&self.state).requests.clone()
    }

    /// Returns how often somebody tried to sign in.
    pub fn sign_ins(&self) -> u64 {
        lock(&self.state).sign_ins
    }

    /// Returns how often an operation was asked about before its time.
    pub fn polled_too_early(&self) -> u64 {
        lock(&self.state).polled_too_early
    }

    /// Returns a machine as the Resource Manager tells it, if it is there.
    pub fn machine(&self, id: &str) -> Option<Value> {
        lock(&self.state).machine_document(id, true)
    }

    /// Returns the ids of the network interfaces that are there.
    pub fn interfaces(&self) -> Vec<String> {
        lock(&self.state).interfaces.keys().cloned().collect()
    }

    /// Looks at a subscription by Microsoft's clients for Python, which hold every answer against
    /// their models: machines with states and addresses, and the metrics from a moment on.
    pub async fn seen_by_microsofts_clients(
        &self,
        subscription: &str,
        location: &str,
        from_ms: i64,
        until_ms: i64,
    ) -> anyhow::Result<Value> {
        let question = json!({
            "endpoint": format!("https://{}", self.secure_address),
            "metrics_endpoint": format!("https://{}/metrics-of/{location}", self.secure_address),
            "certificate": self.certificate.path(),
            "tenant": TENANT,
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
            "subscription": subscription,
            "location": location,
            "from_ms": from_ms,
            "until_ms": until_ms,
            "subnet": SUBNET,
            "image": IMAGE,
        })
        .to_string();
        tokio::task::spawn_blocking(move || {
            let started = Program::start("Microsoft's clients", CLIENTS, &[&question]);
            started.map(|(_, seen): (_, Value)| seen)
        })
        .await?
    }
}

impl Drop for AzureSimulator {
    fn drop(&mut self) {
        for server in &self.servers {
            server.abort();
        }
    }
}

fn tls(
    certificate: rustls::pki_types::CertificateDer<'static>,
    key: Vec<u8>,
) -> anyhow::Result<RustlsConfig> {
    let key = rustls::pki_types::PrivateKeyDer::Pkcs8(key.into());
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)?;
    Ok(RustlsConfig::from_config(Arc::new(config)))
}
