//! The addresses of machines, from the lists of network interfaces and of public addresses.

use std::collections::HashMap;

use serde::Deserialize;

use crate::client::null_as_nothing;

/// A network interface, from `NetworkInterface` of `networkInterface.json`.
#[derive(Debug, Deserialize)]
pub(crate) struct Interface {
    #[serde(default, deserialize_with = "null_as_nothing")]
    properties: InterfaceProperties,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct InterfaceProperties {
    primary: Option<bool>,
    virtual_machine: Option<Named>,
    #[serde(deserialize_with = "null_as_nothing")]
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
    #[serde(deserialize_with = "null_as_nothing")]
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
pub(crate) struct PublicAddress {
    id: String,
    #[serde(default, deserialize_with = "null_as_nothing")]
    properties: PublicAddressProperties,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct PublicAddressProperties {
    ip_address: Option<String>,
}

/// The addresses of machines, by the machines' ids.
#[derive(Default)]
pub(crate) struct Network {
    interfaces: HashMap<String, Vec<InterfaceProperties>>,
    public: HashMap<String, String>,
}

impl Network {
    /// Finds out whose the addresses are.
    pub(crate) fn new(interfaces: Vec<Interface>, addresses: Vec<PublicAddress>) -> Self {
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

    /// The private and the public addresses of a machine.
    pub(crate) fn of(&self, machine: &str) -> (Vec<String>, Vec<String>) {
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
