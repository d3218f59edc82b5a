//! Accounts with clouds: an emulator of AWS in the place of Amazon.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use yunhai_identity::Role;
use yunhai_model::{Clock as _, SystemClock};
use yunhai_test_support::clouds::{Aws, AwsKind};

use crate::changes::{change, check};
use crate::harness::{TestServer, answer, eventually};

const REGION: &str = "eu-central-1";
const PERIOD_MS: i64 = 300_000;

fn account(name: &str, endpoint: &str, secret: Option<&str>) -> Value {
    json!({
        "name": name,
        "access": {
            "provider": "aws",
            "credentials": {
                "kind": "keys", "access_key_id": "AKIATEST", "secret_access_key": secret,
            },
            "regions": [REGION],
            "endpoint": endpoint,
        },
        "monthly_budget_usd": 5.0,
    })
}

fn with_budget(mut account: Value, usd: f64) -> Value {
    account["monthly_budget_usd"] = json!(usd);
    account
}

#[tokio::test]
async fn an_account_brings_its_servers_and_their_metrics_and_what_is_off_is_not_down() {
    let mut aws = Aws::start(AwsKind::Moto).unwrap();
    aws.run_instances(REGION, "web", 1).unwrap();
    aws.run_instances(REGION, "idle", 1).unwrap();
    let server = TestServer::start().await;
    let admin = server.sign_in_new("ada", Role::Administrator).await;
    let new = account("prod", &aws.endpoint, Some("hush-secret"));
    let (status, made) = admin
        .send(Method::POST, "/api/v1/cloud-accounts", &new)
        .await;
    assert_eq!(status, StatusCode::CREATED, "{made}");
    assert_eq!(made["access"]["credentials"]["access_key_id"], "AKIATEST");
    assert_eq!(
        made["access"]["credentials"]["secret_access_key"],
        Value::Null
    );
    assert_eq!(made["account"], "123456789012");
    let path = format!("/api/v1/cloud-accounts/{}", made["id"].as_str().unwrap());

    // It is asked by itself, soon after it was made.
    let listed = eventually("the first round", async || {
        let servers = admin
            .get("/api/v1/cloud-servers?sort=server&tag=team=web")
            .await;
        (servers["total"] == 2).then_some(servers["items"].clone())
    })
    .await;
    assert_eq!(listed[0]["server"], "idle");
    assert_eq!(listed[1]["state"], "running");
    let id = |at: usize| listed[at]["id"].as_str().unwrap().to_owned();
    let (idle, web) = (id(0), id(1));

    let at_ms = (SystemClock.now_ms() / PERIOD_MS - 2) * PERIOD_MS;
    for instance in [&idle, &web] {
        for (name, value) in [
            ("CPUUtilization", 37.5),
            ("StatusCheckFailed", 0.0),
            ("NetworkIn", 3000.0),
        ] {
            let dimensions = [("InstanceId", instance.as_str())];
            aws.put_metric(REGION, ("AWS/EC2", name), &dimensions, &[(at_ms, value)])
                .unwrap();
        }
    }
    let (status, round) = admin
        .send(Method::POST, &format!("{path}/ask"), &Value::Null)
        .await;
    assert_eq!(status, StatusCode::OK, "{round}");
    assert_eq!(
        (&round["servers"], &round["missing"]),
        (&json!(2), &json!([]))
    );
    let shown = eventually("the server among all others", async || {
        let shown = admin.get("/api/v1/servers?provider=aws&sort=name").await;
        (shown["total"] == 2).then_some(shown["items"].clone())
    })
    .await;
    assert_eq!(shown[1]["name"], "web");
    assert_eq!(shown[1]["state"], "up");
    assert_eq!(shown[1]["cpu_ratio"], 0.375);
    assert_eq!(shown[1]["receive_bytes_per_sec"], 10.0);
    assert_eq!(shown[1]["memory_ratio"], Value::Null, "nobody measured it");
    assert_eq!(
        (&shown[1]["account"], &shown[1]["region"]),
        (&json!("prod"), &json!(REGION))
    );
    let query =
        "/prometheus/api/v1/query?query=server_cpu_utilization_ratio%7Btag_team%3D%22web%22%7D";
    let found = admin.get(query).await;
    assert_eq!(
        found["data"]["result"].as_array().unwrap().len(),
        2,
        "{found}"
    );

    aws.call(
        "ec2",
        REGION,
        "stop_instances",
        &json!({ "InstanceIds": [idle] }),
    )
    .unwrap();
    admin
        .send(Method::POST, &format!("{path}/ask"), &Value::Null)
        .await;
    eventually("the end of what is off", async || {
        let shown = admin.get("/api/v1/servers?provider=aws").await;
        (shown["total"] == 1 && shown["items"][0]["name"] == "web").then_some(())
    })
    .await;

    let (status, _) = admin.send(Method::DELETE, &path, &Value::Null).await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    assert_eq!(admin.get("/api/v1/cloud-servers").await["total"], 0);
    eventually("the end of what nobody asks about", async || {
        let shown = admin.get("/api/v1/servers?provider=aws").await;
        (shown["total"] == 0).then_some(())
    })
    .await;
    let audit = admin.get("/api/v1/audit?page_size=500").await.to_string();
    for action in ["created", "asked", "deleted"] {
        assert!(
            audit.contains(&format!("cloud_account.{action}")),
            "{audit}"
        );
    }
    assert!(!audit.contains("hush-secret"));
}

#[tokio::test]
async fn a_server_goes_by_its_new_tags_and_never_by_the_name_of_another() {
    let mut aws = Aws::start(AwsKind::Moto).unwrap();
    let server = TestServer::start().await;
    let admin = server.sign_in_new("ada", Role::Administrator).await;
    let own = eventually("this machine", async || {
        let shown = admin.get("/api/v1/servers?provider=local&state=up").await;
        shown["items"][0]["name"].as_str().map(str::to_owned)
    })
    .await;
    aws.run_instances(REGION, &own, 1).unwrap();
    let new = account("prod", &aws.endpoint, Some("s"));
    let (status, made) = admin
        .send(Method::POST, "/api/v1/cloud-accounts", &new)
        .await;
    assert_eq!(status, StatusCode::CREATED, "{made}");
    let ask = format!(
        "/api/v1/cloud-accounts/{}/ask",
        made["id"].as_str().unwrap()
    );
    admin.send(Method::POST, &ask, &Value::Null).await;
    let listed = admin.get("/api/v1/cloud-servers").await;
    let id = listed["items"][0]["id"].as_str().unwrap().to_owned();
    assert_eq!(listed["items"][0]["server"], format!("{own} ({id})"));

    let at_ms = (SystemClock.now_ms() / PERIOD_MS - 2) * PERIOD_MS;
    let metric = ("AWS/EC2", "StatusCheckFailed");
    let dimensions = [("InstanceId", id.as_str())];
    aws.put_metric(REGION, metric, &dimensions, &[(at_ms, 0.0)])
        .unwrap();
    let up = async |team: &str| {
        let query = format!("server_up%7Btag_team%3D%22{team}%22%7D");
        let path = format!("/prometheus/api/v1/query?query={query}");
        let found = admin.get(&path).await;
        found["data"]["result"].as_array().unwrap().len()
    };
    admin.send(Method::POST, &ask, &Value::Null).await;
    assert_eq!((up("web").await, up("shop").await), (1, 0));
    let tags = json!([{ "Key": "team", "Value": "shop" }]);
    let parameters = json!({ "Resources": [id], "Tags": tags });
    aws.call("ec2", REGION, "create_tags", &parameters).unwrap();
    admin.send(Method::POST, &ask, &Value::Null).await;
    assert_eq!((up("web").await, up("shop").await), (0, 1));
    let shown = eventually("the server with its new tag", async || {
        let shown = admin
            .get("/api/v1/servers?provider=aws&tag=team=shop")
            .await;
        (shown["total"] == 1).then_some(shown)
    })
    .await;
    assert_eq!(shown["items"][0]["state"], "up");
}

#[tokio::test]
async fn what_does_not_work_is_refused_in_the_clouds_words_and_not_kept() {
    let mut aws = Aws::start(AwsKind::Moto).unwrap();
    aws.check_rights().unwrap();
    let server = TestServer::start().await;
    let admin = server.sign_in_new("ada", Role::Administrator).await;
    let accounts = "/api/v1/cloud-accounts";
    for (new, status, code) in [
        (
            account("prod", &aws.endpoint, Some("swordfish")),
            422,
            "cloud_refused",
        ),
        (
            account("prod", "http://127.0.0.1:1", Some("s")),
            503,
            "cloud_unreachable",
        ),
        (
            account("prod", "ftp://example", Some("s")),
            422,
            "validation_failed",
        ),
        (
            account("prod", &aws.endpoint, None),
            422,
            "validation_failed",
        ),
        (
            account("a/b", &aws.endpoint, Some("s")),
            422,
            "validation_failed",
        ),
        (
            with_budget(account("prod", &aws.endpoint, Some("s")), -1.0),
            422,
            "validation_failed",
        ),
    ] {
        let (got, problem) = admin.send(Method::POST, accounts, &new).await;
        assert_eq!(
            (got.as_u16(), &problem["code"]),
            (status, &json!(code)),
            "{problem}"
        );
        assert!(!problem.to_string().contains("swordfish"), "{problem}");
    }
    assert_eq!(admin.get(accounts).await["total"], 0);

    let tried = account("prod", &aws.endpoint, Some("swordfish"));
    let test = json!({ "access": tried["access"] });
    let (status, _) = admin
        .send(Method::POST, "/api/v1/cloud-account-tests", &test)
        .await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    let audit = admin.get("/api/v1/audit?page_size=1").await;
    let entry = &audit["items"][0];
    assert_eq!(entry["action"], "cloud_account.tested");
    assert_eq!(entry["outcome"], "failed");
    assert!(!entry.to_string().contains("swordfish"), "{entry}");
}

#[tokio::test]
async fn an_account_is_changed_with_its_entry_and_only_while_it_is_what_was_read() {
    let aws = Aws::start(AwsKind::Moto).unwrap();
    let server = TestServer::start().await;
    let admin = server.sign_in_new("ada", Role::Administrator).await;
    let (path, fields) = ("cloud-accounts", &["id", "name"][..]);
    let mut body = account("prod", &aws.endpoint, Some("s"));
    let create = change("cloud_account.created", Method::POST, path, body.clone());
    let made = check(&server, &admin, create.seen_at(path, fields)).await;
    let one = format!("{path}/{}", made["id"].as_str().unwrap());
    body["name"] = json!("production");
    body["access"] = Value::Null;
    let update = change("cloud_account.updated", Method::PUT, &one, body.clone());
    let changed = check(&server, &admin, update.seen_at(path, fields)).await;
    assert_ne!(changed["version"], made["version"]);
    assert_eq!(changed["access"], made["access"]);

    let save = admin.request(Method::PUT, &format!("/api/v1/{one}"));
    let read = format!("\"{}\"", made["version"].as_str().unwrap());
    let (status, refused) = answer(save.json(&body).header("If-Match", read)).await;
    assert_eq!(status, StatusCode::PRECONDITION_FAILED);
    assert_eq!(refused["code"], "changed_meanwhile");

    let delete = change("cloud_account.deleted", Method::DELETE, &one, Value::Null);
    check(&server, &admin, delete.seen_at(path, fields)).await;
}

#[tokio::test]
async fn an_operator_sees_accounts_and_changes_none() {
    let server = TestServer::start().await;
    let operator = server.sign_in_new("olaf", Role::Operator).await;
    assert_eq!(operator.get("/api/v1/cloud-accounts").await["total"], 0);
    let policy = operator
        .get("/api/v1/cloud-policies/aws?scope=manage")
        .await;
    assert!(
        policy["document"]
            .as_str()
            .unwrap()
            .contains("ec2:RunInstances")
    );
    let new = account("prod", "http://127.0.0.1:1", Some("s"));
    let (status, _) = operator
        .send(Method::POST, "/api/v1/cloud-accounts", &new)
        .await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    let test = json!({ "access": new["access"] });
    let (status, _) = operator
        .send(Method::POST, "/api/v1/cloud-account-tests", &test)
        .await;
    assert_eq!(status, StatusCode::FORBIDDEN);
}
