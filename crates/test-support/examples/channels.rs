//! Runs the simulator of the notification providers by itself, for trying channels by hand, and
//! prints what they accept: one line of JSON for each message. It ends with its standard input.
#![allow(clippy::print_stdout)] // What is printed is all that it is for.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::io::AsyncReadExt as _;
use yunhai_test_support::channels::{
    ACS_KEY, ChannelSimulator, DINGTALK_SECRET, DINGTALK_TOKEN, FEISHU_ID, FEISHU_SECRET,
    PUBSUB_TOPIC, Provider, SLACK_PATH, WEBHOOK_TOKEN, WECOM_KEY,
};

const PROVIDERS: [Provider; 9] = [
    Provider::Webhook,
    Provider::DingTalk,
    Provider::WeCom,
    Provider::Feishu,
    Provider::Slack,
    Provider::Twilio,
    Provider::AcsEmail,
    Provider::AcsSms,
    Provider::PubSub,
];

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let simulator = ChannelSimulator::start(now_ms()).await?;
    let base = simulator.base_url();
    println!("webhook   {base}/webhook with the bearer token {WEBHOOK_TOKEN}");
    println!(
        "dingtalk  {base}/robot/send?access_token={DINGTALK_TOKEN} signed by {DINGTALK_SECRET}"
    );
    println!("wecom     {base}/cgi-bin/webhook/send?key={WECOM_KEY}");
    println!("feishu    {base}/open-apis/bot/v2/hook/{FEISHU_ID} signed by {FEISHU_SECRET}");
    println!("slack     {base}{SLACK_PATH}");
    println!("acs       {base} with the access key {ACS_KEY}");
    println!("pubsub    {base} has {PUBSUB_TOPIC} for the service account whose key is");
    println!("          {}", simulator.service_account_key());
    let mut printed = [0; PROVIDERS.len()];
    let mut end = [0; 64];
    let mut input = tokio::io::stdin();
    let mut ticks = tokio::time::interval(Duration::from_millis(100));
    loop {
        tokio::select! {
            read = input.read(&mut end) => if read? == 0 { return Ok(()) },
            _ = ticks.tick() => {}
        }
        simulator.set_now_ms(now_ms());
        for (provider, printed) in PROVIDERS.into_iter().zip(&mut printed) {
            for message in simulator.accepted(provider).iter().skip(*printed) {
                let id = message.headers.get("idempotency-key");
                println!(
                    "{provider:?} {} {}",
                    id.map_or("-", String::as_str),
                    message.body
                );
                *printed += 1;
            }
        }
    }
}

fn now_ms() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_millis() as i64)
}
