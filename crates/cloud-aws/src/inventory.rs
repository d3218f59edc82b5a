//! The instances of EC2, region by region.

use std::collections::BTreeMap;

use async_trait::async_trait;
use aws_sdk_ec2::types::{Instance, InstanceStateName, MonitoringState, Reservation, Tag};
use futures::FutureExt as _;
use yunhai_cloud::{
    CloudServer, Inventory, Missing, Pages, PowerState, SCOPES_AT_ONCE, ServerRef, Servers,
    concurrently, each_once,
};

use crate::account::AwsAccount;
use crate::error::told;

/// How many instances a page has at most (DescribeInstances).
const PAGE: i32 = 1000;

#[async_trait]
impl Servers for AwsAccount {
    async fn list(&self, regions: &[String]) -> Inventory {
        let questions = regions
            .iter()
            .map(|region| self.list_region(region).boxed())
            .collect();
        let mut found = concurrently(questions, SCOPES_AT_ONCE).await;
        let mut whole = Inventory::default();
        for region in &mut found {
            whole.servers.append(&mut region.servers);
            whole.missing.append(&mut region.missing);
            whole.calls += region.calls;
        }
        whole
    }
}

impl AwsAccount {
    async fn list_region(&self, region: &str) -> Inventory {
        let client = self.clients.of(region).ec2;
        let attempted = format!("list the servers of {region}");
        let mut inventory = Inventory::default();
        let mut servers = BTreeMap::new();
        let mut pages = Pages::default();
        let failure = loop {
            inventory.calls += 1;
            let request = client.describe_instances().max_results(PAGE);
            let page = match request.set_next_token(pages.token()).send().await {
                Ok(page) => page,
                Err(error) => break Some(told(attempted, &error)),
            };
            for instance in page.reservations().iter().flat_map(Reservation::instances) {
                if let Some(server) = server(region, instance) {
                    servers.insert(server.server.id.clone(), server);
                }
            }
            match pages.go_on(page.next_token, attempted.clone()) {
                Ok(true) => {}
                Ok(false) => break None,
                Err(error) => break Some(error),
            }
        };
        inventory.servers = servers.into_values().collect();
        inventory.missing = failure
            .map(|error| Missing {
                scope: region.to_owned(),
                error,
            })
            .into_iter()
            .collect();
        inventory
    }
}

/// Takes over an instance; one without an id is none.
fn server(region: &str, instance: &Instance) -> Option<CloudServer> {
    let id = instance.instance_id()?.to_owned();
    let tags = tags(instance.tags());
    let interfaces = instance.network_interfaces();
    let private = interfaces
        .iter()
        .flat_map(aws_sdk_ec2::types::InstanceNetworkInterface::private_ip_addresses)
        .filter_map(|address| address.private_ip_address())
        .chain(instance.private_ip_address());
    let public = interfaces
        .iter()
        .filter_map(|interface| interface.association()?.public_ip())
        .chain(instance.public_ip_address())
        .chain(
            interfaces
                .iter()
                .flat_map(aws_sdk_ec2::types::InstanceNetworkInterface::ipv6_addresses)
                .filter_map(|address| address.ipv6_address()),
        );
    Some(CloudServer {
        name: tags
            .get("Name")
            .filter(|name| !name.trim().is_empty())
            .unwrap_or(&id)
            .clone(),
        instance_type: instance
            .instance_type()
            .map(|size| size.as_str().to_owned())
            .unwrap_or_default(),
        state: instance
            .state()
            .and_then(|state| state.name())
            .map_or(PowerState::Unknown, power_state),
        zone: instance
            .placement()
            .and_then(|placement| placement.availability_zone())
            .map(str::to_owned),
        private_addresses: each_once(private),
        public_addresses: each_once(public),
        host_name: instance
            .private_dns_name()
            .filter(|name| !name.is_empty())
            .map(str::to_owned),
        image: instance.image_id().map(str::to_owned),
        launched_at_ms: instance
            .launch_time()
            .and_then(|time| time.to_millis().ok()),
        is_measured_each_minute: instance
            .monitoring()
            .and_then(|monitoring| monitoring.state())
            .is_some_and(|state| *state == MonitoringState::Enabled),
        tags,
        server: ServerRef {
            region: region.to_owned(),
            id,
        },
    })
}

pub(crate) fn power_state(state: &InstanceStateName) -> PowerState {
    match state {
        InstanceStateName::Pending => PowerState::Starting,
        InstanceStateName::Running => PowerState::Running,
        InstanceStateName::Stopping => PowerState::Stopping,
        InstanceStateName::Stopped => PowerState::Stopped,
        InstanceStateName::ShuttingDown => PowerState::Deleting,
        InstanceStateName::Terminated => PowerState::Deleted,
        _ => PowerState::Unknown,
    }
}

fn tags(tags: &[Tag]) -> BTreeMap<String, String> {
    tags.iter()
        .filter_map(|tag| Some((tag.key()?.to_owned(), tag.value()?.to_owned())))
        .collect()
}
