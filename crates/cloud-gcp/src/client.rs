//! Calls of Google's REST interfaces: signed, repeated while that may help, and judged.

use std::time::Duration;

use reqwest::header::{DATE, HeaderMap, HeaderName, RETRY_AFTER};
use reqwest::{Method, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use yunhai_cloud::{Error, ErrorKind, Result};
use yunhai_model::{Clock as _, SystemClock};

use crate::error::{refused, unanswered};
use crate::settings::GcpSettings;
use crate::tokens::Tokens;

/// How often a call is made at most: throttling and failures of a moment pass unnoticed.
const ATTEMPTS: u32 = 5;

/// How long to wait before the second attempt; each further one waits twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(250);

/// How long to wait at most where Google says how long.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// How long a connection may take, an attempt, and all attempts of a call.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(30);
const CALL_TIMEOUT: Duration = Duration::from_mins(2);

/// The way to Compute Engine and Cloud Monitoring.
#[derive(Debug)]
pub(crate) struct Client {
    http: reqwest::Client,
    tokens: Tokens,
    compute: String,
    monitoring: String,
}

/// A call to be made.
pub(crate) struct Call<'a> {
    /// What is attempted on what, for errors.
    pub(crate) attempted: &'a str,
    pub(crate) method: Method,
    pub(crate) address: String,
    pub(crate) query: Vec<(&'static str, String)>,
}

impl Client {
    pub(crate) fn open(settings: &GcpSettings) -> std::result::Result<Self, reqwest::Error> {
        Ok(Self {
            http: reqwest::Client::builder()
                .connect_timeout(CONNECT_TIMEOUT)
                .timeout(ATTEMPT_TIMEOUT)
                // A token must not follow to another address.
                .redirect(reqwest::redirect::Policy::none())
                .build()?,
            tokens: Tokens::new(settings.credentials.clone()),
            compute: settings.address("compute"),
            monitoring: settings.address("monitoring"),
        })
    }

    /// The address of something in Compute Engine: `projects/p/zones/z`.
    pub(crate) fn compute(&self, path: &str) -> String {
        format!("{}/compute/v1/{path}", self.compute)
    }

    /// The address of something in Cloud Monitoring.
    pub(crate) fn monitoring(&self, path: &str) -> String {
        format!("{}/v3/{path}", self.monitoring)
    }

    /// Signs in, so that it is known whether that works.
    pub(crate) async fn sign_in(&self) -> Result<()> {
        self.tokens.headers().await.map(|_| ())
    }

    /// Asks for something.
    pub(crate) async fn get<T: DeserializeOwned>(
        &self,
        attempted: &str,
        address: String,
        query: Vec<(&'static str, String)>,
    ) -> Result<T> {
        let call = Call {
            attempted,
            method: Method::GET,
            address,
            query,
        };
        self.call(call, None::<&()>).await
    }

    /// Makes a call, whose answer is JSON. One that changes something has to have a `requestId`, as
    /// it may be made more than once.
    pub(crate) async fn call<T: DeserializeOwned>(
        &self,
        call: Call<'_>,
        body: Option<&(impl Serialize + Sync)>,
    ) -> Result<T> {
        let attempted = call.attempted.to_owned();
        let answer = tokio::time::timeout(CALL_TIMEOUT, self.repeated(&call, body))
            .await
            .unwrap_or_else(|_| {
                let seconds = CALL_TIMEOUT.as_secs();
                let said = format!("no answer within {seconds} seconds");
                Err(Error::new(ErrorKind::Unreachable, &attempted, said))
            })?;
        serde_json::from_slice(&answer).map_err(|error| {
            let said = format!(
                "the answer is not as described, at line {} column {}",
                error.line(),
                error.column()
            );
            Error::new(ErrorKind::Protocol, attempted, said)
        })
    }

    async fn repeated(
        &self,
        call: &Call<'_>,
        body: Option<&(impl Serialize + Sync)>,
    ) -> Result<Vec<u8>> {
        let mut pause = FIRST_PAUSE;
        let mut has_new_token = false;
        for attempt in 1.. {
            let (error, wanted_pause) = match self.once(call, body).await {
                Ok(answer) => return Ok(answer),
                Err(failure) => failure,
            };
            // A token can be withdrawn before it expires.
            let is_refused = matches!(error.kind, ErrorKind::Credentials | ErrorKind::ClockSkew);
            if is_refused && !has_new_token {
                self.tokens.forget();
                has_new_token = true;
                continue;
            }
            if attempt >= ATTEMPTS || !error.is_transient() {
                return Err(error);
            }
            let wanted = wanted_pause.unwrap_or_default().min(LONGEST_PAUSE);
            tokio::time::sleep(wanted.max(jittered(pause))).await;
            pause *= 2;
        }
        unreachable!("the last attempt returns")
    }

    async fn once(
        &self,
        call: &Call<'_>,
        body: Option<&(impl Serialize + Sync)>,
    ) -> std::result::Result<Vec<u8>, (Error, Option<Duration>)> {
        let signed = self.tokens.headers().await;
        let signed = signed.map_err(|error| (error, None))?;
        let mut request = self
            .http
            .request(call.method.clone(), &call.address)
            .query(&call.query)
            .headers(signed);
        if let Some(body) = body {
            request = request.json(body);
        } else if call.method == Method::POST {
            request = request.header(reqwest::header::CONTENT_LENGTH, 0);
        }
        let unanswered = |error: reqwest::Error| {
            let error = unanswered(call.attempted, &error.without_url());
            (error, None)
        };
        let answer = request.send().await.map_err(unanswered)?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        let body = answer.bytes().await.map_err(unanswered)?;
        if status.is_success() {
            return Ok(body.into());
        }
        let date = header(&headers, &DATE);
        let now_ms = SystemClock.now_ms();
        let error = refused(call.attempted, status.as_u16(), &body, date, now_ms);
        let seconds = header(&headers, &RETRY_AFTER).and_then(|seconds| seconds.parse().ok());
        let is_asked_to_wait =
            status == StatusCode::TOO_MANY_REQUESTS || status == StatusCode::SERVICE_UNAVAILABLE;
        let pause = seconds.filter(|_| is_asked_to_wait);
        Err((error, pause.map(Duration::from_secs)))
    }
}

fn header<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// Between half of a pause and the whole, so that those who were refused together do not come back
/// together.
fn jittered(pause: Duration) -> Duration {
    let random = getrandom::u32().unwrap_or_default();
    pause / 2 + pause.mul_f64(f64::from(random) / f64::from(u32::MAX) / 2.0)
}
