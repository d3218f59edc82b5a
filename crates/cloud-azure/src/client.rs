//! Questions to the Resource Manager and to Monitor, with patience.

use std::time::{Duration, Instant};

use reqwest::Method;
use reqwest::header::{CONTENT_LENGTH, HeaderMap, IF_NONE_MATCH};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use yunhai_cloud::{Error, ErrorKind, Pages, Result};

use crate::endpoints::{Audience, Endpoints};
use crate::error::{refused, unanswered};
use crate::settings::AzureSettings;
use crate::throttle::{Throttle, retry_after};
use crate::tokens::Tokens;

/// How often a question is asked at most: throttling and failures of a moment pass unnoticed.
const ATTEMPTS: u32 = 5;

/// How long a connection may take, an attempt, and all attempts of a question.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(30);
const WHOLE_TIMEOUT: Duration = Duration::from_mins(2);

/// How long who is told to wait does wait; beyond that it is told as throttled.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// How many pages an answer has at most: 100,000 servers and more.
const MOST_PAGES: usize = 1000;

/// A question.
#[derive(Clone, Debug)]
pub(crate) struct Question<'a> {
    pub(crate) method: Method,
    /// The whole address, from [`Endpoints`] or from an answer.
    pub(crate) address: String,
    pub(crate) audience: Audience,
    pub(crate) body: Option<&'a Value>,
    /// Whether it is to fail if what it makes is there already.
    pub(crate) only_new: bool,
    /// What is limited by itself: a subscription, or the metrics of one.
    pub(crate) limit: String,
    /// What is attempted, for errors.
    pub(crate) attempted: String,
}

/// An answer that is no refusal.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

/// Asks.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) endpoints: Endpoints,
    http: reqwest::Client,
    tokens: Tokens,
    throttle: Throttle,
}

impl Client {
    pub(crate) fn open(settings: &AzureSettings) -> Result<Self> {
        let builder = || {
            reqwest::Client::builder()
                // A redirect would carry the token to another place.
                .redirect(reqwest::redirect::Policy::none())
                .connect_timeout(CONNECT_TIMEOUT)
                .timeout(ATTEMPT_TIMEOUT)
                .user_agent(concat!("Yunhai/", env!("CARGO_PKG_VERSION")))
        };
        let built = |builder: reqwest::ClientBuilder| {
            let client = builder.build();
            client.map_err(|error| unanswered("make a client for Azure", error))
        };
        let (http, machine) = (built(builder())?, built(builder().no_proxy())?);
        let endpoints = Endpoints::of(settings);
        Ok(Self {
            tokens: Tokens::new(
                settings.credentials.clone(),
                endpoints.clone(),
                http.clone(),
                machine,
            ),
            endpoints,
            http,
            throttle: Throttle::default(),
        })
    }

    /// Tries whether the Resource Manager would know who asks.
    pub(crate) async fn sign_in(&self) -> Result<()> {
        self.tokens.of(Audience::Manager).await.map(drop)
    }

    /// Asks the Resource Manager for something of a subscription.
    pub(crate) fn manager<'a>(
        &self,
        method: Method,
        path: &str,
        body: Option<&'a Value>,
        attempted: impl Into<String>,
    ) -> Question<'a> {
        Question {
            method,
            address: self.endpoints.manager(path),
            audience: Audience::Manager,
            body,
            only_new: false,
            limit: subscription_of(path).unwrap_or_default().to_owned(),
            attempted: attempted.into(),
        }
    }

    /// Gets something of the Resource Manager.
    pub(crate) async fn get(&self, path: &str, attempted: impl Into<String>) -> Result<Value> {
        let question = self.manager(Method::GET, path, None, attempted);
        Ok(self.ask(&question).await?.body)
    }

    /// Follows a list of the Resource Manager through all its pages. What came before a failure is
    /// returned with it, and so is the rest where entries are strange. The number is that of the
    /// pages that were asked for.
    pub(crate) async fn list<T: DeserializeOwned>(
        &self,
        path: &str,
        attempted: &str,
    ) -> (Vec<T>, u64, Option<Error>) {
        let mut found = Vec::new();
        let mut calls = 0;
        let mut pages = Pages::default();
        let mut strange = None;
        let failure = loop {
            let mut question = self.manager(Method::GET, path, None, attempted);
            if let Some(next) = pages.token() {
                question.address = next;
            }
            calls += 1;
            let page = match self.ask(&question).await {
                Ok(answer) => answer.body,
                Err(error) => break Some(error),
            };
            match self.page(page, attempted) {
                Ok((items, next)) => {
                    for item in items {
                        match serde_json::from_value(item) {
                            Ok(item) => found.push(item),
                            Err(error) => strange = strange.or(Some(error)),
                        }
                    }
                    match pages.go_on(next, attempted.to_owned()) {
                        Ok(true) if (calls as usize) < MOST_PAGES => {}
                        Ok(true) => {
                            let said = format!("it has more than {MOST_PAGES} pages");
                            break Some(Error::new(ErrorKind::Protocol, attempted, said));
                        }
                        Ok(false) => break None,
                        Err(error) => break Some(error),
                    }
                }
                Err(error) => break Some(error),
            }
        };
        let failure = failure.or_else(|| {
            let said = format!("an entry is not as agreed upon: {}", strange?);
            Some(Error::new(ErrorKind::Protocol, attempted, said))
        });
        (found, calls, failure)
    }

    fn page(&self, mut page: Value, attempted: &str) -> Result<(Vec<Value>, Option<String>)> {
        let Some(Value::Array(items)) = page.get_mut("value").map(Value::take) else {
            let said = "the answer is no list";
            return Err(Error::new(ErrorKind::Protocol, attempted, said));
        };
        let next = page.get("nextLink").and_then(Value::as_str);
        let next = next
            .filter(|next| !next.is_empty())
            .map(|next| self.endpoints.trusted(next, attempted))
            .transpose()?;
        Ok((items, next))
    }

    /// Asks, and asks again after what passes. A refusal is an error.
    pub(crate) async fn ask(&self, question: &Question<'_>) -> Result<Answer> {
        let attempted = question.attempted.as_str();
        let deadline = Instant::now() + WHOLE_TIMEOUT;
        let mut backoff = Duration::from_millis(500);
        let mut attempt = 0;
        let mut has_new_token = false;
        loop {
            if let Some(wait) = self.throttle.wait(&question.limit) {
                if wait > LONGEST_WAIT || Instant::now() + wait > deadline {
                    return Err(left_alone(attempted, wait));
                }
                tokio::time::sleep(wait).await;
            }
            attempt += 1;
            let token = self.tokens.of(question.audience).await?;
            let (error, asked) = match self.send(question, token.expose()).await {
                Ok(answer) => {
                    self.throttle.heed(&question.limit, &answer.headers);
                    if (200..300).contains(&answer.status) {
                        return Ok(answer);
                    }
                    let error = refused(attempted, answer.status, &answer.body);
                    // It can have been revoked, or the clocks of two machines there differ.
                    if answer.status == 401 && !has_new_token {
                        has_new_token = true;
                        self.tokens.forget(question.audience, &token).await;
                        continue;
                    }
                    (error, retry_after(&answer.headers))
                }
                Err(error) => (error, None),
            };
            let wait = asked.unwrap_or(backoff);
            if error.kind == ErrorKind::Throttled {
                self.throttle.leave_alone(&question.limit, wait);
            }
            // What was ordered may be under way though nobody answered; a restart is one too many.
            let is_order =
                question.method == Method::POST && question.audience == Audience::Manager;
            if is_order && error.kind == ErrorKind::Unreachable {
                return Err(error);
            }
            let is_late = wait > LONGEST_WAIT || Instant::now() + wait > deadline;
            if !error.is_transient() || attempt >= ATTEMPTS || is_late {
                return Err(error);
            }
            tokio::time::sleep(wait).await;
            backoff *= 2;
        }
    }

    async fn send(&self, question: &Question<'_>, token: &str) -> Result<Answer> {
        let attempted = question.attempted.as_str();
        let mut request = self
            .http
            .request(question.method.clone(), &question.address)
            .bearer_auth(token);
        if question.only_new {
            request = request.header(IF_NONE_MATCH, "*");
        }
        if let Some(body) = question.body {
            request = request.json(body);
        } else if question.method == Method::POST {
            // Without a length it would be refused on the way.
            request = request.header(CONTENT_LENGTH, 0);
        }
        let answer = request
            .send()
            .await
            .map_err(|error| unanswered(attempted, error))?;
        let status = answer.status().as_u16();
        let headers = answer.headers().clone();
        // An answer that breaks off is none: its length does not agree.
        let text = answer
            .text()
            .await
            .map_err(|error| unanswered(attempted, error))?;
        let body = if text.trim().is_empty() {
            Value::Null
        } else {
            match serde_json::from_str(&text) {
                Ok(body) => body,
                // What stands between answers pages of its own.
                Err(_) if status >= 400 => Value::Null,
                Err(error) => {
                    let said = format!("the answer is no JSON: {error}");
                    return Err(Error::new(ErrorKind::Protocol, attempted, said));
                }
            }
        };
        Ok(Answer {
            status,
            headers,
            body,
        })
    }
}

fn left_alone(attempted: &str, wait: Duration) -> Error {
    let said = format!(
        "Azure wants to be left alone for another {} s",
        wait.as_secs().max(1)
    );
    Error::new(ErrorKind::Throttled, attempted, said)
}

/// Reads what is not there, and what is null, as nothing: Azure does both.
pub(crate) fn null_as_nothing<'de, D, T>(deserializer: D) -> std::result::Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Option::<T>::deserialize(deserializer).map(Option::unwrap_or_default)
}

/// Returns the subscription that a path or an id leads to.
pub(crate) fn subscription_of(path: &str) -> Option<&str> {
    let path = path.split('?').next().unwrap_or_default();
    let mut parts = path.split('/').skip(1);
    let is_one = parts
        .next()
        .is_some_and(|part| part.eq_ignore_ascii_case("subscriptions"));
    parts.next().filter(|id| is_one && !id.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_tells_its_subscription() {
        assert_eq!(subscription_of("/subscriptions/a/providers/x"), Some("a"));
        assert_eq!(subscription_of("/subscriptions?api-version=1"), None);
        assert_eq!(subscription_of("/tenants/a"), None);
    }
}
