//! What people read, in both languages.

use serde_json::Value;
use yunhai_notify::{ChannelSender, Language};
use yunhai_test_support::channels::Provider;

use super::support::{PROVIDERS, World, alert, notification, usual};

fn readable(body: &Value) -> String {
    serde_json::to_string_pretty(body).unwrap()
}

#[tokio::test]
async fn every_channel_writes_in_both_languages() {
    for (language, suffix) in [
        (Language::English, "en"),
        (Language::SimplifiedChinese, "zh-CN"),
    ] {
        let world = World::new(language).await;
        for provider in PROVIDERS {
            let channel = world.channel(provider);
            let body = world.deliver(provider, &channel, &usual()).await;
            insta::assert_snapshot!(format!("{provider:?}-{suffix}"), readable(&body));
        }
    }
}

#[tokio::test]
async fn words_of_a_channel_s_own_stand_where_people_read() {
    let world = World::english().await;
    let mut own = usual();
    own.title = Some("云海 alert".into());
    own.body = Some("first *line*\n\n<b>second</b> & last".into());
    for provider in PROVIDERS {
        let channel = world.channel(provider);
        let body = world.deliver(provider, &channel, &own).await.to_string();
        if matches!(provider, Provider::Webhook | Provider::PubSub) {
            assert!(!body.contains("云海 alert"), "{provider:?}: {body}");
            continue;
        }
        assert!(body.contains("云海 alert"), "{provider:?}: {body}");
        assert!(body.contains("last"), "{provider:?}: {body}");
        assert!(!body.contains("is firing"), "{provider:?}: {body}");
    }
}

#[tokio::test]
async fn labels_cannot_mention_people_or_make_links() {
    let world = World::english().await;
    let mut evil = alert(
        "<@all> <!channel> [x](https://evil.example)",
        yunhai_notify::AlertStatus::Firing,
    );
    evil.generator_url = "javascript:alert(1)".into();
    let evil = notification(vec![evil]);
    for provider in [Provider::WeCom, Provider::Slack, Provider::Feishu] {
        let channel = world.channel(provider);
        let mut body = world.deliver(provider, &channel, &evil).await;
        // Headings are plain text, in which providers see nothing but text.
        let heading = match provider {
            Provider::Slack => body["blocks"][0]["text"].take(),
            Provider::Feishu => body["card"]["header"]["title"].take(),
            _ => serde_json::json!({}),
        };
        assert!(provider == Provider::WeCom || heading.to_string().contains("plain_text"));
        let body = body.to_string();
        assert!(!body.contains("<@all>"), "{provider:?}: {body}");
        assert!(!body.contains("<!channel>"), "{provider:?}: {body}");
        assert!(!body.contains("javascript:"), "{provider:?}: {body}");
    }
}

#[tokio::test]
async fn a_notification_without_alerts_or_addresses_can_be_sent() {
    let world = World::english().await;
    let mut empty = notification(vec![]);
    empty.external_url = String::new();
    for provider in PROVIDERS {
        let channel = world.channel(provider);
        let outcome = world.sender.send(&channel, &empty, "empty").await;
        assert!(outcome.is_ok(), "{provider:?}: {outcome:?}");
    }
}
