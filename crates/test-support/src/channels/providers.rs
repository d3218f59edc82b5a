//! What each provider takes, and what it answers.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, Query, State as Shared};
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use super::{
    AcceptedMessage, DINGTALK_SECRET, DINGTALK_TOKEN, FEISHU_ID, FEISHU_SECRET, ForcedAnswer,
    Provider, SLACK_PATH, State, TWILIO_ACCOUNT, TWILIO_TOKEN, WEBHOOK_TOKEN, WECOM_KEY,
};

type SharedState = Shared<Arc<State>>;
type Parameters = Query<HashMap<String, String>>;

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;

pub(super) fn router(state: Arc<State>) -> Router {
    Router::new()
        .route("/robot/send", post(dingtalk))
        .route("/cgi-bin/webhook/send", post(wecom))
        .route("/open-apis/bot/v2/hook/{id}", post(feishu))
        .route("/services/{*path}", post(slack))
        .route("/2010-04-01/Accounts/{account}/Messages.json", post(twilio))
        .route("/webhook", post(webhook))
        .merge(super::clouds::router())
        .fallback(nothing_here)
        .with_state(state)
}

async fn nothing_here(method: Method, uri: Uri) -> (StatusCode, String) {
    (StatusCode::NOT_FOUND, format!("{method} {}", uri.path()))
}

pub(super) fn forced(answer: ForcedAnswer) -> Response {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = (status, answer.body).into_response();
    if let Some(secs) = answer.retry_after_secs {
        response.headers_mut().insert("retry-after", secs.into());
    }
    response
}

pub(super) fn record(state: &State, provider: Provider, body: Value, headers: &HeaderMap) {
    let headers = headers
        .iter()
        .map(|(name, value)| {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            (name.as_str().to_owned(), value)
        })
        .collect();
    state.accept(AcceptedMessage {
        provider,
        body,
        headers,
    });
}

fn hmac_base64(key: &str, message: &str) -> String {
    let mut mac =
        Hmac::<Sha256>::new_from_slice(key.as_bytes()).expect("HMAC takes keys of any length");
    mac.update(message.as_bytes());
    STANDARD.encode(mac.finalize().into_bytes())
}

fn is_json(headers: &HeaderMap) -> bool {
    headers
        .get("content-type")
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.starts_with("application/json"))
}

pub(super) fn text<'a>(body: &'a Value, pointer: &str) -> Option<&'a str> {
    body.pointer(pointer)?
        .as_str()
        .filter(|text| !text.is_empty())
}

/// DingTalk and WeCom always answer 200, with the verdict in the body.
fn verdict(code: i64, message: &str) -> Response {
    axum::Json(json!({ "errcode": code, "errmsg": message })).into_response()
}

async fn dingtalk(
    Shared(state): SharedState,
    Query(query): Parameters,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if let Some(answer) = state.forced(Provider::DingTalk) {
        return forced(answer);
    }
    let parameter = |name: &str| query.get(name).map_or("", String::as_str);
    if parameter("access_token") != DINGTALK_TOKEN {
        return verdict(300_005, "token is not exist");
    }
    let timestamp = parameter("timestamp");
    let age_ms = timestamp
        .parse::<i64>()
        .map_or(i64::MAX, |time| (state.now_ms() - time).saturating_abs());
    if age_ms > HOUR_MS {
        return verdict(310_000, "description:机器人发送签名过期;");
    }
    let expected = hmac_base64(DINGTALK_SECRET, &format!("{timestamp}\n{DINGTALK_SECRET}"));
    if parameter("sign") != expected {
        return verdict(310_000, "description:机器人发送签名不匹配;");
    }
    if !is_json(&headers) {
        return verdict(43_004, "invalid content type");
    }
    if body.len() > 20_000 {
        return verdict(460_101, "message too long");
    }
    let Ok(json) = serde_json::from_slice::<Value>(&body) else {
        return verdict(40_035, "缺少参数 json");
    };
    let content = match text(&json, "/msgtype") {
        Some("text") => text(&json, "/text/content"),
        Some("markdown") => text(&json, "/markdown/title").and(text(&json, "/markdown/text")),
        _ => return verdict(40_035, "缺少参数 msgtype"),
    };
    let Some(content) = content else {
        return verdict(40_035, "缺少参数 content");
    };
    let mobiles = json.pointer("/at/atMobiles").and_then(Value::as_array);
    for mobile in mobiles.into_iter().flatten().filter_map(Value::as_str) {
        if !content.contains(&format!("@{mobile}")) {
            return verdict(400_013, "the mention does not stand in the text");
        }
    }
    if state.is_too_fast(Provider::DingTalk, &[(20, MINUTE_MS)]) {
        return verdict(130_101, "send too fast, exceed 20 times per minute");
    }
    record(&state, Provider::DingTalk, json, &headers);
    verdict(0, "ok")
}

async fn wecom(
    Shared(state): SharedState,
    Query(query): Parameters,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if let Some(answer) = state.forced(Provider::WeCom) {
        return forced(answer);
    }
    if query.get("key").map(String::as_str) != Some(WECOM_KEY) {
        return verdict(93_000, "invalid webhook url, hint: [1700000000]");
    }
    if !is_json(&headers) {
        return verdict(40_008, "invalid message type");
    }
    let Ok(json) = serde_json::from_slice::<Value>(&body) else {
        return verdict(47_001, "data format error");
    };
    let (content, limit) = match text(&json, "/msgtype") {
        Some("text") => (text(&json, "/text/content"), 2048),
        Some("markdown") => (text(&json, "/markdown/content"), 4096),
        _ => return verdict(40_008, "invalid message type"),
    };
    match content {
        None => return verdict(44_004, "empty content"),
        Some(content) if content.len() > limit => {
            return verdict(40_058, "markdown.content exceed max length");
        }
        Some(_) => {}
    }
    if state.is_too_fast(Provider::WeCom, &[(20, MINUTE_MS)]) {
        return verdict(45_009, "api freq out of limit");
    }
    record(&state, Provider::WeCom, json, &headers);
    verdict(0, "ok")
}

fn feishu_verdict(code: i64, message: &str) -> Response {
    axum::Json(json!({ "code": code, "msg": message, "data": {} })).into_response()
}

async fn feishu(
    Shared(state): SharedState,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if let Some(answer) = state.forced(Provider::Feishu) {
        return forced(answer);
    }
    if id != FEISHU_ID {
        return feishu_verdict(
            19_001,
            "param invalid: incoming webhook access token invalid",
        );
    }
    if body.len() > 20 * 1024 {
        return feishu_verdict(9_499, "Bad Request: body too large");
    }
    let json = match serde_json::from_slice::<Value>(&body) {
        Ok(json) if is_json(&headers) => json,
        _ => return feishu_verdict(9_499, "Bad Request"),
    };
    // The time is in seconds here, and stands in the body.
    let timestamp = text(&json, "/timestamp").unwrap_or_default();
    let age_ms = timestamp.parse::<i64>().map_or(i64::MAX, |secs| {
        (state.now_ms() - secs * 1000).saturating_abs()
    });
    let expected = hmac_base64(&format!("{timestamp}\n{FEISHU_SECRET}"), "");
    if age_ms > HOUR_MS || text(&json, "/sign") != Some(expected.as_str()) {
        return feishu_verdict(
            19_021,
            "sign match fail or timestamp is not within one hour from current time",
        );
    }
    let is_complete = match text(&json, "/msg_type") {
        Some("text") => text(&json, "/content/text").is_some(),
        Some("interactive") => {
            let elements = json.pointer("/card/elements").and_then(Value::as_array);
            let is_element = |element: &Value| text(element, "/tag").is_some();
            text(&json, "/card/header/title/content").is_some()
                && elements.is_some_and(|all| !all.is_empty() && all.iter().all(is_element))
        }
        _ => false,
    };
    if !is_complete {
        return feishu_verdict(9_499, "Bad Request: msg_type or content");
    }
    if state.is_too_fast(Provider::Feishu, &[(5, 1000), (100, MINUTE_MS)]) {
        return feishu_verdict(11_232, "frequency limited");
    }
    record(&state, Provider::Feishu, json, &headers);
    feishu_verdict(0, "success")
}

async fn slack(Shared(state): SharedState, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    if let Some(answer) = state.forced(Provider::Slack) {
        return forced(answer);
    }
    if uri.path() != SLACK_PATH {
        return (StatusCode::NOT_FOUND, "no_service").into_response();
    }
    let bad = || (StatusCode::BAD_REQUEST, "invalid_payload").into_response();
    let json = match serde_json::from_slice::<Value>(&body) {
        Ok(json) if is_json(&headers) => json,
        _ => return bad(),
    };
    if text(&json, "/text").is_none() {
        return (StatusCode::BAD_REQUEST, "no_text").into_response();
    }
    if let Some(blocks) = json.get("blocks") {
        let is_fine = |block: &Value| {
            let length = |limit: usize| {
                text(block, "/text/text").is_some_and(|text| text.chars().count() <= limit)
            };
            match text(block, "/type") {
                Some("header") => text(block, "/text/type") == Some("plain_text") && length(150),
                Some("section") => text(block, "/text/type") == Some("mrkdwn") && length(3000),
                Some("context") => text(block, "/elements/0/text").is_some(),
                _ => false,
            }
        };
        let blocks = blocks.as_array();
        if !blocks.is_some_and(|blocks| blocks.len() <= 50 && blocks.iter().all(is_fine)) {
            return (StatusCode::BAD_REQUEST, "invalid_blocks").into_response();
        }
    }
    if state.is_too_fast(Provider::Slack, &[(1, 1000)]) {
        return forced(ForcedAnswer {
            retry_after_secs: Some(30),
            ..ForcedAnswer::new(429, "rate_limited")
        });
    }
    record(&state, Provider::Slack, json, &headers);
    "ok".into_response()
}

fn twilio_error(status: StatusCode, code: i64, message: &str) -> Response {
    let body = json!({
        "code": code,
        "message": message,
        "more_info": format!("https://www.twilio.com/docs/errors/{code}"),
        "status": status.as_u16(),
    });
    (status, axum::Json(body)).into_response()
}

/// The number that Twilio's simulator does not know, and the one whose owner answered STOP.
const NO_SUCH_NUMBER: &str = "+15005550001";
const OPTED_OUT: &str = "+15005550004";

async fn twilio(
    Shared(state): SharedState,
    Path(account): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if let Some(answer) = state.forced(Provider::Twilio) {
        return forced(answer);
    }
    let credentials = STANDARD.encode(format!("{TWILIO_ACCOUNT}:{TWILIO_TOKEN}"));
    let authorization = headers
        .get("authorization")
        .and_then(|value| value.to_str().ok());
    if account != TWILIO_ACCOUNT || authorization != Some(&format!("Basic {credentials}")) {
        return twilio_error(StatusCode::UNAUTHORIZED, 20_003, "Authenticate");
    }
    let is_form = headers
        .get("content-type")
        .is_some_and(|value| value == "application/x-www-form-urlencoded");
    if !is_form {
        let message = "A 'To' phone number is required.";
        return twilio_error(StatusCode::BAD_REQUEST, 21_604, message);
    }
    let form: HashMap<String, String> = url::form_urlencoded::parse(&body).into_owned().collect();
    let field = |name: &str| form.get(name).map_or("", String::as_str);
    let to = field("To");
    let is_number =
        to.len() > 7 && to.starts_with('+') && to[1..].bytes().all(|byte| byte.is_ascii_digit());
    if !is_number || to == NO_SUCH_NUMBER {
        let message = format!("The 'To' number {to} is not a valid phone number.");
        return twilio_error(StatusCode::BAD_REQUEST, 21_211, &message);
    }
    if to == OPTED_OUT {
        return twilio_error(
            StatusCode::BAD_REQUEST,
            21_610,
            "Attempt to send to unsubscribed recipient",
        );
    }
    if field("From").is_empty() == field("MessagingServiceSid").is_empty() {
        return twilio_error(
            StatusCode::BAD_REQUEST,
            21_603,
            "A 'From' phone number is required.",
        );
    }
    let length = field("Body").chars().count();
    if length == 0 || length > 1600 {
        return twilio_error(
            StatusCode::BAD_REQUEST,
            21_617,
            "The concatenated message body exceeds the 1600 character limit",
        );
    }
    record(&state, Provider::Twilio, json!(form), &headers);
    let answer = json!({ "sid": "SM0123456789abcdef0123456789abcdef", "status": "queued" });
    (StatusCode::CREATED, axum::Json(answer)).into_response()
}

/// The fields of Alertmanager's payload, of which none may be missing.
const WEBHOOK_FIELDS: [&str; 10] = [
    "version",
    "groupKey",
    "truncatedAlerts",
    "status",
    "receiver",
    "groupLabels",
    "commonLabels",
    "commonAnnotations",
    "externalURL",
    "alerts",
];
const ALERT_FIELDS: [&str; 7] = [
    "status",
    "labels",
    "annotations",
    "startsAt",
    "endsAt",
    "generatorURL",
    "fingerprint",
];

async fn webhook(Shared(state): SharedState, headers: HeaderMap, body: Bytes) -> Response {
    if let Some(answer) = state.forced(Provider::Webhook) {
        return forced(answer);
    }
    let authorization = headers
        .get("authorization")
        .and_then(|value| value.to_str().ok());
    if authorization != Some(&format!("Bearer {WEBHOOK_TOKEN}")) {
        return (StatusCode::UNAUTHORIZED, "wrong token").into_response();
    }
    if !headers.contains_key("idempotency-key") {
        return (StatusCode::BAD_REQUEST, "no idempotency-key").into_response();
    }
    let json = match serde_json::from_slice::<Value>(&body) {
        Ok(json) if is_json(&headers) => json,
        _ => return (StatusCode::BAD_REQUEST, "not JSON").into_response(),
    };
    let missing = WEBHOOK_FIELDS
        .iter()
        .find(|field| json.get(**field).is_none());
    let alerts = json["alerts"].as_array().cloned().unwrap_or_default();
    let missing = missing.or_else(|| {
        let mut fields = ALERT_FIELDS.iter();
        fields.find(|field| alerts.iter().any(|alert| alert.get(**field).is_none()))
    });
    if let Some(missing) = missing {
        return (StatusCode::BAD_REQUEST, format!("no {missing}")).into_response();
    }
    if json["version"] != "4" {
        return (StatusCode::BAD_REQUEST, "not version 4").into_response();
    }
    record(&state, Provider::Webhook, json, &headers);
    "received".into_response()
}
