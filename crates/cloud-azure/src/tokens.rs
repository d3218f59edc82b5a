//! Tokens by which Azure knows who asks, each for one audience and about an hour.
//!
//! Microsoft's `azure_identity` does the same, but signs in by https at Microsoft's own addresses
//! only, so that neither a private cloud nor a test can stand in for them, and has one text for all
//! that goes wrong, so that an expired secret could not be told from a network that is down.
//! Lifetimes are counted on the steady clock: a clock that is wrong harms nothing.

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use reqwest::Method;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use tokio::sync::Mutex;
use yunhai_cloud::{Error, ErrorKind};
use yunhai_model::{Clock, Secret, SystemClock};

use crate::endpoints::{Audience, Endpoints};
use crate::error::{sign_in_refused, unanswered};
use crate::settings::AzureCredentials;
use crate::throttle::retry_after;

/// How long before its end a token is replaced.
const RESERVE: Duration = Duration::from_mins(5);

/// For how long a refusal is believed: so many questions at once shall not look like an attack.
const REFUSAL: Duration = Duration::from_secs(10);

/// How often one tries to sign in at most.
const ATTEMPTS: u32 = 4;
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// How long the Azure CLI may take.
const CLI_TIMEOUT: Duration = Duration::from_secs(30);

/// What is known of the tokens for an audience.
#[derive(Debug)]
enum Known {
    Token { token: Secret, until: Instant },
    Refusal { error: Error, until: Instant },
}

/// Gets tokens, and keeps them while they last.
#[derive(Debug)]
pub(crate) struct Tokens {
    credentials: AzureCredentials,
    endpoints: Endpoints,
    http: reqwest::Client,
    machine: reqwest::Client,
    command_line: PathBuf,
    clock: SystemClock,
    known: Mutex<HashMap<Audience, Known>>,
}

/// An answer with a token. Lifetimes are numbers from Entra and texts from a machine; the CLI says
/// `accessToken` and the moment of its end.
#[derive(Deserialize)]
struct Answer {
    #[serde(alias = "accessToken")]
    access_token: Secret,
    #[serde(default, deserialize_with = "number")]
    expires_in: Option<i64>,
    #[serde(default, deserialize_with = "number")]
    expires_on: Option<i64>,
}

fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    let value = Value::deserialize(deserializer)?;
    Ok(value
        .as_i64()
        .or_else(|| value.as_str().and_then(|text| text.parse().ok())))
}

impl Tokens {
    /// `machine` asks the machine that this runs on, past any proxy.
    pub(crate) fn new(
        credentials: AzureCredentials,
        endpoints: Endpoints,
        http: reqwest::Client,
        machine: reqwest::Client,
    ) -> Self {
        Self {
            credentials,
            endpoints,
            http,
            machine,
            command_line: PathBuf::from("az"),
            clock: SystemClock,
            known: Mutex::default(),
        }
    }

    /// Returns a token. Who asks while it is being fetched waits for the same one.
    pub(crate) async fn of(&self, audience: Audience) -> Result<Secret, Error> {
        let mut known = self.known.lock().await;
        let now = Instant::now();
        match known.get(&audience) {
            Some(Known::Token { token, until }) if *until > now => return Ok(token.clone()),
            Some(Known::Refusal { error, until }) if *until > now => return Err(error.clone()),
            _ => {}
        }
        match self.fetch(audience).await {
            Ok((token, lifetime)) => {
                let kept = lifetime.saturating_sub(RESERVE).max(lifetime / 2);
                known.insert(
                    audience,
                    Known::Token {
                        token: token.clone(),
                        until: now + kept,
                    },
                );
                Ok(token)
            }
            Err(error) => {
                if error.kind == ErrorKind::Credentials {
                    let until = Instant::now() + REFUSAL;
                    let error = error.clone();
                    known.insert(audience, Known::Refusal { error, until });
                }
                Err(error)
            }
        }
    }

    /// Forgets a token that was refused, so that the next one is fetched anew.
    pub(crate) async fn forget(&self, audience: Audience, refused: &Secret) {
        let mut known = self.known.lock().await;
        if matches!(known.get(&audience), Some(Known::Token { token, .. }) if token == refused) {
            known.remove(&audience);
        }
    }

    async fn fetch(&self, audience: Audience) -> Result<(Secret, Duration), Error> {
        let attempted = format!("sign in with {}", self.credentials.described());
        let audience = self.endpoints.audience(audience);
        let answer = match &self.credentials {
            AzureCredentials::ServicePrincipal {
                tenant,
                client_id,
                client_secret,
            } => {
                let scope = format!("{audience}/.default");
                let form = [
                    ("grant_type", "client_credentials"),
                    ("client_id", client_id),
                    (
                        "client_secret",
                        client_secret.as_ref().map_or("", Secret::expose),
                    ),
                    ("scope", &scope),
                ];
                let request = self
                    .http
                    .request(Method::POST, self.endpoints.token(tenant))
                    .form(&form);
                self.ask(request, &attempted).await?
            }
            AzureCredentials::ManagedIdentity { client_id } => {
                let mut query = vec![("api-version", "2018-02-01"), ("resource", audience)];
                query.extend(client_id.as_deref().map(|id| ("client_id", id)));
                let request = self
                    .machine
                    .get(self.endpoints.machine_token())
                    .query(&query)
                    .header("Metadata", "true");
                self.ask(request, &attempted).await?
            }
            AzureCredentials::Cli { tenant } => {
                self.ask_command_line(audience, tenant.as_deref(), &attempted)
                    .await?
            }
        };
        let lifetime = self.lifetime(&answer);
        Ok((answer.access_token, lifetime))
    }

    fn lifetime(&self, answer: &Answer) -> Duration {
        let left_secs = answer.expires_in.or_else(|| {
            let until_ms = answer.expires_on?.checked_mul(1000)?;
            Some((until_ms - self.clock.now_ms()) / 1000)
        });
        // Older versions of the CLI tell the end in local time only; five minutes are promised.
        let left_secs = left_secs.unwrap_or(300).clamp(0, 86_400);
        Duration::from_secs(left_secs.unsigned_abs())
    }

    async fn ask(
        &self,
        request: reqwest::RequestBuilder,
        attempted: &str,
    ) -> Result<Answer, Error> {
        let mut wait = Duration::from_millis(500);
        let mut attempt = 1;
        loop {
            let request = request.try_clone().expect("a form is no stream");
            let (error, asked) = match request.send().await {
                Ok(answer) => {
                    let status = answer.status();
                    let asked = retry_after(answer.headers());
                    let body = answer
                        .text()
                        .await
                        .map_err(|error| unanswered(attempted, error))?;
                    if status.is_success() {
                        return parsed(&body, attempted);
                    }
                    let body = serde_json::from_str(&body).unwrap_or(Value::Null);
                    (sign_in_refused(attempted, status.as_u16(), &body), asked)
                }
                Err(error) => (unanswered(attempted, error), None),
            };
            attempt += 1;
            let pause = asked.unwrap_or(wait);
            if !error.is_transient() || attempt > ATTEMPTS || pause > LONGEST_WAIT {
                return Err(error);
            }
            tokio::time::sleep(pause).await;
            wait *= 2;
        }
    }

    async fn ask_command_line(
        &self,
        audience: &str,
        tenant: Option<&str>,
        attempted: &str,
    ) -> Result<Answer, Error> {
        let mut command = tokio::process::Command::new(&self.command_line);
        command
            .args(["account", "get-access-token", "--output", "json", "--scope"])
            .arg(format!("{audience}/.default"))
            .stdin(std::process::Stdio::null())
            .kill_on_drop(true);
        if let Some(tenant) = tenant {
            command.args(["--tenant", tenant]);
        }
        let refuse = |said: String| Error::new(ErrorKind::Credentials, attempted, said);
        let output = tokio::time::timeout(CLI_TIMEOUT, command.output())
            .await
            .map_err(|_| refuse(format!("no answer within {} s", CLI_TIMEOUT.as_secs())))?
            .map_err(|error| refuse(format!("`az` cannot be run: {error}")))?;
        if output.status.success() {
            return parsed(&String::from_utf8_lossy(&output.stdout), attempted);
        }
        let said = String::from_utf8_lossy(&output.stderr);
        let said: Vec<&str> = said.lines().map(str::trim).collect();
        Err(refuse(said.join(" ").chars().take(500).collect()))
    }
}

/// The parser's words can repeat what was read, a token among it.
fn parsed(body: &str, attempted: &str) -> Result<Answer, Error> {
    serde_json::from_str(body).map_err(|_| {
        Error::new(
            ErrorKind::Protocol,
            attempted,
            "the answer has no token in it",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::AzureSettings;

    /// Stands in for the Azure CLI.
    fn command_line(script: &str) -> (Tokens, tempfile::TempDir) {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("az");
        std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        let json = r#"{"credentials": {"kind": "cli", "tenant": "contoso.com"}}"#;
        let settings = AzureSettings::parse(&Secret::new(json)).unwrap();
        let endpoints = Endpoints::of(&settings);
        let http = reqwest::Client::new();
        let mut tokens = Tokens::new(settings.credentials, endpoints, http.clone(), http);
        tokens.command_line = path;
        (tokens, folder)
    }

    #[tokio::test]
    async fn the_command_line_is_asked_for_the_audience() {
        let (tokens, _folder) =
            command_line(r#"echo "{\"accessToken\": \"$6 $8\", \"expires_on\": 4102444800}""#);
        let token = tokens.of(Audience::Metrics).await.unwrap();
        assert_eq!(
            token.expose(),
            "https://metrics.monitor.azure.com/.default contoso.com"
        );
    }

    #[tokio::test]
    async fn nobody_signed_in_is_told_in_the_words_of_the_command_line() {
        let (tokens, _folder) =
            command_line("echo \"ERROR: Please run 'az login' to setup account.\" >&2; exit 1");
        let error = tokens.of(Audience::Manager).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Credentials);
        assert!(error.to_string().contains("az login"), "{error}");
    }

    #[tokio::test]
    async fn a_token_is_kept_while_it_lasts() {
        let counter = r#"echo x >> "$0.asked"; echo "{\"accessToken\": \"a\", \"expires_in\": "#;
        for (lifetime, asked) in [(3600, 1), (0, 2)] {
            let (tokens, folder) = command_line(&format!("{counter}{lifetime}}}\""));
            for _ in 0..2 {
                tokens.of(Audience::Manager).await.unwrap();
            }
            let log = std::fs::read_to_string(folder.path().join("az.asked")).unwrap();
            assert_eq!(log.lines().count(), asked);
        }
    }
}
