//! The suite of all providers.

use yunhai_cloud::NewServer;
use yunhai_test_support::azure::LOCATIONS;

use crate::fixture::AzureFixture;
use crate::suite::{self, Fixture as _};

#[tokio::test]
async fn every_server_is_listed_once_over_all_pages() {
    let mut fixture = AzureFixture::start().await;
    suite::every_server_is_listed_once(&mut fixture, [17, 4]).await;
}

#[tokio::test]
async fn a_broken_region_hides_no_other() {
    let mut fixture = AzureFixture::start().await;
    suite::a_broken_region_hides_no_other(&mut fixture).await;
}

#[tokio::test]
async fn wrong_credentials_are_told() {
    let mut fixture = AzureFixture::start().await;
    suite::wrong_credentials_are_told(&mut fixture).await;
}

#[tokio::test]
async fn measurements_keep_their_time() {
    let mut fixture = AzureFixture::start().await;
    suite::measurements_keep_their_time(&mut fixture).await;
}

#[tokio::test]
async fn a_server_lives() {
    let mut fixture = AzureFixture::start().await;
    suite::a_server_lives(&mut fixture).await;
}

#[tokio::test]
async fn a_protected_server_stays() {
    let mut fixture = AzureFixture::start().await;
    suite::a_protected_server_stays(&mut fixture).await;
}

#[tokio::test]
async fn a_bad_order_is_found_out_before() {
    let mut fixture = AzureFixture::start().await;
    let changes: [fn(&mut NewServer); 8] = [
        |order| order.image = "Canonical:ubuntu:none:1.0".to_owned(),
        |order| order.instance_type = "Standard_D4ps_v5".to_owned(),
        |order| order.instance_type = "Standard_D64s_v5".to_owned(),
        |order| order.instance_type = "Standard_NV6".to_owned(),
        |order| order.instance_type = "Standard_Nothing".to_owned(),
        |order| order.subnet = order.subnet.take().map(|subnet| subnet + "2"),
        |order| {
            order.instance_type = "Standard_E2s_v5".to_owned();
            order.zone = Some("westeurope-3".to_owned());
        },
        |order| order.ssh_key = None,
    ];
    for change in changes {
        let mut order = fixture.order(LOCATIONS[0], "bad");
        change(&mut order);
        suite::a_bad_order_is_found_out_before(&mut fixture, order).await;
    }
}
