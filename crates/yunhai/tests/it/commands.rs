//! A day at the command line against a real server: tables for people, JSON for programs.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::program::{Home, PASSWORD};

fn json(home: &Home, command: &str) -> Value {
    let mut words: Vec<&str> = command.split(' ').collect();
    words.extend(["--format", "json"]);
    serde_json::from_str(&home.run(&words).done()).unwrap()
}

fn words(home: &Home, command: &str) -> String {
    let words: Vec<&str> = command.split(' ').collect();
    home.run(&words).done()
}

/// Hides ids and times.
fn steady(text: &str) -> String {
    let ids = regex::Regex::new(r"\b01[0-9A-HJKMNP-TV-Z]{24}\b").unwrap();
    let times = regex::Regex::new(r"\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}").unwrap();
    let text = ids.replace_all(text, "<an id of 26 characters> ");
    times.replace_all(&text, "<a local time>     ").into_owned()
}

#[test]
fn users_come_change_and_go() {
    let home = Home::new();
    let server = home.serve_signed_in(&[]);
    let create = [
        "user",
        "create",
        "--name",
        "bob",
        "--role",
        "viewer",
        "--password-stdin",
    ];
    assert_eq!(
        home.run_with(&create, PASSWORD).done(),
        "Created bob as viewer.\n"
    );
    let refused = create.map(|word| if word == "bob" { "b b" } else { word });
    let error = home.run_with(&refused, PASSWORD).failed();
    assert_eq!(
        error,
        "error: name: use 2 to 64 letters, digits and the signs . _ - @ +\n"
    );
    assert_eq!(
        words(&home, "user role bob operator"),
        "bob is operator now.\n"
    );
    assert_eq!(json(&home, "user disable bob")["state"], "disabled");
    assert_eq!(json(&home, "user enable bob")["state"], "active");
    words(
        &home,
        "user edit bob --display-name Bob --email bob@example.com",
    );
    insta::assert_snapshot!(steady(&words(&home, "user show bob")));
    insta::assert_snapshot!(steady(&words(&home, "user list --role operator")));
    // Where somebody is signed in, an administrator sees it and ends it.
    let signed_in = reqwest::blocking::Client::new()
        .post(format!("{}/api/v1/session", server.url))
        .json(&serde_json::json!({"name": "bob", "password": PASSWORD}))
        .send()
        .unwrap();
    assert!(signed_in.status().is_success());
    let sessions = json(&home, "user sessions bob");
    let id = sessions[0]["id"].as_str().unwrap();
    words(&home, &format!("user sessions bob --revoke {id}"));
    assert_eq!(json(&home, "user sessions bob"), serde_json::json!([]));
    let invitation = json(&home, "user invite --role viewer --email cay@example.com");
    assert!(invitation["code"].as_str().unwrap().len() > 20);
    insta::assert_snapshot!(steady(&words(&home, "user invitations")));
    let id = invitation["id"].as_str().unwrap();
    words(&home, &format!("user invitations withdraw {id}"));
    assert_eq!(json(&home, "user invitations"), serde_json::json!([]));
    words(&home, "user delete bob");
    let error = home.run(&["user", "show", "bob"]).failed();
    assert!(error.contains("there is no user `bob`"), "{error}");
}

#[test]
fn one_changes_ones_own_password_and_second_factor() {
    let home = Home::new();
    let _server = home.serve_signed_in(&[]);
    let new = "copper-lantern-sings-low";
    let change = ["me", "password", "--password-stdin"];
    let wrong = home.run_with(&change, &format!("wrong\n{new}\n")).failed();
    assert!(wrong.contains("wrong"), "{wrong}");
    home.run_with(&change, &format!("{PASSWORD}\n{new}\n"))
        .done();
    let me = json(&home, "me");
    assert_eq!(
        (&me["name"], &me["second_factor"]["enabled"]),
        (&"ann".into(), &false.into())
    );
    // Without a server, whoever sits at its machine sets a forgotten one.
    let set = "user password ann --data data --password-stdin";
    let set: Vec<&str> = set.split(' ').collect();
    home.run_with(&set, PASSWORD).done();
    // The server learns of it from the database, within a second.
    let begun = Instant::now();
    let refused = loop {
        let me = home.run(&["me"]);
        if me.code != 0 {
            break me.failed();
        }
        assert!(
            begun.elapsed() < Duration::from_secs(30),
            "tokens end with the password"
        );
    };
    assert!(refused.contains("revoked"), "{refused}");
}

#[test]
fn rules_silences_inhibitions_and_routes_are_kept() {
    let home = Home::new();
    let _server = home.serve_signed_in(&[]);
    home.write(
        "rules.yml",
        "groups:\n  - name: team\n    rules:\n      - alert: Always\n        expr: vector(1)\n",
    );
    assert_eq!(
        words(&home, "alert rule apply rules.yml"),
        "Applied rules.yml: team.\n"
    );
    assert!(words(&home, "alert rule show team").contains("alert: Always"));
    let backtest = [
        "alert",
        "rule",
        "backtest",
        "--rule",
        "team/Always",
        "--last",
        "1h",
    ];
    assert!(home.run(&backtest).done().contains("firing"));
    let tested = home.run(&["alert", "rule", "test", "rules.yml"]);
    assert!(
        tested.errors.contains("holds rules, not tests"),
        "{}",
        tested.errors
    );
    let silence = [
        "alert",
        "silence",
        "add",
        "server=web-1",
        "--comment",
        "new disk",
    ];
    let silence = home
        .run(&[&silence[..], &["--format", "json"]].concat())
        .done();
    let silence: Value = serde_json::from_str(&silence).unwrap();
    let id = silence["id"].as_str().unwrap();
    let edit = [
        "alert",
        "silence",
        "edit",
        id,
        "--comment",
        "another disk",
        "--for",
        "9h",
    ];
    home.run(&edit).done();
    let silences = json(&home, "alert silence list --state active");
    assert_eq!(silences[0]["comment"], "another disk");
    assert_eq!(silences[0]["matchers"][0]["value"], "web-1");
    words(
        &home,
        "alert inhibition add --name down --source alertname=ServerDown --target severity=warning \
         --equal server",
    );
    insta::assert_snapshot!(steady(&words(&home, "alert inhibition list")));
    words(
        &home,
        "channel add --name hook --kind webhook --set url=http://127.0.0.1:1/",
    );
    let spaced = [
        "channel", "add", "--name", "the team", "--kind", "webhook", "--set",
    ];
    let told = home.run(&[&spaced[..], &["url=http://127.0.0.1:1/"]].concat());
    let told = told.done();
    assert!(told.contains("`yunhai channel test 'the team'`"), "{told}");
    words(&home, "channel edit hook --disable --name late");
    assert_eq!(json(&home, "channel show late")["enabled"], false);
    let routes = words(&home, "alert route list --format json");
    home.write("routes.json", routes);
    words(&home, "alert route set routes.json");
    assert!(words(&home, "alert route list").contains("root"));
    home.write(
        "routes.json",
        r#"{"routes": [{"matchers": ["severity=critical"], "channels": ["late"], "group_wait": "90s",
            "escalations": [{"after": "1h", "channels": ["late"]}]}]}"#,
    );
    words(&home, "alert route set routes.json");
    let tested = words(
        &home,
        "alert route test alertname=Slow severity=critical server=web-1",
    );
    insta::assert_snapshot!("route_test", steady(&tested));
    let preview = json(&home, "alert route test severity=info");
    assert_eq!(preview["routes"][0]["route"], "root");
    assert_eq!(preview["routes"][0]["channels"], serde_json::json!([]));
    let wrong = home.run(&["alert", "route", "test", "a-b=c"]);
    assert_eq!(wrong.code, 2, "{}", wrong.errors);
    assert!(
        wrong.errors.contains("not a label name"),
        "{}",
        wrong.errors
    );
    assert_eq!(json(&home, "audit verify")["ok"], true);
    let log = json(&home, "audit list --action silence.updated");
    assert_eq!(log[0]["actor"], "ann");
}

#[test]
fn a_stopped_server_leaves_an_audit_log_that_can_be_verified_without_it() {
    let home = Home::new();
    let server = home.serve_signed_in(&[]);
    assert_eq!(server.stop(), 0);
    let told = words(&home, "audit verify --data data");
    assert!(told.contains("entries are as they were written"), "{told}");
    words(&home, "key rotate --data data");
    assert_eq!(
        json(&home, "key list --data data")
            .as_array()
            .unwrap()
            .len(),
        2
    );
    let server = home.serve(&[]);
    home.login(&server);
    words(&home, "status");
    let verified = json(&home, "audit list --action audit.verified");
    assert_eq!(verified[0]["outcome"], "ok");
}
