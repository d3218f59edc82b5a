//! Sizes and speeds: nothing too long leaves, and digests keep a channel within its limit.

use proptest::prelude::*;
use yunhai_model::Clock;
use yunhai_notify::{AlertStatus, ChannelSender as _, Language, Notification, SendHistory};
use yunhai_test_support::channels::Provider;

use super::support::{PROVIDERS, World, alert, channel, enormous, notification};

#[tokio::test]
async fn ten_thousand_alerts_stay_within_every_limit() {
    let enormous = enormous();
    for language in [Language::English, Language::SimplifiedChinese] {
        let world = World::new(language).await;
        for provider in PROVIDERS {
            let channel = world.channel(provider);
            let body = world
                .deliver(provider, &channel, &enormous)
                .await
                .to_string();
            if matches!(provider, Provider::Webhook | Provider::PubSub) {
                assert!(body.len() < 1_000_000, "{} bytes", body.len());
                continue;
            }
            assert!(
                body.contains("10000"),
                "{provider:?} hides how many there are"
            );
            assert!(body.contains("https://yunhai.example.com"), "{provider:?}");
            let most = match provider {
                Provider::AcsEmail => 600_000,
                _ => 25_000,
            };
            assert!(body.len() < most, "{provider:?}: {} bytes", body.len());
        }
    }
}

#[tokio::test]
async fn a_message_says_how_many_alerts_it_leaves_out() {
    let world = World::english().await;
    let channel = world.channel(Provider::WeCom);
    let body = world.deliver(Provider::WeCom, &channel, &enormous()).await;
    let content = body["markdown"]["content"].as_str().unwrap();
    let told = content.matches("🔴").count();
    assert!(told > 0 && content.len() <= 4096, "{} bytes", content.len());
    let expected = format!("{} more alerts are not shown.", 10_000 - told);
    assert!(content.contains(&expected), "{content}");
}

#[tokio::test]
async fn wecom_s_plain_text_stays_within_its_smaller_limit() {
    let world = World::new(Language::SimplifiedChinese).await;
    let mut json = serde_json::from_str::<serde_json::Value>(
        world.channel(Provider::WeCom).to_clear_json().expose(),
    )
    .unwrap();
    json["mentioned_mobiles"] = "13800000000,@all".split(',').collect();
    let channel = channel(json);
    let body = world.deliver(Provider::WeCom, &channel, &enormous()).await;
    assert_eq!(body["msgtype"], "text");
    assert_eq!(body["text"]["mentioned_mobile_list"][1], "@all");
    assert!(body["text"]["content"].as_str().unwrap().len() <= 2048);
}

#[tokio::test]
async fn a_webhook_counts_what_does_not_fit() {
    let world = World::english().await;
    let channel = world.channel(Provider::Webhook);
    let body = world
        .deliver(Provider::Webhook, &channel, &enormous())
        .await;
    let told = body["alerts"].as_array().unwrap().len() as u64;
    assert!(told > 100);
    assert_eq!(body["truncatedAlerts"], 10_000 - told);
}

#[tokio::test]
async fn a_webhook_s_own_limit_is_kept() {
    let world = World::english().await;
    let mut json = serde_json::from_str::<serde_json::Value>(
        world.channel(Provider::Webhook).to_clear_json().expose(),
    )
    .unwrap();
    json["max_alerts"] = 2.into();
    let mut many = super::support::usual();
    many.truncated = 5;
    let body = world
        .deliver(Provider::Webhook, &channel(json), &many)
        .await;
    assert_eq!(body["alerts"].as_array().unwrap().len(), 2);
    assert_eq!(body["truncatedAlerts"], 6);
}

/// Sends a storm within the channel's limits as a caller does: what has to wait becomes a digest.
#[tokio::test]
async fn a_storm_of_notifications_is_told_completely_within_the_limit() {
    let world = World::english().await;
    let channel = world.channel(Provider::DingTalk);
    let limits = channel.rate_limits().unwrap().limits;
    let mut history = SendHistory::default();
    let mut waiting: Vec<Notification> = Vec::new();
    let mut sent = 0;
    for i in 0..60 {
        waiting.push(notification(vec![alert(
            &format!("s{i:02}"),
            AlertStatus::Firing,
        )]));
        let now_ms = world.clock.now_ms();
        if history.begin(&limits, now_ms).is_ok() {
            let digest = Notification::merge(std::mem::take(&mut waiting)).unwrap();
            world.send(&channel, &digest).await.unwrap();
            sent += 1;
        }
        world.clock.advance_ms(100);
        world.simulator.advance_ms(100);
    }
    assert_eq!((sent, waiting.len()), (20, 40));
    let now_ms = world.clock.now_ms();
    let wait = history.begin(&limits, now_ms).unwrap_err();
    world.clock.advance_ms(wait.as_millis() as i64);
    world.simulator.advance_ms(wait.as_millis() as i64);
    let now_ms = world.clock.now_ms();
    history.begin(&limits, now_ms).unwrap();
    let digest = Notification::merge(waiting).unwrap();
    world.send(&channel, &digest).await.unwrap();
    let told = world.simulator.accepted(Provider::DingTalk);
    assert_eq!(told.len(), 21);
    let all: String = told
        .iter()
        .map(|message| message.body.to_string())
        .collect();
    for i in 0..60 {
        let missing = !all.contains(&format!("server=s{i:02}"));
        let hidden = all.contains("not shown");
        assert!(!missing || hidden, "s{i:02} was not told");
    }
}

#[tokio::test]
async fn the_simulator_refuses_what_comes_too_fast() {
    let world = World::english().await;
    for (provider, limit) in [
        (Provider::DingTalk, 20),
        (Provider::WeCom, 20),
        (Provider::Feishu, 5),
    ] {
        let channel = world.channel(provider);
        let one = notification(vec![alert("a", AlertStatus::Firing)]);
        for _ in 0..limit {
            world.send(&channel, &one).await.unwrap();
        }
        let error = world.send(&channel, &one).await.unwrap_err();
        assert_eq!(error.kind, yunhai_notify::SendErrorKind::RateLimited);
        assert!(error.is_retryable);
        assert_eq!(world.simulator.too_fast(provider), 1);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn no_text_breaks_a_limit(texts in prop::collection::vec(any::<String>(), 1..6), repeat in 1_usize..200) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let world = World::new(Language::SimplifiedChinese).await;
            let alerts = texts.iter().map(|text| {
                let mut alert = alert(text, AlertStatus::Firing);
                alert.labels = alert.labels.with("alertname", &text.repeat(repeat));
                alert.annotations.insert("summary".into(), text.repeat(repeat));
                alert.generator_url = format!("https://h/{}", text.repeat(repeat));
                alert
            }).collect();
            let mut notification = notification(alerts);
            notification.external_url = format!("https://h/{}", texts[0].repeat(repeat));
            for provider in PROVIDERS {
                let channel = world.channel(provider);
                world.send(&channel, &notification).await.unwrap();
            }
            world.clock.advance_ms(60_000);
            world.simulator.advance_ms(60_000);
            // The same texts as the words of a channel's own templates.
            let lines: Vec<String> = texts.iter().map(|text| text.repeat(repeat)).collect();
            notification.title = Some(format!("t{}", lines[0]));
            notification.body = Some(format!("b\n{}", lines.join("\n")));
            for provider in PROVIDERS {
                let channel = world.channel(provider);
                let outcome = world.sender.send(&channel, &notification, "delivery-2").await;
                prop_assert!(outcome.is_ok(), "{provider:?}: {outcome:?}");
            }
            Ok(())
        })?;
    }
}
