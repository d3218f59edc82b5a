//! Sends measurements to the server, and says what came of it.

use std::net::IpAddr;
use std::time::Duration;

use reqwest::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER};
use reqwest::{Client, StatusCode};
use url::{Host, Url};

use crate::{AgentConfig, Error};

/// How long the server may take to answer.
const TIMEOUT: Duration = Duration::from_secs(30);

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
}

impl Sender {
    pub(crate) fn new(config: &AgentConfig) -> Result<Self, Error> {
        let server = &config.server;
        match server.scheme() {
            "https" => {}
            "http" if config.allow_plain_http || is_this_machine(server) => {}
            "http" => return Err(Error::Plain(server.clone())),
            _ => return Err(Error::Address(server.clone())),
        }
        let mut url = server.clone();
        url.path_segments_mut()
            .map_err(|()| Error::Address(server.clone()))?
            .pop_if_empty()
            .extend(["prometheus", "api", "v1", "write"]);
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
        let mut http = Client::builder()
            .user_agent(concat!("yunhai-agent/", env!("CARGO_PKG_VERSION")))
            .default_headers(headers)
            .timeout(TIMEOUT);
        if let Some(path) = &config.ca_file {
            let unusable = |reason: String| Error::Certificate {
                path: path.clone(),
                reason,
            };
            let pem = std::fs::read(path).map_err(|error| unusable(error.to_string()))?;
            let certificate = reqwest::Certificate::from_pem(&pem)
                .map_err(|_| unusable("it is not a PEM certificate".to_owned()))?;
            http = http.add_root_certificate(certificate);
        }
        Ok(Self {
            http: http.build().map_err(Error::Client)?,
            url,
        })
    }

    /// Sends a `WriteRequest`.
    pub(crate) async fn send(&self, request: &[u8]) -> Outcome {
        let body = match snap::raw::Encoder::new().compress_vec(request) {
            Ok(body) => body,
            Err(error) => return Outcome::Refused(error.to_string()),
        };
        let answer = match self.http.post(self.url.clone()).body(body).send().await {
            Ok(answer) => answer,
            Err(error) => {
                return Outcome::Later {
                    // The address may hold a password.
                    reason: yunhai_model::with_causes(&error.without_url()),
                    pause: None,
                };
            }
        };
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

/// What a person reads of an answer: the sentence in Prometheus's envelope, or else all of it.
fn sentence_of(body: &str) -> String {
    let envelope: Option<serde_json::Value> = serde_json::from_str(body).ok();
    let sentence = envelope.as_ref().and_then(|it| it.get("error")?.as_str());
    sentence.unwrap_or(body).trim().to_owned()
}

fn is_this_machine(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => IpAddr::from(address).is_loopback(),
        Some(Host::Ipv6(address)) => IpAddr::from(address).is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_refusal_only_its_sentence_is_told() {
        let body = r#"{"status":"error","errorType":"unauthenticated","error":"sign in first"}"#;
        assert_eq!(sentence_of(body), "sign in first");
        for other in ["out of order", r#"{"error":1}"#, "[]", ""] {
            assert_eq!(sentence_of(other), other);
        }
    }
}
