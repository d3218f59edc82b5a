//! The Resource Manager's manners: who may ask, by which version, page by page and not too often.
//!
//! Sources: `common-types/resource-management/v3/types.json` (`ErrorResponse`), "Understand how
//! Azure Resource Manager throttles requests" and "Common deployment errors" (learn.microsoft.com),
//! `resources/resource-manager/Microsoft.Resources/stable/2022-12-01/subscriptions.json`.

use axum::Router;
use axum::body::Bytes;
use axum::extract::OriginalUri;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::login::{self, MANAGER};
use super::world::World;
use super::{LOCATIONS, SUBSCRIPTIONS, State, compute, lock, monitor, network, operations};

/// A request, with its path in lower case: the Resource Manager makes no difference.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) base: String,
    pub(super) method: String,
    pub(super) path: String,
    pub(super) parts: Vec<String>,
    pub(super) body: String,
    query: Vec<(String, String)>,
    headers: HeaderMap,
}

impl Request {
    pub(super) fn query(&self, name: &str) -> Option<&str> {
        let found = self
            .query
            .iter()
            .find(|(n, _)| n.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The body as JSON.
    pub(super) fn json(&self) -> Result<Value, Reply> {
        serde_json::from_str(&self.body).map_err(|error| {
            let said = format!(
                "The request content was invalid and could not be deserialized: '{error}'."
            );
            Reply::error(400, "InvalidRequestContent", &said)
        })
    }

    pub(super) fn parts(&self) -> Vec<&str> {
        self.parts.iter().map(String::as_str).collect()
    }
}

/// An answer.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: Value,
    is_halved: bool,
}

impl Reply {
    pub(super) fn new(status: u16, body: Value) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body,
            is_halved: false,
        }
    }

    pub(super) fn ok(body: Value) -> Self {
        Self::new(200, body)
    }

    pub(super) fn error(status: u16, code: &str, message: &str) -> Self {
        let error = json!({ "error": { "code": code, "message": message } });
        Self::new(status, error)
    }

    pub(super) fn not_found(path: &str) -> Self {
        let said = format!(
            "The Resource '{path}' was not found. For more details please go to https://aka.ms/ARMResourceNotFoundFix"
        );
        Self::error(404, "ResourceNotFound", &said)
    }

    pub(super) fn with(mut self, name: &'static str, value: impl std::fmt::Display) -> Self {
        self.headers.push((name, value.to_string()));
        self
    }
}

impl IntoResponse for Reply {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut text = if self.body.is_null() {
            String::new()
        } else {
            self.body.to_string()
        };
        if self.is_halved {
            text.truncate(text.len() / 2);
        }
        let mut response = (status, text).into_response();
        let headers = response.headers_mut();
        headers.insert(
            "content-type",
            "application/json; charset=utf-8"
                .parse()
                .expect("it is one"),
        );
        for (name, value) in self.headers {
            headers.insert(name, value.parse().expect("a header of letters"));
        }
        response
    }
}

/// Everything behind one address.
pub(super) fn router(state: State, base: String) -> Router {
    Router::new().fallback(
        move |method: Method, OriginalUri(uri): OriginalUri, headers: HeaderMap, body: Bytes| {
            let path = uri.path().to_ascii_lowercase();
            let query = url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
            let request = Request {
                base: base.clone(),
                method: method.to_string(),
                parts: path
                    .trim_matches('/')
                    .split('/')
                    .map(str::to_owned)
                    .collect(),
                path,
                body: String::from_utf8_lossy(&body).into_owned(),
                query: query.into_owned().collect(),
                headers,
            };
            let reply = answer(&mut lock(&state), &request);
            std::future::ready(reply)
        },
    )
}

fn answer(world: &mut World, request: &Request) -> Reply {
    if let Some(reply) = login::answer(world, request) {
        return reply;
    }
    world
        .requests
        .push(format!("{} {}", request.method, request.path));
    let reply = if world.throttled > 0 {
        world.throttled -= 1;
        let said =
            "Number of requests for subscription has exceeded the limit. Please try again later.";
        return Reply::error(429, "SubscriptionRequestsThrottled", said)
            .with("retry-after", world.retry_after_secs)
            .with("x-ms-ratelimit-remaining-subscription-reads", 0);
    } else if request
        .parts
        .first()
        .is_some_and(|part| part == "metrics-of")
    {
        monitor::batch(world, request)
    } else {
        resource(world, request)
    };
    let reply = reply.unwrap_or_else(|refusal| refusal);
    let left = world.questions_left;
    reply
        .with("x-ms-ratelimit-remaining-subscription-reads", left)
        .with("x-ms-request-id", world.uuid())
}

/// Refuses who is not known.
pub(super) fn authenticate(world: &World, request: &Request, audience: &str) -> Result<(), Reply> {
    let refuse = |code: &str, said: &str| Err(Reply::error(401, code, said));
    let Some(bearer) = request.header("authorization") else {
        return refuse(
            "AuthenticationFailed",
            "Authentication failed. The 'Authorization' header is missing.",
        );
    };
    let known = bearer
        .strip_prefix("Bearer ")
        .and_then(|token| world.tokens.get(token));
    match known {
        None => refuse("InvalidAuthenticationToken", "The access token is invalid."),
        Some(token) if token.audience != audience => {
            let said = format!(
                "The access token has been obtained for wrong audience or resource '{}'. It should exactly match with one of the allowed audiences '{audience}'.",
                token.audience
            );
            refuse("InvalidAuthenticationTokenAudience", &said)
        }
        Some(token) if token.until_ms <= world.now_ms() => refuse(
            "ExpiredAuthenticationToken",
            "The access token expiry UTC time is earlier than current UTC time.",
        ),
        Some(_) => Ok(()),
    }
}

/// Refuses what a role does not allow.
pub(super) fn authorise(world: &World, request: &Request, action: &str) -> Result<(), Reply> {
    let is_denied = request
        .parts
        .iter()
        .any(|part| world.denied_subscriptions.contains(part));
    if !is_denied && world.permits(action) {
        return Ok(());
    }
    let said = format!(
        "The client '{}' does not have authorization to perform action '{action}' over scope '{}' or the scope is invalid. If access was recently granted, please refresh your credentials.",
        super::CLIENT_ID,
        request.path
    );
    Err(Reply::error(403, "AuthorizationFailed", &said))
}

/// Refuses versions that an interface does not have.
pub(super) fn version(request: &Request, known: &[&str]) -> Result<(), Reply> {
    let Some(version) = request.query("api-version") else {
        let said = "The api-version query parameter (?api-version=) is required for all requests.";
        return Err(Reply::error(400, "MissingApiVersionParameter", said));
    };
    if known.contains(&version) {
        return Ok(());
    }
    let said = format!(
        "The api-version '{version}' is invalid. The supported versions are '{}'.",
        known.join(",")
    );
    Err(Reply::error(400, "InvalidApiVersionParameter", &said))
}

/// Refuses subscriptions that there are not.
pub(super) fn known_subscription(id: &str) -> Result<(), Reply> {
    if SUBSCRIPTIONS.contains(&id) {
        return Ok(());
    }
    let said = format!("The subscription '{id}' could not be found.");
    Err(Reply::error(404, "SubscriptionNotFound", &said))
}

/// Refuses questions that an interface does not have.
pub(super) fn method(request: &Request, allowed: &str) -> Result<(), Reply> {
    if request.method == allowed {
        return Ok(());
    }
    let said = format!(
        "The requested resource does not support http method '{}'.",
        request.method
    );
    Err(Reply::error(405, "MethodNotAllowed", &said))
}

/// Answers a list by its next page.
pub(super) fn page(world: &World, request: &Request, items: &[Value]) -> Reply {
    let skip = request
        .query("$skiptoken")
        .and_then(|token| token.parse().ok());
    let skip: usize = if world.is_page_repeated {
        0
    } else {
        skip.unwrap_or(0)
    };
    let end = items.len().min(skip + world.page);
    let mut body = json!({ "value": items.get(skip..end).unwrap_or_default() });
    if world.is_list_spoiled
        && let Some(entries) = body["value"].as_array_mut()
    {
        entries.insert(0, json!({ "id": 17 }));
    }
    if end < items.len() {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        for (name, value) in request
            .query
            .iter()
            .filter(|(name, _)| name != "$skiptoken")
        {
            query.append_pair(name, value);
        }
        query.append_pair("$skiptoken", &end.to_string());
        let next = format!("{}{}?{}", request.base, request.path, query.finish());
        body["nextLink"] = json!(next);
    }
    let mut reply = Reply::ok(body);
    reply.is_halved = world.is_list_halved;
    reply
}

fn resource(world: &mut World, request: &Request) -> Result<Reply, Reply> {
    authenticate(world, request, MANAGER)?;
    let parts = request.parts();
    match parts[..] {
        ["subscriptions"] => {
            method(request, "GET")?;
            version(request, &["2022-12-01"])?;
            let seen = SUBSCRIPTIONS.iter().enumerate().filter(|(_, id)| {
                let is_read = world.permits("Microsoft.Resources/subscriptions/read");
                is_read && !world.denied_subscriptions.contains(**id)
            });
            let seen: Vec<Value> = seen.map(|(number, id)| subscription(number, id)).collect();
            Ok(page(world, request, &seen))
        }
        ["subscriptions", id, ref rest @ ..] => {
            known_subscription(id)?;
            match *rest {
                ["locations"] => {
                    method(request, "GET")?;
                    version(request, &["2022-12-01"])?;
                    authorise(
                        world,
                        request,
                        "Microsoft.Resources/subscriptions/locations/read",
                    )?;
                    let locations: Vec<Value> = LOCATIONS.iter().map(|l| location(id, l)).collect();
                    // The only list without pages.
                    Ok(Reply::ok(json!({ "value": locations })))
                }
                [
                    "providers",
                    "microsoft.compute" | "microsoft.network",
                    "locations",
                    _,
                    "operations",
                    _,
                ] => operations::answer(world, request),
                ["providers" | "resourcegroups", ..]
                    if request.parts.iter().any(|part| part == "microsoft.compute") =>
                {
                    compute::answer(world, request)
                }
                ["providers" | "resourcegroups", ..]
                    if request.parts.iter().any(|part| part == "microsoft.network") =>
                {
                    network::answer(world, request)
                }
                _ => Err(Reply::not_found(&request.path)),
            }
        }
        _ => Err(Reply::not_found(&request.path)),
    }
}

/// `Subscription` of `subscriptions.json`.
fn subscription(number: usize, id: &str) -> Value {
    json!({
        "id": format!("/subscriptions/{id}"),
        "authorizationSource": "RoleBased",
        "subscriptionId": id,
        "tenantId": super::TENANT,
        "displayName": format!("Subscription {}", number + 1),
        "state": "Enabled",
        "subscriptionPolicies": {
            "locationPlacementId": "Public_2014-09-01",
            "quotaId": "PayAsYouGo_2014-09-01",
            "spendingLimit": "Off",
        },
    })
}

/// `Location` of the same.
fn location(subscription: &str, name: &str) -> Value {
    json!({
        "id": format!("/subscriptions/{subscription}/locations/{name}"),
        "name": name,
        "type": "Region",
        "displayName": name,
        "regionalDisplayName": name,
        "metadata": {
            "regionType": "Physical",
            "regionCategory": "Recommended",
            "geographyGroup": "Somewhere",
            "longitude": "4.9",
            "latitude": "52.3667",
            "physicalLocation": "Somewhere",
            "pairedRegion": [],
        },
    })
}
