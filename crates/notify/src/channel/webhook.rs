//! Any receiver of Alertmanager's webhooks, version 4; an answer of 2xx is success.

use std::collections::BTreeMap;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use yunhai_model::{Secret, TimestampMs, format_rfc3339};

use super::{Context, address, exchange};
use crate::config::{Faults, REDACTED, redact};
use crate::{Notification, NotifiedAlert, SendError, SendErrorKind};

/// Many servers refuse bodies of more than a mebibyte (nginx does unless told otherwise), and a
/// notification that is refused is lost: what does not fit is counted instead.
const MAX_ALERTS_BYTES: usize = 900_000;

/// How to reach a webhook.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebhookConfig {
    /// The receiver's address, which may hold a token.
    #[serde(serialize_with = "redact")]
    pub url: Secret,
    /// How we say who we are.
    #[serde(default)]
    pub authorization: Option<WebhookAuthorization>,
    /// Headers to send along; their values are secrets.
    #[serde(default, serialize_with = "redact_values")]
    pub headers: BTreeMap<String, Secret>,
    /// How many alerts one message may hold; 0 for as many as fit into 900 kB.
    #[serde(default)]
    pub max_alerts: usize,
}

/// How we say to a webhook who we are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase", deny_unknown_fields)]
pub enum WebhookAuthorization {
    /// `Authorization: Bearer …`
    Bearer {
        /// The token.
        #[serde(serialize_with = "redact")]
        token: Secret,
    },
    /// `Authorization: Basic …`
    Basic {
        /// The user's name.
        username: String,
        /// The password.
        #[serde(serialize_with = "redact")]
        password: Secret,
    },
}

fn redact_values<S: serde::Serializer>(
    values: &BTreeMap<String, Secret>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_map(values.keys().map(|name| (name, REDACTED)))
}

/// Headers that belong to the message itself.
const OWN_HEADERS: [&str; 5] = [
    "content-type",
    "content-length",
    "host",
    "idempotency-key",
    "transfer-encoding",
];

impl WebhookConfig {
    pub(crate) fn check(&self, faults: &mut Faults) {
        if let Some(url) = faults.url("url", &self.url) {
            faults.require(
                url.username().is_empty() && url.password().is_none(),
                "url",
                "must not hold a user and a password: put them into `authorization`",
            );
        }
        match &self.authorization {
            Some(WebhookAuthorization::Bearer { token }) => {
                faults.require(!token.is_empty(), "authorization", "has no token");
            }
            Some(WebhookAuthorization::Basic { username, .. }) => faults.require(
                !username.is_empty() && !username.contains(':'),
                "authorization",
                "needs a user's name without a colon",
            ),
            None => {}
        }
        for (name, value) in &self.headers {
            if HeaderName::try_from(name).is_err() {
                faults.add("headers", format!("`{name}` is not a header's name"));
            } else if OWN_HEADERS.contains(&name.to_ascii_lowercase().as_str()) {
                faults.add("headers", format!("`{name}` is set by Yunhai itself"));
            } else if HeaderValue::try_from(value.expose()).is_err() {
                faults.add(
                    "headers",
                    format!("`{name}` has a value that a header cannot hold"),
                );
            }
        }
    }

    pub(crate) fn secrets_mut(&mut self) -> Vec<(String, &mut Secret)> {
        let mut secrets = vec![("/url".to_owned(), &mut self.url)];
        match &mut self.authorization {
            Some(WebhookAuthorization::Bearer { token }) => {
                secrets.push(("/authorization/token".to_owned(), token));
            }
            Some(WebhookAuthorization::Basic { password, .. }) => {
                secrets.push(("/authorization/password".to_owned(), password));
            }
            None => {}
        }
        secrets.extend(self.headers.iter_mut().map(|(name, value)| {
            let name = name.replace('~', "~0").replace('/', "~1");
            (format!("/headers/{name}"), value)
        }));
        secrets
    }

    fn header_map(&self) -> Result<HeaderMap, SendError> {
        let mut headers = HeaderMap::new();
        for (name, value) in &self.headers {
            let header = HeaderName::try_from(name)
                .ok()
                .zip(HeaderValue::try_from(value.expose()).ok());
            let Some((name, mut value)) = header else {
                let message = format!("header `{name}` cannot be sent");
                return Err(SendError::new(SendErrorKind::InvalidConfig, message));
            };
            value.set_sensitive(true);
            headers.insert(name, value);
        }
        Ok(headers)
    }
}

/// Delivers.
pub(super) async fn send(
    config: &WebhookConfig,
    context: &Context<'_>,
) -> Result<String, SendError> {
    let url = address(&config.url, None)?;
    let mut request = context
        .http
        .post(url)
        .headers(config.header_map()?)
        .header("idempotency-key", context.id);
    request = match &config.authorization {
        Some(WebhookAuthorization::Bearer { token }) => request.bearer_auth(token.expose()),
        Some(WebhookAuthorization::Basic { username, password }) => {
            request.basic_auth(username, Some(password.expose()))
        }
        None => request,
    };
    let payload = payload(context.message.notification, config.max_alerts);
    let answer = exchange(request.json(&payload)).await?;
    match answer.http_failure() {
        None => Ok(answer.report()),
        Some(error) => Err(error),
    }
}

/// Writes a notification as Alertmanager does, with as many alerts as are wanted and fit.
pub(crate) fn payload(notification: &Notification, max_alerts: usize) -> Value {
    let wanted = match max_alerts {
        0 => usize::MAX,
        limit => limit,
    };
    let mut alerts = Vec::new();
    let mut size_bytes = 0;
    for alert in notification.alerts.iter().take(wanted) {
        let json = alert_json(alert);
        size_bytes += json.to_string().len();
        if size_bytes > MAX_ALERTS_BYTES {
            break;
        }
        alerts.push(json);
    }
    let left_out = notification.alerts.len() - alerts.len();
    json!({
        "version": "4",
        "groupKey": notification.group_key,
        "truncatedAlerts": notification.truncated + left_out as u64,
        "status": notification.status.as_str(),
        "receiver": notification.receiver,
        "groupLabels": notification.group_labels,
        "commonLabels": notification.common_labels,
        "commonAnnotations": notification.common_annotations,
        "externalURL": notification.external_url,
        "alerts": alerts,
    })
}

fn alert_json(alert: &NotifiedAlert) -> Value {
    let mut json = json!({
        "status": alert.status.as_str(),
        "labels": alert.labels,
        "annotations": alert.annotations,
        "startsAt": format_rfc3339(alert.starts_at_ms),
        "endsAt": ends_at(alert.ends_at_ms),
        "generatorURL": alert.generator_url,
        "fingerprint": alert.fingerprint,
    });
    if let Some(value) = alert.value.filter(|value| value.is_finite()) {
        json["value"] = value.into();
    }
    json
}

/// Writes the end of an alert; one that has none has Go's zero time, as receivers expect.
fn ends_at(ends_at_ms: Option<TimestampMs>) -> String {
    ends_at_ms.map_or_else(|| "0001-01-01T00:00:00Z".to_owned(), format_rfc3339)
}
