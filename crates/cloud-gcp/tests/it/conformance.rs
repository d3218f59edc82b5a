//! The suite of all providers.

use crate::fixture::{GcpFixture, REGIONS};
use crate::suite::{self, Fixture as _};

#[tokio::test]
async fn every_server_is_listed_once_over_all_pages() {
    let mut fixture = GcpFixture::start().await;
    suite::every_server_is_listed_once(&mut fixture, [510, 3]).await;
}

#[tokio::test]
async fn every_server_is_listed_once_over_small_pages() {
    let mut fixture = GcpFixture::start().await;
    fixture.google.set_page(2);
    suite::every_server_is_listed_once(&mut fixture, [7, 3]).await;
    assert_eq!(fixture.google.calls("compute.instances.aggregatedList"), 5);
}

#[tokio::test]
async fn a_broken_region_hides_no_other() {
    let mut fixture = GcpFixture::start().await;
    suite::a_broken_region_hides_no_other(&mut fixture).await;
}

#[tokio::test]
async fn wrong_credentials_are_told() {
    let mut fixture = GcpFixture::start().await;
    suite::wrong_credentials_are_told(&mut fixture).await;
}

#[tokio::test]
async fn measurements_keep_their_time() {
    let mut fixture = GcpFixture::start().await;
    suite::measurements_keep_their_time(&mut fixture).await;
}

#[tokio::test]
async fn a_server_lives() {
    let mut fixture = GcpFixture::start().await;
    suite::a_server_lives(&mut fixture).await;
}

#[tokio::test]
async fn a_protected_server_stays() {
    let mut fixture = GcpFixture::start().await;
    suite::a_protected_server_stays(&mut fixture).await;
}

#[tokio::test]
async fn a_bad_order_is_found_out_before() {
    let mut fixture = GcpFixture::start().await;
    let order = |name| fixture.order(REGIONS[0], name);
    let mut no_image = order("no-image");
    no_image.image = "projects/debian-cloud/global/images/family/debian-4".to_owned();
    let mut other_processor = order("other-processor");
    other_processor.instance_type = "t2a-standard-1".to_owned();
    let mut no_type = order("no-type");
    no_type.instance_type = "n2-standard-2".to_owned();
    let mut too_many = order("too-many");
    too_many.instance_type = "e2-standard-8".to_owned();
    too_many.count = 4;
    let mut bad_name = order("bad-name");
    bad_name.name = "Bad_Name".to_owned();
    let mut elsewhere = order("elsewhere");
    elsewhere.zone = Some("europe-west3-x".to_owned());
    for order in [
        no_image,
        other_processor,
        no_type,
        too_many,
        bad_name,
        elsewhere,
    ] {
        suite::a_bad_order_is_found_out_before(&mut fixture, order).await;
    }
}
