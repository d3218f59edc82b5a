//! Webhooks: Alertmanager's payload, and who we say we are.

use serde_json::json;
use yunhai_notify::SendErrorKind;
use yunhai_test_support::channels::Provider;

use super::support::{World, channel, usual};

#[tokio::test]
async fn the_delivery_s_id_and_our_headers_are_sent() {
    let world = World::english().await;
    let channel = world.channel(Provider::Webhook);
    let delivery = world.send(&channel, &usual()).await.unwrap();
    assert_eq!(delivery.answer, "HTTP 200: received");
    let message = world.simulator.accepted(Provider::Webhook).pop().unwrap();
    assert_eq!(message.headers["idempotency-key"], "delivery-1");
    assert_eq!(message.headers["x-tenant"], "tenant-secret-value");
    assert_eq!(message.body["alerts"][0]["endsAt"], "0001-01-01T00:00:00Z");
    assert_eq!(
        message.body["alerts"][1]["endsAt"],
        "2023-11-14T22:13:20.000Z"
    );
}

#[tokio::test]
async fn a_receiver_that_wants_other_credentials_refuses() {
    let world = World::english().await;
    let url = format!("{}/webhook", world.simulator.base_url());
    let basic = json!({ "type": "basic", "username": "u", "password": "basic-password" });
    for authorization in [json!(null), basic] {
        let channel = channel(json!({
            "kind": "webhook",
            "url": url,
            "authorization": authorization,
        }));
        let error = world.send(&channel, &usual()).await.unwrap_err();
        assert_eq!(error.kind, SendErrorKind::Unauthorized);
        assert!(!error.is_retryable);
    }
}
