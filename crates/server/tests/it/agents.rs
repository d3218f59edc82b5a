//! Machines join with their agents, and write for themselves alone.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use yunhai_identity::Role;
use yunhai_model::{Clock as _, SystemClock};
use yunhai_server::{ServerConfig, TlsConfig};
use yunhai_test_support::clouds::{Aws, AwsKind};
use yunhai_test_support::on_every_database;
use yunhai_test_support::remote_write::{Series, WriteRequest};

use crate::harness::{Browser, TestServer, answer, eventually};

const REGION: &str = "eu-central-1";
const TOKENS: &str = "/api/v1/agents/enrolment-tokens";

async fn token(admin: &Browser<'_>, uses: Value) -> Value {
    let body = json!({"name": "web", "uses": uses, "tags": {"team": "web"}});
    let (status, made) = admin.send(Method::POST, TOKENS, &body).await;
    assert_eq!(status, StatusCode::CREATED, "{made}");
    made
}

fn machine(token: &Value, host_name: &str, machine_id: &str) -> Value {
    json!({
        "token": token["token"], "host_name": host_name, "machine_id": machine_id,
        "version": "0.1.0",
    })
}

fn instance(token: &Value, host_name: &str, id: &str) -> Value {
    let mut machine = machine(token, host_name, id);
    machine["cloud"] = json!({
        "provider": "aws", "ids": [id], "region": REGION, "account": "123456789012",
    });
    machine
}

async fn enrol(server: &TestServer, machine: &Value) -> (StatusCode, Value) {
    let request = server.request(Method::POST, "/api/v1/agents/enrol");
    answer(request.json(machine)).await
}

async fn enrolled(server: &TestServer, machine: &Value) -> Value {
    let (status, enrolled) = enrol(server, machine).await;
    assert_eq!(status, StatusCode::CREATED, "{enrolled}");
    enrolled
}

/// Writes that servers are up, as an agent whose clock is ahead by so much.
async fn write(
    server: &TestServer,
    key: &Value,
    servers: &[&[(&str, &str)]],
    ahead_ms: i64,
) -> (StatusCode, String) {
    let now_ms = SystemClock.now_ms();
    let series = servers.iter().map(|labels| {
        let name = [("__name__", "server_up")];
        Series::new(name.iter().chain(labels.iter()).copied(), [(now_ms, 1.0)])
    });
    let body = WriteRequest {
        series: series.collect(),
        metadata: Vec::new(),
    }
    .body();
    let request = server
        .request(Method::POST, "/prometheus/api/v1/write")
        .bearer_auth(key.as_str().unwrap())
        .header("content-encoding", "snappy")
        .header("user-agent", "yunhai-agent/9.9.9")
        .header("x-yunhai-sent-at", now_ms + ahead_ms)
        .body(body);
    let (status, answer) = answer(request).await;
    (
        status,
        answer["error"].as_str().unwrap_or_default().to_owned(),
    )
}

on_every_database! {
    async fn a_machine_joins_writes_for_itself_alone_and_is_revoked(url: &str) {
        let server = TestServer::start_on(url).await;
        let admin = server.sign_in_new("ada", Role::Administrator).await;
        let made = token(&admin, json!(1)).await;
        assert_eq!((&made["state"], &made["uses"]), (&json!("open"), &json!(1)));
        let web = enrolled(&server, &machine(&made, "web-1", "0123")).await;
        assert_eq!((&web["name"], &web["tags"]["team"]), (&json!("web-1"), &json!("web")));
        let (status, refusal) = enrol(&server, &machine(&made, "web-2", "4567")).await;
        assert_eq!((status, &refusal["code"]), (StatusCode::UNAUTHORIZED, &json!("invalid_token")));
        assert!(refusal["detail"].as_str().unwrap().contains("used up"), "{refusal}");
        assert!(refusal["hint"].as_str().unwrap().contains("agent-token create"), "{refusal}");

        let key = &web["key"];
        let own: &[(&str, &str)] = &[("server", "web-1")];
        let written = write(&server, key, &[own], 90_000).await;
        assert_eq!(written.0, StatusCode::NO_CONTENT, "{}", written.1);
        let other: &[(&str, &str)] = &[("server", "db-1")];
        let both: &[(&str, &str)] = &[("server", "web-1"), ("server", "db-1")];
        let none: &[(&str, &str)] = &[("room", "kitchen")];
        let (status, said) = write(&server, key, &[own, other, both, none], 90_000).await;
        assert_eq!(status, StatusCode::BAD_REQUEST);
        assert!(said.contains("3 refused") && said.contains("server `web-1` only"), "{said}");
        let names = admin.get("/prometheus/api/v1/label/server/values").await;
        assert!(!names.to_string().contains("db-1"), "{names}");
        let kitchens = admin.get("/prometheus/api/v1/label/room/values").await;
        assert_eq!(kitchens["data"], json!([]));

        let listed = admin.get("/api/v1/agents").await;
        let agent = &listed["items"][0];
        assert_eq!((&listed["total"], &agent["name"]), (&json!(1), &json!("web-1")));
        assert_eq!((&agent["version"], &agent["machine_id"]), (&json!("9.9.9"), &json!("0123")));
        assert_eq!(agent["enrolment_token"], made["id"]);
        assert_eq!(agent["last_seen_address"], "127.0.0.1");
        let skew_ms = agent["clock_skew_ms"].as_i64().unwrap();
        assert!((80_000..=90_000).contains(&skew_ms), "{skew_ms}");
        let with = format!("/api/v1/agents?enrolment_token={}", made["id"].as_str().unwrap());
        assert_eq!(admin.get(&with).await["total"], 1);
        assert_eq!(admin.get("/api/v1/agents?enrolment_token=other").await["total"], 0);

        // The key opens nothing else.
        for path in ["/api/v1/servers", "/api/v1/agents", "/prometheus/api/v1/query?query=up"] {
            let request = server.request(Method::GET, path);
            let (status, _) = answer(request.bearer_auth(key.as_str().unwrap())).await;
            assert_eq!(status, StatusCode::FORBIDDEN, "{path}");
        }
        let path = format!("/api/v1/agents/{}", agent["id"].as_str().unwrap());
        let (status, _) = admin.send(Method::DELETE, &path, &Value::Null).await;
        assert_eq!(status, StatusCode::NO_CONTENT);
        let (status, said) = write(&server, key, &[own], 0).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED);
        assert!(said.contains("revoked") && said.contains("new enrolment token"), "{said}");
        assert_eq!(admin.get("/api/v1/agents").await["total"], 0);

        let path = format!("{TOKENS}/{}", made["id"].as_str().unwrap());
        let (status, _) = admin.send(Method::DELETE, &path, &Value::Null).await;
        assert_eq!(status, StatusCode::NO_CONTENT);
        assert_eq!(admin.get(TOKENS).await["total"], 0);
        let audit = admin.get("/api/v1/audit?page_size=500").await.to_string();
        for action in [
            "enrolment_token.created", "agent.enrolled", "agent.revoked", "enrolment_token.revoked",
        ] {
            assert_eq!(audit.matches(action).count(), 1, "{action}: {audit}");
        }
        for secret in [&made["token"], key] {
            assert!(!audit.contains(secret.as_str().unwrap()));
        }
        assert!(audit.contains(made["id"].as_str().unwrap()), "with which token it has joined");
    }
}

#[tokio::test]
async fn only_administrators_let_machines_join_and_others_see_the_agents() {
    let server = TestServer::start().await;
    let operator = server.sign_in_new("otto", Role::Operator).await;
    let body = json!({"name": "web"});
    for (method, path) in [
        (Method::POST, TOKENS),
        (Method::GET, TOKENS),
        (Method::DELETE, "/api/v1/agents/01JDA3M5Y2Q8W4T6R1S9Z7X5C3"),
    ] {
        let (status, _) = operator.send(method, path, &body).await;
        assert_eq!(status, StatusCode::FORBIDDEN, "{path}");
    }
    assert_eq!(operator.get("/api/v1/agents").await["total"], 0);
    let join = operator.get("/api/v1/agents/join").await;
    assert_eq!(join["pin"], Value::Null);
    let (status, refusal) = enrol(&server, &machine(&json!({"token": "ye_x"}), "a", "b")).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED, "{refusal}");
    assert!(
        refusal["detail"].as_str().unwrap().contains("unknown"),
        "{refusal}"
    );
    // A stranger with no key at all is told to sign in, as everywhere.
    let request = server.request(Method::POST, "/prometheus/api/v1/write");
    assert_eq!(answer(request).await.0, StatusCode::UNAUTHORIZED);
    let unknown = json!("ya_unknown");
    let (status, _) = write(&server, &unknown, &[&[("server", "a")]], 0).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_machine_does_not_get_the_name_of_another_and_keeps_its_own() {
    let server = TestServer::start().await;
    let admin = server.sign_in_new("ada", Role::Administrator).await;
    let made = token(&admin, Value::Null).await;
    let local = enrolled(&server, &machine(&made, "test-host", "0123456789")).await;
    assert_eq!(local["name"], "test-host (01234567)", "the server's own");
    let first = enrolled(&server, &machine(&made, "web", "aaaaaaaaaa")).await;
    let second = enrolled(&server, &machine(&made, "web", "bbbbbbbbbb")).await;
    assert_eq!(first["name"], "web");
    assert_eq!(second["name"], "web (bbbbbbbb)");
    let again = enrolled(&server, &machine(&made, "web", "bbbbbbbbbb")).await;
    assert_eq!(
        (&again["name"], &again["id"]),
        (&second["name"], &second["id"])
    );
    let own: &[(&str, &str)] = &[("server", "web (bbbbbbbb)")];
    let (status, _) = write(&server, &second["key"], &[own], 0).await;
    assert_eq!(
        status,
        StatusCode::UNAUTHORIZED,
        "its first key is replaced"
    );
    let (status, _) = write(&server, &again["key"], &[own], 0).await;
    assert_eq!(status, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn an_instance_and_the_agent_on_it_are_one_server_whoever_comes_first() {
    let mut aws = Aws::start(AwsKind::Moto).unwrap();
    aws.run_instances(REGION, "web", 2).unwrap();
    let server = TestServer::start().await;
    let admin = server.sign_in_new("ada", Role::Administrator).await;
    let made = token(&admin, Value::Null).await;
    let account = json!({
        "name": "prod",
        "access": {
            "provider": "aws", "regions": [REGION], "endpoint": aws.endpoint,
            "credentials": {
                "kind": "keys", "access_key_id": "AKIATEST", "secret_access_key": "secret",
            },
        },
    });
    let found = aws.call("ec2", REGION, "describe_instances", &json!({}));
    let ids: Vec<String> = found
        .unwrap()
        .to_string()
        .split('"')
        .filter(|text| text.starts_with("i-"))
        .map(str::to_owned)
        .collect();
    let first_id = &ids[0];
    let second_id = ids.iter().find(|id| *id != first_id).unwrap();

    // The agent comes first: the instance gets its name.
    let early = enrolled(&server, &instance(&made, "ip-10-0-0-1", first_id)).await;
    assert_eq!(early["name"], "ip-10-0-0-1");
    let early_own: &[(&str, &str)] = &[("server", "ip-10-0-0-1")];
    let (status, said) = write(&server, &early["key"], &[early_own], 0).await;
    assert_eq!(status, StatusCode::NO_CONTENT, "{said}");
    let accounts = "/api/v1/cloud-accounts";
    let (status, added) = admin.send(Method::POST, accounts, &account).await;
    assert_eq!(status, StatusCode::CREATED, "{added}");
    let listed = eventually("the first round", async || {
        let servers = admin.get("/api/v1/cloud-servers?sort=server").await;
        (servers["total"] == 2).then_some(servers["items"].clone())
    })
    .await;
    let named = |id: &str| {
        let mut servers = listed.as_array().unwrap().iter();
        servers.find(|one| one["id"] == id).unwrap()["server"].clone()
    };
    assert_eq!(named(first_id), "ip-10-0-0-1");
    // The account comes first: the agent gets the name of the instance.
    let late = enrolled(&server, &instance(&made, "ip-10-0-0-2", second_id)).await;
    assert_eq!(late["name"], named(second_id));
    let late_name = late["name"].as_str().unwrap();
    let late_own: &[(&str, &str)] = &[("server", late_name)];
    let (status, said) = write(&server, &late["key"], &[late_own], 0).await;
    assert_eq!(status, StatusCode::NO_CONTENT, "{said}");
    // The list has each once, in its place, though the agents do not say where they stand.
    let shown = eventually("both servers", async || {
        let shown = admin.get("/api/v1/servers?provider=aws&sort=name").await;
        (shown["total"] == 2).then_some(shown["items"].clone())
    })
    .await;
    for one in shown.as_array().unwrap() {
        assert_eq!(
            (&one["account"], &one["region"]),
            (&json!("prod"), &json!(REGION))
        );
        assert_eq!(one["tags"]["team"], "web");
    }
    let all = admin.get("/api/v1/servers").await;
    assert_eq!(all["total"], 3, "with the server's own machine: {all}");
}

#[tokio::test]
async fn a_machine_gets_all_that_it_installs_from_the_server() {
    let server = TestServer::start().await;
    let get = async |path: &str| {
        let response = server.request(Method::GET, path).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        response.bytes().await.unwrap()
    };
    let program = get("/install/yunhai").await;
    let itself = std::fs::read("/proc/self/exe").unwrap();
    assert!(program == itself, "the very program that runs");
    let hash = String::from_utf8(get("/install/yunhai.sha256").await.to_vec()).unwrap();
    let wanted = format!("{}  yunhai\n", hex::encode(Sha256::digest(&itself)));
    assert_eq!(hash, wanted);
    assert!(get("/install.sh").await.starts_with(b"#!/bin/sh\n"));
    let unit = String::from_utf8(get("/install/yunhai-agent.service").await.to_vec()).unwrap();
    assert!(unit.contains("ExecStart=/usr/local/bin/yunhai agent"));
    let architecture = get("/install/architecture").await;
    assert_eq!(architecture, format!("{}\n", std::env::consts::ARCH));
    let request = server.request(Method::GET, "/install/ca.pem");
    assert_eq!(answer(request).await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_server_with_a_certificate_of_its_own_tells_the_hash_of_its_key() {
    let server = TestServer::start_with(ServerConfig {
        tls: TlsConfig::SelfSigned,
        external_url: Some("https://yunhai.example.com".to_owned()),
        ..ServerConfig::default()
    })
    .await;
    server.create_user("ada", Role::Administrator).await;
    let request = server.request(Method::GET, "/install/ca.pem");
    let pem = request.send().await.unwrap().text().await.unwrap();
    let kept = server.data_dir.path().join("tls-certificate.pem");
    assert_eq!(pem, std::fs::read_to_string(kept).unwrap());
    // The session's cookie is only for HTTPS there, which the client of the test does not mind.
    let admin = server.sign_in("ada").await;
    let join = admin.get("/api/v1/agents/join").await;
    assert_eq!(join["server"], "https://yunhai.example.com");
    let pin = join["pin"].as_str().unwrap();
    let address = format!("{}/install/architecture", server.url);
    let curl = async |pin: &str| {
        let mut command = tokio::process::Command::new("curl");
        command.args(["-fsSk", "--pinnedpubkey", pin, &address]);
        command.output().await.unwrap()
    };
    let taken = curl(pin).await;
    assert!(taken.status.success(), "{taken:?}");
    let refused = curl("sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=").await;
    assert_eq!(refused.status.code(), Some(90), "{refused:?}");
}
