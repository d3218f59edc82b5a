//! Machines that join, in every cloud and in none.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Json, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use url::Url;
use yunhai_agent::{Connection, Error, JoinConfig, MachineKey, identify, is_enrolment_token, join};
use yunhai_model::Secret;

/// Serves on a free port; returns the address.
async fn serve(router: Router) -> Url {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}").parse().unwrap()
}

/// An address where nobody answers.
async fn nobody() -> Url {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    format!("http://{address}").parse().unwrap()
}

fn has(headers: &HeaderMap, name: &str, value: &str) -> bool {
    headers.get(name).is_some_and(|found| found == value)
}

/// Answers where the header is as it must be, as the services do.
fn given(is_right: bool, answer: impl IntoResponse) -> Response {
    if is_right {
        answer.into_response()
    } else {
        StatusCode::BAD_REQUEST.into_response()
    }
}

#[tokio::test]
async fn an_instance_of_aws_tells_its_id_to_whoever_has_fetched_a_token() {
    let aws = Router::new()
        .route(
            "/latest/api/token",
            put(async |headers: HeaderMap| {
                let is_right = headers.contains_key("x-aws-ec2-metadata-token-ttl-seconds");
                given(is_right, "TOKEN")
            }),
        )
        .route(
            "/latest/dynamic/instance-identity/document",
            get(async |headers: HeaderMap| {
                let document = json!({
                    "accountId": "123456789012", "architecture": "x86_64",
                    "instanceId": "i-0abc", "region": "eu-central-1",
                });
                given(
                    has(&headers, "x-aws-ec2-metadata-token", "TOKEN"),
                    document.to_string(),
                )
            }),
        );
    let found = identify(&serve(aws).await).await.unwrap();
    assert_eq!(found.provider, "aws");
    assert_eq!(found.ids, ["i-0abc"]);
    assert_eq!(found.region.as_deref(), Some("eu-central-1"));
    assert_eq!(found.account.as_deref(), Some("123456789012"));
}

#[tokio::test]
async fn a_virtual_machine_of_azure_tells_its_resource_id() {
    let id = "/subscriptions/1-2/resourceGroups/Web/providers/Microsoft.Compute/virtualMachines/a";
    let azure = Router::new().route(
        "/metadata/instance/compute",
        get(async move |headers: HeaderMap| {
            let compute = json!({
                "location": "westeurope", "name": "a", "resourceId": id,
                "subscriptionId": "1-2", "vmId": "02aab8a4",
            });
            given(has(&headers, "metadata", "true"), compute.to_string())
        }),
    );
    let found = identify(&serve(azure).await).await.unwrap();
    assert_eq!(found.provider, "azure");
    assert_eq!(found.ids, [id, "02aab8a4"]);
    assert_eq!(found.region.as_deref(), Some("westeurope"));
    assert_eq!(found.account.as_deref(), Some("1-2"));
}

#[tokio::test]
async fn an_instance_of_google_tells_its_number_and_its_path() {
    let route = |answer: &'static str| {
        get(async move |headers: HeaderMap| {
            given(has(&headers, "metadata-flavor", "Google"), answer)
        })
    };
    let google = Router::new()
        .route("/computeMetadata/v1/instance/id", route("4711"))
        .route("/computeMetadata/v1/instance/name", route("web"))
        .route(
            "/computeMetadata/v1/instance/zone",
            route("projects/99/zones/europe-west3-a"),
        )
        .route("/computeMetadata/v1/project/project-id", route("shop"));
    let found = identify(&serve(google).await).await.unwrap();
    assert_eq!(found.provider, "gcp");
    let path = "projects/shop/zones/europe-west3-a/instances/web";
    assert_eq!(found.ids, ["4711", path]);
    assert_eq!(found.region.as_deref(), Some("europe-west3"));
    assert_eq!(found.account.as_deref(), Some("shop"));
}

#[tokio::test]
async fn a_machine_in_no_cloud_does_not_wait_for_long() {
    let begun = std::time::Instant::now();
    assert_eq!(identify(&nobody().await).await, None);
    // Somebody who takes requests and never answers.
    let silent = Router::new().fallback(async || std::future::pending::<()>().await);
    assert_eq!(identify(&serve(silent).await).await, None);
    assert!(begun.elapsed() < std::time::Duration::from_secs(10));
}

/// A server that answers so, one after the other, and keeps what it was asked.
#[derive(Clone, Default)]
struct Server {
    answers: Arc<Mutex<Vec<(StatusCode, Value)>>>,
    asked: Arc<Mutex<Vec<Value>>>,
}

impl Server {
    async fn start(&self, answers: &[(StatusCode, Value)]) -> Url {
        *self.answers.lock().unwrap() = answers.iter().rev().cloned().collect();
        let router = Router::new()
            .route("/base/api/v1/agents/enrol", post(enrol))
            .with_state(self.clone());
        serve(router).await.join("base/").unwrap()
    }
}

async fn enrol(State(server): State<Server>, Json(body): Json<Value>) -> impl IntoResponse {
    server.asked.lock().unwrap().push(body);
    let (status, body) = server.answers.lock().unwrap().pop().unwrap();
    (status, Json(body))
}

async fn config(server: Url, folder: &Path) -> JoinConfig {
    JoinConfig {
        connection: Connection {
            server,
            ca_file: None,
            allow_plain_http: false,
        },
        token: Secret::new("ye_token"),
        name: None,
        host_name: "web-1".to_owned(),
        machine_id: "0123".to_owned(),
        metadata: nobody().await,
        folder: folder.join("state"),
    }
}

#[tokio::test]
async fn a_machine_joins_once_the_server_is_back_and_keeps_its_key_to_itself() {
    let (server, folder) = (Server::default(), tempfile::tempdir().unwrap());
    let away = json!({
        "type": "/problems/database_unavailable", "title": "", "status": 503,
        "code": "database_unavailable", "detail": "the state database does not answer",
    });
    let made = json!({"id": "1", "name": "shop", "key": "ya_key", "tags": {"team": "web"}});
    let url = server
        .start(&[
            (StatusCode::SERVICE_UNAVAILABLE, away),
            (StatusCode::CREATED, made),
        ])
        .await;
    let config = config(url, folder.path()).await;
    assert!(is_enrolment_token(&config.token));
    assert!(MachineKey::load(&config.folder).unwrap().is_none());
    let stop = CancellationToken::new();
    let key = join(&config, &stop).await.unwrap().unwrap();
    assert_eq!(key.name, "shop");
    assert!(!format!("{key:?}").contains("ya_key"));
    let asked = server.asked.lock().unwrap().clone();
    assert_eq!(asked.len(), 2);
    assert_eq!(asked[0]["token"], "ye_token");
    assert_eq!(asked[0]["host_name"], "web-1");
    assert_eq!(asked[0]["machine_id"], "0123");
    assert_eq!(asked[0]["cloud"], Value::Null);

    let kept = MachineKey::load(&config.folder).unwrap().unwrap();
    assert_eq!(kept.key.expose(), "ya_key");
    assert_eq!(kept.tags["team"], "web");
    assert!(kept.is_for(&config.token));
    assert!(!kept.is_for(&Secret::new("ye_another")));
    let file = config.folder.join("agent-key.json");
    let mode = std::fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert!(!std::fs::read_to_string(file).unwrap().contains("ye_token"));
}

#[tokio::test]
async fn a_token_that_lets_nobody_in_is_an_error_at_once_and_leaves_nothing_behind() {
    let (server, folder) = (Server::default(), tempfile::tempdir().unwrap());
    let refusal = json!({
        "type": "/problems/invalid_token", "title": "", "status": 401, "code": "invalid_token",
        "detail": "the enrolment token is used up", "hint": "make a new one",
    });
    let url = server.start(&[(StatusCode::UNAUTHORIZED, refusal)]).await;
    let config = config(url, folder.path()).await;
    let stop = CancellationToken::new();
    let error = join(&config, &stop).await.unwrap_err();
    assert!(matches!(error, Error::NotLetIn(_)));
    let told = error.to_string();
    assert!(told.contains("used up\nhint: make a new one"), "{told}");
    assert!(MachineKey::load(&config.folder).unwrap().is_none());
}

#[tokio::test]
async fn a_damaged_key_is_named_and_not_taken_for_none() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("agent-key.json"), "{").unwrap();
    let error = MachineKey::load(folder.path()).unwrap_err().to_string();
    assert!(error.contains("agent-key.json"), "{error}");
}

#[tokio::test]
async fn whoever_is_stopped_while_the_server_is_away_ends() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(nobody().await, folder.path()).await;
    let stop = CancellationToken::new();
    stop.cancel();
    assert!(join(&config, &stop).await.unwrap().is_none());
}
