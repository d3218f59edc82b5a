//! Azure Communication Services and Google Pub/Sub: what they answer later, in parts, or no more.

use serde_json::{Value, json};
use yunhai_notify::{ChannelConfig, ChannelSender as _, SendErrorKind};
use yunhai_test_support::channels::{ForcedAnswer, Provider};

use super::support::{NOW_MS, World, channel, usual};

fn with(world: &World, provider: Provider, field: &str, value: Value) -> ChannelConfig {
    let clear = world.channel(provider).to_clear_json();
    let mut settings: Value = serde_json::from_str(clear.expose()).unwrap();
    settings[field] = value;
    channel(settings)
}

#[tokio::test]
async fn a_mail_counts_only_when_azure_says_that_it_went_out() {
    let world = World::english().await;
    let refused = with(
        &world,
        Provider::AcsEmail,
        "to",
        json!(["suppressed@example.com"]),
    );
    let mut settings: Value = serde_json::from_str(refused.to_clear_json().expose()).unwrap();
    settings["cc"] = json!([]);
    let error = world.send(&channel(settings), &usual()).await.unwrap_err();
    assert_eq!(error.kind, SendErrorKind::Refused);
    assert_eq!(
        error.provider_code.as_deref(),
        Some("EmailDroppedAllRecipientsSuppressed")
    );
    assert!(!error.is_retryable, "{error}");
}

#[tokio::test]
async fn a_mail_under_way_is_asked_after_and_not_sent_again() {
    let world = World::english().await;
    let mail = world.channel(Provider::AcsEmail);
    let broken = ForcedAnswer::new(503, "upstream");
    world
        .simulator
        .answer_next(Provider::AcsEmailStatus, broken.clone());
    let error = world.send(&mail, &usual()).await.unwrap_err();
    assert!(error.is_retryable, "{error}");
    let under_way = r#"{"id":"x","status":"Running"}"#;
    world
        .simulator
        .answer_next(Provider::AcsEmailStatus, ForcedAnswer::new(200, under_way));
    world.send(&mail, &usual()).await.unwrap();
    assert_eq!(world.simulator.accepted(Provider::AcsEmail).len(), 1);
    // One that Azure has forgotten is sent again.
    let gone = r#"{"error":{"code":"NotFound","message":"no such operation"}}"#;
    world
        .simulator
        .answer_next(Provider::AcsEmailStatus, ForcedAnswer::new(404, gone));
    world.send(&mail, &usual()).await.unwrap();
    assert_eq!(world.simulator.accepted(Provider::AcsEmail).len(), 2);
}

#[tokio::test]
async fn azure_s_own_words_are_told() {
    let world = World::english().await;
    let body =
        r#"{"error":{"code":"DomainNotLinked","message":"The sender domain is not linked."}}"#;
    for (status, kind, retryable) in [
        (404, SendErrorKind::Refused, false),
        (401, SendErrorKind::Unauthorized, false),
        (429, SendErrorKind::RateLimited, true),
        (500, SendErrorKind::ProviderFailed, true),
    ] {
        for provider in [Provider::AcsEmail, Provider::AcsSms] {
            world
                .simulator
                .answer_next(provider, ForcedAnswer::new(status, body));
            let channel = world.channel(provider);
            let error = world.send(&channel, &usual()).await.unwrap_err();
            assert_eq!((error.kind, error.is_retryable), (kind, retryable));
            assert!(
                error.to_string().starts_with("DomainNotLinked: The sender"),
                "{error}"
            );
        }
    }
    let odd = ForcedAnswer::new(200, "<html>Sign in</html>");
    world.simulator.answer_next(Provider::AcsSms, odd);
    let channel = world.channel(Provider::AcsSms);
    let error = world.send(&channel, &usual()).await.unwrap_err();
    assert_eq!(error.kind, SendErrorKind::OddAnswer);
}

#[tokio::test]
async fn each_number_is_judged_by_itself_and_told_once() {
    let world = World::english().await;
    let numbers = json!(["+8613800000001", "+15005550009", "+8613800000002"]);
    let sms = with(&world, Provider::AcsSms, "to", numbers);
    let error = world.send(&sms, &usual()).await.unwrap_err();
    assert_eq!(error.kind, SendErrorKind::RateLimited);
    assert!(error.message.contains("sent to 2 of 3"), "{error}");
    world.send(&sms, &usual()).await.unwrap();
    let accepted = world.simulator.accepted(Provider::AcsSms);
    let told: Vec<_> = accepted.iter().map(|one| one.body["to"].clone()).collect();
    assert_eq!(told, ["+8613800000001", "+8613800000002", "+15005550009"]);
    let wrong = with(&world, Provider::AcsSms, "to", json!(["+15005550001"]));
    let error = world.send(&wrong, &usual()).await.unwrap_err();
    assert_eq!(error.kind, SendErrorKind::Refused);
    assert!(error.message.contains("+15005550001"), "{error}");
}

#[tokio::test]
async fn a_process_that_starts_anew_sends_no_sms_twice() {
    let world = World::english().await;
    let sms = world.channel(Provider::AcsSms);
    world.send(&sms, &usual()).await.unwrap();
    let again = yunhai_notify::Sender::new(yunhai_notify::SenderOptions {
        clock: world.clock.clone(),
        ..yunhai_notify::SenderOptions::default()
    })
    .unwrap();
    again.send(&sms, &usual(), "delivery-1").await.unwrap();
    assert_eq!(world.simulator.accepted(Provider::AcsSms).len(), 1);
}

#[tokio::test]
async fn a_message_of_pubsub_is_a_webhook_s_with_attributes_to_filter_by() {
    let world = World::english().await;
    let topic = world.channel(Provider::PubSub);
    let told = world.deliver(Provider::PubSub, &topic, &usual()).await;
    assert_eq!(told["data"]["version"], "4");
    assert_eq!(told["data"]["alerts"].as_array().unwrap().len(), 3);
    let attributes = &told["attributes"];
    assert_eq!(attributes["status"], "firing");
    assert_eq!(attributes["severity"], "critical");
    assert_eq!(attributes["notification_id"], "delivery-1");
    assert!(!told["orderingKey"].as_str().unwrap().is_empty());
}

#[tokio::test]
async fn a_token_is_kept_and_renewed_when_it_ends_or_is_taken_back() {
    let world = World::english().await;
    let topic = world.channel(Provider::PubSub);
    let down = ForcedAnswer::new(500, "down");
    world.send(&topic, &usual()).await.unwrap();
    // With a token at hand the token service is not asked.
    world
        .simulator
        .answer_next(Provider::GoogleToken, down.clone());
    world.send(&topic, &usual()).await.unwrap();
    world.simulator.take_tokens_back();
    let error = world.send(&topic, &usual()).await.unwrap_err();
    assert_eq!(error.kind, SendErrorKind::ProviderFailed, "{error}");
    world.send(&topic, &usual()).await.unwrap();
    for clock in [3_300_000, 3_600_000] {
        world.clock.advance_ms(clock);
        world.simulator.advance_ms(clock);
        world.send(&topic, &usual()).await.unwrap();
    }
    assert!(world.simulator.accepted(Provider::PubSub).len() == 5);
}

#[tokio::test]
async fn google_s_refusals_say_what_to_do() {
    let world = World::english().await;
    let elsewhere = with(
        &world,
        Provider::PubSub,
        "topic",
        json!("projects/project-1/topics/other"),
    );
    let error = world.send(&elsewhere, &usual()).await.unwrap_err();
    assert_eq!(error.provider_code.as_deref(), Some("NOT_FOUND"));
    assert!(error.hint.unwrap().contains("topic"), "{error}");
    for (code, status, retryable) in [
        (403, "PERMISSION_DENIED", false),
        (429, "RESOURCE_EXHAUSTED", true),
        (503, "UNAVAILABLE", true),
        (400, "INVALID_ARGUMENT", false),
        (504, "DEADLINE_EXCEEDED", true),
    ] {
        let body = json!({ "error": { "code": code, "status": status, "message": "no" } });
        world
            .simulator
            .answer_next(Provider::PubSub, ForcedAnswer::new(code, body.to_string()));
        let topic = world.channel(Provider::PubSub);
        let error = world.send(&topic, &usual()).await.unwrap_err();
        assert_eq!(error.is_retryable, retryable, "{status}");
        assert_eq!(error.provider_code.as_deref(), Some(status));
    }
    // A key whose account is gone, and a clock that is wrong by an hour.
    world.clock.set(NOW_MS - 3_600_000);
    let world = World::english().await;
    world.clock.set(NOW_MS - 3_600_000);
    let error = world
        .send(&world.channel(Provider::PubSub), &usual())
        .await
        .unwrap_err();
    assert_eq!(error.provider_code.as_deref(), Some("invalid_grant"));
    assert!(error.hint.unwrap().contains("clock"), "{error}");
}
