//! A strict simulator of Google Cloud on this machine: tokens, Compute Engine, Cloud Monitoring.
//!
//! It refuses what Google refuses, in Google's words: wrong signatures and old tokens, rights that
//! are missing, parameters that nobody knows, filters that name no metric. Orders take their time:
//! an operation goes on a step each time somebody asks for it. Every request and every answer is held
//! against Google's own description of its interfaces (the discovery documents within
//! google-api-python-client), and what does not agree with it fails the test.

mod clients;
mod compute;
mod discovery;
mod monitoring;
mod tokens;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Context as _;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

pub use self::clients::{GcpLocal, GoogleClients};
use self::compute::Compute;
use self::discovery::{Discovery, Question};
use self::monitoring::Series;
use self::tokens::{Issuer, Signer};

/// The service account that may use the simulator.
pub const EMAIL: &str = "yunhai@of-tests.iam.gserviceaccount.com";

/// Which of the interfaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// Compute Engine.
    Compute,
    /// Cloud Monitoring.
    Monitoring,
}

/// What goes wrong from now on.
#[derive(Clone, Debug)]
pub enum Fault {
    /// Everything of a service in a project is denied.
    Denied(Service, String),
    /// A zone cannot be reached.
    ZoneDown(String),
    /// Pages come again and again.
    RepeatedPages,
    /// The next answers of a service are these.
    Answers {
        /// Of which.
        service: Service,
        /// The HTTP status.
        status: u16,
        /// Google's word for it.
        reason: String,
        /// How many times.
        times: usize,
    },
    /// The next answers of Compute Engine break off.
    HalfAnswers(usize),
    /// A part of the metrics could not be read.
    ExecutionError(String),
    /// A region of the metrics could not be reached.
    MetricsUnreachable(String),
    /// The next operation fails so, with Google's code and words.
    Operation(String, String),
    /// The keys of all service accounts have expired.
    ExpiredKeys,
}

/// An error that is answered.
#[derive(Debug)]
struct Refusal {
    status: u16,
    reason: String,
    message: String,
}

impl Refusal {
    fn new(status: u16, reason: &str, message: impl Into<String>) -> Self {
        Self {
            status,
            reason: reason.to_owned(),
            message: message.into(),
        }
    }

    fn not_found(resource: &str) -> Self {
        let message = format!("The resource '{resource}' was not found");
        Self::new(404, "notFound", message)
    }

    /// As both generations of Google's interfaces tell it.
    fn body(&self) -> Value {
        let status = match self.status {
            400 => "INVALID_ARGUMENT",
            401 => "UNAUTHENTICATED",
            403 => "PERMISSION_DENIED",
            404 => "NOT_FOUND",
            409 => "ALREADY_EXISTS",
            412 => "FAILED_PRECONDITION",
            429 => "RESOURCE_EXHAUSTED",
            503 => "UNAVAILABLE",
            _ => "INTERNAL",
        };
        json!({ "error": {
            "code": self.status,
            "message": self.message,
            "errors": [{ "message": self.message, "domain": "global", "reason": self.reason }],
            "status": status,
        } })
    }
}

type Answer = Result<Value, Refusal>;

/// Everything that the simulator knows.
struct World {
    address: String,
    clock_offset_ms: i64,
    discovery: Discovery,
    issuer: Issuer,
    signer: Signer,
    compute: Compute,
    series: Vec<Series>,
    /// How many instances, regions, points or series a page has at most.
    page: usize,
    /// What the service account may do; nothing said is everything.
    permissions: Option<BTreeSet<String>>,
    denied: Vec<(Service, String)>,
    answers: VecDeque<(Service, u16, String)>,
    half_answers: usize,
    zones_down: BTreeSet<String>,
    repeats_pages: bool,
    execution_errors: Vec<String>,
    metrics_unreachable: Vec<String>,
    calls: BTreeMap<String, usize>,
    charged: BTreeSet<String>,
    violations: Vec<String>,
}

impl std::fmt::Debug for World {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("World").finish_non_exhaustive()
    }
}

impl World {
    fn now_ms(&self) -> i64 {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        now.unwrap_or_default().as_millis() as i64 + self.clock_offset_ms
    }

    fn now(&self) -> String {
        moment(self.now_ms())
    }

    /// Refuses who may not do something in a project.
    fn needs(&self, permissions: &[&str], project: &str) -> Result<(), Refusal> {
        let Some(granted) = &self.permissions else {
            return Ok(());
        };
        match permissions
            .iter()
            .find(|wanted| !granted.contains(**wanted))
        {
            None => Ok(()),
            Some(wanted) => Err(Refusal::new(
                403,
                "forbidden",
                format!("Required '{wanted}' permission for 'projects/{project}'"),
            )),
        }
    }
}

type Shared = Arc<Mutex<World>>;

fn lock(world: &Shared) -> MutexGuard<'_, World> {
    world.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Google Cloud as far as it is simulated; it ends when this is dropped, and fails the test where
/// something did not agree with Google's description.
#[derive(Debug)]
pub struct Google {
    address: SocketAddr,
    world: Shared,
    server: JoinHandle<()>,
}

impl Google {
    /// Starts on a free port with empty projects.
    pub async fn start(projects: &[&str]) -> anyhow::Result<Self> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .context("no free port for Google Cloud")?;
        let address = listener.local_addr()?;
        let world = World {
            address: format!("http://{address}"),
            clock_offset_ms: 0,
            discovery: Discovery::load()?,
            issuer: Issuer::default(),
            signer: Signer::new("key-of-tests")?,
            compute: Compute::new(projects),
            series: Vec::new(),
            page: 500,
            permissions: None,
            denied: Vec::new(),
            answers: VecDeque::new(),
            half_answers: 0,
            zones_down: BTreeSet::new(),
            repeats_pages: false,
            execution_errors: Vec::new(),
            metrics_unreachable: Vec::new(),
            calls: BTreeMap::new(),
            charged: BTreeSet::new(),
            violations: Vec::new(),
        };
        let world = Arc::new(Mutex::new(world));
        let app = axum::Router::new()
            .fallback(answer)
            .with_state(Arc::clone(&world));
        let server = tokio::spawn(async move {
            // It ends only by being aborted.
            let _ = axum::serve(listener, app).await;
        });
        Ok(Self {
            address,
            world,
            server,
        })
    }

    /// Returns the address to use in place of Google's own, without a final `/`.
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Returns the key of the service account, as Google gives it out.
    pub fn key(&self, project: &str) -> Value {
        let world = lock(&self.world);
        world.signer.key_file(project, &world.address)
    }

    /// Returns a key that looks like it, and is not.
    ///
    /// # Panics
    /// Where no key can be made.
    pub fn wrong_key(&self, project: &str) -> Value {
        let stranger = Signer::new("key-of-tests").expect("a key can be made");
        stranger.key_file(project, &self.base_url())
    }

    /// Returns a configuration of workload identity federation, whose token comes by a URL, and which
    /// acts as the service account.
    pub fn workload_identity(&self) -> Value {
        tokens::workload_identity(&self.base_url())
    }

    /// Makes a server that runs, and returns its number.
    pub fn make(&self, project: &str, zone: &str, name: &str, labels: &Value) -> String {
        let mut world = lock(&self.world);
        let now = world.now();
        let address = world.address.clone();
        let number = world
            .compute
            .make(project, zone, name, labels, &now, &address);
        number.expect("the project is there")
    }

    /// Changes a field of a server, and returns what it was; `null` takes it away.
    pub fn set(&self, project: &str, name: &str, field: &str, value: &Value) -> Value {
        let mut world = lock(&self.world);
        world.compute.set(project, name, field, value)
    }

    /// Puts down what was measured of a server: the end of each interval, of a minute, and its value.
    ///
    /// # Panics
    /// Where Google has no such metric, or not with such labels.
    pub fn measure(
        &self,
        kind: &str,
        (project, zone, number): (&str, &str, &str),
        labels: &[(&str, &str)],
        points: &[(i64, f64)],
    ) {
        let series = Series::new(kind, (project, zone, number), labels, points);
        lock(&self.world).series.push(series);
    }

    /// Has pages hold at most so much.
    pub fn set_page(&self, size: usize) {
        lock(&self.world).page = size;
    }

    /// Sets Google's clock ahead of this machine's.
    pub fn set_clock_ahead_ms(&self, ahead_ms: i64) {
        lock(&self.world).clock_offset_ms = ahead_ms;
    }

    /// The present moment as Google sees it.
    pub fn now_ms(&self) -> i64 {
        lock(&self.world).now_ms()
    }

    /// Lets the service account do nothing but this.
    pub fn grant(&self, permissions: &[&str]) {
        let granted = permissions.iter().map(|&word| word.to_owned()).collect();
        lock(&self.world).permissions = Some(granted);
    }

    /// Withdraws all tokens that were given out.
    pub fn withdraw_tokens(&self) {
        lock(&self.world).issuer.withdraw();
    }

    /// Has something go wrong from now on.
    pub fn fail(&self, fault: Fault) {
        let mut world = lock(&self.world);
        match fault {
            Fault::Denied(service, project) => world.denied.push((service, project)),
            Fault::ZoneDown(zone) => {
                world.zones_down.insert(zone);
            }
            Fault::RepeatedPages => world.repeats_pages = true,
            Fault::Answers {
                service,
                status,
                reason,
                times,
            } => {
                let answers = std::iter::repeat_n((service, status, reason), times);
                world.answers.extend(answers);
            }
            Fault::HalfAnswers(times) => world.half_answers = times,
            Fault::ExecutionError(message) => world.execution_errors.push(message),
            Fault::MetricsUnreachable(region) => world.metrics_unreachable.push(region),
            Fault::Operation(code, message) => world.compute.fail_next(code, message),
            Fault::ExpiredKeys => world.issuer.expire_keys(),
        }
    }

    /// How many faults of [`Fault::Answers`] have not been thrown yet.
    pub fn answers_left(&self) -> usize {
        lock(&self.world).answers.len()
    }

    /// Ends [`Fault::Answers`].
    pub fn forget_answers(&self) {
        lock(&self.world).answers.clear();
    }

    /// How often a method was called, by Google's name for it: `compute.instances.insert`.
    pub fn calls(&self, method: &str) -> usize {
        let world = lock(&self.world);
        world.calls.get(method).copied().unwrap_or_default()
    }

    /// Which projects calls were to be charged to, in place of those of their service account.
    pub fn charged(&self) -> BTreeSet<String> {
        lock(&self.world).charged.clone()
    }

    /// What did not agree with Google's description so far.
    pub fn violations(&self) -> Vec<String> {
        lock(&self.world).violations.clone()
    }

    /// Forgets what did not agree: for tests of the simulator itself.
    pub fn forget_violations(&self) {
        lock(&self.world).violations.clear();
    }
}

impl Drop for Google {
    fn drop(&mut self) {
        self.server.abort();
        let violations = self.violations();
        // A panic while another one is under way would hide both.
        if !std::thread::panicking() {
            assert!(
                violations.is_empty(),
                "against Google's description: {violations:#?}"
            );
        }
    }
}

/// A moment as Google writes it.
fn moment(at_ms: i64) -> String {
    jiff::Timestamp::from_millisecond(at_ms)
        .unwrap_or_default()
        .to_string()
}

async fn answer(
    State(world): State<Shared>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let mut world = lock(&world);
    let mut response = match tokens::answer(&mut world, &method, &uri, &headers, &body) {
        Some(response) => response,
        None => of_interface(&mut world, &method, &uri, &headers, &body),
    };
    // Whoever is refused can tell by it that the clocks differ.
    let now = jiff::Timestamp::from_millisecond(world.now_ms()).unwrap_or_default();
    let date = jiff::fmt::rfc2822::to_string(&now.to_zoned(jiff::tz::TimeZone::UTC));
    let date = date.unwrap_or_default().replace("+0000", "GMT");
    if let Ok(date) = HeaderValue::from_str(&date) {
        response.headers_mut().insert(header::DATE, date);
    }
    response
}

fn of_interface(
    world: &mut World,
    method: &Method,
    uri: &Uri,
    headers: &HeaderMap,
    body: &Bytes,
) -> Response {
    let question = Question::of(method, uri, body);
    let (found, faults) = world.discovery.check_question(&question);
    let id = found.map(|method| method.id.clone()).unwrap_or_default();
    *world.calls.entry(id.clone()).or_default() += 1;
    let charged = headers.get("x-goog-user-project");
    let charged = charged.and_then(|project| project.to_str().ok());
    world.charged.extend(charged.map(str::to_owned));
    let service = if id.starts_with("monitoring") {
        Service::Monitoring
    } else {
        Service::Compute
    };
    let answer = if faults.is_empty() {
        judged(world, service, &id, &question, headers)
    } else {
        let message = faults.join("; ");
        world.violations.push(format!("{method} {uri}: {message}"));
        Err(Refusal::new(400, "invalid", message))
    };
    let (status, body) = match answer {
        Ok(body) => {
            let faults = world.discovery.check_answer(&id, &body);
            let faults = faults
                .into_iter()
                .map(|fault| format!("answer of {id}: {fault}"));
            world.violations.extend(faults);
            (200, body)
        }
        Err(refusal) => (refusal.status, refusal.body()),
    };
    let mut text = body.to_string();
    if service == Service::Compute && status == 200 && world.half_answers > 0 {
        world.half_answers -= 1;
        text.truncate(text.len() / 2);
    }
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let content_type = [(header::CONTENT_TYPE, "application/json; charset=UTF-8")];
    (status, content_type, text).into_response()
}

fn judged(
    world: &mut World,
    service: Service,
    id: &str,
    question: &Question,
    headers: &HeaderMap,
) -> Answer {
    let at = world
        .answers
        .iter()
        .position(|(wanted, ..)| *wanted == service);
    if let Some((_, status, reason)) = at.and_then(|at| world.answers.remove(at)) {
        return Err(Refusal::new(
            status,
            &reason,
            format!("{reason} for the test"),
        ));
    }
    tokens::admit(world, service, headers)?;
    let project = question.part_after("projects").unwrap_or_default();
    let is_denied = |(denied, of): &(Service, String)| *denied == service && *of == project;
    if world.denied.iter().any(is_denied) {
        return Err(Refusal::new(
            403,
            "forbidden",
            format!("Permission denied on resource project {project} for the test"),
        ));
    }
    match service {
        Service::Compute => compute::answer(world, id, question),
        Service::Monitoring => monitoring::answer(world, question),
    }
}
