//! Who is let in: tokens that were given out here, and those that service accounts sign themselves.

use std::collections::HashMap;

use anyhow::anyhow;
use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    KeyPair as _, RSA_PKCS1_2048_8192_SHA256, RsaKeyPair, UnparsedPublicKey,
};
use axum::body::Bytes;
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::{EMAIL, Refusal, Service, World, moment};

/// What the other side says who the machine is.
const SUBJECT_TOKEN: &str = "token-of-the-machine";

/// The pool that the machine's identity is trusted by.
const AUDIENCE: &str =
    "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/tests/providers/tests";

const METADATA: &str = "/computeMetadata/v1/instance/service-accounts/default/token";
const IMPERSONATION: &str =
    "/v1/projects/-/serviceAccounts/yunhai@of-tests.iam.gserviceaccount.com:generateAccessToken";

/// How long a token is good for, and how far clocks may differ.
const LIFETIME_SECS: i64 = 3600;
const TOLERANCE_SECS: i64 = 60;

/// The scopes with which everything here may be asked.
const SCOPES: &[&str] = &[
    "https://www.googleapis.com/auth/cloud-platform",
    "https://www.googleapis.com/auth/compute",
    "https://www.googleapis.com/auth/monitoring",
    "https://www.googleapis.com/auth/monitoring.read",
];

/// A key pair of a service account.
pub(super) struct Signer {
    id: String,
    pair: RsaKeyPair,
    pem: String,
}

impl Signer {
    pub(super) fn new(id: &str) -> anyhow::Result<Self> {
        let failed = |_| anyhow!("no RSA key could be made");
        let pair = RsaKeyPair::generate(KeySize::Rsa2048).map_err(failed)?;
        let der: Pkcs8V1Der<'_> = pair.as_der().map_err(failed)?;
        let text = BASE64_STANDARD.encode(der.as_ref());
        let lines: Vec<&str> = (0..text.len())
            .step_by(64)
            .map(|at| &text[at..text.len().min(at + 64)])
            .collect();
        let pem = format!(
            "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
            lines.join("\n")
        );
        Ok(Self {
            id: id.to_owned(),
            pair,
            pem,
        })
    }

    pub(super) fn key_file(&self, project: &str, address: &str) -> Value {
        json!({
            "type": "service_account",
            "project_id": project,
            "private_key_id": self.id,
            "private_key": self.pem,
            "client_email": EMAIL,
            "client_id": "1",
            "auth_uri": "https://accounts.google.com/o/oauth2/auth",
            "token_uri": format!("{address}/token"),
            "universe_domain": "googleapis.com",
        })
    }

    fn has_signed(&self, message: &str, signature: &[u8]) -> bool {
        let public = self.pair.public_key().as_ref();
        let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, public);
        key.verify(message.as_bytes(), signature).is_ok()
    }
}

/// The tokens that were given out.
#[derive(Default)]
pub(super) struct Issuer {
    /// Until when each is good for, in seconds, and with which scope.
    known: HashMap<String, (i64, String)>,
    given: usize,
    has_expired_keys: bool,
}

impl Issuer {
    fn give(&mut self, now_secs: i64, scope: &str) -> String {
        self.given += 1;
        let token = format!("ya29.token-{}", self.given);
        let until = now_secs + LIFETIME_SECS;
        self.known.insert(token.clone(), (until, scope.to_owned()));
        token
    }

    pub(super) fn withdraw(&mut self) {
        self.known.clear();
    }

    pub(super) fn expire_keys(&mut self) {
        self.has_expired_keys = true;
        self.withdraw();
    }
}

/// A configuration whose token comes from the simulator, as from a metadata server of another cloud.
pub(super) fn workload_identity(address: &str) -> Value {
    json!({
        "type": "external_account",
        "audience": AUDIENCE,
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "token_url": format!("{address}/v1/token"),
        "service_account_impersonation_url": format!("{address}{IMPERSONATION}"),
        "credential_source": {
            "url": format!("{address}/subject-token"),
            "headers": { "Metadata": "true" },
            "format": { "type": "json", "subject_token_field_name": "access_token" },
        },
    })
}

/// Answers what belongs to signing in; nothing where it is something else.
pub(super) fn answer(
    world: &mut World,
    method: &Method,
    uri: &Uri,
    headers: &HeaderMap,
    body: &Bytes,
) -> Option<Response> {
    let form: HashMap<String, String> = url::form_urlencoded::parse(body).into_owned().collect();
    let now_secs = world.now_ms() / 1000;
    let answer = match (method.as_str(), uri.path()) {
        ("POST", "/token") => by_assertion(world, &form, now_secs),
        ("POST", "/v1/token") => by_exchange(world, &form, now_secs),
        ("POST", IMPERSONATION) => impersonated(world, headers, body, now_secs),
        ("GET", "/subject-token") if headers.get("Metadata").is_some() => {
            Ok(json!({ "access_token": SUBJECT_TOKEN }))
        }
        ("GET", METADATA)
            if headers
                .get("Metadata-Flavor")
                .is_some_and(|it| it == "Google") =>
        {
            Ok(bearer(&world.issuer.give(now_secs, SCOPES[0])))
        }
        _ => return None,
    };
    let (status, body) = match answer {
        Ok(body) => (StatusCode::OK, body),
        Err(said) => (
            StatusCode::BAD_REQUEST,
            json!({ "error": "invalid_grant", "error_description": said }),
        ),
    };
    Some((status, axum::Json(body)).into_response())
}

fn bearer(token: &str) -> Value {
    json!({ "access_token": token, "expires_in": LIFETIME_SECS, "token_type": "Bearer" })
}

/// RFC 7523, as Google wants it.
fn by_assertion(
    world: &mut World,
    form: &HashMap<String, String>,
    now_secs: i64,
) -> Result<Value, String> {
    let of = |name: &str| form.get(name).map_or("", String::as_str);
    if of("grant_type") != "urn:ietf:params:oauth:grant-type:jwt-bearer" {
        return Err("unsupported grant type".to_owned());
    }
    let claims = verified(world, of("assertion"), now_secs)?;
    // Google's name for it, wherever the token endpoint is asked.
    if claims["aud"] != "https://oauth2.googleapis.com/token" {
        return Err("Invalid JWT: the audience is not the token endpoint".to_owned());
    }
    let scope = claims["scope"].as_str().unwrap_or_default();
    Ok(bearer(&world.issuer.give(now_secs, scope)))
}

/// RFC 8693, as Google's Security Token Service wants it.
fn by_exchange(
    world: &mut World,
    form: &HashMap<String, String>,
    now_secs: i64,
) -> Result<Value, String> {
    for (name, wanted) in [
        (
            "grant_type",
            "urn:ietf:params:oauth:grant-type:token-exchange",
        ),
        (
            "requested_token_type",
            "urn:ietf:params:oauth:token-type:access_token",
        ),
        ("subject_token_type", "urn:ietf:params:oauth:token-type:jwt"),
        ("audience", AUDIENCE),
        ("subject_token", SUBJECT_TOKEN),
    ] {
        if form.get(name).map(String::as_str) != Some(wanted) {
            return Err(format!("the {name} is not what it should be"));
        }
    }
    let mut answer = bearer(&world.issuer.give(now_secs, "federated"));
    answer["issued_token_type"] = json!("urn:ietf:params:oauth:token-type:access_token");
    Ok(answer)
}

/// `generateAccessToken` of the IAM Credentials API.
fn impersonated(
    world: &mut World,
    headers: &HeaderMap,
    body: &Bytes,
    now_secs: i64,
) -> Result<Value, String> {
    let token = token_of(headers).unwrap_or_default();
    let (_, scope) = world.issuer.known.get(token).ok_or("no such token")?;
    if scope != "federated" {
        return Err("the token is of somebody else".to_owned());
    }
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let scopes = body["scope"].as_array().ok_or("the scope is missing")?;
    let scopes: Vec<&str> = scopes.iter().filter_map(Value::as_str).collect();
    let token = world.issuer.give(now_secs, &scopes.join(" "));
    let until = moment((now_secs + LIFETIME_SECS) * 1000);
    Ok(json!({ "accessToken": token, "expireTime": until }))
}

/// Lets in who has a valid token that is good for a service.
pub(super) fn admit(
    world: &mut World,
    service: Service,
    headers: &HeaderMap,
) -> Result<(), Refusal> {
    let now_secs = world.now_ms() / 1000;
    let token = token_of(headers).unwrap_or_default();
    let refused = |why: &str| {
        let message = "Request had invalid authentication credentials. Expected OAuth 2 access \
                       token, login cookie or other valid authentication credential.";
        Refusal::new(401, "authError", format!("{message} ({why})"))
    };
    let scope = match world.issuer.known.get(token) {
        Some((until, _)) if *until <= now_secs => return Err(refused("expired")),
        Some((_, scope)) => scope.clone(),
        // A service account may sign for itself (AIP-4111), for a scope or for a service.
        None => {
            let claims = verified(world, token, now_secs).map_err(|why| refused(&why))?;
            let name = match service {
                Service::Compute => "https://compute.googleapis.com/",
                Service::Monitoring => "https://monitoring.googleapis.com/",
            };
            match claims["aud"].as_str() {
                Some(audience) if audience == name => SCOPES[0].to_owned(),
                Some(_) => return Err(refused("the audience is another one")),
                None => claims["scope"].as_str().unwrap_or_default().to_owned(),
            }
        }
    };
    if !scope.split(' ').any(|word| SCOPES.contains(&word)) {
        let message = "Request had insufficient authentication scopes.";
        return Err(Refusal::new(
            403,
            "ACCESS_TOKEN_SCOPE_INSUFFICIENT",
            message,
        ));
    }
    Ok(())
}

fn token_of(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    value.strip_prefix("Bearer ")
}

/// Reads what the service account has signed.
fn verified(world: &World, token: &str, now_secs: i64) -> Result<Value, String> {
    let read = |part: &str| -> Option<Value> {
        serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(part).ok()?).ok()
    };
    let parts: Vec<&str> = token.split('.').collect();
    let [head, claims, signature] = parts[..] else {
        return Err("no such token".to_owned());
    };
    let (head_read, claims_read) = (read(head), read(claims));
    let (Some(head_read), Some(claims_read)) = (head_read, claims_read) else {
        return Err("Invalid JWT: it is none".to_owned());
    };
    if head_read["alg"] != "RS256" || head_read["kid"] != world.signer.id {
        return Err("Invalid JWT: an unknown key".to_owned());
    }
    let signature = BASE64_URL_SAFE_NO_PAD.decode(signature).unwrap_or_default();
    let is_signed = world
        .signer
        .has_signed(&format!("{head}.{claims}"), &signature);
    if !is_signed || world.issuer.has_expired_keys {
        return Err("Invalid JWT Signature.".to_owned());
    }
    let (issued, until) = (claims_read["iat"].as_i64(), claims_read["exp"].as_i64());
    let (issued, until) = (issued.unwrap_or(i64::MAX), until.unwrap_or_default());
    let is_in_time = issued <= now_secs + TOLERANCE_SECS
        && until > now_secs
        && until - issued.min(until) <= LIFETIME_SECS + TOLERANCE_SECS;
    if !is_in_time {
        return Err(
            "Invalid JWT: Token must be a short-lived token (60 minutes) and in a \
                    reasonable timeframe. Check your iat and exp values in the JWT claim."
                .to_owned(),
        );
    }
    if claims_read["iss"] != EMAIL {
        return Err("Invalid grant: account not found".to_owned());
    }
    Ok(claims_read)
}
