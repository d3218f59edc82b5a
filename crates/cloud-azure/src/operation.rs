//! Following what Azure does later: by `Azure-AsyncOperation`, else by `Location`.
//!
//! Source: "Track asynchronous Azure operations" (learn.microsoft.com) and
//! `Azure/azure-resource-manager-rpc`, `async-api-reference.md`. Answers say how long to wait before
//! asking again, and it is not asked again before.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use reqwest::Method;
use reqwest::header::HeaderMap;
use serde_json::Value;
use yunhai_cloud::{Error, ErrorKind, Result};

use crate::client::{Answer, Client};
use crate::error::kind_of;
use crate::throttle::retry_after;

/// Where an operation is followed, written into the handle of the order line by line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Track {
    /// An address that says in its body how far it is.
    Status(String),
    /// An address that says so by the number of its answer.
    Location(String),
}

/// How far an operation is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// It goes on; Azure's word for it.
    Running(String),
    /// It is done.
    Done,
    /// It failed.
    Failed(Error),
    /// Azure no longer knows it: what became of it shows in the server.
    Forgotten,
}

/// What is not asked again yet, and Azure's word of the last time.
#[derive(Debug, Default)]
pub(crate) struct Polled(Mutex<HashMap<String, (Instant, String)>>);

impl Polled {
    fn still(&self, address: &str) -> Option<String> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        known.retain(|_, (until, _)| *until > now);
        known.get(address).map(|(_, word)| word.clone())
    }

    fn wait(&self, address: &str, how_long: Duration, word: &str) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let until = Instant::now() + how_long;
        known.insert(address.to_owned(), (until, word.to_owned()));
    }
}

impl Track {
    /// Returns where the order that was answered so is followed; nothing if it is done already.
    pub(crate) fn of(answer: &Answer, polled: &Polled) -> Option<Self> {
        let header = |name: &str| text(&answer.headers, name);
        let track = match (header("azure-asyncoperation"), header("location")) {
            (Some(address), _) => Self::Status(address),
            (None, Some(address)) if answer.status == 202 => Self::Location(address),
            _ => return None,
        };
        if let Some(wait) = retry_after(&answer.headers) {
            polled.wait(track.address(), wait, "InProgress");
        }
        Some(track)
    }

    /// Writes it as a line of a handle.
    pub(crate) fn line(&self) -> String {
        match self {
            Self::Status(address) => format!("status {address}"),
            Self::Location(address) => format!("location {address}"),
        }
    }

    /// Reads a line of a handle.
    pub(crate) fn parse(line: &str) -> Option<Self> {
        match line.split_once(' ')? {
            ("status", address) => Some(Self::Status(address.to_owned())),
            ("location", address) => Some(Self::Location(address.to_owned())),
            _ => None,
        }
    }

    fn address(&self) -> &str {
        match self {
            Self::Status(address) | Self::Location(address) => address,
        }
    }

    /// Asks how far it is, unless Azure wanted to be asked later.
    pub(crate) async fn progress(
        &self,
        client: &Client,
        polled: &Polled,
        attempted: &str,
    ) -> Result<Progress> {
        let address = self.address();
        if let Some(word) = polled.still(address) {
            return Ok(Progress::Running(word));
        }
        let mut question = client.manager(Method::GET, "", None, attempted);
        question.address = client.endpoints.trusted(address, attempted)?;
        let answer = match client.ask(&question).await {
            Ok(answer) => answer,
            Err(error) if error.kind == ErrorKind::NotFound => return Ok(Progress::Forgotten),
            // A place that fails tells why the order failed.
            Err(error) if matches!(self, Self::Location(_)) && is_outcome(&error) => {
                return Ok(Progress::Failed(error));
            }
            Err(error) => return Err(error),
        };
        let progress = match self {
            Self::Status(_) => by_status(&answer.body, attempted)?,
            Self::Location(_) if answer.status == 202 => Progress::Running("InProgress".to_owned()),
            Self::Location(_) => Progress::Done,
        };
        if let (Progress::Running(word), Some(wait)) = (&progress, retry_after(&answer.headers)) {
            polled.wait(address, wait, word);
        }
        Ok(progress)
    }
}

fn is_outcome(error: &Error) -> bool {
    matches!(
        error.kind,
        ErrorKind::Conflict | ErrorKind::Invalid | ErrorKind::Quota
    )
}

fn by_status(body: &Value, attempted: &str) -> Result<Progress> {
    let Some(status) = body.get("status").and_then(Value::as_str) else {
        let said = "the answer does not say how far the operation is";
        return Err(Error::new(ErrorKind::Protocol, attempted, said));
    };
    Ok(match status {
        "Succeeded" => Progress::Done,
        "Failed" | "Canceled" => Progress::Failed(failure(body, status, attempted)),
        // Every other word is one of its own for going on.
        word => Progress::Running(word.to_owned()),
    })
}

fn failure(body: &Value, status: &str, attempted: &str) -> Error {
    let error = body.get("error").unwrap_or(&Value::Null);
    let text = |name: &str| error.get(name).and_then(Value::as_str);
    let code = text("code").unwrap_or(status);
    let said = text("message").unwrap_or(match status {
        "Canceled" => "it was cancelled",
        _ => "it failed, and Azure does not say why",
    });
    Error {
        kind: kind_of(code, said, 409),
        attempted: attempted.to_owned(),
        said: said.to_owned(),
        code: Some(code.to_owned()),
    }
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    let value = headers.get(name)?.to_str().ok()?.trim();
    (!value.is_empty()).then(|| value.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_handle_is_read_as_it_was_written() {
        for track in [
            Track::Status("https://management.azure.com/a b".to_owned()),
            Track::Location("https://management.azure.com/c".to_owned()),
        ] {
            assert_eq!(Track::parse(&track.line()), Some(track));
        }
        assert_eq!(Track::parse("other x"), None);
    }

    #[test]
    fn only_three_words_are_an_end() {
        let word = |body: Value| by_status(&body, "make web").expect("it says so");
        assert_eq!(word(json!({ "status": "Succeeded" })), Progress::Done);
        assert_eq!(
            word(json!({ "status": "Updating" })),
            Progress::Running("Updating".to_owned())
        );
        let failed = json!({ "status": "Failed", "error": {
            "code": "ZonalAllocationFailed", "message": "We do not have sufficient capacity." } });
        let Progress::Failed(error) = word(failed) else {
            panic!("it failed")
        };
        assert_eq!(error.kind, ErrorKind::Quota);
        assert!(matches!(
            word(json!({ "status": "Canceled" })),
            Progress::Failed(_)
        ));
    }
}
