//! Tokens that are made at the command line.

use serde_json::Value;

use crate::program::{Home, PASSWORD};

#[test]
fn a_token_that_outlives_the_login_takes_the_password() {
    let home = Home::new();
    let _server = home.serve_signed_in(&[]);
    let create = ["token", "create", "--name", "t", "--scope", "servers:read"];
    let ends = |made: &str| {
        let made: Value = serde_json::from_str(made).unwrap();
        made["expires_at_ms"].as_i64()
    };
    let json = ["--format", "json"];
    for end in [&[][..], &["--days", "30"]] {
        let made = home.run(&[&create[..], end, &json].concat()).done();
        assert!(ends(&made).is_some(), "{made}");
    }
    for end in [&["--days", "365"][..], &["--no-expiry"]] {
        let words = [&create[..], end, &json].concat();
        let error = home.run(&words).failed();
        assert!(error.contains("use --password-stdin"), "{end:?}: {error}");
        let words = [&words[..], &["--password-stdin"]].concat();
        let made = home.run_with(&words, PASSWORD).done();
        assert_eq!(ends(&made).is_none(), end == ["--no-expiry"], "{made}");
    }
}

#[test]
fn a_token_hangs_on_the_login_unless_the_password_is_given() {
    let home = Home::new();
    let server = home.serve_signed_in(&[]);
    let create = ["token", "create", "--name", "t", "--scope", "servers:read"];
    let hanging = home.run(&create);
    assert!(
        hanging.errors.contains("`yunhai logout` ends it"),
        "{}",
        hanging.errors
    );
    let hanging = hanging.done();
    let given = [&create[..], &["--password-stdin"]].concat();
    let own = home.run_with(&given, PASSWORD);
    assert!(!own.errors.contains("logout"), "{}", own.errors);
    let own = own.done();
    home.run(&["logout"]).done();
    let list = ["server", "list", "--server", server.url.as_str(), "--token"];
    home.run(&[&list[..], &[own.trim()]].concat()).done();
    let refused = home.run(&[&list[..], &[hanging.trim()]].concat()).failed();
    assert!(refused.contains("revoked"), "{refused}");
}
