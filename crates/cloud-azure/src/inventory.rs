//! The virtual machines of subscriptions, in a few lists for each: the machines, what they do, and
//! their network interfaces and public addresses.

use std::collections::{BTreeMap, HashMap};

use async_trait::async_trait;
use futures::FutureExt as _;
use jiff::Timestamp;
use serde::Deserialize;
use yunhai_cloud::{CloudServer, Error, Inventory, Missing, PowerState, ServerRef, Servers};

use crate::account::{AzureAccount, COMPUTE_VERSION, NETWORK_VERSION};
use crate::concurrent::{self, AT_ONCE};

/// What was found in a subscription.
#[derive(Default)]
struct Found {
    servers: Vec<CloudServer>,
    missing: Vec<Missing>,
    calls: u64,
}

#[async_trait]
impl Servers for AzureAccount {
    async fn list(&self, regions: &[String]) -> Inventory {
        let nothing = |error: &Error| Inventory {
            missing: regions
                .iter()
                .map(|region| missing(region, error))
                .collect(),
            calls: 1,
            ..Inventory::default()
        };
        // Who is not known is told so once, and not by every list.
        if let Err(error) = self.client.sign_in().await {
            return nothing(&error);
        }
        let subscriptions = match self.subscriptions().await {
            Ok(subscriptions) => subscriptions,
            Err(error) => return nothing(&error),
        };
        let questions = subscriptions
            .iter()
            .map(|subscription| self.list_subscription(subscription, regions).boxed())
            .collect();
        let mut whole = Inventory {
            calls: u64::from(self.settings.subscriptions.is_empty()),
            ..Inventory::default()
        };
        for found in concurrent::all(questions, AT_ONCE).await {
            whole.servers.extend(found.servers);
            whole.missing.extend(found.missing);
            whole.calls += found.calls;
        }
        whole.missing = each_once(whole.missing);
        whole
    }
}

impl AzureAccount {
    async fn list_subscription(&self, subscription: &str, regions: &[String]) -> Found {
        let root = format!("/subscriptions/{subscription}/providers");
        let status_path = format!(
            "{root}/Microsoft.Compute/virtualMachines?statusOnly=true&api-version={COMPUTE_VERSION}"
        );
        let network_path =
            |kind: &str| format!("{root}/Microsoft.Network/{kind}?api-version={NETWORK_VERSION}");
        let attempted = |what: &str| format!("list {what} in the subscription {subscription}");
        let (interfaces_path, addresses_path) = (
            network_path("networkInterfaces"),
            network_path("publicIPAddresses"),
        );
        let (of_states, of_interfaces, of_addresses) = (
            attempted("what the servers do"),
            attempted("the network interfaces"),
            attempted("the public addresses"),
        );
        let (machines, states, interfaces, addresses) = tokio::join!(
            self.machines(subscription, regions),
            self.client.list::<Machine>(&status_path, &of_states),
            self.client
                .list::<Interface>(&interfaces_path, &of_interfaces),
            self.client
                .list::<PublicAddress>(&addresses_path, &of_addresses),
        );
        let mut found = Found {
            calls: machines.calls + states.1 + interfaces.1 + addresses.1,
            missing: machines.missing,
            ..Found::default()
        };
        // Of no servers nothing else can be missing.
        if machines.found.is_empty() {
            return found;
        }
        let told = &mut found.missing;
        let states: HashMap<String, PowerState> = keep(told, subscription, states)
            .into_iter()
            .filter_map(|machine| Some((machine.id.to_ascii_lowercase(), machine.power_state()?)))
            .collect();
        let interfaces = keep(told, subscription, interfaces);
        let addresses = keep(told, subscription, addresses);
        let network = Network::new(interfaces, addresses);
        let servers: BTreeMap<String, CloudServer> = machines
            .found
            .iter()
            .map(|machine| machine.server(&states, &network))
            .filter(|server| regions.contains(&server.server.region))
            .map(|server| (server.server.id.clone(), server))
            .collect();
        found.servers = servers.into_values().collect();
        found
    }

    /// Lists the machines of a subscription. Where only some locations are looked at, each is asked
    /// for by itself; where all are, one list has them all.
    async fn machines(&self, subscription: &str, regions: &[String]) -> Machines {
        let root = format!("/subscriptions/{subscription}/providers/Microsoft.Compute");
        if self.settings.regions.is_empty() {
            let path = format!("{root}/virtualMachines?api-version={COMPUTE_VERSION}");
            let attempted = format!("list the servers of the subscription {subscription}");
            let (found, calls, failure) = self.client.list::<Machine>(&path, &attempted).await;
            let failure = failure.filter(|error| !is_unused(error));
            return Machines {
                found,
                calls,
                missing: failure
                    .map(|error| missing(subscription, &error))
                    .into_iter()
                    .collect(),
            };
        }
        let questions = regions
            .iter()
            .map(|region| {
                let path = format!(
                    "{root}/locations/{region}/virtualMachines?api-version={COMPUTE_VERSION}"
                );
                let attempted =
                    format!("list the servers of {region} in the subscription {subscription}");
                async move { self.client.list::<Machine>(&path, &attempted).await }.boxed()
            })
            .collect();
        let mut machines = Machines::default();
        let answers = concurrent::all(questions, AT_ONCE).await;
        for (region, (found, calls, failure)) in regions.iter().zip(answers) {
            machines.found.extend(found);
            machines.calls += calls;
            let failure = failure.filter(|error| !is_unused(error));
            machines
                .missing
                .extend(failure.map(|error| missing(region, &error)));
        }
        machines
    }
}

#[derive(Default)]
struct Machines {
    found: Vec<Machine>,
    missing: Vec<Missing>,
    calls: u64,
}

/// A subscription that has never had a server knows nothing of them.
fn is_unused(error: &Error) -> bool {
    error.code.as_deref() == Some("MissingSubscriptionRegistration")
}

/// Tells what is missing of a region, or of a subscription.
fn missing(scope: &str, error: &Error) -> Missing {
    Missing {
        scope: scope.to_owned(),
        error: error.clone(),
    }
}

/// Tells what is missing of a list, and goes on with the rest.
fn keep<T>(
    told: &mut Vec<Missing>,
    subscription: &str,
    (found, _, failure): (Vec<T>, u64, Option<Error>),
) -> Vec<T> {
    let failure = failure.filter(|error| !is_unused(error));
    told.extend(failure.map(|error| missing(subscription, &error)));
    found
}

/// What stands in the way of several lists is told once.
fn each_once(missing: Vec<Missing>) -> Vec<Missing> {
    let mut once: Vec<Missing> = Vec::new();
    for trouble in missing {
        let is_same = |known: &Missing| {
            known.scope == trouble.scope
                && known.error.kind == trouble.error.kind
                && known.error.said == trouble.error.said
        };
        if !once.iter().any(is_same) {
            once.push(trouble);
        }
    }
    once
}

/// A virtual machine, from `VirtualMachine` of `virtualMachine.json`.
#[derive(Debug, Deserialize)]
struct Machine {
    id: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    location: String,
    #[serde(default)]
    tags: BTreeMap<String, String>,
    #[serde(default)]
    zones: Vec<String>,
    #[serde(default)]
    properties: MachineProperties,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct MachineProperties {
    provisioning_state: Option<String>,
    time_created: Option<String>,
    hardware_profile: HardwareProfile,
    storage_profile: StorageProfile,
    os_profile: OsProfile,
    instance_view: InstanceView,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct HardwareProfile {
    vm_size: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct StorageProfile {
    image_reference: ImageReference,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ImageReference {
    id: Option<String>,
    community_gallery_image_id: Option<String>,
    shared_gallery_image_id: Option<String>,
    publisher: Option<String>,
    offer: Option<String>,
    sku: Option<String>,
    version: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct OsProfile {
    computer_name: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct InstanceView {
    statuses: Vec<Status>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Status {
    code: String,
}

impl Machine {
    fn region(&self) -> String {
        // Some answers have the name for people: `West Europe`.
        self.location.to_ascii_lowercase().replace(' ', "")
    }

    fn power_state(&self) -> Option<PowerState> {
        let statuses = &self.properties.instance_view.statuses;
        power_state(statuses.iter().map(|status| status.code.as_str()))
    }

    fn server(&self, states: &HashMap<String, PowerState>, network: &Network) -> CloudServer {
        let id = self.id.to_ascii_lowercase();
        let region = self.region();
        let properties = &self.properties;
        let state = match properties.provisioning_state.as_deref() {
            Some("Deleting") => PowerState::Deleting,
            provisioning => match states.get(&id).copied().or_else(|| self.power_state()) {
                Some(state) => state,
                None if provisioning == Some("Creating") => PowerState::Starting,
                None => PowerState::Unknown,
            },
        };
        let (private_addresses, public_addresses) = network.of(&id);
        CloudServer {
            name: if self.name.is_empty() {
                id.clone()
            } else {
                self.name.clone()
            },
            instance_type: properties
                .hardware_profile
                .vm_size
                .clone()
                .unwrap_or_default(),
            state,
            zone: self.zones.first().map(|zone| format!("{region}-{zone}")),
            private_addresses,
            public_addresses,
            host_name: properties
                .os_profile
                .computer_name
                .clone()
                .filter(|name| !name.is_empty()),
            image: properties.storage_profile.image_reference.described(),
            launched_at_ms: properties
                .time_created
                .as_deref()
                .and_then(|time| time.parse::<Timestamp>().ok())
                .map(Timestamp::as_millisecond),
            is_measured_each_minute: true,
            tags: self.tags.clone(),
            server: ServerRef { region, id },
        }
    }
}

impl ImageReference {
    fn described(&self) -> Option<String> {
        let named = [&self.publisher, &self.offer, &self.sku, &self.version];
        let named: Option<Vec<&str>> = named.into_iter().map(Option::as_deref).collect();
        named
            .map(|parts| parts.join(":"))
            .or_else(|| self.id.clone())
            .or_else(|| self.shared_gallery_image_id.clone())
            .or_else(|| self.community_gallery_image_id.clone())
    }
}

/// Reads what a machine does from the codes of its instance view: `PowerState/running`.
///
/// Source: "States and billing status of Azure Virtual Machines" (learn.microsoft.com).
pub(crate) fn power_state<'a>(codes: impl Iterator<Item = &'a str>) -> Option<PowerState> {
    let mut codes = codes.filter_map(|code| code.strip_prefix("PowerState/"));
    Some(match codes.next()? {
        "starting" => PowerState::Starting,
        "running" => PowerState::Running,
        "stopping" | "deallocating" => PowerState::Stopping,
        "stopped" => PowerState::StoppedBilled,
        "deallocated" => PowerState::Stopped,
        _ => PowerState::Unknown,
    })
}

/// A network interface, from `NetworkInterface` of `networkInterface.json`.
#[derive(Debug, Deserialize)]
struct Interface {
    #[serde(default)]
    properties: InterfaceProperties,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct InterfaceProperties {
    primary: Option<bool>,
    virtual_machine: Option<Named>,
    ip_configurations: Vec<AddressConfiguration>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Named {
    id: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct AddressConfiguration {
    properties: AddressProperties,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct AddressProperties {
    #[serde(rename = "privateIPAddress")]
    private: Option<String>,
    #[serde(rename = "publicIPAddress")]
    public: Option<Named>,
}

/// A public address, from `PublicIPAddress` of `publicIpAddress.json`.
#[derive(Debug, Deserialize)]
struct PublicAddress {
    id: String,
    #[serde(default)]
    properties: PublicAddressProperties,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct PublicAddressProperties {
    ip_address: Option<String>,
}

/// The addresses of machines, by the machines' ids.
#[derive(Default)]
struct Network {
    interfaces: HashMap<String, Vec<InterfaceProperties>>,
    public: HashMap<String, String>,
}

impl Network {
    fn new(interfaces: Vec<Interface>, addresses: Vec<PublicAddress>) -> Self {
        let mut network = Self::default();
        for Interface { properties } in interfaces {
            if let Some(machine) = &properties.virtual_machine {
                let machine = machine.id.to_ascii_lowercase();
                network
                    .interfaces
                    .entry(machine)
                    .or_default()
                    .push(properties);
            }
        }
        for interfaces in network.interfaces.values_mut() {
            // The first one is the one by which others know the machine.
            interfaces.sort_by_key(|interface| interface.primary != Some(true));
        }
        network.public = addresses
            .into_iter()
            .filter_map(|address| {
                let shown = address.properties.ip_address?;
                Some((address.id.to_ascii_lowercase(), shown))
            })
            .collect();
        network
    }

    fn of(&self, machine: &str) -> (Vec<String>, Vec<String>) {
        let (mut private, mut public) = (Vec::new(), Vec::new());
        let interfaces = self.interfaces.get(machine).map(Vec::as_slice);
        for interface in interfaces.unwrap_or_default() {
            for AddressConfiguration { properties } in &interface.ip_configurations {
                private.extend(properties.private.clone());
                let reference = properties.public.as_ref();
                let shown = reference.and_then(|p| self.public.get(&p.id.to_ascii_lowercase()));
                public.extend(shown.cloned());
            }
        }
        (private, public)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_off_and_paid_for_is_told_from_what_is_off() {
        let state = |code: &str| power_state(["ProvisioningState/succeeded", code].into_iter());
        assert_eq!(state("PowerState/running"), Some(PowerState::Running));
        assert_eq!(state("PowerState/stopped"), Some(PowerState::StoppedBilled));
        assert_eq!(state("PowerState/deallocated"), Some(PowerState::Stopped));
        assert_eq!(state("PowerState/deallocating"), Some(PowerState::Stopping));
        assert_eq!(state("OSState/generalized"), None);
    }
}
