//! Whose rights are used, and what becomes of tokens.

use std::process::Command;

use serde_json::json;
use yunhai_cloud::{Account as _, ErrorKind, Servers as _};

use crate::fixture::{GcpFixture, PROJECT, REGIONS, open_with};

/// What another process of the tests is told: where to ask.
const ENDPOINT: &str = "YUNHAI_TEST_GCP_ENDPOINT";

#[tokio::test]
async fn a_check_tells_who_it_is_of_and_what_is_looked_at() {
    let fixture = GcpFixture::start().await;
    let key = fixture.google.key(PROJECT).to_string();
    let account = open_with(&json!({
        "credentials": { "kind": "service_account_key", "key": key },
        "endpoint": fixture.google.base_url(),
    }));
    fixture.google.set_page(2);
    let check = account.check().await.unwrap();
    assert_eq!(
        check.identity,
        "the service account yunhai@of-tests.iam.gserviceaccount.com"
    );
    assert_eq!(check.account, PROJECT);
    assert_eq!(check.regions, ["asia-east1", "europe-west3", "us-west1"]);
    assert_eq!(check.problems, []);
    assert!(!format!("{account:?}").contains("PRIVATE KEY"));
}

#[tokio::test]
async fn a_workload_identity_acts_as_the_service_account() {
    let fixture = GcpFixture::start().await;
    let google = &fixture.google;
    google.make(PROJECT, "europe-west3-a", "web", &json!({}));
    let settings = |configuration: &serde_json::Value| {
        json!({
            "credentials": {
                "kind": "workload_identity", "configuration": configuration.to_string(),
            },
            "projects": [PROJECT],
            "endpoint": google.base_url(),
        })
    };
    let account = open_with(&settings(&google.workload_identity()));
    let check = account.check().await.unwrap();
    assert!(
        check
            .identity
            .ends_with("yunhai@of-tests.iam.gserviceaccount.com")
    );
    let inventory = account.list(&[REGIONS[0].to_owned()]).await;
    assert_eq!(inventory.missing, []);
    assert_eq!(inventory.servers.len(), 1);

    let mut wrong = google.workload_identity();
    wrong["audience"] = json!("//iam.googleapis.com/somebody-else");
    let error = open_with(&settings(&wrong)).check().await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Credentials, "{error}");
    assert!(
        error.said.contains("audience"),
        "in Google's words: {error}"
    );
}

#[tokio::test]
async fn a_token_that_was_withdrawn_or_has_expired_is_fetched_anew() {
    let fixture = GcpFixture::start().await;
    let account = open_with(&json!({
        "credentials": {
            "kind": "workload_identity",
            "configuration": fixture.google.workload_identity().to_string(),
        },
        "projects": [PROJECT],
        "endpoint": fixture.google.base_url(),
    }));
    let regions = [REGIONS[0].to_owned()];
    assert_eq!(account.list(&regions).await.missing, []);
    fixture.google.withdraw_tokens();
    assert_eq!(account.list(&regions).await.missing, []);
    fixture.google.set_clock_ahead_ms(2 * 3_600_000);
    assert_eq!(account.list(&regions).await.missing, []);
}

#[tokio::test]
async fn the_rights_of_this_machine_are_found_by_file_and_by_metadata_server() {
    let fixture = GcpFixture::start().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("key.json");
    std::fs::write(&file, fixture.google.key(PROJECT).to_string()).unwrap();
    let endpoint = fixture.google.base_url();
    let host = endpoint.trim_start_matches("http://").to_owned();
    // They come by the environment, which belongs to a whole process: to another one.
    for (name, value) in [
        ("GOOGLE_APPLICATION_CREDENTIALS", file.to_str().unwrap()),
        ("GCE_METADATA_HOST", &host),
    ] {
        let mut test = Command::new(std::env::current_exe().unwrap());
        test.args(["--exact", "credentials::this_machine_may_look", "--ignored"])
            .env_remove("GOOGLE_APPLICATION_CREDENTIALS")
            .env("HOME", folder.path())
            .env("GOOGLE_CLOUD_QUOTA_PROJECT", "of-somebody")
            .env(ENDPOINT, &endpoint)
            .env(name, value);
        let output = tokio::task::spawn_blocking(move || test.output());
        let output = output.await.unwrap().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{name}: {said}");
        assert!(said.contains("1 passed"), "{name}: {said}");
    }
    let charged: Vec<String> = fixture.google.charged().into_iter().collect();
    assert_eq!(charged, ["of-somebody"]);
}

#[tokio::test]
#[ignore = "it is run by another test, in a process of its own"]
async fn this_machine_may_look() {
    let account = open_with(&json!({
        "credentials": { "kind": "application_default" },
        "projects": [PROJECT],
        "endpoint": std::env::var(ENDPOINT).unwrap(),
    }));
    let check = account.check().await.unwrap();
    assert_eq!(check.problems, []);
}
