//! An order for servers in Azure's words.
//!
//! Where it is carried out follows from the subnet, whose id names the subscription and a resource
//! group. A server is a network interface and a virtual machine that takes it, and its disk, along
//! when it is deleted.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use yunhai_cloud::NewServer;
use yunhai_model::Secret;

use crate::settings::is_resource_group;

/// How many servers are made by one order.
const MOST: u32 = 100;

/// Who may sign in by the SSH key.
const USER: &str = "azureuser";

/// The tag that tells by which order a server was made.
pub(crate) const ORDER_TAG: &str = "yunhai-order";

/// Where an image is found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Image {
    /// One of the marketplace: publisher, offer, SKU and version.
    Named([String; 4]),
    /// One of one's own, by its id.
    Id(String),
}

/// An order whose parts are understood.
#[derive(Clone, Debug)]
pub(crate) struct Order<'a> {
    pub(crate) new: &'a NewServer,
    pub(crate) subscription: String,
    pub(crate) group: String,
    pub(crate) subnet: &'a str,
    pub(crate) image: Image,
    pub(crate) zone: Option<String>,
    security_group: Option<&'a str>,
}

impl<'a> Order<'a> {
    /// Reads an order, or tells everything that is wrong with it.
    pub(crate) fn read(new: &'a NewServer, group: Option<&str>) -> Result<Self, Vec<String>> {
        let mut faults = Vec::new();
        let subnet = new.subnet.as_deref().unwrap_or_default();
        let place = subnet_place(subnet);
        if place.is_none() {
            faults.push(
                "subnet: the id of a subnet is needed; it looks like /subscriptions/…/\
                 resourceGroups/…/providers/Microsoft.Network/virtualNetworks/…/subnets/…"
                    .to_owned(),
            );
        }
        let image = image(&new.image);
        if image.is_none() {
            faults.push(format!(
                "image: `{}` is neither publisher:offer:sku:version nor the id of an image",
                new.image
            ));
        }
        if !(1..=MOST).contains(&new.count) {
            faults.push(format!("count: from 1 to {MOST} at once"));
        }
        let last = server_names(new).pop().unwrap_or_default();
        if !is_name(&last) {
            faults.push(format!(
                "name: `{last}` is no name of a server; letters, digits and - make one, up to 64"
            ));
        }
        if new.ssh_key.as_deref().is_none_or(|key| !is_ssh_key(key)) {
            faults.push("ssh_key: a public SSH key is needed: `ssh-ed25519 AAAA…`".to_owned());
        }
        let security_group = match &new.security_groups[..] {
            [] => None,
            [one] if one.starts_with("/subscriptions/") => Some(one.as_str()),
            _ => {
                faults.push("security_groups: the id of one network security group".to_owned());
                None
            }
        };
        match (place, image) {
            (Some((subscription, subnet_group)), Some(image)) if faults.is_empty() => Ok(Self {
                new,
                subscription,
                group: group.unwrap_or(&subnet_group).to_owned(),
                subnet,
                image,
                zone: new.zone.as_deref().map(|zone| {
                    // The inventory says `westeurope-1`, and Azure itself `1`.
                    let number = zone.strip_prefix(&new.region);
                    let number = number.and_then(|number| number.strip_prefix('-'));
                    number.unwrap_or(zone).to_owned()
                }),
                security_group,
            }),
            _ => Err(faults),
        }
    }

    /// The names of the servers: of several each has a number.
    pub(crate) fn names(&self) -> Vec<String> {
        server_names(self.new)
    }

    /// The id of one of the servers.
    pub(crate) fn server_id(&self, name: &str) -> String {
        self.id("Microsoft.Compute/virtualMachines", name)
    }

    /// The id of the network interface of one of the servers.
    pub(crate) fn interface_id(&self, name: &str) -> String {
        self.id(
            "Microsoft.Network/networkInterfaces",
            &format!("{name}-nic"),
        )
    }

    fn id(&self, kind: &str, name: &str) -> String {
        format!(
            "/subscriptions/{}/resourceGroups/{}/providers/{kind}/{name}",
            self.subscription, self.group
        )
    }

    /// The network interface, as `NetworkInterfaces_CreateOrUpdate` takes it.
    pub(crate) fn interface(&self, mark: &str) -> Value {
        let mut properties = json!({
            "ipConfigurations": [{
                "name": "primary",
                "properties": {
                    "primary": true,
                    "privateIPAllocationMethod": "Dynamic",
                    "subnet": { "id": self.subnet },
                },
            }],
        });
        if let Some(id) = self.security_group {
            properties["networkSecurityGroup"] = json!({ "id": id });
        }
        json!({
            "location": self.new.region,
            "tags": self.tags(mark),
            "properties": properties,
        })
    }

    /// The virtual machine, as `VirtualMachines_CreateOrUpdate` takes it.
    pub(crate) fn machine(&self, name: &str, mark: &str) -> Value {
        let image = match &self.image {
            Image::Named([publisher, offer, sku, version]) => json!({
                "publisher": publisher, "offer": offer, "sku": sku, "version": version,
            }),
            Image::Id(id) => json!({ "id": id }),
        };
        let mut disk = json!({
            "createOption": "FromImage",
            "deleteOption": "Delete",
            "managedDisk": {},
        });
        if let Some(size) = self.new.disk_gib {
            disk["diskSizeGB"] = json!(size);
        }
        let key = self.new.ssh_key.as_deref().unwrap_or_default();
        let mut person = json!({
            "computerName": name,
            "adminUsername": USER,
            "linuxConfiguration": {
                "disablePasswordAuthentication": true,
                "ssh": { "publicKeys": [{
                    "path": format!("/home/{USER}/.ssh/authorized_keys"),
                    "keyData": key.trim(),
                }] },
            },
        });
        if let Some(user_data) = &self.new.user_data {
            person["customData"] = json!(STANDARD.encode(user_data.expose()));
        }
        let mut machine = json!({
            "location": self.new.region,
            "tags": self.tags(mark),
            "properties": {
                "hardwareProfile": { "vmSize": self.new.instance_type },
                "storageProfile": { "imageReference": image, "osDisk": disk },
                "osProfile": person,
                "networkProfile": { "networkInterfaces": [{
                    "id": self.interface_id(name),
                    "properties": { "primary": true, "deleteOption": "Delete" },
                }] },
            },
        });
        if let Some(zone) = &self.zone {
            machine["zones"] = json!([zone]);
        }
        machine
    }

    fn tags(&self, mark: &str) -> Value {
        let mut tags = json!(self.new.tags);
        tags[ORDER_TAG] = json!(mark);
        tags
    }
}

/// What an order is known again by: not its token itself, which is nobody's business but ours.
pub(crate) fn mark(client_token: &str) -> String {
    hex::encode(&Sha256::digest(client_token.as_bytes())[..16])
}

fn server_names(new: &NewServer) -> Vec<String> {
    if new.count <= 1 {
        return vec![new.name.clone()];
    }
    (1..=new.count)
        .map(|number| format!("{}-{number}", new.name))
        .collect()
}

fn image(text: &str) -> Option<Image> {
    if text.starts_with("/subscriptions/") {
        return Some(Image::Id(text.to_owned()));
    }
    let parts: Vec<String> = text.split(':').map(str::to_owned).collect();
    let is_part = |part: &String| {
        !part.is_empty()
            && part
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
    };
    let parts: [String; 4] = parts.try_into().ok()?;
    parts.iter().all(is_part).then_some(Image::Named(parts))
}

/// The subscription and the resource group of a subnet.
fn subnet_place(id: &str) -> Option<(String, String)> {
    let parts: Vec<&str> = id.split('/').collect();
    let [
        "",
        subscriptions,
        subscription,
        groups,
        group,
        "providers",
        network,
        networks,
        _,
        subnets,
        _,
    ] = parts[..]
    else {
        return None;
    };
    let is_subnet = [
        (subscriptions, "subscriptions"),
        (groups, "resourceGroups"),
        (network, "Microsoft.Network"),
        (networks, "virtualNetworks"),
        (subnets, "subnets"),
    ]
    .iter()
    .all(|(found, wanted)| found.eq_ignore_ascii_case(wanted));
    let is_safe = subscription
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || c == '-')
        && is_resource_group(group)
        && parts[6..].iter().all(|part| is_resource_group(part));
    (is_subnet && is_safe).then(|| (subscription.to_owned(), group.to_owned()))
}

fn is_name(name: &str) -> bool {
    (1..=64).contains(&name.len())
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.ends_with(|c: char| c.is_ascii_alphanumeric())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
}

fn is_ssh_key(key: &str) -> bool {
    let mut parts = key.split_whitespace();
    let kind = parts.next().unwrap_or_default();
    let is_kind = kind.starts_with("ssh-") || kind.starts_with("ecdsa-");
    is_kind && parts.next().is_some_and(|key| key.starts_with("AAAA"))
}

/// Whether what was to be given to cloud-init fits: Azure takes 64 KiB of base64 at most.
pub(crate) fn user_data_fits(user_data: Option<&Secret>) -> bool {
    user_data.is_none_or(|data| data.expose().len().div_ceil(3) * 4 <= 65_535)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SUBNET: &str = "/subscriptions/0b1f6471-1bf0-4dda-aec3-111122223333/resourceGroups/net/\
                          providers/Microsoft.Network/virtualNetworks/office/subnets/default";

    fn order(change: impl FnOnce(&mut Value)) -> NewServer {
        let mut order = json!({
            "name": "web", "region": "westeurope", "instance_type": "Standard_B2s",
            "image": "Canonical:ubuntu-24_04-lts:server:latest",
            "ssh_key": "ssh-ed25519 AAAAC3Nz me", "subnet": SUBNET,
        });
        change(&mut order);
        serde_json::from_value(order).expect("it is an order")
    }

    #[test]
    fn everything_that_is_wrong_is_told() {
        let wrong = order(|order| {
            order["name"] = json!("web_1");
            order["subnet"] = json!("subnet-1");
            order["image"] = json!("ubuntu");
            order["ssh_key"] = Value::Null;
            order["security_groups"] = json!(["sg-1"]);
            order["count"] = json!(101);
        });
        let faults = Order::read(&wrong, None).expect_err("it is wrong");
        let fields: Vec<&str> = faults.iter().filter_map(|f| f.split(':').next()).collect();
        assert_eq!(
            fields,
            [
                "subnet",
                "image",
                "count",
                "name",
                "ssh_key",
                "security_groups"
            ]
        );
    }

    #[test]
    fn a_server_takes_its_disk_and_its_interface_along() {
        let new = order(|order| {
            order["zone"] = json!("westeurope-2");
            order["user_data"] = json!("#cloud-config\n");
        });
        let order = Order::read(&new, Some("apps")).expect("it is understood");
        let machine = order.machine("web", "mark");
        assert_eq!(machine["zones"], json!(["2"]));
        let properties = &machine["properties"];
        assert_eq!(
            properties["storageProfile"]["osDisk"]["deleteOption"],
            "Delete"
        );
        let interface = &properties["networkProfile"]["networkInterfaces"][0];
        assert_eq!(interface["properties"]["deleteOption"], "Delete");
        assert!(
            interface["id"]
                .as_str()
                .is_some_and(|id| id.contains("/resourceGroups/apps/"))
        );
        assert_eq!(
            properties["osProfile"]["customData"],
            "I2Nsb3VkLWNvbmZpZwo="
        );
        assert_eq!(machine["tags"][ORDER_TAG], "mark");
    }

    #[test]
    fn a_subnet_leads_nowhere_else() {
        for id in [
            "/subscriptions/a/resourceGroups/../providers/Microsoft.Network/virtualNetworks/b?c/subnets/d",
            "/subscriptions/a/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/b/subnets/d",
        ] {
            assert_eq!(subnet_place(id), None, "{id}");
        }
        assert!(subnet_place(SUBNET).is_some());
    }
}
