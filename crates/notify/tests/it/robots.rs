//! Chat robots: refused in the body, retried or not, and nothing secret in what is reported.

use std::time::Duration;

use yunhai_model::Clock;
use yunhai_notify::{ChannelSender, SendError, SendErrorKind};
use yunhai_test_support::channels::{ForcedAnswer, Provider};

use super::support::{NOW_MS, PROVIDERS, World, channel, usual};

async fn failure(world: &World, provider: Provider, status: u16, body: &str) -> SendError {
    world
        .simulator
        .answer_next(provider, ForcedAnswer::new(status, body));
    let channel = world.channel(provider);
    world.send(&channel, &usual()).await.unwrap_err()
}

#[tokio::test]
async fn a_refusal_in_the_body_of_a_200_is_an_error() {
    use Provider::{DingTalk, Feishu, Slack, WeCom};
    use SendErrorKind as K;
    let world = World::english().await;
    for (provider, body, kind, retryable, attempts) in [
        (
            DingTalk,
            r#"{"errcode":310000,"errmsg":"sign not match"}"#,
            K::Unauthorized,
            false,
            None,
        ),
        (
            DingTalk,
            r#"{"errcode":130101,"errmsg":"too fast"}"#,
            K::RateLimited,
            true,
            None,
        ),
        (
            DingTalk,
            r#"{"errcode":-1,"errmsg":"busy"}"#,
            K::ProviderFailed,
            true,
            Some(3),
        ),
        (
            WeCom,
            r#"{"errcode":45009,"errmsg":"freq"}"#,
            K::RateLimited,
            true,
            None,
        ),
        (
            WeCom,
            r#"{"errcode":93000,"errmsg":"bad key"}"#,
            K::Unauthorized,
            false,
            None,
        ),
        (
            Feishu,
            r#"{"code":19021,"msg":"sign match fail"}"#,
            K::Unauthorized,
            false,
            None,
        ),
        (
            Feishu,
            r#"{"code":19022,"msg":"ip"}"#,
            K::Unauthorized,
            false,
            None,
        ),
        (
            Feishu,
            r#"{"code":19024,"msg":"keyword"}"#,
            K::Refused,
            false,
            None,
        ),
        (
            Feishu,
            r#"{"code":9499,"msg":"bad body"}"#,
            K::Refused,
            false,
            None,
        ),
        (
            Feishu,
            r#"{"code":11232,"msg":"overloaded"}"#,
            K::RateLimited,
            true,
            None,
        ),
        (
            DingTalk,
            r#"{"errcode":77,"errmsg":"new"}"#,
            K::ProviderFailed,
            true,
            Some(3),
        ),
        (
            DingTalk,
            "<html>Sign in to the hotel</html>",
            K::OddAnswer,
            true,
            Some(5),
        ),
        (Slack, "welcome", K::OddAnswer, true, Some(5)),
    ] {
        let error = failure(&world, provider, 200, body).await;
        assert_eq!(error.kind, kind, "{provider:?} {body}");
        assert_eq!(error.is_retryable, retryable, "{provider:?} {body}");
        assert_eq!(error.max_attempts, attempts, "{provider:?} {body}");
    }
    let told: usize = PROVIDERS
        .iter()
        .map(|provider| world.simulator.accepted(*provider).len())
        .sum();
    assert_eq!(told, 0);
}

#[tokio::test]
async fn http_errors_are_retried_when_they_can_pass() {
    let world = World::english().await;
    for provider in PROVIDERS {
        let error = failure(&world, provider, 503, "upstream").await;
        assert_eq!(error.kind, SendErrorKind::ProviderFailed, "{provider:?}");
        assert!(
            error.is_retryable && error.message.contains("503"),
            "{error}"
        );
    }
    let slack = Provider::Slack;
    for (status, body, retryable) in [
        (400, "invalid_payload", false),
        (403, "action_prohibited", false),
        (404, "channel_not_found", false),
        (410, "channel_is_archived", false),
        (429, "rate_limited", true),
        (302, "", false),
    ] {
        let error = failure(&world, slack, status, body).await;
        assert_eq!(error.is_retryable, retryable, "{status} {body}");
    }
    let limited = ForcedAnswer {
        retry_after_secs: Some(30),
        ..ForcedAnswer::new(429, "rate_limited")
    };
    world.simulator.answer_next(slack, limited);
    let channel = world.channel(slack);
    let error = world.send(&channel, &usual()).await.unwrap_err();
    assert_eq!(error.retry_after, Some(Duration::from_secs(30)));
}

#[tokio::test]
async fn an_error_says_what_to_do() {
    let world = World::english().await;
    let body = r#"{"errcode":310000,"errmsg":"sign not match"}"#;
    let error = failure(&world, Provider::DingTalk, 200, body).await;
    assert_eq!(
        error.to_string(),
        "310000: sign not match: check the robot's secret, its keyword, its list of addresses, \
         and this machine's clock"
    );
}

#[tokio::test]
async fn a_clock_that_is_wrong_by_hours_is_refused() {
    let world = World::english().await;
    world.clock.set(NOW_MS - 2 * 3_600_000);
    for provider in [
        Provider::DingTalk,
        Provider::Feishu,
        Provider::AcsEmail,
        Provider::AcsSms,
        Provider::PubSub,
    ] {
        let channel = world.channel(provider);
        let error = world.send(&channel, &usual()).await.unwrap_err();
        assert_eq!(error.kind, SendErrorKind::Unauthorized);
        assert!(error.hint.unwrap().contains("clock"));
    }
    assert_eq!(world.clock.now_ms(), NOW_MS - 2 * 3_600_000);
}

#[tokio::test]
async fn wrong_secrets_are_refused_and_never_shown() {
    let world = World::english().await;
    for provider in PROVIDERS {
        let clear = world.channel(provider).to_clear_json();
        let wrong = clear.expose().replace("0123", "9876");
        let channel = channel(serde_json::from_str(&wrong).unwrap());
        let error = world
            .sender
            .send(&channel, &usual(), "delivery-1")
            .await
            .unwrap_err();
        assert!(!error.is_retryable, "{provider:?}: {error}");
        let shown = format!("{error} {error:?} {channel:?}");
        for word in ["9876", "abcdef", "tenant-secret"] {
            let is_account = provider == Provider::Twilio;
            assert!(is_account || !shown.contains(word), "{provider:?}: {shown}");
        }
    }
}

#[tokio::test]
async fn a_provider_that_repeats_our_secrets_does_not_get_them_into_the_log() {
    let world = World::english().await;
    for provider in PROVIDERS {
        let channel = world.channel(provider);
        let clear = channel.to_clear_json();
        // An answer that repeats everything it was sent, refusing it.
        for status in [500, 400] {
            let echo = ForcedAnswer::new(status, clear.expose());
            world.simulator.answer_next(provider, echo);
            let error = world.send(&channel, &usual()).await.unwrap_err();
            let shown = format!("{error} {error:?}");
            let settings: serde_json::Value = serde_json::from_str(clear.expose()).unwrap();
            for path in channel.secret_fields() {
                let secret = settings.pointer(&path).unwrap().as_str().unwrap();
                assert!(!shown.contains(secret), "{provider:?} {path}: {shown}");
            }
        }
    }
}

#[tokio::test]
async fn a_provider_that_is_not_there_is_tried_again_and_told_without_secrets() {
    let mut world = World::english().await;
    let nobody = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = nobody.local_addr().unwrap();
    drop(nobody);
    let base = format!("http://{address}");
    let url = Some(base.parse().unwrap());
    let base_urls = yunhai_notify::BaseUrls {
        dingtalk: url.clone(),
        wecom: url.clone(),
        feishu: url.clone(),
        slack: url.clone(),
        twilio: url,
    };
    let options = yunhai_notify::SenderOptions {
        base_urls,
        ..yunhai_notify::SenderOptions::default()
    };
    world.sender = yunhai_notify::Sender::new(options).unwrap();
    for provider in PROVIDERS {
        let clear = world.channel(provider).to_clear_json();
        let there = clear.expose().replace(&world.simulator.base_url(), &base);
        let channel = channel(serde_json::from_str(&there).unwrap());
        let error = world.send(&channel, &usual()).await.unwrap_err();
        assert_eq!(error.kind, SendErrorKind::Unreachable, "{provider:?}");
        assert!(
            error.is_retryable && error.to_string().contains("refused"),
            "{error}"
        );
        let shown = format!("{error} {error:?} {channel:?}");
        for part in [
            "access_token",
            "key=",
            "/hook/",
            "/services/",
            "code=",
            "0123",
        ] {
            let is_account = provider == Provider::Twilio;
            assert!(is_account || !shown.contains(part), "{provider:?}: {shown}");
        }
        let settings: serde_json::Value = serde_json::from_str(&there).unwrap();
        for path in channel.secret_fields() {
            let secret = settings.pointer(&path).unwrap().as_str().unwrap();
            assert!(!shown.contains(secret), "{provider:?} {path}: {shown}");
        }
    }
}

#[tokio::test]
async fn a_provider_that_does_not_answer_is_given_up() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut options = yunhai_notify::SenderOptions {
        timeout: Duration::from_millis(50),
        ..yunhai_notify::SenderOptions::default()
    };
    let address = silent.local_addr().unwrap();
    options.base_urls.slack = Some(format!("http://{address}").parse().unwrap());
    let world = World::english().await;
    let sender = yunhai_notify::Sender::new(options).unwrap();
    let channel = world.channel(Provider::Slack);
    let error = sender.send(&channel, &usual(), "1").await.unwrap_err();
    assert_eq!(error.kind, SendErrorKind::TimedOut);
    assert!(error.is_retryable);
}

#[tokio::test]
async fn a_keyword_stands_in_every_message() {
    let world = World::english().await;
    for (provider, pointer) in [
        (Provider::DingTalk, "/markdown/text"),
        (Provider::Feishu, "/card/header/title/content"),
    ] {
        let clear = world.channel(provider).to_clear_json();
        let mut json: serde_json::Value = serde_json::from_str(clear.expose()).unwrap();
        json["keyword"] = "监控_报警".into();
        let body = world.deliver(provider, &channel(json), &usual()).await;
        let text = body.pointer(pointer).unwrap().as_str().unwrap();
        assert!(text.contains("监控_报警"), "{text}");
    }
}
