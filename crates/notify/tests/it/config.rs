//! Settings: all faults at once, secrets hidden and sealed.

use serde_json::{Value, json};
use yunhai_model::Secret;
use yunhai_notify::{ChannelConfig, ChannelKind, REDACTED};

use super::support::{PROVIDERS, World, channel};

#[tokio::test]
async fn secrets_are_hidden_when_settings_are_shown_and_survive_sealing() {
    let world = World::english().await;
    for provider in PROVIDERS {
        let channel = world.channel(provider);
        let clear = channel.to_clear_json();
        assert_eq!(ChannelConfig::from_clear_json(&clear).unwrap(), channel);
        let shown = serde_json::to_value(&channel).unwrap();
        let in_clear: Value = serde_json::from_str(clear.expose()).unwrap();
        assert!(!channel.secret_fields().is_empty());
        for path in channel.secret_fields() {
            assert_eq!(shown.pointer(&path).unwrap(), REDACTED);
            let secret = in_clear.pointer(&path).unwrap().as_str().unwrap();
            assert!(!format!("{channel:?} {shown}").contains(secret), "{path}");
        }
        // Asterisks are no secret.
        let edited: ChannelConfig = serde_json::from_value(shown).unwrap();
        assert!(edited.validate().is_err());
    }
}

#[test]
fn every_fault_is_named() {
    for (settings, expected) in [
        (
            json!({
                "kind": "email", "host": "a b", "port": 0, "from": "nobody", "to": [],
                "username": "u", "ca_certificate_pem": "x",
            }),
            vec![
                "host",
                "port",
                "to",
                "from",
                "password",
                "ca_certificate_pem",
            ],
        ),
        (
            json!({ "kind": "webhook", "url": "ftp://x", "headers": { "Host": "y", "a b": "z" } }),
            vec!["url", "headers", "headers"],
        ),
        (
            json!({ "kind": "webhook", "url": "https://u:p@h/", "authorization": { "type": "bearer", "token": "" } }),
            vec!["url", "authorization"],
        ),
        (
            json!({ "kind": "dingtalk", "webhook_url": "https://oapi.dingtalk.com/", "at_mobiles": ["x"] }),
            vec!["webhook_url", "at_mobiles"],
        ),
        (
            json!({ "kind": "wecom", "webhook_url": "nonsense", "mentioned_users": ["<@all>"] }),
            vec!["webhook_url", "mentioned_users"],
        ),
        (
            json!({ "kind": "feishu", "webhook_url": "https://open.feishu.cn/hook", "mentioned_users": ["me"] }),
            vec!["webhook_url", "mentioned_users"],
        ),
        (
            json!({ "kind": "slack", "webhook_url": "https://hooks.slack.com", "mentions": ["everyone!"] }),
            vec!["webhook_url", "mentions"],
        ),
        (
            json!({
                "kind": "twilio", "account_sid": "x", "auth_token": "", "to": ["0138"],
                "max_segments": 0,
            }),
            vec!["account_sid", "auth_token", "from", "to", "max_segments"],
        ),
        (
            json!({
                "kind": "ses", "region": "Frankfurt", "access_key_id": "x",
                "secret_access_key": "", "endpoint": "ses", "from": "nobody", "to": [],
            }),
            vec![
                "region",
                "access_key_id",
                "secret_access_key",
                "endpoint",
                "to",
                "from",
            ],
        ),
        (
            json!({
                "kind": "sns", "region": "eu-central-1", "access_key_id": "AKIDEXAMPLE00000",
                "secret_access_key": "s", "topic_arn": "arn:aws:sns:us-east-1:1:alerts",
                "sender_id": "123", "max_segments": 0,
            }),
            vec!["topic_arn", "sender_id", "max_segments"],
        ),
        (
            json!({
                "kind": "sns", "region": "eu-central-1", "access_key_id": "AKIDEXAMPLE00000",
                "secret_access_key": "s", "topic_arn": "arn:aws:sns:eu-central-1:1:alerts",
                "to": ["+8613800000000"],
            }),
            vec!["topic_arn"],
        ),
        (
            json!({
                "kind": "acs_email", "endpoint": "https://u@h", "access_key": "no key",
                "from": "Yunhai <alerts@example.com>", "to": ["nobody"],
            }),
            vec!["endpoint", "access_key", "to", "from"],
        ),
        (
            json!({
                "kind": "acs_sms", "endpoint": "https://h/?x=y", "access_key": "",
                "from": "far too long a name", "to": ["0138"], "max_segments": 11,
            }),
            vec!["endpoint", "access_key", "from", "to", "max_segments"],
        ),
        (
            json!({ "kind": "pubsub", "topic": "alerts" }),
            vec!["topic", "service_account_key"],
        ),
        (
            json!({
                "kind": "pubsub", "topic": "projects/p-1/topics/alerts",
                "service_account_key": "{\"type\": \"service_account\"}",
            }),
            vec!["service_account_key"],
        ),
    ] {
        let invalid = channel(settings).validate().unwrap_err();
        let fields: Vec<&str> = invalid.faults.iter().map(|fault| fault.field).collect();
        assert_eq!(fields, expected, "{invalid}");
    }
}

#[test]
fn a_fault_does_not_repeat_the_secret() {
    let channel = channel(json!({
        "kind": "dingtalk",
        "webhook_url": "oapi.dingtalk.com/robot/send?access_token=abcdef",
    }));
    let invalid = channel.validate().unwrap_err();
    assert!(!format!("{invalid} {invalid:?}").contains("abcdef"));
}

#[test]
fn unknown_settings_are_refused_by_name() {
    let wrong = Secret::new(r#"{"kind":"slack","webhook_url":"https://h/x","mention":[]}"#);
    let error = ChannelConfig::from_clear_json(&wrong).unwrap_err();
    assert!(error.to_string().contains("mention"), "{error}");
}

#[test]
fn kinds_have_the_words_of_the_settings() {
    for kind in ChannelKind::ALL {
        assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
    }
}
