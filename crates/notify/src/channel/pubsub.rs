//! Google Pub/Sub: what a webhook gets, as a message on a topic.

use std::sync::{Mutex, PoisonError};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::pki_types::pem::PemObject as _;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use yunhai_model::{Secret, TimestampMs};

use super::{Answer, Context, exchange, webhook};
use crate::config::{Faults, redact_option};
use crate::message::{clip_bytes, one_line};
use crate::{SendError, SendErrorKind};

const API: &str = "https://pubsub.googleapis.com";
const SCOPE: &str = "https://www.googleapis.com/auth/pubsub";
const GRANT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
/// A token is asked for an hour, and renewed so long before it ends.
const TOKEN_SECS: i64 = 3600;
const RENEW_MS: i64 = 5 * 60_000;
/// How much of a value an attribute may hold.
const MAX_ATTRIBUTE_BYTES: usize = 1024;

/// How to reach the subscribers of a topic of Google Pub/Sub.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PubSubConfig {
    /// The topic, as `projects/PROJECT/topics/TOPIC`.
    pub topic: String,
    /// The key of a service account that may publish there, the whole JSON file as a text. Only an
    /// emulator needs none.
    #[serde(default, serialize_with = "redact_option")]
    pub service_account_key: Option<Secret>,
    /// Whether messages of one group keep their order, for subscriptions with ordering.
    #[serde(default)]
    pub ordering: bool,
    /// The address of an emulator or a gateway, instead of Google's.
    #[serde(default)]
    pub endpoint: Option<String>,
}

impl PubSubConfig {
    pub(crate) fn check(&self, faults: &mut Faults) {
        faults.endpoint("endpoint", self.endpoint.as_deref());
        let parts: Vec<&str> = self.topic.split('/').collect();
        let is_name = |name: &str| {
            (3..=255).contains(&name.len())
                && name.starts_with(|c: char| c.is_ascii_alphabetic())
                && name
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"-_.~+%:".contains(&byte))
        };
        let is_topic = matches!(
            &parts[..],
            ["projects", project, "topics", topic] if is_name(project) && is_name(topic)
        );
        faults.require(
            is_topic,
            "topic",
            "must be a topic's whole name, as projects/my-project/topics/alerts",
        );
        match self.key() {
            Some(Ok(_)) => {}
            Some(Err(reason)) => faults.add("service_account_key", reason),
            None => faults.require(
                self.endpoint.is_some(),
                "service_account_key",
                "is missing: the JSON file that Google Cloud made for the service account",
            ),
        }
    }

    fn key(&self) -> Option<Result<ServiceAccount, &'static str>> {
        let secret = self.service_account_key.as_ref();
        let secret = secret.filter(|secret| !secret.is_empty())?;
        Some(ServiceAccount::read(secret))
    }
}

/// What is needed of a service account's key file.
#[derive(Deserialize)]
struct KeyFile {
    #[serde(rename = "type")]
    kind: String,
    client_email: String,
    private_key_id: String,
    private_key: Secret,
    token_uri: String,
}

struct ServiceAccount {
    file: KeyFile,
    key: RsaKeyPair,
}

impl ServiceAccount {
    /// Reads a key file; the reason why it is none does not repeat it.
    fn read(text: &Secret) -> Result<Self, &'static str> {
        const NO_KEY: &str = "is not the JSON file of a service account's key, as Google Cloud \
            makes it: IAM → Service accounts → Keys";
        let file: KeyFile = serde_json::from_str(text.expose()).map_err(|_| NO_KEY)?;
        let has_address = url::Url::parse(&file.token_uri)
            .is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        if file.kind != "service_account" || !has_address {
            return Err(NO_KEY);
        }
        let pkcs8 = PrivatePkcs8KeyDer::from_pem_slice(file.private_key.expose().as_bytes());
        let key = pkcs8
            .ok()
            .and_then(|key| RsaKeyPair::from_pkcs8(key.secret_pkcs8_der()).ok())
            .ok_or("has no RSA key in `private_key`")?;
        Ok(Self { file, key })
    }

    /// Signs a claim to be the account (RFC 7523).
    fn assertion(&self, now_ms: TimestampMs) -> Result<String, SendError> {
        let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let now_secs = now_ms / 1000;
        let header = json!({ "alg": "RS256", "typ": "JWT", "kid": self.file.private_key_id });
        let claims = json!({
            "iss": self.file.client_email,
            "scope": SCOPE,
            "aud": self.file.token_uri,
            "iat": now_secs,
            "exp": now_secs + TOKEN_SECS,
        });
        let signed = format!("{}.{}", part(header), part(claims));
        let mut signature = vec![0; self.key.public_modulus_len()];
        self.key
            .sign(
                &RSA_PKCS1_SHA256,
                &SystemRandom::new(),
                signed.as_bytes(),
                &mut signature,
            )
            .map_err(|_| {
                SendError::new(
                    SendErrorKind::InvalidConfig,
                    "nothing can be signed with the service account's key",
                )
            })?;
        Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}

/// The tokens of service accounts, as long as they hold.
#[derive(Debug, Default)]
pub(crate) struct Tokens(Mutex<Vec<Token>>);

#[derive(Clone, Debug)]
struct Token {
    /// A digest of the key that it was made by.
    of: [u8; 32],
    word: Secret,
    renew_at_ms: TimestampMs,
}

const REMEMBERED_TOKENS: usize = 100;

impl Tokens {
    fn find(&self, of: [u8; 32], now_ms: TimestampMs) -> Option<Secret> {
        let tokens = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let token = tokens.iter().find(|token| token.of == of)?;
        (now_ms < token.renew_at_ms).then(|| token.word.clone())
    }

    fn keep(&self, token: Token) {
        let mut tokens = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tokens.retain(|known| known.of != token.of);
        tokens.push(token);
        if tokens.len() > REMEMBERED_TOKENS {
            tokens.remove(0);
        }
    }

    fn forget(&self, of: [u8; 32]) {
        let mut tokens = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tokens.retain(|token| token.of != of);
    }
}

#[derive(Deserialize)]
struct Granted {
    access_token: Secret,
    #[serde(default)]
    expires_in: i64,
}

#[derive(Deserialize)]
struct Denied {
    error: String,
    #[serde(default)]
    error_description: String,
}

async fn token(
    account: &ServiceAccount,
    of: [u8; 32],
    context: &Context<'_>,
) -> Result<Secret, SendError> {
    if let Some(word) = context.tokens.find(of, context.now_ms) {
        return Ok(word);
    }
    let assertion = account.assertion(context.now_ms)?;
    let form = [("grant_type", GRANT), ("assertion", &assertion)];
    let answer = exchange(context.http.post(&account.file.token_uri).form(&form)).await?;
    if answer.status.is_success()
        && let Ok(granted) = serde_json::from_str::<Granted>(&answer.body)
        && !granted.access_token.is_empty()
    {
        context.tokens.keep(Token {
            of,
            word: granted.access_token.clone(),
            renew_at_ms: context.now_ms + granted.expires_in * 1000 - RENEW_MS,
        });
        return Ok(granted.access_token);
    }
    if let Ok(denied) = serde_json::from_str::<Denied>(&answer.body)
        && answer.status.is_client_error()
        && answer.status != 429
    {
        let words = one_line(&denied.error_description);
        return Err(
            SendError::new(SendErrorKind::Unauthorized, clip_bytes(&words, 300))
                .code(clip_bytes(&denied.error, 80))
                .hint("make a new key for the service account, and check this machine's clock"),
        );
    }
    // What the answer says is not repeated: it may hold a token.
    Err(match answer.http_failure() {
        Some(failure) => SendError {
            message: format!("HTTP {} from the token service", answer.status.as_u16()),
            ..failure
        },
        None => SendError::new(
            SendErrorKind::OddAnswer,
            "the token service answered without a token",
        )
        .at_most(5),
    })
}

/// Delivers.
pub(super) async fn send(
    config: &PubSubConfig,
    context: &Context<'_>,
) -> Result<String, SendError> {
    let account = config.key().transpose().map_err(|reason| {
        let words = format!("`service_account_key` {reason}");
        SendError::new(SendErrorKind::InvalidConfig, words)
    })?;
    let Some(account) = account else {
        return judge(&publish(config, context, None).await?);
    };
    let secret = config.service_account_key.as_ref();
    let of: [u8; 32] = Sha256::digest(secret.map_or("", Secret::expose)).into();
    let word = token(&account, of, context).await?;
    let mut answer = publish(config, context, Some(&word)).await?;
    if answer.status == 401 {
        // Taken back before its time.
        context.tokens.forget(of);
        let word = token(&account, of, context).await?;
        answer = publish(config, context, Some(&word)).await?;
    }
    let outcome = judge(&answer);
    if outcome.is_err() {
        return outcome.map_err(|mut error| {
            error.message = error.message.replace(word.expose(), "[secret]");
            error
        });
    }
    outcome
}

async fn publish(
    config: &PubSubConfig,
    context: &Context<'_>,
    token: Option<&Secret>,
) -> Result<Answer, SendError> {
    let base = config.endpoint.as_deref().unwrap_or(API);
    let base = base.trim().trim_end_matches('/');
    let url = format!("{base}/v1/{}:publish", config.topic);
    let mut request = context.http.post(url);
    if let Some(token) = token {
        request = request.bearer_auth(token.expose());
    }
    exchange(request.json(&body(config, context))).await
}

fn body(config: &PubSubConfig, context: &Context<'_>) -> Value {
    let notification = context.message.notification;
    let payload = webhook::payload(notification, 0).to_string();
    let mut attributes = json!({
        "notification_id": context.id,
        "status": notification.status.as_str(),
        "receiver": clip_bytes(&notification.receiver, MAX_ATTRIBUTE_BYTES),
    });
    for name in ["alertname", "severity"] {
        if let Some(value) = notification.common_labels.get(name) {
            attributes[name] = clip_bytes(value, MAX_ATTRIBUTE_BYTES).into();
        }
    }
    let mut message = json!({ "data": STANDARD.encode(payload), "attributes": attributes });
    if config.ordering {
        message["orderingKey"] = super::sign("group", &notification.group_key).into();
    }
    json!({ "messages": [message] })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Published {
    message_ids: Vec<String>,
}

#[derive(Deserialize)]
struct Refusal {
    error: Reason,
}

#[derive(Deserialize)]
struct Reason {
    #[serde(default)]
    message: String,
    #[serde(default)]
    status: String,
}

fn judge(answer: &Answer) -> Result<String, SendError> {
    if answer.status.is_success() {
        return match serde_json::from_str::<Published>(&answer.body) {
            Ok(published) if !published.message_ids.is_empty() => {
                Ok(published.message_ids.join(", "))
            }
            _ => Err(SendError::new(
                SendErrorKind::OddAnswer,
                format!("the answer names no message: {}", answer.report()),
            )
            .hint("is there a proxy that answers in Google's place?")
            .at_most(5)),
        };
    }
    let failure = answer
        .http_failure()
        .unwrap_or_else(|| SendError::new(SendErrorKind::OddAnswer, answer.report()).at_most(5));
    let Ok(Refusal { error: reason }) = serde_json::from_str(&answer.body) else {
        return Err(failure);
    };
    let (kind, hint) = match reason.status.as_str() {
        "UNAUTHENTICATED" => (
            SendErrorKind::Unauthorized,
            Some("make a new key for the service account"),
        ),
        "PERMISSION_DENIED" => (
            SendErrorKind::Unauthorized,
            Some("give the service account the role Pub/Sub Publisher on the topic"),
        ),
        "NOT_FOUND" => (
            SendErrorKind::Refused,
            Some("there is no such topic: check the project and the topic's name"),
        ),
        "RESOURCE_EXHAUSTED" => (SendErrorKind::RateLimited, None),
        "UNAVAILABLE" | "DEADLINE_EXCEEDED" | "INTERNAL" | "ABORTED" | "CANCELLED" | "UNKNOWN" => {
            (SendErrorKind::ProviderFailed, None)
        }
        _ => (failure.kind, failure.hint),
    };
    let words = one_line(&reason.message);
    let mut error = SendError::new(kind, clip_bytes(&words, 300))
        .code(if reason.status.is_empty() {
            answer.status.as_u16().to_string()
        } else {
            reason.status
        })
        .retry_after(answer.retry_after);
    error.hint = hint;
    Err(error)
}
