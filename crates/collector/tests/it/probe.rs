//! Probes against servers of this machine: plain, slow, wrong, with good and bad certificates.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Redirect;
use axum::routing::{get, post};
use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair, date_time_ymd};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use yunhai_collector::metrics::metric_info;
use yunhai_collector::probe::{FailureReason, HttpMethod, ProbeConfig, ProbeReport, Prober};
use yunhai_model::{HumanDuration, METRIC_NAME, Secret};

const NOW_MS: i64 = 1_700_000_000_000;

/// Serves HTTP until the test ends.
async fn serve() -> SocketAddr {
    let app = Router::new()
        .route("/", get(|| async { "status: healthy" }))
        .route(
            "/broken",
            get(|| async { (StatusCode::SERVICE_UNAVAILABLE, "down") }),
        )
        .route("/old", get(|| async { Redirect::permanent("/") }))
        .route(
            "/away",
            get(|| async { Redirect::temporary("http://127.0.0.2:9/") }),
        )
        .route("/slow", get(std::future::pending::<&'static str>))
        .route(
            "/private",
            post(|headers: HeaderMap, body: String| async move {
                if headers
                    .get("x-token")
                    .is_some_and(|token| token == "s3cret")
                    && body == "ping"
                {
                    (StatusCode::ACCEPTED, "welcome")
                } else {
                    (StatusCode::UNAUTHORIZED, "who are you")
                }
            }),
        );
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}

/// Serves `ok` over TLS with a self-signed certificate that is good until the 1st of January of
/// `last_year`; returns the address and the certificate as PEM.
async fn serve_tls(last_year: i32, is_authority: bool) -> (SocketAddr, String) {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(["localhost".to_owned()]).unwrap();
    params.not_before = date_time_ymd(2000, 1, 1);
    params.not_after = date_time_ymd(last_year, 1, 1);
    if is_authority {
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    }
    let pem = params.self_signed(&key).unwrap().pem();
    let chain = vec![CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()];
    let private = PrivateKeyDer::from_pem_slice(key.serialize_pem().as_bytes()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, private)
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                // A client that refuses the certificate ends this one connection.
                let Ok(mut stream) = acceptor.accept(stream).await else {
                    return;
                };
                let mut request = [0; 4096];
                let _ = stream.read(&mut request).await;
                let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok";
                let _ = stream.write_all(answer).await;
                let _ = stream.shutdown().await;
            });
        }
    });
    (address, pem)
}

fn config(target: &str) -> ProbeConfig {
    ProbeConfig::new("shop", target.parse().unwrap())
}

async fn probe(config: &ProbeConfig) -> ProbeReport {
    config.validate().unwrap();
    let report = Prober::new().probe(config, NOW_MS).await;
    for series in &report.series {
        assert_eq!(series.samples[0].timestamp_ms, NOW_MS);
        assert_eq!(series.labels.get("probe"), Some("shop"));
        let info = metric_info(series.labels.get(METRIC_NAME).unwrap()).unwrap();
        for label in info.labels {
            assert!(series.labels.get(label).is_some(), "{label} is missing");
        }
    }
    let success = value(&report, "probe_success").unwrap();
    assert_eq!(success > 0.5, report.failure.is_none());
    assert!(value(&report, "probe_duration_seconds").unwrap() >= 0.0);
    report
}

fn value(report: &ProbeReport, metric: &str) -> Option<f64> {
    let mut series = report.series.iter();
    series
        .find(|series| series.labels.metric_name() == Some(metric))
        .map(|series| series.samples[0].value)
}

#[track_caller]
fn check_failure(report: &ProbeReport, reason: FailureReason, words: &str) {
    let failure = report.failure.as_ref().expect("the probe should fail");
    assert_eq!(failure.reason, reason, "{failure}");
    assert!(failure.message.contains(words), "{failure}");
    assert_eq!(value(report, "probe_failure_info"), Some(1.0));
}

#[tokio::test]
async fn a_good_answer_is_a_success() {
    let address = serve().await;
    let mut config = config(&format!("http://{address}/old?token=x"));
    config.body_match = Some("status: (healthy|fine)".into());
    let report = probe(&config).await;
    assert_eq!(report.failure, None);
    assert_eq!(value(&report, "probe_http_status_code"), Some(200.0));
    assert_eq!(value(&report, "probe_http_body_matched"), Some(1.0));
    let target = report.series[0].labels.get("target").unwrap();
    assert_eq!(target, format!("http://{address}/old"));
}

#[tokio::test]
async fn a_wrong_status_or_body_is_a_failure_with_its_reason() {
    let address = serve().await;
    let report = probe(&config(&format!("http://{address}/broken"))).await;
    check_failure(&report, FailureReason::Status, "503 instead of 200-299");
    assert_eq!(value(&report, "probe_http_status_code"), Some(503.0));

    let mut config = config(&format!("http://{address}/"));
    config.body_match = Some("sick".into());
    let report = probe(&config).await;
    check_failure(&report, FailureReason::Body, "pattern");
    assert_eq!(value(&report, "probe_http_body_matched"), Some(0.0));

    config.body_match = None;
    config.target = format!("http://{address}/old").parse().unwrap();
    config.follow_redirects = false;
    config.expected_status = "308".parse().unwrap();
    assert_eq!(probe(&config).await.failure, None);
}

#[tokio::test]
async fn headers_and_body_are_sent_and_never_shown() {
    let address = serve().await;
    let mut config = config(&format!("http://{address}/private"));
    config.method = HttpMethod::Post;
    config
        .headers
        .insert("X-Token".into(), Secret::new("s3cret"));
    config.body = Some(Secret::new("ping"));
    config.expected_status = "202".parse().unwrap();
    let report = probe(&config).await;
    assert_eq!(report.failure, None);
    assert!(!format!("{config:?} {report:?}").contains("s3cret"));
}

#[tokio::test]
async fn secrets_do_not_follow_a_redirect_to_another_host() {
    let address = serve().await;
    let mut config = config(&format!("http://{address}/away"));
    check_failure(&probe(&config).await, FailureReason::Connection, "refused");
    config
        .headers
        .insert("X-Token".into(), Secret::new("s3cret"));
    check_failure(&probe(&config).await, FailureReason::Protocol, "elsewhere");
    config.target = format!("http://{address}/old").parse().unwrap();
    assert_eq!(probe(&config).await.failure, None);
}

#[tokio::test]
async fn a_slow_target_is_given_up() {
    let address = serve().await;
    let mut config = config(&format!("http://{address}/slow"));
    config.timeout = HumanDuration("50ms".parse::<HumanDuration>().unwrap().0);
    let report = probe(&config).await;
    check_failure(&report, FailureReason::Timeout, "50ms");
}

#[tokio::test]
async fn a_closed_port_is_told_from_a_name_without_address() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    assert_eq!(
        probe(&config(&format!("tcp://{address}"))).await.failure,
        None
    );
    drop(listener);
    for scheme in ["tcp", "http", "tls"] {
        let report = probe(&config(&format!("{scheme}://{address}"))).await;
        check_failure(&report, FailureReason::Connection, "refused");
        let report = probe(&config(&format!("{scheme}://no-such-host.invalid:1"))).await;
        check_failure(&report, FailureReason::NameLookup, "");
    }
}

#[tokio::test]
async fn an_expired_certificate_is_refused_and_its_end_is_known() {
    let (address, pem) = serve_tls(2020, false).await;
    let port = address.port();
    let ends_at = 1_577_836_800.0;
    for scheme in ["https", "tls"] {
        let mut config = config(&format!("{scheme}://localhost:{port}"));
        config.ca_certificate_pem = Some(pem.clone());
        let report = probe(&config).await;
        check_failure(&report, FailureReason::Tls, "expired");
        let metric = "probe_tls_expiry_timestamp_seconds";
        assert_eq!(value(&report, metric), Some(ends_at));

        config.verify_certificate = false;
        let report = probe(&config).await;
        assert_eq!(report.failure, None);
        assert_eq!(value(&report, metric), Some(ends_at));
    }
}

#[tokio::test]
async fn a_certificate_is_trusted_when_it_is_given() {
    // As `openssl req -x509` makes them, and as an authority issues them.
    for is_authority in [true, false] {
        check_trust(is_authority).await;
    }
}

async fn check_trust(is_authority: bool) {
    let (address, pem) = serve_tls(2100, is_authority).await;
    let mut config = config(&format!("https://localhost:{}", address.port()));
    check_failure(&probe(&config).await, FailureReason::Tls, "");
    config.ca_certificate_pem = Some(pem);
    let report = probe(&config).await;
    assert_eq!(report.failure, None);
    assert_eq!(value(&report, "probe_http_status_code"), Some(200.0));
    // The name in the certificate counts, too.
    config.target = format!("https://{address}").parse().unwrap();
    check_failure(&probe(&config).await, FailureReason::Tls, "");
}
