//! What Azure says of a server beyond what all providers say.

use serde_json::json;
use yunhai_cloud::{Account as _, ErrorKind, PowerState, Servers as _};
use yunhai_test_support::azure::{CLIENT_ID, LOCATIONS, SUBSCRIPTIONS};

use crate::fixture::{AzureFixture, with};
use crate::suite::Fixture as _;

#[tokio::test]
async fn a_server_has_what_azure_knows_of_it() {
    let fixture = AzureFixture::start().await;
    let id = fixture.make_in(SUBSCRIPTIONS[0], LOCATIONS[0], "Web-1");
    let inventory = fixture.account().servers().list(&fixture.regions()).await;
    let [server] = &inventory.servers[..] else {
        panic!("{inventory:?}")
    };
    assert_eq!(server.server.id, id, "in lower case, whatever Azure shouts");
    assert_eq!(server.name, "Web-1", "as it was given");
    assert_eq!(server.instance_type, "Standard_B2s");
    assert_eq!(server.zone.as_deref(), Some("westeurope-1"));
    assert!(server.private_addresses[0].starts_with("10.0.0."));
    assert!(server.public_addresses[0].starts_with("203.0.113."));
    assert_eq!(
        server.image.as_deref(),
        Some("Canonical:ubuntu-24_04-lts:server:latest")
    );
    assert_eq!(server.host_name.as_deref(), Some("Web-1"));
    assert_eq!(server.launched_at_ms, Some(1_793_448_000_123));
}

#[tokio::test]
async fn what_is_stopped_is_told_from_what_is_deallocated() {
    let fixture = AzureFixture::start().await;
    for (name, power) in [
        ("a", "deallocated"),
        ("b", "stopped"),
        ("c", "running"),
        ("d", "starting"),
        ("e", "deallocating"),
    ] {
        let id = fixture.make_in(SUBSCRIPTIONS[0], LOCATIONS[0], name);
        fixture.azure.set_power(&id, power);
    }
    let inventory = fixture.account().servers().list(&fixture.regions()).await;
    let states: Vec<PowerState> = inventory.servers.iter().map(|s| s.state).collect();
    assert_eq!(
        states,
        [
            PowerState::Stopped,
            PowerState::StoppedBilled,
            PowerState::Running,
            PowerState::Starting,
            PowerState::Stopping,
        ]
    );
}

#[tokio::test]
async fn where_all_locations_are_looked_at_a_few_lists_have_everything() {
    let fixture = AzureFixture::start().await;
    for location in LOCATIONS {
        fixture.make_in(SUBSCRIPTIONS[0], location, &format!("web-{location}"));
    }
    let account = with(&fixture.azure, |settings| {
        settings["subscriptions"] = json!([SUBSCRIPTIONS[0]]);
    });
    let mut locations = LOCATIONS.map(str::to_owned);
    locations.sort();
    assert_eq!(account.regions().await.unwrap(), locations);
    let inventory = account.list(&locations).await;
    assert_eq!(inventory.missing, []);
    assert_eq!(inventory.servers.len(), 3);
    assert_eq!(
        inventory.calls, 4,
        "machines, states, interfaces, addresses"
    );
}

#[tokio::test]
async fn a_subscription_that_is_denied_hides_no_other() {
    let fixture = AzureFixture::start().await;
    fixture.make_in(SUBSCRIPTIONS[0], LOCATIONS[0], "kept");
    fixture.make_in(SUBSCRIPTIONS[1], LOCATIONS[1], "hidden");
    let account = with(&fixture.azure, |settings| {
        settings["subscriptions"] = json!(SUBSCRIPTIONS);
    });
    let locations = LOCATIONS.map(str::to_owned);
    assert_eq!(account.list(&locations).await.servers.len(), 2);
    fixture.azure.deny_subscription(SUBSCRIPTIONS[1]);
    let inventory = account.list(&locations).await;
    let names: Vec<&str> = inventory.servers.iter().map(|s| s.name.as_str()).collect();
    assert_eq!(names, ["kept"]);
    let [missing] = &inventory.missing[..] else {
        panic!("it is told once: {:?}", inventory.missing)
    };
    // Its servers have it in their ids.
    assert_eq!(missing.scope, SUBSCRIPTIONS[1]);
    assert_eq!(missing.error.kind, ErrorKind::Denied);
    assert!(missing.error.attempted.contains(SUBSCRIPTIONS[1]));
}

#[tokio::test]
async fn without_addresses_the_servers_are_there_all_the_same() {
    let fixture = AzureFixture::start().await;
    fixture.make_in(SUBSCRIPTIONS[0], LOCATIONS[0], "web");
    fixture.azure.permit(&[
        "Microsoft.Compute/locations/virtualMachines/read",
        "Microsoft.Compute/virtualMachines/read",
        "Microsoft.Resources/subscriptions/read",
    ]);
    let inventory = fixture.account().servers().list(&fixture.regions()).await;
    assert_eq!(inventory.servers.len(), 1);
    assert_eq!(inventory.servers[0].state, PowerState::Running);
    assert_eq!(inventory.servers[0].private_addresses, [""; 0]);
    let said = format!("{:?}", inventory.missing);
    assert!(
        said.contains("Microsoft.Network/networkInterfaces/read"),
        "{said}"
    );
}

#[tokio::test]
async fn the_identity_of_the_machine_is_enough() {
    let fixture = AzureFixture::start().await;
    fixture.make_in(SUBSCRIPTIONS[0], LOCATIONS[0], "web");
    for client_id in [json!(null), json!(CLIENT_ID)] {
        let account = with(&fixture.azure, |settings| {
            settings["credentials"] = json!({ "kind": "managed_identity", "client_id": client_id });
        });
        let check = account.check().await.unwrap();
        assert_eq!(check.problems, []);
        assert!(check.identity.contains("of this machine"), "{check:?}");
        assert!(check.account.contains(SUBSCRIPTIONS[0]), "{check:?}");
    }
    let stranger = with(&fixture.azure, |settings| {
        settings["credentials"] = json!({
            "kind": "managed_identity", "client_id": SUBSCRIPTIONS[0],
        });
    });
    let error = stranger.check().await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Credentials, "{error}");
}
