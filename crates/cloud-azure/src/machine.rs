//! A virtual machine as the Resource Manager tells it, and as a server.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use serde::Deserialize;
use yunhai_cloud::{CloudServer, PowerState, ServerRef};

use crate::client::null_as_nothing;
use crate::network::Network;

/// A virtual machine, from `VirtualMachine` of `virtualMachine.json`.
#[derive(Debug, Deserialize)]
pub(crate) struct Machine {
    pub(crate) id: String,
    #[serde(default, deserialize_with = "null_as_nothing")]
    name: String,
    #[serde(default, deserialize_with = "null_as_nothing")]
    location: String,
    #[serde(default, deserialize_with = "null_as_nothing")]
    tags: BTreeMap<String, String>,
    #[serde(default, deserialize_with = "null_as_nothing")]
    zones: Vec<String>,
    #[serde(default, deserialize_with = "null_as_nothing")]
    properties: MachineProperties,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct MachineProperties {
    provisioning_state: Option<String>,
    time_created: Option<String>,
    #[serde(deserialize_with = "null_as_nothing")]
    hardware_profile: HardwareProfile,
    #[serde(deserialize_with = "null_as_nothing")]
    storage_profile: StorageProfile,
    #[serde(deserialize_with = "null_as_nothing")]
    os_profile: OsProfile,
    #[serde(deserialize_with = "null_as_nothing")]
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
    #[serde(deserialize_with = "null_as_nothing")]
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
    #[serde(deserialize_with = "null_as_nothing")]
    statuses: Vec<Status>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Status {
    #[serde(deserialize_with = "null_as_nothing")]
    code: String,
}

impl Machine {
    fn region(&self) -> String {
        // Some answers have the name for people: `West Europe`.
        self.location.to_ascii_lowercase().replace(' ', "")
    }

    /// What it does, where the answer says so.
    pub(crate) fn power_state(&self) -> Option<PowerState> {
        let statuses = &self.properties.instance_view.statuses;
        power_state(statuses.iter().map(|status| status.code.as_str()))
    }

    /// Puts together what several lists say of it.
    pub(crate) fn server(
        &self,
        states: &HashMap<String, PowerState>,
        network: &Network,
    ) -> CloudServer {
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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_off_and_paid_for_is_told_from_what_is_off() {
        let state = |code: &str| power_state(["ProvisioningState/succeeded", code].into_iter());
        assert_eq!(state("PowerState/running"), Some(PowerState::Running));
        assert_eq!(state("PowerState/stopped"), Some(PowerState::StoppedBilled));
        assert_eq!(state("PowerState/deallocated"), Some(PowerState::Stopped));
        assert_eq!(state("PowerState/deallocating"), Some(PowerState::Stopping));
        assert_eq!(state("OSState/generalized"), None);
    }

    #[test]
    fn a_machine_of_which_little_is_told_is_one_all_the_same() {
        let machine = json!({
            "id": "/subscriptions/a/resourceGroups/G/providers/Microsoft.Compute/virtualMachines/V",
            "location": "West Europe",
            "tags": null,
            "zones": null,
            "properties": {
                "hardwareProfile": null,
                "storageProfile": { "imageReference": null },
                "osProfile": null,
                "instanceView": { "statuses": null },
                "timeCreated": null,
            },
        });
        let machine: Machine = serde_json::from_value(machine).unwrap();
        let server = machine.server(&HashMap::new(), &Network::default());
        assert_eq!(server.server.region, "westeurope");
        assert_eq!(server.state, PowerState::Unknown);
        assert_eq!(server.name, server.server.id);
        assert_eq!((server.zone, server.image), (None, None));
    }
}
