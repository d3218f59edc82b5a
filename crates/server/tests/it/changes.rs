//! No change without its entry in the audit log, and no entry without the change.

use reqwest::{Method, StatusCode};
use sea_orm::{ConnectionTrait, Statement};
use serde_json::{Value, json};
use yunhai_database::Database;
use yunhai_identity::Role;
use yunhai_test_support::on_every_database;

use crate::harness::{Browser, TestServer, eventually};
use crate::probes::report;

const FIRES: &str = "groups:\n- name: test\n  interval: 1s\n  rules:\n  - alert: Bad\n    \
                     expr: server_up > 0\n";

const TWO_GROUPS: &str = "groups:\n- name: x\n  rules:\n  - alert: X\n    expr: server_up > 7\n\
                          - name: y\n  rules:\n  - alert: Y\n    expr: server_up > 8\n";

const GROUP_X: &str = "groups:\n- name: x\n  rules:\n  - alert: X\n    expr: server_up > 9\n";

/// What is stored, without what changes by itself.
const STORED: [&str; 8] = [
    "SELECT body AS stored FROM cloud_account",
    "SELECT body AS stored FROM monitor_silence",
    "SELECT body AS stored FROM monitor_window",
    "SELECT body AS stored FROM monitor_inhibition",
    "SELECT body AS stored FROM monitor_channel",
    "SELECT body AS stored FROM monitor_probe",
    "SELECT body AS stored FROM monitor_server",
    "SELECT source AS stored FROM monitor_rule_file",
];

/// A request that changes something, and where that shows.
pub(crate) struct Change {
    action: &'static str,
    method: Method,
    path: String,
    body: Value,
    /// The list or the thing, as it is shown.
    seen_at: String,
    /// What of it is looked at: all where there are none.
    fields: &'static [&'static str],
    entries: i64,
}

pub(crate) fn change(action: &'static str, method: Method, path: &str, body: Value) -> Change {
    Change {
        action,
        method,
        path: path.to_owned(),
        body,
        seen_at: path.to_owned(),
        fields: &[],
        entries: 1,
    }
}

impl Change {
    pub(crate) fn seen_at(self, path: &str, fields: &'static [&'static str]) -> Self {
        Self {
            seen_at: path.to_owned(),
            fields,
            ..self
        }
    }

    fn with_entries(self, entries: i64) -> Self {
        Self { entries, ..self }
    }

    async fn seen(&self, browser: &Browser<'_>) -> Value {
        let shown = browser.get(&format!("/api/v1/{}", self.seen_at)).await;
        let picked = |shown: &Value| -> Value {
            let fields = self.fields.iter();
            fields.map(|field| shown[field].clone()).collect()
        };
        match (self.fields, shown["items"].as_array()) {
            ([], _) => shown,
            (_, Some(items)) => items.iter().map(picked).collect(),
            (_, None) => picked(&shown),
        }
    }

    async fn ask(&self, browser: &Browser<'_>) -> (StatusCode, Value) {
        let path = format!("/api/v1/{}", self.path);
        browser.send(self.method.clone(), &path, &self.body).await
    }
}

async fn execute(database: &Database, sql: &str) {
    let connection = database.connection();
    let done = connection.execute_unprepared(sql).await.unwrap();
    assert_eq!(done.rows_affected(), 1, "{sql}");
}

async fn stored(database: &Database) -> Vec<String> {
    let mut stored = Vec::new();
    for sql in STORED {
        let statement = Statement::from_string(database.backend(), sql);
        let rows = database.connection().query_all_raw(statement).await;
        let rows = rows.unwrap().into_iter();
        stored.extend(rows.map(|row| row.try_get::<String>("", "stored").unwrap()));
    }
    stored.sort();
    stored
}

/// Counts what was recorded, but for what the server records by itself after a minute.
async fn entries(database: &Database) -> i64 {
    let sql = "SELECT count(*) AS number FROM audit_entries WHERE action <> 'audit.verified'";
    let statement = Statement::from_string(database.backend(), sql);
    let row = database.connection().query_one_raw(statement).await;
    row.unwrap().unwrap().try_get("", "number").unwrap()
}

async fn entries_of(browser: &Browser<'_>, action: &str) -> i64 {
    let path = format!("/api/v1/audit?page_size=1&action={action}");
    browser.get(&path).await["total"].as_i64().unwrap()
}

/// Asks for a change while the audit log cannot be written, and then again. Returns the answer.
pub(crate) async fn check(server: &TestServer, browser: &Browser<'_>, change: Change) -> Value {
    let database = &server.database;
    let what = format!("{} {}", change.method, change.path);
    let of_its_kind = entries_of(browser, change.action).await;
    let before = (
        change.seen(browser).await,
        stored(database).await,
        entries(database).await,
    );
    execute(database, "UPDATE audit_head SET id = 'away'").await;
    let (status, refused) = change.ask(browser).await;
    execute(database, "UPDATE audit_head SET id = 'head'").await;
    assert_eq!(
        (status, &refused["code"]),
        (StatusCode::INTERNAL_SERVER_ERROR, &json!("internal")),
        "{what}: {refused}"
    );
    let after = (
        change.seen(browser).await,
        stored(database).await,
        entries(database).await,
    );
    assert_eq!(before, after, "{what} has left something behind");

    let (status, answer) = change.ask(browser).await;
    assert!(status.is_success(), "{what}: {answer}");
    assert_ne!(before.0, change.seen(browser).await, "{what} does not show");
    let number = entries(database).await;
    assert_eq!(number, before.2 + change.entries, "{what}");
    let number = entries_of(browser, change.action).await;
    assert_eq!(number, of_its_kind + change.entries, "{what}");
    answer
}

fn below(path: &str, made: &Value) -> String {
    format!("{path}/{}", made["id"].as_str().unwrap())
}

async fn check_what_is_kept_under_an_id(server: &TestServer, admin: &Browser<'_>) {
    let matchers = json!([{"name": "severity", "op": "=", "value": "critical"}]);
    let silence =
        json!({"matchers": matchers, "ends_at_ms": 4_000_000_000_000_i64, "comment": "a"});
    let window = json!({
        "name": "nightly", "cron": "0 3 * * *", "duration_secs": 3600, "time_zone": "UTC",
        "matchers": matchers, "comment": "a",
    });
    let inhibition = json!({
        "name": "a", "source": matchers, "equal": ["server"],
        "target": [{"name": "severity", "op": "=", "value": "warning"}],
    });
    let channel = json!({"name": "a", "kind": "webhook", "config": {"url": "http://127.0.0.1:1/"}});
    let probe = json!({"name": "a", "target": "tcp://127.0.0.1:1", "interval_secs": 600});
    for (path, actions, mut body, field, fields) in [
        (
            "silences",
            ["silence.created", "silence.updated", "silence.ended"],
            silence,
            "comment",
            &["id", "comment", "state"][..],
        ),
        (
            "maintenance-windows",
            [
                "maintenance.created",
                "maintenance.updated",
                "maintenance.deleted",
            ],
            window,
            "comment",
            &["id", "comment"],
        ),
        (
            "inhibitions",
            [
                "inhibition.created",
                "inhibition.updated",
                "inhibition.deleted",
            ],
            inhibition,
            "name",
            &["id", "name"],
        ),
        (
            "channels",
            ["channel.created", "channel.updated", "channel.deleted"],
            channel,
            "name",
            &["id", "name"],
        ),
        (
            "probes",
            ["probe.created", "probe.updated", "probe.deleted"],
            probe,
            "name",
            &["id", "name"],
        ),
    ] {
        let [created, updated, deleted] = actions;
        let create = change(created, Method::POST, path, body.clone());
        let made = check(server, admin, create.seen_at(path, fields)).await;
        body[field] = json!("b");
        let one = below(path, &made);
        let update = change(updated, Method::PUT, &one, body);
        check(server, admin, update.seen_at(path, fields)).await;
        let delete = change(deleted, Method::DELETE, &one, Value::Null);
        check(server, admin, delete.seen_at(path, fields)).await;
    }
}

async fn check_rules_and_routes(server: &TestServer, admin: &Browser<'_>) {
    let groups = ("rule-groups?page_size=500", &["name", "source"][..]);
    let form = json!({
        "name": "Hot", "metric": "server_load1", "comparison": ">", "threshold": 4.0,
        "for_secs": 0, "keep_firing_for_secs": 0, "severity": "warning", "matchers": [],
        "enabled": true,
    });
    let mut hotter = form.clone();
    hotter["threshold"] = json!(8.0);
    for (action, method, path, body, entries) in [
        (
            "rule.created",
            Method::POST,
            "rule-groups",
            json!({"source": TWO_GROUPS}),
            2,
        ),
        (
            "rule.updated",
            Method::PUT,
            "rule-groups/x",
            json!({"source": GROUP_X}),
            1,
        ),
        (
            "rule.deleted",
            Method::DELETE,
            "rule-groups/x",
            Value::Null,
            1,
        ),
        ("rule.created", Method::PUT, "rules/form/Hot", form, 1),
        ("rule.updated", Method::PUT, "rules/form/Hot", hotter, 1),
    ] {
        let rules = change(action, method, path, body).seen_at(groups.0, groups.1);
        check(server, admin, rules.with_entries(entries)).await;
    }
    let routes = json!({"group_by": ["server"]});
    check(
        server,
        admin,
        change("routes.changed", Method::PUT, "routes", routes),
    )
    .await;
}

async fn check_alerts(server: &TestServer, admin: &Browser<'_>) {
    let body = json!({"source": FIRES});
    let (status, groups) = admin.send(Method::POST, "/api/v1/rule-groups", &body).await;
    assert_eq!(status, StatusCode::OK, "{groups}");
    let alert = eventually("the alert", async || {
        let path = "/api/v1/alerts?state=firing&rule=Bad&q=test-host";
        admin.get(path).await["items"].get(0).cloned()
    })
    .await;
    let alert = below("alerts", &alert);
    let said = format!("{alert}/timeline?kind=commented");
    let comment = change(
        "alert.commented",
        Method::POST,
        &format!("{alert}/comments"),
        json!({"comment": "mine"}),
    );
    check(server, admin, comment.seen_at(&said, &["detail"])).await;
    for (action, method, body) in [
        (
            "alert.acknowledged",
            Method::POST,
            json!({"comment": "mine"}),
        ),
        ("alert.unacknowledged", Method::DELETE, Value::Null),
    ] {
        let taken = change(action, method, &format!("{alert}/acknowledge"), body);
        let taken = taken.seen_at(&alert, &["state", "acknowledged"]);
        check(server, admin, taken).await;
    }
}

async fn check_servers(server: &TestServer, admin: &Browser<'_>) {
    let token = admin.token(&["metrics:write"]).await;
    report(server, &token, "silent", -600_000).await;
    eventually("the server", async || {
        let found = admin.get("/api/v1/servers?q=silent").await;
        (found["total"] == 1).then_some(())
    })
    .await;
    let settings = change(
        "monitored_server.updated",
        Method::PUT,
        "servers/silent/settings",
        json!({"interval_secs": 60}),
    );
    check(
        server,
        admin,
        settings.seen_at("servers/silent", &["settings"]),
    )
    .await;
    let removal = change(
        "monitored_server.deleted",
        Method::DELETE,
        "servers/silent",
        Value::Null,
    );
    check(server, admin, removal.seen_at("servers", &["name"])).await;
    let interval = json!({"collect_interval_secs": 2});
    let interval = change("settings.changed", Method::PATCH, "settings", interval);
    let interval = interval.seen_at("settings", &["collect_interval_secs"]);
    check(server, admin, interval).await;
}

on_every_database! {
async fn no_change_is_without_its_entry_and_no_entry_without_its_change(url: &str) {
    let server = TestServer::start_on(url).await;
    let admin = server.sign_in_new("ada", Role::Administrator).await;
    check_what_is_kept_under_an_id(&server, &admin).await;
    check_rules_and_routes(&server, &admin).await;
    check_alerts(&server, &admin).await;
    check_servers(&server, &admin).await;
    assert!(server.identity.audit().verify().await.unwrap().is_whole());
    server.stop().await.unwrap();
}

async fn changes_at_the_same_moment_all_come_through_with_their_entries(url: &str) {
    let server = TestServer::start_on(url).await;
    let admin = server.sign_in_new("ada", Role::Administrator).await;
    let before = entries(&server.database).await;
    // More than there are connections, of kinds that hold locks in memory and of kinds that do not.
    let mut asked = Vec::new();
    for number in 0..5 {
        let name = format!("crowd{number}");
        let matchers = json!([{"name": "server", "op": "=", "value": name}]);
        let rules = format!(
            "groups:\n- name: {name}\n  rules:\n  - alert: A\n    expr: server_up > 7\n"
        );
        let ends_at_ms = 4_000_000_000_000_i64;
        for (path, body) in [
            ("silences", json!({"matchers": matchers, "ends_at_ms": ends_at_ms, "comment": "a"})),
            ("probes", json!({"name": name, "target": "tcp://127.0.0.1:1", "interval_secs": 600})),
            ("rule-groups", json!({"source": rules})),
        ] {
            asked.push(change("", Method::POST, path, body));
        }
        // The same things, in whatever order they are asked for.
        let pair = ["both-a", "both-b"].map(|name| {
            format!("- name: {name}\n  rules:\n  - alert: A{number}\n    expr: server_up > 7\n")
        });
        let [first, second] = if number % 2 == 0 { [0, 1] } else { [1, 0] };
        let both = json!({"source": format!("groups:\n{}{}", pair[first], pair[second])});
        asked.push(change("", Method::POST, "rule-groups", both));
        asked.push(change("", Method::PUT, "routes", json!({"group_by": [name]})));
    }
    let answers = asked.iter().map(|change| change.ask(&admin));
    for (status, answer) in futures::future::join_all(answers).await {
        assert!(status.is_success(), "{answer}");
    }
    assert_eq!(entries(&server.database).await, before + 30);
    for path in ["silences", "probes?q=crowd", "rule-groups?q=crowd"] {
        let shown = admin.get(&format!("/api/v1/{path}")).await;
        assert_eq!(shown["total"], 5, "{path}: {shown}");
    }
    assert!(server.identity.audit().verify().await.unwrap().is_whole());
    server.stop().await.unwrap();
}
}
