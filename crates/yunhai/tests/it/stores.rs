//! The server on database servers of others: set up, restarted, verified.

use std::time::{Duration, Instant};

use serde_json::Value;
use yunhai_test_support::databases::{Engine, TestDatabase};

use crate::program::{Home, PASSWORD};

fn json(home: &Home, command: &str) -> Value {
    let mut words: Vec<&str> = command.split(' ').collect();
    words.extend(["--format", "json"]);
    serde_json::from_str(&home.run(&words).done()).unwrap()
}

/// Creates the administrator in a database, works on a server, starts it again, and verifies.
fn work_on(engine: Engine) {
    let home = Home::new();
    let database = TestDatabase::start(engine);
    let on_it = ["--database", database.url.as_str()];
    let create = "user create --data data --name ann --role admin --password-stdin";
    let create: Vec<&str> = create.split(' ').chain(on_it).collect();
    home.run_with(&create, PASSWORD).done();
    let server = home.serve(&on_it);
    home.login(&server);
    home.write(
        "rules.yml",
        "groups:\n  - name: team\n    interval: 1s\n    rules:\n      - alert: Always\n        expr: vector(1)\n",
    );
    home.run(&["alert", "rule", "apply", "rules.yml"]).done();
    let deadline = Instant::now() + Duration::from_mins(1);
    let id = loop {
        let alerts = json(&home, "alert list --state firing");
        if let Some(alert) = alerts
            .as_array()
            .unwrap()
            .iter()
            .find(|a| a["rule"] == "Always")
        {
            break alert["id"].as_str().unwrap().to_owned();
        }
        assert!(Instant::now() < deadline, "the rule never fired: {alerts}");
    };
    home.run(&["alert", "ack", &id, "--comment", "mine"]).done();
    assert_eq!(server.stop(), 0);

    let server = home.serve(&on_it);
    home.login(&server);
    let alert = json(&home, &format!("alert show {id}"));
    assert_eq!(
        (&alert["state"], &alert["acknowledged"]["by"]),
        (&"acknowledged".into(), &"ann".into())
    );
    assert_eq!(json(&home, "audit verify")["ok"], true);
    assert_eq!(server.stop(), 0);
    let verify: Vec<&str> = "audit verify --data data".split(' ').chain(on_it).collect();
    home.run(&verify).done();
    assert!(!home.path("data/state.db").exists());
}

#[test]
fn the_state_lives_in_postgresql() {
    work_on(Engine::Postgres);
}

#[test]
fn the_state_lives_in_mysql() {
    work_on(Engine::Mysql);
}
