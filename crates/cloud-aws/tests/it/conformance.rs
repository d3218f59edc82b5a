//! The suite of all providers, on each emulator.

use yunhai_test_support::clouds::AwsKind;

use crate::fixture::{AwsFixture, REGIONS};
use crate::suite::{self, Fixture as _};

#[tokio::test]
async fn every_server_is_listed_once_over_all_pages() {
    let mut fixture = AwsFixture::start(AwsKind::Moto).await;
    // More than a page of DescribeInstances in one of the regions.
    suite::every_server_is_listed_once(&mut fixture, [1010, 3]).await;
}

#[tokio::test]
async fn every_server_is_listed_once_by_ministack() {
    let mut fixture = AwsFixture::start(AwsKind::Ministack).await;
    suite::every_server_is_listed_once(&mut fixture, [3, 3]).await;
}

#[tokio::test]
async fn a_broken_region_hides_no_other() {
    let mut fixture = AwsFixture::start(AwsKind::Moto).await;
    suite::a_broken_region_hides_no_other(&mut fixture).await;
}

#[tokio::test]
async fn measurements_keep_their_time() {
    let mut fixture = AwsFixture::start(AwsKind::Moto).await;
    suite::measurements_keep_their_time(&mut fixture).await;
}

#[tokio::test]
async fn measurements_keep_their_time_by_ministack() {
    let mut fixture = AwsFixture::start(AwsKind::Ministack).await;
    suite::measurements_keep_their_time(&mut fixture).await;
}

#[tokio::test]
async fn a_server_lives() {
    let mut fixture = AwsFixture::start(AwsKind::Moto).await;
    suite::a_server_lives(&mut fixture).await;
}

#[tokio::test]
async fn a_server_lives_by_ministack() {
    let mut fixture = AwsFixture::start(AwsKind::Ministack).await;
    suite::a_server_lives(&mut fixture).await;
}

#[tokio::test]
async fn a_protected_server_stays() {
    let mut fixture = AwsFixture::start(AwsKind::Moto).await;
    suite::a_protected_server_stays(&mut fixture).await;
}

#[tokio::test]
async fn a_bad_order_is_found_out_before() {
    let mut fixture = AwsFixture::start(AwsKind::Moto).await;
    let mut no_image = fixture.order(REGIONS[0], "no-image");
    no_image.image = "ami-00000000000000000".to_owned();
    suite::a_bad_order_is_found_out_before(&mut fixture, no_image).await;
    let mut other_processor = fixture.order(REGIONS[0], "other-processor");
    other_processor.instance_type = "t4g.micro".to_owned();
    suite::a_bad_order_is_found_out_before(&mut fixture, other_processor).await;
}
