//! Amazon SES and SNS on emulators: moto checks signatures and rights, ministack shows what was sent.

use serde_json::{Value, json};
use yunhai_notify::{ChannelConfig, ChannelSender as _, SendErrorKind, Sender, SenderOptions};
use yunhai_test_support::clouds::{Aws, AwsKind};

use super::support::{channel, usual};

const REGION: &str = "eu-central-1";

fn sender() -> Sender {
    // Emulators know only today's time.
    Sender::new(SenderOptions::default()).unwrap()
}

fn settings(kind: &str, endpoint: &str, more: &Value) -> ChannelConfig {
    let mut settings = json!({
        "kind": kind,
        "region": REGION,
        "access_key_id": "AKIAEXAMPLE000000000",
        "secret_access_key": "secret-0123456789abcdef",
        "endpoint": endpoint,
    });
    for (name, value) in more.as_object().unwrap() {
        settings[name] = value.clone();
    }
    let channel = channel(settings);
    channel.validate().unwrap();
    channel
}

async fn get(endpoint: &str, path: &str) -> Value {
    let answer = reqwest::get(format!("{endpoint}{path}")).await.unwrap();
    serde_json::from_str(&answer.text().await.unwrap()).unwrap()
}

#[tokio::test]
async fn ses_sends_a_mail_that_can_be_read() {
    let mut aws = Aws::start(AwsKind::Ministack).unwrap();
    let identity = json!({ "EmailIdentity": "alerts@example.com" });
    aws.call("sesv2", REGION, "create_email_identity", &identity)
        .unwrap();
    let mail = json!({
        "from": "Yunhai <alerts@example.com>", "to": ["ops@example.com"],
        "cc": ["chief@example.com"], "reply_to": "noc@example.com",
    });
    let mail = settings("ses", &aws.endpoint, &mail);
    let delivery = sender().send(&mail, &usual(), "delivery-1").await.unwrap();
    assert!(!delivery.answer.is_empty());
    let sent = get(&aws.endpoint, "/_ministack/ses/messages")
        .await
        .to_string();
    for part in [
        "HighCpu",
        "CPU of db-2 is above 90",
        "ops@example.com",
        "chief@example.com",
    ] {
        assert!(sent.contains(part), "{part}: {sent}");
    }
}

#[tokio::test]
async fn sns_sends_to_a_topic_and_to_telephones() {
    let mut aws = Aws::start(AwsKind::Ministack).unwrap();
    let topic = aws
        .call("sns", REGION, "create_topic", &json!({ "Name": "alerts" }))
        .unwrap();
    let arn = topic["TopicArn"].as_str().unwrap();
    let queue = aws
        .call("sqs", REGION, "create_queue", &json!({ "QueueName": "q" }))
        .unwrap();
    let url = queue["QueueUrl"].as_str().unwrap();
    let account = arn.split(':').nth(4).unwrap();
    let subscription = json!({
        "TopicArn": arn, "Protocol": "sqs",
        "Endpoint": format!("arn:aws:sqs:{REGION}:{account}:q"),
    });
    aws.call("sns", REGION, "subscribe", &subscription).unwrap();
    let sender = sender();
    let topic = settings("sns", &aws.endpoint, &json!({ "topic_arn": arn }));
    sender.send(&topic, &usual(), "delivery-1").await.unwrap();
    let asked = json!({ "QueueUrl": url, "WaitTimeSeconds": 5 });
    let received = aws.call("sqs", REGION, "receive_message", &asked).unwrap();
    let body = received["Messages"][0]["Body"].as_str().unwrap();
    let body: Value = serde_json::from_str(body).unwrap();
    let subject = body["Subject"].as_str().unwrap();
    assert!(subject.contains("HighCpu"), "{body}");
    assert!(body["Message"].as_str().unwrap().contains("db-2"), "{body}");
    assert_eq!(body["MessageAttributes"]["status"]["Value"], "firing");
    assert_eq!(
        body["MessageAttributes"]["notification_id"]["Value"],
        "delivery-1"
    );

    let numbers = json!({ "to": ["+8613800000001", "+8613800000002"], "sender_id": "Yunhai" });
    let sms = settings("sns", &aws.endpoint, &numbers);
    sender.send(&sms, &usual(), "delivery-2").await.unwrap();
    // A repetition reaches nobody twice.
    sender.send(&sms, &usual(), "delivery-2").await.unwrap();
    let sent = get(&aws.endpoint, "/_ministack/sns/sms-messages").await;
    for number in ["+8613800000001", "+8613800000002"] {
        let messages = sent["sms_messages"][number].as_array().unwrap();
        assert_eq!(messages.len(), 1, "{sent}");
        assert!(messages[0]["Message"].as_str().unwrap().contains("HighCpu"));
    }
}

#[tokio::test]
async fn aws_refusals_are_told_in_its_words_with_what_to_do() {
    let mut aws = Aws::start(AwsKind::Moto).unwrap();
    let sender = sender();
    let mail = json!({ "from": "alerts@example.com", "to": ["ops@example.com"] });
    let unverified = settings("ses", &aws.endpoint, &mail);
    let error = sender.send(&unverified, &usual(), "1").await.unwrap_err();
    assert_eq!(error.kind, SendErrorKind::Refused, "{error:?}");
    assert!(!error.is_retryable && error.hint.unwrap().contains("verify"));
    let arn = format!("arn:aws:sns:{REGION}:123456789012:missing");
    let missing = settings("sns", &aws.endpoint, &json!({ "topic_arn": arn }));
    let error = sender.send(&missing, &usual(), "2").await.unwrap_err();
    assert_eq!(error.kind, SendErrorKind::Refused, "{error:?}");
    assert!(error.hint.unwrap().contains("no such topic"), "{error}");
    // From here on an unknown key is an unknown key.
    aws.check_rights().unwrap();
    for channel in [&unverified, &missing] {
        let error = sender.send(channel, &usual(), "3").await.unwrap_err();
        assert_eq!(error.kind, SendErrorKind::Unauthorized, "{error:?}");
        assert!(!format!("{error:?}").contains("0123456789abcdef"));
    }
}

#[tokio::test]
async fn signatures_are_those_that_aws_checks() {
    let mut aws = Aws::start(AwsKind::Moto).unwrap();
    let user = json!({ "UserName": "yunhai" });
    aws.call("iam", REGION, "create_user", &user).unwrap();
    let policy = json!({
        "Version": "2012-10-17",
        "Statement": [{ "Effect": "Allow", "Action": ["ses:*", "sns:*"], "Resource": "*" }],
    });
    let policy = json!({
        "UserName": "yunhai", "PolicyName": "send", "PolicyDocument": policy.to_string(),
    });
    aws.call("iam", REGION, "put_user_policy", &policy).unwrap();
    let key = aws.call("iam", REGION, "create_access_key", &user).unwrap();
    let identity = json!({ "EmailIdentity": "alerts@example.com" });
    aws.call("sesv2", REGION, "create_email_identity", &identity)
        .unwrap();
    let topic = aws
        .call("sns", REGION, "create_topic", &json!({ "Name": "alerts" }))
        .unwrap();
    aws.check_rights().unwrap();
    let sender = sender();
    for (id, secret, is_right) in [
        (
            &key["AccessKey"]["AccessKeyId"],
            key["AccessKey"]["SecretAccessKey"].clone(),
            true,
        ),
        (
            &key["AccessKey"]["AccessKeyId"],
            json!("another-secret-0123456789"),
            false,
        ),
    ] {
        let mail = json!({
            "access_key_id": id, "secret_access_key": secret,
            "from": "alerts@example.com", "to": ["ops@example.com"],
        });
        let topic = json!({
            "access_key_id": id, "secret_access_key": secret, "topic_arn": topic["TopicArn"],
        });
        for channel in [
            settings("ses", &aws.endpoint, &mail),
            settings("sns", &aws.endpoint, &topic),
        ] {
            let outcome = sender.send(&channel, &usual(), "1").await;
            match outcome {
                Ok(_) => assert!(is_right, "a wrong secret was let in"),
                Err(error) => {
                    assert!(!is_right, "{error:?}");
                    assert_eq!(error.kind, SendErrorKind::Unauthorized, "{error:?}");
                }
            }
        }
    }
}
