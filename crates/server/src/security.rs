//! What stands before every request: allow list, rate limits, security headers.

use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;
use std::sync::Arc;

use axum::extract::{ConnectInfo, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use http::{HeaderMap, HeaderName, HeaderValue, header};
use ipnet::IpNet;
use yunhai_api_types::ProblemCode;
use yunhai_model::HumanDuration;

use crate::config::ServerConfig;
use crate::error::ApiError;

/// The address that a request came from, seen through trusted proxies.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ClientAddress(pub(crate) IpAddr);

/// The checks and their state.
pub(crate) struct Guard {
    allow: Vec<IpNet>,
    trusted_proxies: Vec<IpNet>,
    requests: DefaultKeyedRateLimiter<IpAddr>,
    sign_ins: DefaultKeyedRateLimiter<IpAddr>,
    encrypted: bool,
}

impl Guard {
    pub(crate) fn new(config: &ServerConfig) -> Self {
        let per_minute = |count: u32| {
            RateLimiter::keyed(Quota::per_minute(
                NonZeroU32::new(count).unwrap_or(NonZeroU32::MIN),
            ))
        };
        Self {
            allow: config.allow.clone(),
            trusted_proxies: config.trusted_proxies.clone(),
            requests: per_minute(config.requests_per_minute),
            sign_ins: per_minute(config.sign_ins_per_minute),
            encrypted: config.is_reached_over_https(),
        }
    }

    /// Forgets addresses that have been quiet, so that memory stays bounded.
    pub(crate) fn forget_quiet_addresses(&self) {
        for limiter in [&self.requests, &self.sign_ins] {
            limiter.retain_recent();
            limiter.shrink_to_fit();
        }
    }

    fn client_address(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        if !contains(&self.trusted_proxies, peer) {
            return peer;
        }
        // Each proxy appends the address it saw: the last one that is no proxy of ours is the client.
        headers
            .get_all("x-forwarded-for")
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .filter_map(|text| text.trim().parse().ok())
            .rfind(|address| !contains(&self.trusted_proxies, *address))
            .unwrap_or(peer)
    }

    fn check(&self, address: IpAddr, path: &str, method: &http::Method) -> Result<(), ApiError> {
        if !self.allow.is_empty() && !contains(&self.allow, address) {
            return Err(ApiError::new(
                ProblemCode::AddressNotAllowed,
                format!("{address} is not in a network that server.allow lists"),
            ));
        }
        let signing_in = method == http::Method::POST
            && matches!(
                path,
                "/api/v1/session" | "/api/v1/setup" | "/api/v1/registration"
            );
        let limiter = if signing_in {
            &self.sign_ins
        } else {
            &self.requests
        };
        limiter.check_key(&address).map_err(|until| {
            let wait = until.wait_time_from(DefaultClock::default().now());
            let secs = wait.as_secs() + 1;
            ApiError::new(
                ProblemCode::TooManyRequests,
                format!("{address} makes too many requests"),
            )
            .hint(format!("try again in {}", HumanDuration::from_secs(secs)))
            .retry_after(secs)
        })
    }
}

fn contains(networks: &[IpNet], address: IpAddr) -> bool {
    // An IPv4 client of a dual-stack socket shows as ::ffff:a.b.c.d.
    let address = address.to_canonical();
    networks.iter().any(|network| network.contains(&address))
}

/// Lets a request in, or not, and puts the security headers on the answer.
pub(crate) async fn guard(
    State(guard): State<Arc<Guard>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    mut request: Request,
    next: Next,
) -> Response {
    let address = guard
        .client_address(peer.ip(), request.headers())
        .to_canonical();
    let path = request.uri().path().to_owned();
    let mut response = match guard.check(address, &path, request.method()) {
        Ok(()) => {
            request.extensions_mut().insert(ClientAddress(address));
            next.run(request).await
        }
        Err(error) => error.into_response(),
    };
    add_headers(response.headers_mut(), &path, guard.encrypted);
    response
}

fn add_headers(headers: &mut HeaderMap, path: &str, encrypted: bool) {
    const ALWAYS: [(HeaderName, &str); 6] = [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "same-origin"),
        (
            HeaderName::from_static("cross-origin-opener-policy"),
            "same-origin",
        ),
        (
            HeaderName::from_static("permissions-policy"),
            "camera=(), geolocation=(), microphone=()",
        ),
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; \
             object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
        ),
    ];
    for (name, value) in ALWAYS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if encrypted {
        headers.insert(
            header::STRICT_TRANSPORT_SECURITY,
            HeaderValue::from_static("max-age=31536000"),
        );
    }
    if path.starts_with("/api/") || path.starts_with("/prometheus/") {
        headers
            .entry(header::CACHE_CONTROL)
            .or_insert(HeaderValue::from_static("no-store"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn only_trusted_proxies_are_believed() {
        let guard = Guard::new(&ServerConfig {
            trusted_proxies: vec!["10.0.0.0/8".parse().unwrap()],
            ..ServerConfig::default()
        });
        let mut headers = HeaderMap::new();
        headers.insert(
            "x-forwarded-for",
            HeaderValue::from_static("6.6.6.6, 203.0.113.9, 10.1.1.1"),
        );
        assert_eq!(
            guard.client_address(address("10.0.0.1"), &headers),
            address("203.0.113.9")
        );
        assert_eq!(
            guard.client_address(address("192.0.2.1"), &headers),
            address("192.0.2.1")
        );
    }

    #[test]
    fn the_allow_list_and_the_limits_hold() {
        let guard = Guard::new(&ServerConfig {
            allow: vec!["192.0.2.0/24".parse().unwrap()],
            sign_ins_per_minute: 2,
            ..ServerConfig::default()
        });
        let post = |from: &str| {
            guard
                .check(address(from), "/api/v1/session", &http::Method::POST)
                .map_err(|error| error.0.code)
        };
        assert_eq!(post("198.51.100.1"), Err(ProblemCode::AddressNotAllowed));
        assert_eq!(post("::ffff:192.0.2.7"), Ok(()));
        assert_eq!(post("192.0.2.1"), Ok(()));
        assert_eq!(post("192.0.2.1"), Ok(()));
        assert_eq!(post("192.0.2.1"), Err(ProblemCode::TooManyRequests));
        assert_eq!(post("192.0.2.2"), Ok(()));
    }
}
