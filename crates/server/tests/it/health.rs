//! What the server answers while it cannot do without something, and that it goes on by itself.

use std::time::{Duration, Instant};

use reqwest::{Method, StatusCode};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use yunhai_identity::Role;
use yunhai_model::HumanDuration;
use yunhai_server::ServerConfig;
use yunhai_test_support::databases::{Engine, OwnServer};

use crate::harness::{TestServer, eventually};

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_away_is_told_soon_and_taken_up_again() {
    let mut database = OwnServer::start(Engine::Postgres);
    let server = TestServer::start_on(&database.url).await;
    let admin = server.sign_in_new("ann", Role::Administrator).await;
    let token = admin.token(&["metrics:write"]).await;
    admin.get("/api/v1/rule-groups").await;
    assert_eq!(ready(&server).await.0, StatusCode::OK);

    database.stop();
    let asked = Instant::now();
    let request = admin.request(Method::GET, "/api/v1/rule-groups");
    let refused = request.send().await.unwrap();
    assert!(asked.elapsed() < Duration::from_secs(12));
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(refused.headers()["retry-after"], "5");
    let problem: serde_json::Value = refused.json().await.unwrap();
    assert_eq!(problem["code"], "database_unavailable", "{problem}");
    assert_eq!(problem["detail"], "the state database does not answer");

    // Now that it is known, nobody waits, whatever they ask for; the page itself is still there.
    for (method, path) in [
        (Method::GET, "/api/v1/servers"),
        (Method::POST, "/prometheus/api/v1/write"),
        (Method::POST, "/otlp/v1/metrics"),
    ] {
        let asked = Instant::now();
        let request = server.request(method, path).bearer_auth(&token);
        let refused = request.send().await.unwrap();
        assert!(asked.elapsed() < Duration::from_secs(3), "{path}");
        assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE, "{path}");
        assert_eq!(refused.headers()["retry-after"], "5", "{path}");
    }
    let (status, told) = ready(&server).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(told, "the state database does not answer\n");
    let page = server.request(Method::GET, "/").send().await.unwrap();
    assert_eq!(page.status(), StatusCode::OK);

    database.restart();
    eventually("it is ready again", async || {
        (ready(&server).await.0 == StatusCode::OK).then_some(())
    })
    .await;
    let file = "groups:\n  - name: g\n    rules:\n      - alert: A\n        expr: vector(1)\n";
    let body = json!({"source": file});
    let (status, told) = admin.send(Method::POST, "/api/v1/rule-groups", &body).await;
    assert!(status.is_success(), "{told}");
    server.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_whose_database_is_gone_still_ends_in_good_order() {
    let mut database = OwnServer::start(Engine::Postgres);
    let server = TestServer::start_on(&database.url).await;
    database.stop();
    let asked = Instant::now();
    server.stop().await.unwrap();
    assert!(asked.elapsed() < Duration::from_secs(40));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_in_which_nothing_can_be_written_makes_the_server_not_ready() {
    let server = TestServer::start().await;
    assert_eq!(ready(&server).await.0, StatusCode::OK);
    // A file system that is gone refuses like a full one.
    let series = server.data_dir.path().join("series");
    let aside = server.data_dir.path().join("aside");
    std::fs::rename(&series, &aside).unwrap();
    let told = eventually("it is not ready", async || {
        let (status, told) = ready(&server).await;
        (status == StatusCode::SERVICE_UNAVAILABLE).then_some(told)
    })
    .await;
    assert!(told.contains(&series.display().to_string()), "{told}");
    std::fs::rename(&aside, &series).unwrap();
    eventually("it is ready again", async || {
        (ready(&server).await.0 == StatusCode::OK).then_some(())
    })
    .await;
    server.stop().await.unwrap();
}

/// Sends a piece of a request and returns what came until the server closed the connection.
async fn send_piece(server: &TestServer, piece: &str) -> String {
    let address = server.url.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(piece.as_bytes()).await.unwrap();
    let mut answer = String::new();
    let closed = stream.read_to_string(&mut answer);
    tokio::time::timeout(Duration::from_mins(1), closed)
        .await
        .expect("the server closes the connection")
        .unwrap();
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_holds_a_connection_with_a_request_that_never_ends() {
    let server = TestServer::start_with(ServerConfig {
        request_timeout: HumanDuration::from_secs(1),
        ..ServerConfig::default()
    })
    .await;
    assert_eq!(send_piece(&server, "").await, "");
    assert_eq!(
        send_piece(&server, "GET / HTTP/1.1\r\nhost: a\r\nx: ").await,
        ""
    );
    // The first request is whole, the second is not.
    let twice = "GET /healthz HTTP/1.1\r\nhost: a\r\n\r\nGET / HTTP/1.1\r\nx: ";
    assert!(send_piece(&server, twice).await.ends_with("ok\n"));
    let body = "POST /api/v1/session HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n\
                content-length: 100\r\n\r\n{";
    assert!(send_piece(&server, body).await.starts_with("HTTP/1.1 503"));
}

async fn ready(server: &TestServer) -> (StatusCode, String) {
    let response = server.request(Method::GET, "/readyz").send().await.unwrap();
    (response.status(), response.text().await.unwrap())
}
