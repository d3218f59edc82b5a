//! Accounts with clouds at the command line, with an emulator of AWS in the place of Amazon.

use yunhai_test_support::clouds::{Aws, AwsKind};

use crate::program::Home;

const SECRET: &str = "hush-secret";

#[test]
fn servers_are_made_stopped_started_and_deleted() {
    let mut aws = Aws::start(AwsKind::Moto).unwrap();
    let image = aws.image().unwrap();
    let home = Home::new();
    let _server = home.serve_signed_in(&[]);
    let mut add: Vec<&str> = "cloud add aws prod --access-key-id AKIATEST --secret-stdin"
        .split(' ')
        .collect();
    add.extend([
        "--region",
        "eu-central-1",
        "--endpoint",
        aws.endpoint.as_str(),
    ]);
    home.run_with(&add, SECRET).done();

    let mut create: Vec<&str> = "server create shop --account prod --region eu-central-1"
        .split(' ')
        .collect();
    create.extend(["--image", &image, "--type", "t3.micro", "--count", "2"]);
    create.extend(["--tag", "team=shop"]);
    let dry_run = [&create[..], &["--dry-run"]].concat();
    let checked = home.run(&dry_run).done();
    assert!(checked.contains("it would succeed"), "{checked}");
    let unasked = home.run(&create).failed();
    assert!(unasked.contains("--yes"), "{unasked}");
    let wrong = [
        &create[..7],
        &["--image", "ami-nowhere", "--type", "t3.micro", "--dry-run"],
    ];
    let wrong = home.run(&wrong.concat()).failed();
    assert!(wrong.contains("could not be made"), "{wrong}");

    let yes = ["--yes", "--request-key", "once", "--format", "json"];
    let yes = [&create[..], &yes].concat();
    let orders = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
    let made = orders(&home.run(&yes).done());
    assert_eq!(made[0]["state"], "done", "{made}");
    assert_eq!(made[0]["server_ids"].as_array().unwrap().len(), 2);
    let again = orders(&home.run(&yes).done());
    assert_eq!(again[0]["id"], made[0]["id"], "no second order");
    let servers = home.run(&["cloud", "servers", "--tag", "team=shop"]).done();
    assert!(
        servers.contains("shop-1") && servers.contains("shop-2"),
        "{servers}"
    );

    let unasked = home.run(&["server", "stop", "shop-1"]).failed();
    assert!(unasked.contains("--yes"), "{unasked}");
    home.run(&["server", "stop", "shop-1", "shop-2", "--yes"])
        .done();
    let stopped = home.run(&["cloud", "servers", "--state", "stopped"]).done();
    assert!(
        stopped.contains("shop-1") && stopped.contains("shop-2"),
        "{stopped}"
    );
    home.run(&["server", "start", "shop-1"]).done();
    let unsure = home.run(&["server", "delete", "shop-2"]).failed();
    assert!(unsure.contains("--confirm shop-2"), "{unsure}");
    let delete = ["server", "delete", "shop-2", "--confirm", "shop-2"];
    home.run(&delete).done();
    let late = home.run(&delete).failed();
    assert!(late.contains("was deleted"), "{late}");
    let shown = home.run(&["server", "orders"]).done();
    for action in ["create", "stop", "start", "delete"] {
        assert!(shown.contains(action), "{shown}");
    }
    let open = home.run(&["server", "orders", "--open"]).done();
    assert_eq!(open, "There is nothing to show.\n");
}

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
