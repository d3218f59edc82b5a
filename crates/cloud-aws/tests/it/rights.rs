//! Whose credentials they are, and what they may do: moto checks signatures and IAM policies.

use std::sync::Arc;

use serde_json::{Value, json};
use yunhai_cloud::{
    Account as _, ErrorKind, Lifecycle as _, Metrics as _, MetricsQuery, MetricsRound, PolicyScope,
    ServerAction, Servers as _,
};
use yunhai_cloud_aws::{AwsAccount, policy};
use yunhai_test_support::clouds::AwsKind;

use crate::fixture::{AwsFixture, REGIONS, open};
use crate::suite::{self, Asked, Fixture as _};

/// Makes a user with the printed policy; from then on rights are checked.
async fn with_policy(fixture: &mut AwsFixture, scope: PolicyScope) -> AwsAccount {
    with_document(fixture, &policy(scope).document).await
}

/// Makes a user with a policy; from then on rights are checked.
async fn with_document(fixture: &mut AwsFixture, document: &str) -> AwsAccount {
    let aws = &mut fixture.aws;
    let mut iam = |operation: &str, parameters: &Value| {
        aws.call("iam", "us-east-1", operation, parameters).unwrap()
    };
    iam("create_user", &json!({ "UserName": "yunhai" }));
    iam(
        "put_user_policy",
        &json!({ "UserName": "yunhai", "PolicyName": "yunhai", "PolicyDocument": document }),
    );
    let key = iam("create_access_key", &json!({ "UserName": "yunhai" }));
    let part = |name: &str| key["AccessKey"][name].as_str().unwrap().to_owned();
    aws.check_rights().unwrap();
    open(
        &aws.endpoint,
        &part("AccessKeyId"),
        &part("SecretAccessKey"),
    )
    .await
}

#[tokio::test]
async fn the_printed_policy_is_enough_to_watch_and_no_more() {
    let mut fixture = AwsFixture::start(AwsKind::Moto).await;
    fixture.make(REGIONS[0], "web", 1);
    let account = with_policy(&mut fixture, PolicyScope::Watch).await;
    let check = account.check().await.unwrap();
    assert_eq!(check.problems, []);
    assert!(check.identity.ends_with("user/yunhai"), "{check:?}");
    let servers = account.list(&check.regions).await;
    assert_eq!(servers.missing, []);
    assert_eq!(servers.servers.len(), 1);
    let query = MetricsQuery {
        servers: &servers.servers,
        from_ms: fixture.now_ms() - 3_600_000,
        until_ms: fixture.now_ms(),
        interval_secs: 300,
    };
    let asked = Asked::default();
    assert_eq!(
        account.collect(query, &asked).await,
        MetricsRound::default()
    );
    let stopped = account
        .act(&servers.servers[0].server, ServerAction::Stop)
        .await;
    assert_eq!(stopped.unwrap_err().kind, ErrorKind::Denied);
}

#[tokio::test]
async fn the_printed_policy_is_enough_to_manage() {
    let mut fixture = AwsFixture::start(AwsKind::Moto).await;
    let account = Arc::new(with_policy(&mut fixture, PolicyScope::Manage).await);
    let order = fixture.order(REGIONS[0], "made");
    let check = account.check_create(&order).await.unwrap();
    assert_eq!(check.findings, []);
    let mut several = order;
    several.count = 2;
    let made = account.create(&several, "token").await.unwrap();
    let listed = account.list(&[REGIONS[0].to_owned()]).await;
    let mut names: Vec<&str> = listed.servers.iter().map(|s| s.name.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["made-1", "made-2"]);
    for action in [
        ServerAction::Stop,
        ServerAction::Start,
        ServerAction::Restart,
        ServerAction::Delete,
    ] {
        account.act(&made.servers[0], action).await.unwrap();
    }
}

#[tokio::test]
async fn an_account_whose_servers_cannot_be_listed_is_of_no_use() {
    let mut fixture = AwsFixture::start(AwsKind::Moto).await;
    let statement = json!({ "Effect": "Allow", "Action": "cloudwatch:*", "Resource": "*" });
    let document = json!({ "Version": "2012-10-17", "Statement": [statement] });
    let account = with_document(&mut fixture, &document.to_string()).await;
    let error = account.check().await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Denied, "{error}");
    assert!(error.attempted.contains("list the servers"), "{error}");
}

#[tokio::test]
async fn wrong_credentials_are_told() {
    let mut fixture = AwsFixture::start(AwsKind::Moto).await;
    fixture.aws.check_rights().unwrap();
    suite::wrong_credentials_are_told(&mut fixture).await;
}

#[tokio::test]
async fn a_role_is_assumed_with_its_external_id() {
    let mut fixture = AwsFixture::start(AwsKind::Moto).await;
    let settings = json!({
        "credentials": { "kind": "keys", "access_key_id": "setup", "secret_access_key": "setup" },
        "role": { "arn": "arn:aws:iam::222222222222:role/watcher", "external_id": "yunhai-17" },
        "regions": REGIONS,
        "endpoint": fixture.aws.endpoint,
    });
    let settings = yunhai_model::Secret::new(settings.to_string());
    let settings = yunhai_cloud_aws::AwsSettings::parse(&settings).unwrap();
    let check = AwsAccount::open(settings).await.check().await.unwrap();
    assert_eq!(check.account, "222222222222", "the account of the role");
    assert!(check.identity.contains("assumed-role/watcher"), "{check:?}");
    let role =
        json!({ "RoleArn": "arn:aws:iam::222222222222:role/watcher", "ExternalId": "yunhai-17" });
    let assumed = fixture.aws.assumed_roles().unwrap();
    let assumed = assumed.as_array().unwrap();
    assert!(!assumed.is_empty());
    assert!(assumed.iter().all(|asked| *asked == role), "{assumed:?}");
}

#[tokio::test]
async fn a_profile_that_is_not_there_is_told_as_credentials() {
    let settings = r#"{ "credentials": { "kind": "profile", "name": "no-such-profile" } }"#;
    let settings = yunhai_model::Secret::new(settings);
    let settings = yunhai_cloud_aws::AwsSettings::parse(&settings).unwrap();
    let error = AwsAccount::open(settings).await.check().await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Credentials, "{error}");
    assert!(error.to_string().contains("no-such-profile"), "{error}");
}
