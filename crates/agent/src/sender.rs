//! Sends measurements to the server, and says what came of it.

use std::time::Duration;

use jiff::fmt::rfc2822;
use reqwest::header::{CONTENT_ENCODING, CONTENT_TYPE, DATE, HeaderMap, HeaderValue, RETRY_AFTER};
use reqwest::{Client, StatusCode};
use url::Url;
use yunhai_model::TimestampMs;

use crate::{AgentConfig, Error};

/// The header that tells the server what this machine's clock says.
const SENT_AT: &str = "x-yunhai-sent-at";

/// A clock that is off by more than this is told of: the alerts of the server would be wrong by it.
const WORTH_TELLING_MS: i64 = 30_000;

/// How long to wait after a token was refused: a person has to do something.
const REFUSED_PAUSE: Duration = Duration::from_mins(1);

/// What became of measurements.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// The server has them.
    Taken,
    /// The server will never take them, or not all of them.
    Refused(String),
    /// They are to be sent again.
    Later {
        /// Why the server did not take them.
        reason: String,
        /// For how long it is to be left alone at least.
        pause: Option<Duration>,
    },
}

/// A connection to one server.
#[derive(Debug)]
pub(crate) struct Sender {
    http: Client,
    url: Url,
    /// Whether the clock was off when the server answered last.
    is_clock_off: bool,
}

impl Sender {
    pub(crate) fn new(config: &AgentConfig) -> Result<Self, Error> {
        let connection = &config.connection;
        let url = connection.address(&["prometheus", "api", "v1", "write"])?;
        let mut headers = HeaderMap::new();
        let mut authorization = HeaderValue::from_str(&format!("Bearer {}", config.token.expose()))
            .map_err(|_| Error::Token)?;
        authorization.set_sensitive(true);
        headers.insert("authorization", authorization);
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("application/x-protobuf"),
        );
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("snappy"));
        headers.insert(
            "x-prometheus-remote-write-version",
            HeaderValue::from_static("0.1.0"),
        );
        let http = connection.client()?.default_headers(headers);
        Ok(Self {
            http: http.build().map_err(Error::Client)?,
            url,
            is_clock_off: false,
        })
    }

    /// Sends a `WriteRequest`, at `now_ms` by this machine's clock, where that is known.
    pub(crate) async fn send(&mut self, request: &[u8], now_ms: Option<TimestampMs>) -> Outcome {
        let body = match snap::raw::Encoder::new().compress_vec(request) {
            Ok(body) => body,
            Err(error) => return Outcome::Refused(error.to_string()),
        };
        let mut request = self.http.post(self.url.clone()).body(body);
        if let Some(now_ms) = now_ms {
            request = request.header(SENT_AT, now_ms);
        }
        let answer = match request.send().await {
            Ok(answer) => answer,
            Err(error) => {
                return Outcome::Later {
                    // The address may hold a password.
                    reason: yunhai_model::with_causes(&error.without_url()),
                    pause: None,
                };
            }
        };
        if let Some(now_ms) = now_ms {
            self.compare_clocks(answer.headers(), now_ms);
        }
        let status = answer.status();
        if status.is_success() {
            return Outcome::Taken;
        }
        let retry_after = answer
            .headers()
            .get(RETRY_AFTER)
            .and_then(|value| value.to_str().ok()?.parse().ok())
            .map(Duration::from_secs);
        let text = answer.text().await.unwrap_or_default();
        let text: String = sentence_of(&text).chars().take(500).collect();
        match status {
            StatusCode::BAD_REQUEST | StatusCode::PAYLOAD_TOO_LARGE => Outcome::Refused(text),
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Outcome::Later {
                reason: format!("the server refuses the token: {text}"),
                pause: Some(REFUSED_PAUSE),
            },
            _ => Outcome::Later {
                reason: format!("the server answered {status}: {text}"),
                pause: retry_after,
            },
        }
    }
}

impl Sender {
    /// Says when this machine's clock has gone wrong against the server's, and when it is right again.
    fn compare_clocks(&mut self, headers: &HeaderMap, now_ms: TimestampMs) {
        let Some(skew_ms) = skew_ms(headers, now_ms) else {
            return;
        };
        let is_off = skew_ms.abs() > WORTH_TELLING_MS;
        if is_off && !self.is_clock_off {
            let direction = if skew_ms > 0 { "ahead" } else { "behind" };
            tracing::warn!(
                seconds = skew_ms.abs() / 1000,
                direction,
                "the clock of this machine differs from the server's; have it set by NTP"
            );
        } else if !is_off && self.is_clock_off {
            tracing::info!("the clock of this machine agrees with the server's again");
        }
        self.is_clock_off = is_off;
    }
}

/// By how much this machine's clock is ahead of the server's, which tells full seconds.
fn skew_ms(headers: &HeaderMap, now_ms: TimestampMs) -> Option<i64> {
    let date = rfc2822::parse(headers.get(DATE)?.to_str().ok()?).ok()?;
    Some(now_ms - date.timestamp().as_millisecond())
}

/// What a person reads of an answer: the sentence in Prometheus's envelope, or else all of it.
fn sentence_of(body: &str) -> String {
    let envelope: Option<serde_json::Value> = serde_json::from_str(body).ok();
    let sentence = envelope.as_ref().and_then(|it| it.get("error")?.as_str());
    sentence.unwrap_or(body).trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_is_compared_with_the_date_of_the_answer() {
        let date = HeaderValue::from_static("Tue, 14 Nov 2023 22:13:20 GMT");
        let headers = HeaderMap::from_iter([(DATE, date)]);
        assert_eq!(skew_ms(&headers, 1_700_000_090_000), Some(90_000));
        assert_eq!(skew_ms(&HeaderMap::new(), 0), None);
    }

    #[test]
    fn of_a_refusal_only_its_sentence_is_told() {
        let body = r#"{"status":"error","errorType":"unauthenticated","error":"sign in first"}"#;
        assert_eq!(sentence_of(body), "sign in first");
        for other in ["out of order", r#"{"error":1}"#, "[]", ""] {
            assert_eq!(sentence_of(other), other);
        }
    }
}
