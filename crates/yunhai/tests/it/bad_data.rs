//! Nonsense for a server that runs: rules, queries, samples, bodies, tokens.

use serde_json::Value;
use yunhai_test_support::remote_write::body;

use crate::program::Home;
use crate::writer::Writer;

fn sample(name: &[u8], timestamp: i64, value: f64) -> Vec<u8> {
    body(&[("__name__", name)], &[(timestamp, value)])
}

fn now_ms() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

#[test]
fn bad_samples_are_refused_with_the_reason_and_special_numbers_are_kept() {
    let home = Home::new();
    let server = home.serve_signed_in(&[]);
    let writer = Writer::new(&home, &server);
    for (body, part) in [
        (sample(b"m", now_ms() + 86_400_000, 1.0), "future"),
        (sample(b"\xff\xfe", now_ms(), 1.0), "UTF-8"),
        (b"no snappy".to_vec(), "snappy"),
    ] {
        let (status, answer) = writer.write(body);
        assert_eq!(status, 400, "{answer}");
        assert!(answer["error"].as_str().unwrap().contains(part), "{answer}");
    }
    // NaN and the infinities are numbers that exporters send; Prometheus keeps them too.
    for (name, value, shown) in [
        ("plus", f64::INFINITY, "+Inf"),
        ("minus", f64::NEG_INFINITY, "-Inf"),
        ("none", f64::NAN, "NaN"),
    ] {
        let (status, answer) = writer.write(sample(name.as_bytes(), now_ms(), value));
        assert!(status < 300, "{answer}");
        let query = ["monitor", "query", name, "--format", "json"];
        let found: Value = serde_json::from_str(&home.run(&query).done()).unwrap();
        assert_eq!(found["data"]["result"][0]["value"][1], shown);
    }
}

#[test]
fn bodies_that_are_too_large_or_not_text_are_refused_with_what_to_do() {
    let home = Home::new();
    home.write("yunhai.toml", "[server]\nmax_body = \"64KiB\"\n");
    let server = home.serve_signed_in(&["--config", "yunhai.toml"]);
    let writer = Writer::new(&home, &server);
    let (status, problem) = writer.post(
        "/api/v1/rule-groups",
        "application/json",
        vec![b' '; 65 << 10],
    );
    assert_eq!((status, &problem["code"]), (413, &"body_too_large".into()));
    assert!(
        problem["hint"]
            .as_str()
            .unwrap()
            .contains("server.max_body"),
        "{problem}"
    );
    let (status, problem) = writer.post(
        "/api/v1/rule-groups",
        "application/json",
        b"{\"source\": \"\xff\"}".to_vec(),
    );
    assert_eq!((status, &problem["code"]), (400, &"invalid_request".into()));
    let large = home.write("large.yml", vec![b'#'; 65 << 10]);
    let error = home.run(&["alert", "rule", "apply", &large]).failed();
    assert!(error.contains("large.yml was not applied"), "{error}");
    let text = home.write("latin.yml", b"groups:\n  - name: caf\xe9\n");
    let error = home.run(&["alert", "rule", "apply", &text]).failed();
    assert!(
        error.contains("latin.yml, line 2: this is not UTF-8"),
        "{error}"
    );
}

#[test]
fn a_malformed_rule_is_told_with_line_and_column() {
    let home = Home::new();
    let _server = home.serve_signed_in(&[]);
    home.write(
        "rules.yml",
        "groups:\n  - name: a\n    rules:\n      - alert: X\n        expr: up = = 1\n        fro: 5m\n",
    );
    let error = home.run(&["alert", "rule", "apply", "rules.yml"]).failed();
    insta::assert_snapshot!(error, @r"
    error: rules.yml was not applied: the rule file has 2 fault(s)
      line 5, column 18: group `a`, alert `X`: `expr`, at character 4: unexpected `=`, expected an operator or the end of the expression
      line 6, column 9: group `a`, rule 1: unknown key `fro`; known are record, alert, expr, for, keep_firing_for, labels, annotations
    ");
}

#[test]
fn an_invalid_query_is_told_with_its_position() {
    let home = Home::new();
    let _server = home.serve_signed_in(&[]);
    let error = home.run(&["monitor", "query", "sum(up"]).failed();
    assert!(error.contains("1:7: parse error"), "{error}");
    let error = home
        .run(&["alert", "rule", "backtest", "rate(up)"])
        .failed();
    assert!(error.contains("range vector"), "{error}");
}

#[test]
fn a_wrong_token_a_wrong_password_and_a_locked_account_say_what_to_do() {
    let home = Home::new();
    let server = home.serve_signed_in(&[]);
    let error = home
        .run(&["status", "--token", "yh_wrong", "--server", &server.url])
        .failed();
    assert!(error.contains("the token is unknown"), "{error}");
    assert!(error.contains("yunhai login"), "{error}");
    let login = [
        "login",
        "--user",
        "ann",
        "--password-stdin",
        "--server",
        &server.url,
    ];
    for _ in 0..5 {
        let error = home.run_with(&login, "wrong").failed();
        assert!(
            error.contains("the name or the password is wrong"),
            "{error}"
        );
    }
    let error = home.run_with(&login, crate::program::PASSWORD).failed();
    assert!(error.contains("too many failed attempts"), "{error}");
    assert!(error.contains("hint: try again in "), "{error}");
    home.run(&["user", "unlock", "ann"]).done();
    home.run_with(&login, crate::program::PASSWORD).done();
}

#[test]
fn a_server_that_is_not_there_is_named() {
    let home = Home::new();
    let error = home.run(&["status"]).failed();
    assert!(error.contains("not signed in"), "{error}");
    let arguments = ["status", "--server", "http://127.0.0.1:1", "--token", "x"];
    let error = home.run(&arguments).failed();
    assert!(
        error.contains("cannot reach http://127.0.0.1:1/"),
        "{error}"
    );
    assert!(error.contains("is the server running"), "{error}");
}
