//! SMS: each number is told once, whatever happens to the others.

use serde_json::{Value, json};
use yunhai_notify::{ChannelConfig, SendErrorKind};
use yunhai_test_support::channels::{ForcedAnswer, Provider};

use super::support::{World, channel, usual};

fn to(world: &World, numbers: &[&str]) -> ChannelConfig {
    let clear = world.channel(Provider::Twilio).to_clear_json();
    let mut settings: Value = serde_json::from_str(clear.expose()).unwrap();
    settings["to"] = json!(numbers);
    channel(settings)
}

fn told(world: &World) -> Vec<String> {
    let accepted = world.simulator.accepted(Provider::Twilio);
    let numbers = accepted.iter().map(|message| message.body["To"].as_str());
    numbers.map(|number| number.unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_retry_reaches_only_those_that_were_not_told() {
    let world = World::english().await;
    let channel = to(&world, &["+8613800000001", "+8613800000002"]);
    // The first number is busy once, and the second gets its message.
    let busy = r#"{"code":20429,"message":"Too many requests","status":429}"#;
    world
        .simulator
        .answer_next(Provider::Twilio, ForcedAnswer::new(429, busy));
    let error = world.send(&channel, &usual()).await.unwrap_err();
    assert_eq!(error.kind, SendErrorKind::RateLimited);
    assert!(
        error.is_retryable && error.message.contains("sent to 1 of 2"),
        "{error}"
    );
    world.send(&channel, &usual()).await.unwrap();
    assert_eq!(told(&world), ["+8613800000002", "+8613800000001"]);
}

#[tokio::test]
async fn a_number_that_cannot_be_told_is_named_and_the_others_are_told() {
    let world = World::english().await;
    for (number, code) in [("+15005550001", "21211"), ("+15005550004", "21610")] {
        let channel = to(&world, &[number, "+8613800000003"]);
        let error = world.send(&channel, &usual()).await.unwrap_err();
        assert_eq!(error.kind, SendErrorKind::Refused);
        assert_eq!(error.provider_code.as_deref(), Some(code));
        assert!(
            !error.is_retryable && error.message.contains(number),
            "{error}"
        );
    }
    assert_eq!(told(&world), ["+8613800000003"]);
}

#[tokio::test]
async fn a_message_costs_no_more_than_allowed() {
    let world = World::new(yunhai_notify::Language::SimplifiedChinese).await;
    for max_segments in [1, 2, 5] {
        let clear = world.channel(Provider::Twilio).to_clear_json();
        let mut settings: Value = serde_json::from_str(clear.expose()).unwrap();
        settings["max_segments"] = max_segments.into();
        settings["to"] = json!([format!("+861380000000{max_segments}")]);
        let body = world
            .deliver(
                Provider::Twilio,
                &channel(settings),
                &super::support::enormous(),
            )
            .await;
        let units = body["Body"].as_str().unwrap().encode_utf16().count();
        let room = if max_segments == 1 {
            70
        } else {
            67 * max_segments
        };
        assert!(units <= room, "{units} units");
    }
}
