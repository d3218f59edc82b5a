//! Everything without a server: the commands work on the data directory itself.

use serde_json::{Value, json};
use tokio::runtime::Runtime;
use yunhai_model::{Clock, SystemClock};
use yunhai_test_support::channels::{ChannelSimulator, ForcedAnswer, Provider, WEBHOOK_TOKEN};

use crate::program::{Ended, Home};

/// Runs a command on the data directory `data`.
fn offline(home: &Home, command: &str) -> Ended {
    let mut words: Vec<&str> = command.split(' ').collect();
    words.extend(["--data", "data"]);
    home.run(&words)
}

/// A home with an empty data directory.
fn empty_home() -> Home {
    let home = Home::new();
    std::fs::create_dir(home.path("data")).unwrap();
    home
}

fn offline_json(home: &Home, command: &str) -> Value {
    let command = format!("{command} --format json");
    serde_json::from_str(&offline(home, &command).done()).unwrap()
}

#[test]
fn alerting_is_set_up_and_run_once_without_a_server() {
    let runtime = Runtime::new().unwrap();
    let simulator = runtime
        .block_on(ChannelSimulator::start(SystemClock.now_ms()))
        .unwrap();
    let home = empty_home();
    home.write(
        "rules.yml",
        "groups:\n  - name: team\n    rules:\n      - alert: Always\n        expr: vector(1)\n",
    );
    let applied = offline(&home, "alert rule apply rules.yml").done();
    assert_eq!(applied, "Applied rules.yml: team.\n");
    let config = json!({
        "url": format!("{}/webhook", simulator.base_url()),
        "authorization": {"type": "bearer", "token": WEBHOOK_TOKEN},
    });
    let add = "channel add --name hook --kind webhook --config-stdin --data data";
    let add: Vec<&str> = add.split(' ').collect();
    home.run_with(&add, &config.to_string()).done();
    offline(&home, "channel test hook").done();
    simulator.answer_next(Provider::Webhook, ForcedAnswer::new(403, "who are you?"));
    let refused = offline(&home, "channel test hook").failed();
    assert!(refused.contains("refused the test"), "{refused}");
    home.write("routes.json", r#"{"channels": ["hook"]}"#);
    offline(&home, "alert route set routes.json").done();

    let once = home.run(&["monitor", "once", "--data", "data"]);
    assert_eq!(once.code, 3, "{}{}", once.output, once.errors);
    let heard = simulator.accepted(Provider::Webhook);
    assert_eq!(heard.len(), 2, "the test and the alert: {heard:?}");
    assert_eq!(heard[1].body["alerts"][0]["labels"]["alertname"], "Always");
    let alerts = offline_json(&home, "alert list --state firing");
    let fires = |alert: &Value| alert["rule"] == "Always";
    assert!(alerts.as_array().unwrap().iter().any(fires), "{alerts}");

    let log = offline_json(&home, "audit list");
    let told: Vec<_> = log
        .as_array()
        .unwrap()
        .iter()
        .rev()
        .map(|entry| {
            assert_eq!(entry["actor"], "tester", "{entry}");
            (
                entry["action"].as_str().unwrap(),
                entry["outcome"].as_str().unwrap(),
            )
        })
        .collect();
    let expected = [
        ("rule.created", "ok"),
        ("channel.created", "ok"),
        ("channel.tested", "ok"),
        ("channel.tested", "failed"),
        ("routes.changed", "ok"),
    ];
    assert_eq!(told, expected);
    offline(&home, "audit verify").done();
}

#[test]
fn what_is_made_without_a_server_is_there_with_one_and_goes_again() {
    let home = empty_home();
    let add = "probe add web https://127.0.0.1:1/";
    let probe = offline(&home, add);
    assert_eq!(probe.code, 0, "{}", probe.errors);
    offline(&home, "alert window add --name night --cron 0_2_*_*_*").failed();
    let window = [
        "alert",
        "window",
        "add",
        "--name",
        "night",
        "--cron",
        "0 2 * * *",
        "--data",
        "data",
    ];
    home.run(&window).done();
    let server = home.serve_signed_in(&[]);
    let listed = home.run(&["alert", "window", "list"]).done();
    assert!(listed.contains("night"), "{listed}");
    // While a server has the directory, nobody else works in it, and the way on is told.
    let refused = offline(&home, "probe list").failed();
    assert!(refused.contains("in use by another yunhai"), "{refused}");
    assert!(refused.contains("leave --data away"), "{refused}");
    assert_eq!(server.stop(), 0);
    offline(&home, "probe delete web").done();
    assert_eq!(offline_json(&home, "probe list"), json!([]));
    offline(&home, "alert window delete night").done();
    assert_eq!(offline_json(&home, "alert window list"), json!([]));
}

#[test]
fn a_mistyped_data_directory_is_not_made() {
    let home = Home::new();
    for command in [
        "alert list",
        "probe add web https://127.0.0.1:1/",
        "key list",
        "user list",
        "audit verify",
    ] {
        let error = offline(&home, command).failed();
        assert!(
            error.contains("there is no data directory data"),
            "{command}: {error}"
        );
        assert!(error.contains("yunhai user create"), "{command}: {error}");
    }
    assert!(!home.path("data").exists());
}

#[test]
fn what_needs_an_account_or_a_data_directory_says_so() {
    let home = empty_home();
    for command in [
        "me",
        "token list",
        "token create --name x --scope servers:read",
    ] {
        let error = offline(&home, command).failed();
        assert!(error.contains("has no account"), "{command}: {error}");
    }
    for command in ["login --user ann", "logout"] {
        let error = offline(&home, command).failed();
        assert!(error.contains("leave --data away"), "{command}: {error}");
    }
    let ended = home.run(&["alert", "list", "--database", "x.db"]);
    assert_eq!(ended.code, 2, "{}", ended.errors);
    assert!(ended.errors.contains("go with --data"), "{}", ended.errors);
}

#[test]
fn maintenance_windows_are_changed_piece_by_piece() {
    let home = empty_home();
    let run = |words: &[&str]| home.run(&[words, &["--data", "data"]].concat());
    run(&[
        "alert",
        "window",
        "add",
        "server=db-1",
        "--name",
        "backup",
        "--cron",
        "0 2 * * *",
        "--for",
        "1h",
        "--time-zone",
        "Asia/Shanghai",
        "--until",
        "2100-01-01T00:00:00Z",
    ])
    .done();
    run(&[
        "alert",
        "window",
        "edit",
        "backup",
        "--for",
        "2h",
        "--comment",
        "longer",
    ])
    .done();
    let shown = |home: &Home| offline_json(home, "alert window list")[0].clone();
    let window = shown(&home);
    let expected = json!({
        "name": "backup", "cron": "0 2 * * *", "duration_secs": 7200,
        "time_zone": "Asia/Shanghai", "comment": "longer", "enabled": true,
        "ends_at_ms": 4_102_444_800_000_i64, "created_by": "tester",
        "matchers": [{"name": "server", "op": "=", "value": "db-1"}],
    });
    for (field, value) in expected.as_object().unwrap() {
        assert_eq!(window[field], *value, "{field}: {window}");
    }
    let off = "alert window edit backup --all --forever --enabled false --name nightly";
    let told = offline(&home, off).done();
    assert_eq!(told, "Maintenance window nightly is off.\n");
    let window = shown(&home);
    assert_eq!(
        (
            &window["matchers"],
            &window["ends_at_ms"],
            &window["enabled"]
        ),
        (&json!([]), &Value::Null, &json!(false))
    );
    let unknown = offline(&home, "alert window delete backup").failed();
    assert!(unknown.contains("alert window list"), "{unknown}");
    let nonsense = run(&["alert", "window", "edit", "nightly", "--cron", "at night"]).failed();
    assert!(nonsense.contains("write it like"), "{nonsense}");
}

#[test]
fn a_channel_gets_words_and_quiet_hours_and_loses_them_again() {
    let home = empty_home();
    let run = |words: &[&str]| {
        let words: Vec<&str> = words.iter().copied().chain(["--data", "data"]).collect();
        home.run(&words)
    };
    home.write(
        "url.txt",
        "https://hooks.slack.com/services/T0/B0/0123456789",
    );
    home.write(
        "body.txt",
        "{{ range .Alerts }}{{ .Labels.server }}\n{{ end }}",
    );
    let add = [
        "channel",
        "add",
        "--name",
        "ops",
        "--kind",
        "slack",
        "--set-file",
        "webhook_url=url.txt",
    ];
    run(&add).done();
    let edit = [
        "channel",
        "edit",
        "ops",
        "--language",
        "zh-CN",
        "--title-template",
        "云海 {{ .Status }}",
        "--body-template-file",
        "body.txt",
        "--quiet",
        "22:00-08:00",
        "--quiet-zone",
        "Asia/Shanghai",
        "--quiet-days",
        "1,2",
    ];
    run(&edit).done();
    let preview = run(&["channel", "preview", "ops"]).done();
    assert_eq!(preview, "云海 firing\n\nweb-1\nweb-2\ndb-1\n");
    let shown = run(&["channel", "show", "ops"]).done();
    for part in [
        "zh-CN",
        "22:00-08:00 Asia/Shanghai, days 1,2, except critical",
    ] {
        assert!(shown.contains(part), "{shown}");
    }
    assert!(!shown.contains("0123456789"), "{shown}");
    let wrong = [
        "channel",
        "preview",
        "ops",
        "--body-template",
        "{{ .Server }}",
    ];
    let refused = run(&wrong).failed();
    assert!(refused.contains("line 1, column"), "{refused}");
    let plain = [
        "channel",
        "edit",
        "ops",
        "--language",
        "",
        "--title-template",
        "",
        "--body-template",
        "",
        "--no-quiet",
    ];
    run(&plain).done();
    let preview = run(&["channel", "preview", "ops"]).done();
    assert!(
        preview.starts_with("[Firing 2, resolved 1] CpuHigh\n"),
        "{preview}"
    );
    let channel = offline_json(&home, "channel show ops");
    assert_eq!(channel["quiet_hours"], Value::Null);
}
