//! Signing in: Entra's token endpoint, and that of a machine's own identity.
//!
//! Sources: "Microsoft identity platform and the OAuth 2.0 client credentials flow" and "How to use
//! managed identities on a virtual machine" (learn.microsoft.com); what Microsoft's clients ask for
//! before it is OpenID's discovery document.

use serde_json::{Value, json};

use super::requests::{Reply, Request};
use super::world::{Token, World};
use super::{CLIENT_ID, CLIENT_SECRET, TENANT};

/// What tokens can be for. Only these two are known here.
pub(super) const MANAGER: &str = "https://management.azure.com";
pub(super) const METRICS: &str = "https://metrics.monitor.azure.com";

/// Answers what belongs to signing in.
pub(super) fn answer(world: &mut World, request: &Request) -> Option<Reply> {
    let parts: Vec<&str> = request.parts.iter().map(String::as_str).collect();
    match parts[..] {
        [tenant, "v2.0", ".well-known", "openid-configuration"] => {
            let base = format!("{}/{tenant}", request.base);
            Some(Reply::ok(json!({
                "issuer": format!("{base}/v2.0"),
                "authorization_endpoint": format!("{base}/oauth2/v2.0/authorize"),
                "token_endpoint": format!("{base}/oauth2/v2.0/token"),
            })))
        }
        [tenant, "oauth2", "v2.0", "token"] => {
            world.sign_ins += 1;
            Some(client_credentials(world, tenant, request))
        }
        ["metadata", "identity", "oauth2", "token"] => {
            world.sign_ins += 1;
            Some(machine(world, request))
        }
        _ => None,
    }
}

fn client_credentials(world: &mut World, tenant: &str, request: &Request) -> Reply {
    let form: Vec<(String, String)> = url::form_urlencoded::parse(request.body.as_bytes())
        .into_owned()
        .collect();
    let field = |name: &str| {
        let found = form.iter().find(|(field, _)| field == name);
        found.map_or("", |(_, value)| value.as_str())
    };
    if request.method != "POST" || field("grant_type") != "client_credentials" {
        let said = "The request body must contain the following parameter: 'grant_type'.";
        return refused(400, "invalid_request", "AADSTS900144", said);
    }
    if tenant != TENANT {
        let said = format!(
            "Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID."
        );
        return refused(400, "invalid_request", "AADSTS90002", &said);
    }
    if field("client_id") != CLIENT_ID {
        let said = format!(
            "Application with identifier '{}' was not found in the directory.",
            field("client_id")
        );
        return refused(400, "unauthorized_client", "AADSTS700016", &said);
    }
    if field("client_secret") != CLIENT_SECRET {
        let said = format!(
            "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '{CLIENT_ID}'."
        );
        return refused(401, "invalid_client", "AADSTS7000215", &said);
    }
    if world.is_secret_expired {
        let said = format!(
            "The provided client secret keys for app '{CLIENT_ID}' are expired. Visit the Azure portal to create new keys for your app."
        );
        return refused(401, "invalid_client", "AADSTS7000222", &said);
    }
    let audience = field("scope")
        .split(' ')
        .find_map(|scope| scope.strip_suffix("/.default"));
    let audience = audience.map(|audience| audience.trim_end_matches('/'));
    let Some(audience @ (MANAGER | METRICS)) = audience else {
        let said = format!(
            "The resource principal named {} was not found in the tenant.",
            field("scope")
        );
        return refused(400, "invalid_resource", "AADSTS500011", &said);
    };
    let (token, lifetime) = issue(world, audience);
    Reply::ok(json!({
        "token_type": "Bearer",
        "expires_in": lifetime,
        "ext_expires_in": lifetime,
        "access_token": token,
    }))
}

fn machine(world: &mut World, request: &Request) -> Reply {
    let is_meant = request.header("metadata") == Some("true");
    let is_version = request.query("api-version") == Some("2018-02-01");
    if !is_meant || !is_version || request.method != "GET" {
        return Reply::new(
            400,
            json!({
                "error": "invalid_request",
                "error_description": "Required metadata header not specified",
            }),
        );
    }
    if let Some(id) = request.query("client_id")
        && id != CLIENT_ID
    {
        return Reply::new(
            400,
            json!({
                "error": "invalid_request",
                "error_description": "Identity not found",
            }),
        );
    }
    let resource = request.query("resource").unwrap_or_default();
    let audience = resource.trim_end_matches('/');
    let (token, lifetime) = issue(world, audience);
    let until = (world.now_ms() / 1000 + lifetime).to_string();
    Reply::ok(json!({
        "access_token": token,
        "client_id": CLIENT_ID,
        "expires_in": lifetime.to_string(),
        "expires_on": until,
        "resource": resource,
        "token_type": "Bearer",
    }))
}

fn issue(world: &mut World, audience: &str) -> (String, i64) {
    let token = format!("simulated-token-{}", world.next());
    let lifetime = world.token_lifetime_secs;
    let until_ms = world.now_ms() + lifetime * 1000;
    let known = Token {
        audience: audience.to_owned(),
        until_ms,
    };
    world.tokens.insert(token.clone(), known);
    (token, lifetime)
}

fn refused(status: u16, error: &str, code: &str, said: &str) -> Reply {
    let number: u64 = code.trim_start_matches("AADSTS").parse().unwrap_or(0);
    let body: Value = json!({
        "error": error,
        "error_description": format!(
            "{code}: {said} Trace ID: 3f1b Correlation ID: 77aa Timestamp: 2026-11-01 00:00:00Z"
        ),
        "error_codes": [number],
        "trace_id": "3f1b",
        "correlation_id": "77aa",
    });
    Reply::new(status, body)
}
