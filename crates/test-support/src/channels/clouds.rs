//! The services of Azure and Google that channels use: signatures, dates, scopes and shapes are
//! checked as the services check them.
//!
//! Sources: the request signing, "Send" of e-mail 2025-09-01 and of SMS 2021-03-07 in the REST
//! reference of Azure Communication Services; `projects.topics.publish` in Google's discovery
//! document `pubsub.v1.json` and the service accounts' flow in Google's OAuth 2.0 documents.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, Query, State as Shared};
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::providers::{forced, record, text};
use super::{ACS_KEY, PUBSUB_TOPIC, Provider, State, lock};

type SharedState = Shared<Arc<State>>;
type Parameters = Query<HashMap<String, String>>;

/// How far a request's date may be from the service's clock.
const MAX_SKEW_MS: i64 = 5 * 60_000;
const KEY_ID: &str = "key-id-0123456789abcdef";
const CLIENT_EMAIL: &str = "yunhai@project-1.iam.gserviceaccount.com";
const SCOPE: &str = "https://www.googleapis.com/auth/pubsub";
const TOKEN_SECS: i64 = 3600;

pub(super) fn router() -> Router<Arc<State>> {
    Router::new()
        .route("/emails:send", post(send_mail))
        .route("/emails/operations/{id}", get(mail_status))
        .route("/sms", post(send_sms))
        .route("/token", post(token))
        .route("/v1/projects/{project}/topics/{call}", post(publish))
}

fn azure_error(status: StatusCode, code: &str, message: &str) -> Response {
    let body = json!({ "error": { "code": code, "message": message } });
    (status, axum::Json(body)).into_response()
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers
        .get(name)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
}

/// Checks who asks: the digest of the body, the date, and the signature over both.
fn azure_refusal(
    state: &State,
    method: &Method,
    uri: &Uri,
    headers: &HeaderMap,
    body: &[u8],
) -> Option<Response> {
    let denied = |message: &str| Some(azure_error(StatusCode::UNAUTHORIZED, "Denied", message));
    let date = header(headers, "x-ms-date");
    let Some(at_ms) = http_date_ms(date) else {
        return denied("x-ms-date is not a date of HTTP");
    };
    if (state.now_ms() - at_ms).abs() > MAX_SKEW_MS {
        return denied("The request date is outside of the allowed time");
    }
    let digest = STANDARD.encode(Sha256::digest(body));
    if header(headers, "x-ms-content-sha256") != digest {
        return denied("The content hash does not match");
    }
    let path = uri.path_and_query().map_or("", |path| path.as_str());
    let host = header(headers, "host");
    let key = STANDARD.decode(ACS_KEY).expect("the key is base64");
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).expect("HMAC takes keys of any length");
    mac.update(format!("{method}\n{path}\n{date};{host};{digest}").as_bytes());
    let signature = STANDARD.encode(mac.finalize().into_bytes());
    let expected = format!(
        "HMAC-SHA256 SignedHeaders=x-ms-date;host;x-ms-content-sha256&Signature={signature}"
    );
    if header(headers, "authorization") != expected {
        return denied("Denied by the resource provider.");
    }
    None
}

/// Reads `Mon, 23 Nov 2026 08:00:00 GMT`, and nothing else.
fn http_date_ms(text: &str) -> Option<i64> {
    let at = httpdate::parse_http_date(text).ok()?;
    let is_exact = httpdate::fmt_http_date(at) == text;
    let since = at.duration_since(std::time::UNIX_EPOCH).ok()?;
    is_exact.then_some(since.as_millis() as i64)
}

fn is_uuid(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    parts.iter().map(|part| part.len()).eq([8, 4, 4, 4, 12])
        && parts.concat().bytes().all(|byte| byte.is_ascii_hexdigit())
}

async fn send_mail(
    Shared(state): SharedState,
    method: Method,
    uri: Uri,
    Query(query): Parameters,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if let Some(refusal) = azure_refusal(&state, &method, &uri, &headers, &body) {
        return refusal;
    }
    if let Some(answer) = state.forced(Provider::AcsEmail) {
        return forced(answer);
    }
    let bad = |message: &str| azure_error(StatusCode::BAD_REQUEST, "BadRequest", message);
    if query.get("api-version").map(String::as_str) != Some("2025-09-01") {
        return bad("The requested API version is not supported");
    }
    let operation = header(&headers, "operation-id").to_owned();
    if !is_uuid(&operation) {
        return bad("Operation-Id must be a UUID");
    }
    let Ok(json) = serde_json::from_slice::<Value>(&body) else {
        return bad("The request body is not JSON");
    };
    let is_address = |value: &Value| {
        text(value, "/address").is_some_and(|one| one.contains('@') && !one.contains(['<', ' ']))
    };
    let recipients = |field: &str| json["recipients"][field].as_array().cloned();
    let to = recipients("to").unwrap_or_default();
    let all: Vec<Value> = [to.clone(), recipients("cc").unwrap_or_default()].concat();
    let sender = text(&json, "/senderAddress").unwrap_or_default();
    let is_complete = sender.contains('@')
        && !sender.contains(['<', ' '])
        && text(&json, "/content/subject").is_some()
        && text(&json, "/content/plainText").is_some()
        && !to.is_empty()
        && all.len() <= 50
        && all.iter().all(is_address);
    if !is_complete {
        return bad("The request body is not that of a mail");
    }
    if state.is_too_fast(Provider::AcsEmail, &[(30, 60_000), (100, 3_600_000)]) {
        return azure_error(
            StatusCode::TOO_MANY_REQUESTS,
            "TooManyRequests",
            "Slow down",
        );
    }
    let is_suppressed = all
        .iter()
        .all(|one| text(one, "/address").is_some_and(|one| one.starts_with("suppressed@")));
    lock(&state.operations).insert(operation.clone(), is_suppressed);
    if !is_suppressed {
        record(&state, Provider::AcsEmail, json, &headers);
    }
    let body = json!({ "id": operation, "status": "Running", "error": null });
    (StatusCode::ACCEPTED, axum::Json(body)).into_response()
}

async fn mail_status(
    Shared(state): SharedState,
    method: Method,
    uri: Uri,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if let Some(refusal) = azure_refusal(&state, &method, &uri, &headers, &body) {
        return refusal;
    }
    if let Some(answer) = state.forced(Provider::AcsEmailStatus) {
        return forced(answer);
    }
    match lock(&state.operations).get(&id) {
        None => azure_error(StatusCode::NOT_FOUND, "NotFound", "No such operation"),
        Some(false) => {
            axum::Json(json!({ "id": id, "status": "Succeeded", "error": null })).into_response()
        }
        Some(true) => {
            let error = json!({
                "code": "EmailDroppedAllRecipientsSuppressed",
                "message": "Message dropped because all recipients were suppressed",
            });
            axum::Json(json!({ "id": id, "status": "Failed", "error": error })).into_response()
        }
    }
}

async fn send_sms(
    Shared(state): SharedState,
    method: Method,
    uri: Uri,
    Query(query): Parameters,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if let Some(refusal) = azure_refusal(&state, &method, &uri, &headers, &body) {
        return refusal;
    }
    if let Some(answer) = state.forced(Provider::AcsSms) {
        return forced(answer);
    }
    let bad = |message: &str| azure_error(StatusCode::BAD_REQUEST, "BadRequest", message);
    if query.get("api-version").map(String::as_str) != Some("2021-03-07") {
        return bad("The requested API version is not supported");
    }
    let Ok(json) = serde_json::from_slice::<Value>(&body) else {
        return bad("The request body is not JSON");
    };
    let recipients = json["smsRecipients"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    let message = text(&json, "/message").unwrap_or_default();
    if text(&json, "/from").is_none()
        || message.is_empty()
        || message.chars().count() > 2048
        || !(1..=100).contains(&recipients.len())
    {
        return bad("The request body is not that of an SMS");
    }
    let mut verdicts = Vec::new();
    for recipient in &recipients {
        let to = text(recipient, "/to").unwrap_or_default();
        let request = text(recipient, "/repeatabilityRequestId").unwrap_or_default();
        let first = text(recipient, "/repeatabilityFirstSent").unwrap_or_default();
        if !is_uuid(request) || http_date_ms(first).is_none() {
            return bad("repeatabilityRequestId and repeatabilityFirstSent belong together");
        }
        let is_known = lock(&state.operations).contains_key(request);
        let (status, message) = match to {
            "+15005550001" => (400, "Invalid To phone number format."),
            "+15005550009" if !is_known => (429, "Too many requests"),
            _ => (202, ""),
        };
        // What is repeated is answered as before, and not sent again.
        let is_new = lock(&state.operations)
            .insert(request.to_owned(), false)
            .is_none();
        if status == 202 && (is_new || to == "+15005550009") {
            let one = json!({ "from": json["from"], "to": to, "message": json["message"] });
            record(&state, Provider::AcsSms, one, &headers);
        }
        verdicts.push(json!({
            "to": to,
            "messageId": (status == 202).then_some("Outgoing_20261123_0123"),
            "httpStatusCode": status,
            "repeatabilityResult": if is_new { "accepted" } else { "rejected" },
            "successful": status == 202,
            "errorMessage": message,
        }));
    }
    (
        StatusCode::ACCEPTED,
        axum::Json(json!({ "value": verdicts })),
    )
        .into_response()
}

/// The service account's key, made once for all tests of a process.
fn account_key() -> &'static KeyPair {
    static KEY: OnceLock<KeyPair> = OnceLock::new();
    KEY.get_or_init(|| KeyPair::generate(KeySize::Rsa2048).expect("a key can be made"))
}

/// Returns the key file of the simulated service account, as Google makes it.
pub(super) fn key_file(base_url: &str) -> String {
    let der: Pkcs8V1Der<'_> = account_key().as_der().expect("a key can be written");
    let body = STANDARD.encode(der.as_ref());
    let lines: Vec<&str> = body
        .as_bytes()
        .chunks(64)
        .map(|line| std::str::from_utf8(line).expect("base64 is ASCII"))
        .collect();
    let pem = format!(
        "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
        lines.join("\n")
    );
    json!({
        "type": "service_account",
        "project_id": "project-1",
        "private_key_id": KEY_ID,
        "private_key": pem,
        "client_email": CLIENT_EMAIL,
        "client_id": "100000000000000000000",
        "auth_uri": "https://accounts.google.com/o/oauth2/auth",
        "token_uri": format!("{base_url}/token"),
        "universe_domain": "googleapis.com",
    })
    .to_string()
}

fn denied(error: &str, description: &str) -> Response {
    let body = json!({ "error": error, "error_description": description });
    (StatusCode::BAD_REQUEST, axum::Json(body)).into_response()
}

async fn token(Shared(state): SharedState, headers: HeaderMap, body: Bytes) -> Response {
    if let Some(answer) = state.forced(Provider::GoogleToken) {
        return forced(answer);
    }
    let form: HashMap<String, String> = url::form_urlencoded::parse(&body).into_owned().collect();
    let field = |name: &str| form.get(name).map_or("", String::as_str);
    if field("grant_type") != "urn:ietf:params:oauth:grant-type:jwt-bearer" {
        return denied("unsupported_grant_type", "Invalid grant_type");
    }
    let token_uri = format!("http://{}/token", header(&headers, "host"));
    match check_assertion(&state, field("assertion"), &token_uri) {
        Ok(()) => {
            let number = lock(&state.operations).len();
            let word = format!("ya29.token-{number}-{}", state.now_ms());
            let mut tokens = lock(&state.tokens);
            tokens.insert(word.clone(), state.now_ms() + TOKEN_SECS * 1000);
            axum::Json(json!({
                "access_token": word, "expires_in": TOKEN_SECS, "token_type": "Bearer",
            }))
            .into_response()
        }
        Err(words) => denied("invalid_grant", words),
    }
}

fn check_assertion(state: &State, assertion: &str, token_uri: &str) -> Result<(), &'static str> {
    let parts: Vec<&str> = assertion.split('.').collect();
    let [header, claims, signature] = parts[..] else {
        return Err("Invalid JWT: it has not three parts");
    };
    let read = |part: &str| -> Option<Value> {
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()
    };
    let (Some(about), Some(claims_read)) = (read(header), read(claims)) else {
        return Err("Invalid JWT: it is not JSON in base64url");
    };
    if about["alg"] != "RS256" || about["kid"] != KEY_ID {
        return Err("Invalid JWT Signature.");
    }
    let signed = format!("{header}.{claims}");
    let signature = URL_SAFE_NO_PAD.decode(signature).unwrap_or_default();
    UnparsedPublicKey::new(
        &RSA_PKCS1_2048_8192_SHA256,
        account_key().public_key().as_ref(),
    )
    .verify(signed.as_bytes(), &signature)
    .map_err(|_| "Invalid JWT Signature.")?;
    let now_secs = state.now_ms() / 1000;
    let (issued, expires) = (
        claims_read["iat"].as_i64().unwrap_or_default(),
        claims_read["exp"].as_i64().unwrap_or_default(),
    );
    if (now_secs - issued).abs() > 300 || expires <= now_secs || expires - issued > TOKEN_SECS {
        return Err(
            "Invalid JWT: Token must be a short-lived token and in a reasonable timeframe.",
        );
    }
    if claims_read["iss"] != CLIENT_EMAIL || claims_read["aud"] != token_uri {
        return Err("Invalid JWT: issuer or audience");
    }
    if claims_read["scope"] != SCOPE {
        return Err("Invalid OAuth scope");
    }
    Ok(())
}

fn google_error(code: u16, status: &str, message: &str) -> Response {
    let body = json!({ "error": { "code": code, "message": message, "status": status } });
    let code = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (code, axum::Json(body)).into_response()
}

async fn publish(
    Shared(state): SharedState,
    Path((project, call)): Path<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let word = header(&headers, "authorization").strip_prefix("Bearer ");
    let holds_until = word.and_then(|word| lock(&state.tokens).get(word).copied());
    if holds_until.is_none_or(|until| until <= state.now_ms()) {
        let message = "Request had invalid authentication credentials.";
        return google_error(401, "UNAUTHENTICATED", message);
    }
    if let Some(answer) = state.forced(Provider::PubSub) {
        return forced(answer);
    }
    let Some(topic) = call.strip_suffix(":publish") else {
        return google_error(404, "NOT_FOUND", "no such method");
    };
    if format!("projects/{project}/topics/{topic}") != PUBSUB_TOPIC {
        let message = format!("Resource not found (resource={topic}).");
        return google_error(404, "NOT_FOUND", &message);
    }
    let bad = |message: &str| google_error(400, "INVALID_ARGUMENT", message);
    let Ok(json) = serde_json::from_slice::<Value>(&body) else {
        return bad("Invalid JSON payload received.");
    };
    let messages = json["messages"].as_array().cloned().unwrap_or_default();
    if messages.is_empty() || body.len() > 10_000_000 {
        return bad("The request has no messages, or too large ones.");
    }
    let mut ids = Vec::new();
    for (at, message) in messages.iter().enumerate() {
        let known = ["data", "attributes", "orderingKey"];
        let fields = message.as_object().cloned().unwrap_or_default();
        if fields.keys().any(|name| !known.contains(&name.as_str())) {
            return bad("Invalid JSON payload received. Unknown name");
        }
        let attributes = message["attributes"]
            .as_object()
            .cloned()
            .unwrap_or_default();
        let is_fine = |(name, value): (&String, &Value)| {
            let value = value.as_str();
            (1..=256).contains(&name.len()) && value.is_some_and(|value| value.len() <= 1024)
        };
        if attributes.len() > 100 || !attributes.iter().all(is_fine) {
            return bad("The request contains an attribute that is too long.");
        }
        let data = text(message, "/data").map(|data| STANDARD.decode(data));
        let data = match data {
            Some(Ok(data)) => data,
            None if !attributes.is_empty() => Vec::new(),
            _ => return bad("One or more messages in the publish request is empty."),
        };
        let read = serde_json::from_slice::<Value>(&data).unwrap_or_default();
        let told = json!({
            "data": read,
            "attributes": attributes,
            "orderingKey": message["orderingKey"],
        });
        record(&state, Provider::PubSub, told, &headers);
        ids.push(format!("{}", 1_000 + at));
    }
    axum::Json(json!({ "messageIds": ids })).into_response()
}
