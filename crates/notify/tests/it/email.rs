//! E-mail through a real SMTP server.

use serde_json::{Value, json};
use yunhai_notify::{ChannelConfig, Language, SendErrorKind};
use yunhai_test_support::smtp::{ReceivedMail, SmtpMode, SmtpServer};

use super::support::{World, channel, enormous, usual};

const LOGIN: (&str, &str) = ("alerts", "smtp-password-0123");

fn to_server(server: &SmtpServer, changes: &Value) -> ChannelConfig {
    let mut settings = json!({
        "kind": "email",
        "host": "localhost",
        "port": server.port,
        "security": "none",
        "from": "云海 <yunhai@example.com>",
        "to": ["ops@example.com", "值班 <duty@example.com>"],
    });
    for (name, value) in changes.as_object().unwrap() {
        settings[name] = value.clone();
    }
    channel(settings)
}

async fn receive(language: Language, server: &SmtpServer, changes: &Value) -> ReceivedMail {
    let world = World::new(language).await;
    let channel = to_server(server, changes);
    let delivery = world.send(&channel, &usual()).await.unwrap();
    assert!(delivery.answer.starts_with("250"), "{}", delivery.answer);
    server.next_mail().unwrap()
}

#[tokio::test]
async fn a_mail_has_both_parts_in_both_languages() {
    let server = SmtpServer::start(SmtpMode::Plain, None).unwrap();
    for (language, suffix, subject) in [
        (Language::English, "en", "[Firing 2, resolved 1] HighCpu"),
        (
            Language::SimplifiedChinese,
            "zh-CN",
            "【告警 2，恢复 1】 HighCpu",
        ),
    ] {
        let mail = receive(language, &server, &json!({})).await;
        assert_eq!(mail.headers["subject"], subject);
        assert_eq!(mail.headers["message-id"], "<delivery-1@example.com>");
        assert_eq!(mail.headers["auto-submitted"], "auto-generated");
        assert!(mail.headers["from"].contains("云海"));
        assert_eq!(mail.recipients, ["ops@example.com", "duty@example.com"]);
        assert_eq!(mail.content_type, "multipart/alternative");
        assert!(mail.longest_line <= 998);
        insta::assert_snapshot!(format!("Email-{suffix}-text"), mail.text.unwrap());
        insta::assert_snapshot!(format!("Email-{suffix}-html"), mail.html.unwrap());
    }
}

#[tokio::test]
async fn a_mail_reaches_who_gets_a_copy() {
    let server = SmtpServer::start(SmtpMode::Plain, None).unwrap();
    let changes = json!({"to": ["ops@example.com"], "cc": ["boss@example.com"], "reply_to": "desk@example.com"});
    let mail = receive(Language::English, &server, &changes).await;
    assert_eq!(mail.recipients, ["ops@example.com", "boss@example.com"]);
    assert_eq!(mail.headers["cc"], "boss@example.com");
    assert_eq!(mail.headers["reply-to"], "desk@example.com");
}

#[tokio::test]
async fn mail_goes_through_tls_with_a_login() {
    for (mode, security) in [(SmtpMode::StartTls, "starttls"), (SmtpMode::Tls, "tls")] {
        let login = (mode == SmtpMode::StartTls).then_some(LOGIN);
        let server = SmtpServer::start(mode, login).unwrap();
        let mut changes = json!({
            "security": security,
            "ca_certificate_pem": server.certificate_pem,
        });
        if login.is_some() {
            changes["username"] = LOGIN.0.into();
            changes["password"] = LOGIN.1.into();
        }
        let mail = receive(Language::English, &server, &changes).await;
        assert!(mail.encrypted);
        assert_eq!(mail.authenticated, login.is_some());
    }
}

#[tokio::test]
async fn a_certificate_that_is_not_trusted_is_refused_unless_allowed() {
    let server = SmtpServer::start(SmtpMode::StartTls, None).unwrap();
    let world = World::english().await;
    let channel = to_server(&server, &json!({ "security": "starttls" }));
    let error = world.send(&channel, &usual()).await.unwrap_err();
    assert_eq!(error.kind, SendErrorKind::Unreachable);
    assert!(error.to_string().contains("certificate"), "{error}");
    let changes = json!({ "security": "starttls", "verify_certificate": false });
    assert!(
        receive(Language::English, &server, &changes)
            .await
            .encrypted
    );
}

#[tokio::test]
async fn a_wrong_password_is_refused_and_not_shown() {
    let server = SmtpServer::start(SmtpMode::StartTls, Some(LOGIN)).unwrap();
    let world = World::english().await;
    let channel = to_server(
        &server,
        &json!({
            "security": "starttls",
            "ca_certificate_pem": server.certificate_pem,
            "username": "alerts",
            "password": "wrong-password-0123",
        }),
    );
    let error = world.send(&channel, &usual()).await.unwrap_err();
    assert_eq!(error.kind, SendErrorKind::Unauthorized);
    assert_eq!(error.provider_code.as_deref(), Some("535"));
    assert!(!format!("{error:?} {channel:?}").contains("wrong-password"));
}

#[tokio::test]
async fn a_recipient_that_does_not_exist_is_told_from_one_to_try_later() {
    let server = SmtpServer::start(SmtpMode::Plain, None).unwrap();
    let world = World::english().await;
    for (recipient, code, retryable) in [
        ("nobody@example.com", "550", false),
        ("later@example.com", "451", true),
    ] {
        let channel = to_server(&server, &json!({ "to": [recipient] }));
        let error = world.send(&channel, &usual()).await.unwrap_err();
        assert_eq!(error.provider_code.as_deref(), Some(code), "{error}");
        assert_eq!(error.is_retryable, retryable, "{error}");
    }
}

#[tokio::test]
async fn ten_thousand_alerts_make_a_mail_of_readable_length() {
    let server = SmtpServer::start(SmtpMode::Plain, None).unwrap();
    let world = World::new(Language::SimplifiedChinese).await;
    let channel = to_server(&server, &json!({}));
    world.send(&channel, &enormous()).await.unwrap();
    let mail = server.next_mail().unwrap();
    assert!(mail.text.unwrap().contains("另有 9900 条告警未列出"));
    let html = mail.html.unwrap();
    assert!(html.len() < 250_000, "{} bytes", html.len());
    assert!(html.contains("条告警未列出"));
}
