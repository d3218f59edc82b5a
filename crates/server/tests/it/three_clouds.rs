//! Accounts with three clouds beside one another: their servers are in one list, under one rule.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use yunhai_identity::Role;
use yunhai_test_support::azure::{AzureSimulator, LOCATIONS, MachineToMake, SUBSCRIPTIONS};
use yunhai_test_support::clouds::{Aws, AwsKind};
use yunhai_test_support::gcp::Google;

use crate::harness::{TestServer, eventually};

const PERIOD_MS: i64 = 300_000;

#[tokio::test]
async fn servers_of_three_clouds_are_in_one_list_with_what_was_measured_of_each() {
    let mut aws = Aws::start(AwsKind::Moto).unwrap();
    aws.run_instances("eu-central-1", "on-aws", 1).unwrap();
    let azure = AzureSimulator::start().await.unwrap();
    let on_azure = azure.make(&MachineToMake {
        subscription: SUBSCRIPTIONS[0],
        location: LOCATIONS[0],
        name: "on-azure",
        is_public: true,
    });
    let google = Google::start(&["of-tests"]).await.unwrap();
    google.make(
        "of-tests",
        "europe-west3-a",
        "on-gcp",
        &json!({ "team": "web" }),
    );
    let at_ms = (azure.now_ms() / PERIOD_MS - 3) * PERIOD_MS;
    for minute in 0..5 {
        azure.measure(
            &on_azure,
            "Percentage CPU",
            &[(at_ms + minute * 60_000, 25.0)],
        );
    }

    let server = TestServer::start().await;
    let admin = server.sign_in_new("ada", Role::Administrator).await;
    let accesses = [
        json!({
            "provider": "aws",
            "credentials": {
                "kind": "keys", "access_key_id": "AKIATEST", "secret_access_key": "hush-aws",
            },
            "regions": ["eu-central-1"],
            "endpoint": aws.endpoint,
        }),
        with_provider("azure", azure.settings()),
        json!({
            "provider": "gcp",
            "credentials": {
                "kind": "service_account_key", "key": google.key("of-tests").to_string(),
            },
            "endpoint": google.base_url(),
        }),
    ];
    for access in &accesses {
        let name = access["provider"].as_str().unwrap();
        let new = json!({ "name": name, "access": access });
        let (status, made) = admin
            .send(Method::POST, "/api/v1/cloud-accounts", &new)
            .await;
        assert_eq!(status, StatusCode::CREATED, "{made}");
        assert_eq!(made["problems"], json!([]), "{made}");
        for secret in ["client_secret", "secret_access_key", "key"] {
            assert!(
                made["access"]["credentials"][secret].is_null(),
                "{name}: {secret} is shown"
            );
        }
        let path = format!("/api/v1/cloud-accounts/{}", made["id"].as_str().unwrap());
        let (status, round) = admin
            .send(Method::POST, &format!("{path}/ask"), &Value::Null)
            .await;
        assert_eq!(status, StatusCode::OK, "{round}");
        assert_eq!(
            (&round["servers"], &round["missing"]),
            (&json!(1), &json!([]))
        );
    }
    let listed = eventually("all of them in one list", async || {
        let listed = admin.get("/api/v1/cloud-servers?sort=server").await;
        (listed["total"] == 3).then_some(listed["items"].clone())
    })
    .await;
    let names = [0, 1, 2].map(|at: usize| listed[at]["server"].as_str().unwrap());
    assert_eq!(names, ["on-aws", "on-azure", "on-gcp"]);
    assert!(
        [0, 1, 2].iter().all(|at| listed[at]["state"] == "running"),
        "{listed}"
    );
    let shown = eventually("what Azure measured", async || {
        let shown = admin.get("/api/v1/servers?provider=azure").await;
        (shown["items"][0]["cpu_ratio"] == 0.25).then_some(shown["items"][0].clone())
    })
    .await;
    assert_eq!(shown["name"], "on-azure");
    assert_eq!(
        (&shown["account"], &shown["region"]),
        (&json!("azure"), &json!(LOCATIONS[0]))
    );

    // Nothing that was entered is to be read anywhere.
    let audit = admin.get("/api/v1/audit?page_size=50").await.to_string();
    for secret in ["hush-aws", "PRIVATE KEY"] {
        assert!(!audit.contains(secret), "{secret} is in the audit log");
    }
}

#[tokio::test]
async fn each_provider_has_a_policy_to_paste() {
    let server = TestServer::start().await;
    let admin = server.sign_in_new("ada", Role::Administrator).await;
    for (provider, watch, manage) in [
        ("aws", "ec2:DescribeInstances", "ec2:RunInstances"),
        (
            "azure",
            "Microsoft.Compute/virtualMachines/read",
            "Microsoft.Compute/virtualMachines/write",
        ),
        ("gcp", "compute.instances.list", "compute.instances.create"),
    ] {
        let path = |scope: &str| format!("/api/v1/cloud-policies/{provider}?scope={scope}");
        let document = admin.get(&path("watch")).await["document"].to_string();
        assert!(document.contains(watch), "{document}");
        assert!(!document.contains(manage), "{document}");
        let document = admin.get(&path("manage")).await["document"].to_string();
        assert!(document.contains(manage), "{document}");
    }
    let (status, problem) = admin
        .send(Method::GET, "/api/v1/cloud-policies/oracle", &Value::Null)
        .await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert_eq!(
        problem["detail"],
        "`oracle` is no provider; use aws, azure or gcp"
    );
}

fn with_provider(provider: &str, mut settings: Value) -> Value {
    settings["provider"] = json!(provider);
    settings
}
