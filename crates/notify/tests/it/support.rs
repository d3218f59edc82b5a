//! Channels that reach the simulators, and notifications to send.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};
use yunhai_model::{Labels, ManualClock};
use yunhai_notify::{
    AlertStatus, BaseUrls, ChannelConfig, ChannelSender, Delivery, Language, Notification,
    NotifiedAlert, SendError, Sender, SenderOptions,
};
use yunhai_test_support::channels::{
    ACS_KEY, ChannelSimulator, DINGTALK_SECRET, DINGTALK_TOKEN, FEISHU_ID, FEISHU_SECRET,
    PUBSUB_TOPIC, Provider, SLACK_PATH, TWILIO_ACCOUNT, TWILIO_TOKEN, WEBHOOK_TOKEN, WECOM_KEY,
};

pub(super) const NOW_MS: i64 = 1_700_000_000_000;

/// A simulator, and a sender that reaches it.
pub(super) struct World {
    pub(super) simulator: ChannelSimulator,
    pub(super) sender: Sender,
    pub(super) clock: Arc<ManualClock>,
}

impl World {
    pub(super) async fn new(language: Language) -> Self {
        let simulator = ChannelSimulator::start(NOW_MS).await.unwrap();
        let clock = Arc::new(ManualClock::new(NOW_MS));
        let base = || Some(simulator.base_url().parse().unwrap());
        let sender = Sender::new(SenderOptions {
            base_urls: BaseUrls {
                dingtalk: base(),
                wecom: base(),
                feishu: base(),
                slack: base(),
                twilio: base(),
            },
            language,
            clock: clock.clone(),
            ..SenderOptions::default()
        })
        .unwrap();
        Self {
            simulator,
            sender,
            clock,
        }
    }

    pub(super) async fn english() -> Self {
        Self::new(Language::English).await
    }

    pub(super) async fn send(
        &self,
        channel: &ChannelConfig,
        notification: &Notification,
    ) -> Result<Delivery, SendError> {
        channel.validate().unwrap();
        self.sender.send(channel, notification, "delivery-1").await
    }

    /// Sends, and returns what the provider got.
    pub(super) async fn deliver(
        &self,
        provider: Provider,
        channel: &ChannelConfig,
        notification: &Notification,
    ) -> Value {
        self.send(channel, notification).await.unwrap();
        self.simulator.accepted(provider).pop().unwrap().body
    }

    /// The settings of a channel at the simulator.
    pub(super) fn channel(&self, provider: Provider) -> ChannelConfig {
        let base = self.simulator.base_url();
        channel(match provider {
            Provider::DingTalk => json!({
                "kind": "dingtalk",
                "webhook_url":
                    format!("https://oapi.dingtalk.com/robot/send?access_token={DINGTALK_TOKEN}"),
                "secret": DINGTALK_SECRET,
                "at_mobiles": ["13800000000"],
            }),
            Provider::WeCom => json!({
                "kind": "wecom",
                "webhook_url":
                    format!("https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key={WECOM_KEY}"),
                "mentioned_users": ["zhangsan"],
            }),
            Provider::Feishu => json!({
                "kind": "feishu",
                "webhook_url": format!("https://open.feishu.cn/open-apis/bot/v2/hook/{FEISHU_ID}"),
                "secret": FEISHU_SECRET,
                "mentioned_users": ["ou_1234567890"],
            }),
            Provider::Slack => json!({
                "kind": "slack",
                "webhook_url": format!("https://hooks.slack.com{SLACK_PATH}"),
                "mentions": ["here"],
            }),
            Provider::Twilio => json!({
                "kind": "twilio",
                "account_sid": TWILIO_ACCOUNT,
                "auth_token": TWILIO_TOKEN,
                "from": "+15005550006",
                "to": ["+8613800000000"],
            }),
            Provider::Webhook => json!({
                "kind": "webhook",
                "url": format!("{base}/webhook?code=querytoken0123456789"),
                "authorization": { "type": "bearer", "token": WEBHOOK_TOKEN },
                "headers": { "X-Tenant": "tenant-secret-value" },
            }),
            Provider::AcsEmail | Provider::AcsEmailStatus => json!({
                "kind": "acs_email",
                "endpoint": base,
                "access_key": ACS_KEY,
                "from": "alerts@example.com",
                "to": ["Ops <ops@example.com>"],
                "cc": ["chief@example.com"],
            }),
            Provider::AcsSms => json!({
                "kind": "acs_sms",
                "endpoint": base,
                "access_key": ACS_KEY,
                "from": "+18005550100",
                "to": ["+8613800000005"],
            }),
            Provider::PubSub | Provider::GoogleToken => json!({
                "kind": "pubsub",
                "topic": PUBSUB_TOPIC,
                "endpoint": base,
                "ordering": true,
                "service_account_key": self.simulator.service_account_key(),
            }),
        })
    }
}

pub(super) const PROVIDERS: [Provider; 9] = [
    Provider::DingTalk,
    Provider::WeCom,
    Provider::Feishu,
    Provider::Slack,
    Provider::Twilio,
    Provider::Webhook,
    Provider::AcsEmail,
    Provider::AcsSms,
    Provider::PubSub,
];

pub(super) fn channel(json: Value) -> ChannelConfig {
    serde_json::from_value(json).unwrap()
}

pub(super) fn alert(server: &str, status: AlertStatus) -> NotifiedAlert {
    NotifiedAlert {
        status,
        labels: Labels::new([
            ("alertname", "HighCpu"),
            ("severity", "critical"),
            ("server", server),
            ("region", "上海"),
            ("tag_team", "<ops>_*db*"),
        ]),
        annotations: BTreeMap::from([
            (
                "summary".to_owned(),
                format!("CPU of {server} is above 90 % [now]"),
            ),
            (
                "runbook_url".to_owned(),
                "https://wiki.example.com/cpu (high)".to_owned(),
            ),
        ]),
        starts_at_ms: NOW_MS - 600_000,
        ends_at_ms: (status == AlertStatus::Resolved).then_some(NOW_MS),
        generator_url: format!("https://yunhai.example.com/alerts/{server}?q=a|b"),
        fingerprint: format!("fp-{server}"),
        value: Some(0.973_21),
    }
}

pub(super) fn notification(alerts: Vec<NotifiedAlert>) -> Notification {
    Notification::new(
        "ops",
        "{}:{alertname=\"HighCpu\"}",
        Labels::new([("alertname", "HighCpu")]),
        "https://yunhai.example.com",
        alerts,
    )
}

/// Two servers on fire, one that no longer is.
pub(super) fn usual() -> Notification {
    notification(vec![
        alert("db-1", AlertStatus::Firing),
        alert("web-1", AlertStatus::Resolved),
        alert("db-2", AlertStatus::Firing),
    ])
}

/// Far more than fits anywhere, with long texts of three bytes a character.
pub(super) fn enormous() -> Notification {
    let alerts = (0..10_000)
        .map(|i| {
            let mut alert = alert(&format!("服务器-{i:05}"), AlertStatus::Firing);
            let long = "磁盘快满了，请尽快处理。".repeat(40);
            alert.annotations.insert("description".into(), long);
            alert
        })
        .collect();
    notification(alerts)
}
