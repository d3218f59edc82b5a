//! An HTTP request, over a connection of its own, and whether the answer is the right one.

use std::error::Error;

use regex::Regex;
use reqwest::Client;
use reqwest::redirect::Policy;

use super::certificate::{SeenCertificates, TrustedRoots};
use super::{FailureReason, Observed, ProbeConfig, ProbeFailure};

/// How much of a body is read and searched.
const MAX_BODY_BYTES: usize = 1024 * 1024;

const MAX_REDIRECTS: usize = 10;

/// Asks, and compares the answer with what is expected.
pub(super) async fn ask(
    config: &ProbeConfig,
    roots: &TrustedRoots,
    seen: &SeenCertificates,
    observed: &mut Observed,
) -> Result<(), ProbeFailure> {
    let pattern = match &config.body_match {
        Some(pattern) => Some(Regex::new(pattern).map_err(|error| {
            ProbeFailure::new(FailureReason::Config, format!("`body_match`: {error}"))
        })?),
        None => None,
    };
    let client = client(config, roots, seen)?;
    let mut request = client.request(config.method.to_reqwest(), config.target.clone());
    for (name, value) in &config.headers {
        request = request.header(name, value.expose());
    }
    if let Some(body) = &config.body {
        request = request.body(body.expose().to_owned());
    }
    let mut response = request.send().await.map_err(|error| classify(&error))?;
    let status = response.status().as_u16();
    observed.status = Some(status);

    // The body is read in any case: an answer that breaks off is no success.
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| classify(&error))? {
        let room = MAX_BODY_BYTES - body.len();
        body.extend_from_slice(&chunk[..chunk.len().min(room)]);
        if body.len() == MAX_BODY_BYTES {
            break;
        }
    }
    if let Some(pattern) = &pattern {
        observed.body_matched = Some(pattern.is_match(&String::from_utf8_lossy(&body)));
    }
    if !config.expected_status.contains(status) {
        let expected = &config.expected_status;
        return Err(ProbeFailure::new(
            FailureReason::Status,
            format!("the status is {status} instead of {expected}"),
        ));
    }
    if observed.body_matched == Some(false) {
        return Err(ProbeFailure::new(
            FailureReason::Body,
            "the body does not match the pattern",
        ));
    }
    Ok(())
}

/// Follows up to ten redirects. What is secret stays with the target: a probe that sends headers or
/// a body is not led to another host, nor from TLS to plain HTTP.
fn redirects(config: &ProbeConfig) -> Policy {
    let target = config.target.clone();
    let has_secrets = !config.headers.is_empty() || config.body.is_some();
    Policy::custom(move |attempt| {
        let next = attempt.url();
        let is_safe =
            next.host() == target.host() && (next.scheme() == "https" || target.scheme() == "http");
        if attempt.previous().len() > MAX_REDIRECTS {
            attempt.error(RedirectRefused("it redirects more than ten times"))
        } else if has_secrets && !is_safe {
            attempt.error(RedirectRefused(
                "it redirects elsewhere, where the probe's headers and body must not go; \
                 do not follow redirects, or set the address that it leads to",
            ))
        } else {
            attempt.follow()
        }
    })
}

#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct RedirectRefused(&'static str);

fn client(
    config: &ProbeConfig,
    roots: &TrustedRoots,
    seen: &SeenCertificates,
) -> Result<Client, ProbeFailure> {
    let redirects = if config.follow_redirects {
        redirects(config)
    } else {
        Policy::none()
    };
    Client::builder()
        .tls_backend_preconfigured(roots.client_config(config, seen)?)
        .redirect(redirects)
        // A probe asks the target itself, and measures that.
        .no_proxy()
        .user_agent(concat!("Yunhai-Probe/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|error| ProbeFailure::new(FailureReason::Config, innermost(&error)))
}

/// Finds the kind of a failure among its causes.
fn classify(error: &reqwest::Error) -> ProbeFailure {
    let mut reason = if error.is_timeout() {
        FailureReason::Timeout
    } else if error.is_connect() {
        FailureReason::Connection
    } else if error.is_builder() {
        FailureReason::Config
    } else {
        FailureReason::Protocol
    };
    for cause in causes(error) {
        if cause.is::<rustls::Error>() {
            reason = FailureReason::Tls;
        } else if error.is_connect() && cause.to_string().contains("dns error") {
            reason = FailureReason::NameLookup;
        }
    }
    ProbeFailure::new(reason, innermost(error))
}

/// Goes from an error to its causes; an I/O error hides what it wraps from `source`.
fn causes<'a>(error: &'a reqwest::Error) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error as &(dyn Error + 'static)), |&current| {
        let wrapped = current
            .downcast_ref::<std::io::Error>()
            .and_then(std::io::Error::get_ref);
        match wrapped {
            Some(wrapped) => Some(wrapped as &(dyn Error + 'static)),
            None => current.source(),
        }
    })
}

/// Returns the innermost cause: the outer ones repeat the address, which may hold a token.
fn innermost(error: &reqwest::Error) -> String {
    match causes(error).last() {
        Some(cause) if !cause.is::<reqwest::Error>() => cause.to_string(),
        _ => "the request failed".to_owned(),
    }
}
