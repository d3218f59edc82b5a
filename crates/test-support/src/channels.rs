//! A strict simulator of the notification providers, on this machine.
//!
//! It refuses what the real services refuse, in their own words: wrong signatures and old times,
//! contents that are too long or of the wrong shape, wrong credentials, and messages that come too
//! fast. Signatures are computed here anew, so that a mistake is not checked against itself. What
//! it accepts, it keeps for the test to look at.

mod clouds;
mod providers;

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Context as _;
use serde_json::Value;
use tokio::task::JoinHandle;

/// The access token that the simulated DingTalk robot has.
pub const DINGTALK_TOKEN: &str = "dingtalk-token-0123456789abcdef";
/// The secret with which it wants to be signed.
pub const DINGTALK_SECRET: &str = "SECdingtalk0123456789abcdef";
/// The key of the simulated WeCom robot.
pub const WECOM_KEY: &str = "wecom-key-0123-4567-89ab-cdef";
/// The id of the simulated Feishu robot.
pub const FEISHU_ID: &str = "feishu-hook-0123-4567-89ab-cdef";
/// The secret with which it wants to be signed.
pub const FEISHU_SECRET: &str = "feishu0123456789abcdef";
/// The path of the simulated Slack webhook.
pub const SLACK_PATH: &str = "/services/T00000000/B00000000/slacktoken0123456789abcdef";
/// The simulated Twilio account.
pub const TWILIO_ACCOUNT: &str = "AC0123456789abcdef0123456789abcdef";
/// Its token.
pub const TWILIO_TOKEN: &str = "twiliotoken0123456789abcdef01234";
/// The token that the simulated webhook wants as `Bearer`.
pub const WEBHOOK_TOKEN: &str = "webhook-token-0123456789abcdef";

/// An access key of the simulated resource of Azure Communication Services.
pub const ACS_KEY: &str = "YWNza2V50123456789abcdefYWNza2V50123456789abcdefYWNza2V5";
/// The topic that the simulated Pub/Sub has.
pub const PUBSUB_TOPIC: &str = "projects/project-1/topics/alerts";

/// A provider that is simulated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Provider {
    /// `/robot/send`
    DingTalk,
    /// `/cgi-bin/webhook/send`
    WeCom,
    /// `/open-apis/bot/v2/hook/…`
    Feishu,
    /// `/services/…`
    Slack,
    /// `/2010-04-01/Accounts/…/Messages.json`
    Twilio,
    /// `/webhook`
    Webhook,
    /// `/emails:send`
    AcsEmail,
    /// `/emails/operations/…`, of which answers can be forced
    AcsEmailStatus,
    /// `/sms`
    AcsSms,
    /// `/v1/projects/…/topics/…:publish`
    PubSub,
    /// `/token`, of which answers can be forced
    GoogleToken,
}

/// A message that a provider accepted.
#[derive(Clone, Debug)]
pub struct AcceptedMessage {
    /// Who accepted it.
    pub provider: Provider,
    /// What was sent: JSON as it came, forms as an object.
    pub body: Value,
    /// The headers, names in lower case.
    pub headers: HashMap<String, String>,
}

/// An answer that a test wants in place of the usual one.
#[derive(Clone, Debug)]
pub struct ForcedAnswer {
    /// The HTTP status.
    pub status: u16,
    /// The body.
    pub body: String,
    /// The `Retry-After` header, in seconds.
    pub retry_after_secs: Option<u64>,
}

impl ForcedAnswer {
    /// Makes an answer without `Retry-After`.
    pub fn new(status: u16, body: impl Into<String>) -> Self {
        Self {
            status,
            body: body.into(),
            retry_after_secs: None,
        }
    }
}

/// What all providers share.
#[derive(Debug, Default)]
struct State {
    now_ms: AtomicI64,
    accepted: Mutex<Vec<AcceptedMessage>>,
    forced: Mutex<HashMap<Provider, VecDeque<ForcedAnswer>>>,
    sent: Mutex<HashMap<Provider, Vec<i64>>>,
    too_fast: Mutex<HashMap<Provider, usize>>,
    /// What Azure was asked to do, by the ids of requests, and whether it came to nothing.
    operations: Mutex<HashMap<String, bool>>,
    /// Google's tokens, and until when they hold.
    tokens: Mutex<HashMap<String, i64>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl State {
    fn now_ms(&self) -> i64 {
        self.now_ms.load(Ordering::SeqCst)
    }

    fn accept(&self, message: AcceptedMessage) {
        lock(&self.accepted).push(message);
    }

    fn forced(&self, provider: Provider) -> Option<ForcedAnswer> {
        lock(&self.forced).get_mut(&provider)?.pop_front()
    }

    /// Counts a message, unless `limit` have come within the `window_ms` before.
    fn is_too_fast(&self, provider: Provider, limits: &[(usize, i64)]) -> bool {
        let now_ms = self.now_ms();
        let mut sent = lock(&self.sent);
        let times = sent.entry(provider).or_default();
        let too_fast = limits.iter().any(|(limit, window_ms)| {
            let recent = times.iter().filter(|time| now_ms - **time < *window_ms);
            recent.count() >= *limit
        });
        if too_fast {
            *lock(&self.too_fast).entry(provider).or_default() += 1;
        } else {
            times.push(now_ms);
        }
        too_fast
    }
}

/// The simulated providers, all behind one address; they end when it is dropped.
#[derive(Debug)]
pub struct ChannelSimulator {
    address: SocketAddr,
    state: Arc<State>,
    server: JoinHandle<()>,
}

impl ChannelSimulator {
    /// Starts on a free port; the simulator's clock stands at `now_ms`.
    pub async fn start(now_ms: i64) -> anyhow::Result<Self> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .context("no free port for the channel simulator")?;
        let address = listener.local_addr()?;
        let state = Arc::new(State::default());
        state.now_ms.store(now_ms, Ordering::SeqCst);
        let app = providers::router(Arc::clone(&state));
        let server = tokio::spawn(async move {
            // It ends only by being aborted.
            let _ = axum::serve(listener, app).await;
        });
        Ok(Self {
            address,
            state,
            server,
        })
    }

    /// Returns the address to use in place of the providers' own, without a final `/`.
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Returns the key file of a service account that may publish on [`PUBSUB_TOPIC`].
    pub fn service_account_key(&self) -> String {
        clouds::key_file(&self.base_url())
    }

    /// Takes back all tokens of Google.
    pub fn take_tokens_back(&self) {
        lock(&self.state.tokens).clear();
    }

    /// Sets the simulator's clock, by which times are judged and messages counted.
    pub fn set_now_ms(&self, now_ms: i64) {
        self.state.now_ms.store(now_ms, Ordering::SeqCst);
    }

    /// Moves the simulator's clock.
    pub fn advance_ms(&self, delta_ms: i64) {
        self.state.now_ms.fetch_add(delta_ms, Ordering::SeqCst);
    }

    /// Lets a provider answer its next request so, whatever it is; several are answered in turn.
    pub fn answer_next(&self, provider: Provider, answer: ForcedAnswer) {
        let mut forced = lock(&self.state.forced);
        forced.entry(provider).or_default().push_back(answer);
    }

    /// Returns what a provider has accepted so far.
    pub fn accepted(&self, provider: Provider) -> Vec<AcceptedMessage> {
        let accepted = lock(&self.state.accepted);
        let of_provider = accepted
            .iter()
            .filter(|message| message.provider == provider);
        of_provider.cloned().collect()
    }

    /// Returns how many messages a provider has refused as they came too fast.
    pub fn too_fast(&self, provider: Provider) -> usize {
        let too_fast = lock(&self.state.too_fast);
        too_fast.get(&provider).copied().unwrap_or_default()
    }
}

impl Drop for ChannelSimulator {
    fn drop(&mut self) {
        self.server.abort();
    }
}
