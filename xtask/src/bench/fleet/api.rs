//! Sets the server up as people do: the administrator, the users, a token, the rules.

use std::net::SocketAddr;

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};

use crate::http::{Connection, Request, Response};

const PASSWORD: &str = "eleven grey cranes over the marsh";

/// The rules that are watched beside the default ones.
const RULES: &str = include_str!("rules.yaml");

/// Somebody who is signed in.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    /// The header that a browser sends.
    pub(crate) cookie: String,
    csrf_token: String,
}

/// What the benchmark gets out of setting up.
pub(crate) struct Ready {
    /// One session for each user.
    pub(crate) sessions: Vec<Session>,
    /// The header with which samples are written.
    pub(crate) authorization: String,
    pub(crate) rules: usize,
    pub(crate) rule_groups: usize,
}

/// Creates everything that the benchmark needs.
pub(crate) fn set_up(address: SocketAddr, code: &str, users: usize) -> Result<Ready> {
    let set_up = json!({"code": code, "name": "admin", "password": PASSWORD});
    let admin = sign_in(address, "/api/v1/setup", &set_up)?;

    let mut sessions = Vec::new();
    for user in 0..users {
        let name = format!("viewer-{user}");
        let new = json!({"name": name, "password": PASSWORD, "role": "viewer"});
        post(address, &admin, "/api/v1/users", &new)?;
        let credentials = json!({"name": name, "password": PASSWORD});
        sessions.push(sign_in(address, "/api/v1/session", &credentials)?);
    }

    let token = json!({"name": "fleet", "scopes": ["metrics:write"]});
    let token = post(address, &admin, "/api/v1/tokens", &token)?;
    let token = token["token"].as_str().context("the answer has no token")?;

    post(
        address,
        &admin,
        "/api/v1/rule-groups",
        &json!({"source": RULES}),
    )?;
    let groups = get(address, &admin, "/api/v1/rule-groups?page_size=200")?;
    let groups = groups["items"]
        .as_array()
        .context("the list has no items")?;
    let rules = groups
        .iter()
        .filter_map(|group| group["rules"].as_array())
        .map(Vec::len)
        .sum();
    Ok(Ready {
        sessions,
        authorization: format!("Bearer {token}"),
        rules,
        rule_groups: groups.len(),
    })
}

/// Reads something as somebody.
pub(crate) fn get(address: SocketAddr, session: &Session, path: &str) -> Result<Value> {
    let headers = [("Cookie", session.cookie.as_str())];
    let request = Request {
        method: "GET",
        path,
        headers: &headers,
        ..Request::default()
    };
    parse(path, &send(address, &request)?)
}

fn sign_in(address: SocketAddr, path: &str, credentials: &Value) -> Result<Session> {
    let body = credentials.to_string();
    let request = Request {
        method: "POST",
        path,
        headers: &[("Content-Type", "application/json")],
        body: body.as_bytes(),
    };
    let response = send(address, &request)?;
    let answer = parse(path, &response)?;
    let cookie = session_cookie(&response).context("the sign-in sets no cookie")?;
    let csrf_token = answer["csrf_token"]
        .as_str()
        .context("there is no CSRF token")?;
    Ok(Session {
        cookie,
        csrf_token: csrf_token.to_owned(),
    })
}

/// The cookie that an answer sets, as a browser sends it back.
pub(crate) fn session_cookie(response: &Response) -> Option<String> {
    let cookie = response.header("set-cookie")?;
    Some(cookie.split(';').next()?.to_owned())
}

fn post(address: SocketAddr, session: &Session, path: &str, body: &Value) -> Result<Value> {
    let body = body.to_string();
    let headers = [
        ("Cookie", session.cookie.as_str()),
        ("X-CSRF-Token", session.csrf_token.as_str()),
        ("Content-Type", "application/json"),
    ];
    let request = Request {
        method: "POST",
        path,
        headers: &headers,
        body: body.as_bytes(),
    };
    parse(path, &send(address, &request)?)
}

fn send(address: SocketAddr, request: &Request<'_>) -> Result<Response> {
    Connection::open(address)
        .and_then(|mut connection| connection.send(request))
        .with_context(|| format!("{} {}", request.method, request.path))
}

fn parse(path: &str, response: &Response) -> Result<Value> {
    if !matches!(response.status, 200 | 201) {
        bail!("{path} answered {}: {}", response.status, response.text());
    }
    serde_json::from_slice(&response.body).with_context(|| format!("reading the answer of {path}"))
}
