//! Accounts with clouds at the command line, with an emulator of AWS in the place of Amazon.

use yunhai_test_support::clouds::{Aws, AwsKind};

use crate::program::Home;

const SECRET: &str = "hush-secret";

#[test]
fn an_account_is_added_asked_changed_and_deleted() {
    let mut aws = Aws::start(AwsKind::Moto).unwrap();
    aws.run_instances("eu-central-1", "web", 1).unwrap();
    let home = Home::new();
    let _server = home.serve_signed_in(&[]);
    let policy = home.run(&["cloud", "policy", "aws"]).done();
    assert!(policy.contains("ec2:DescribeInstances"), "{policy}");
    assert!(!policy.contains("ec2:RunInstances"), "{policy}");

    let access = [
        "--access-key-id",
        "AKIATEST",
        "--secret-stdin",
        "--region",
        "eu-central-1",
        "--endpoint",
        aws.endpoint.as_str(),
    ];
    let add = ["cloud", "add", "aws", "prod", "--monthly-budget", "5"];
    let add = [&add[..], &access[..]].concat();
    let try_out = [&add[..], &["--dry-run"][..]].concat();
    let tried = home.run_with(&try_out, SECRET).done();
    assert!(tried.contains("123456789012"), "{tried}");
    let nothing = home.run(&["cloud", "accounts"]).done();
    assert_eq!(nothing, "There is nothing to show.\n");
    let added = home.run_with(&add, SECRET).done();
    let sentence = "Added prod, account 123456789012 of aws; see what is in it with `yunhai cloud ask prod`.\n";
    assert_eq!(added, sentence);
    home.run(&["cloud", "ask", "prod"]).done();
    let servers = home.run(&["cloud", "servers", "--tag", "team=web"]).done();
    assert!(servers.contains("web"), "{servers}");
    assert!(servers.contains("running"), "{servers}");

    let set = "cloud set prod --name production --no-monthly-budget";
    let set: Vec<&str> = set.split(' ').collect();
    assert_eq!(home.run(&set).done(), "Changed production.\n");
    let shown = ["cloud", "show", "production", "--format", "json"];
    let shown = home.run(&shown).done();
    assert!(!shown.contains(SECRET), "{shown}");
    let shown: serde_json::Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(shown["monthly_budget_usd"], serde_json::Value::Null);
    assert_eq!(shown["problems"], serde_json::json!([]));
    let set_access = ["cloud", "set-access", "aws", "production"];
    let set_access = [&set_access[..], &access[..]].concat();
    let changed = home.run_with(&set_access, SECRET).done();
    let sentence = "Changed production; it is opened as ";
    assert!(changed.starts_with(sentence), "{changed}");

    // What is sealed anew opens as before.
    home.run(&["key", "rotate", "--data", "data"]).done();
    home.run(&["cloud", "ask", "production"]).done();
    let deleted = home.run(&["cloud", "delete", "production"]).done();
    assert_eq!(deleted, "Deleted production.\n");
    let error = home.run(&["cloud", "ask", "production"]).failed();
    assert!(
        error.contains("there is no cloud account `production`"),
        "{error}"
    );
}
