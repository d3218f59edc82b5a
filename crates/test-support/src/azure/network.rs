//! Network interfaces, public addresses and subnets.
//!
//! Sources: `network/resource-manager/Microsoft.Network/stable/2024-05-01/networkInterface.json`,
//! `publicIpAddress.json` and `virtualNetwork.json`, with their examples
//! (`NetworkInterfaceListAll.json`, `PublicIpAddressListAll.json`, `SubnetGet.json`).

use serde_json::{Value, json};

use super::SUBNET;
use super::operations::Effect;
use super::requests::{self, Reply, Request};
use super::world::World;

/// The versions that there are here.
pub(super) const VERSIONS: &[&str] = &["2024-05-01"];

pub(super) fn answer(world: &mut World, request: &Request) -> Result<Reply, Reply> {
    requests::version(request, VERSIONS)?;
    match request.parts()[..] {
        ["subscriptions", subscription, "providers", _, kind] => {
            requests::method(request, "GET")?;
            let (action, of) = match kind {
                "networkinterfaces" => ("networkInterfaces", &world.interfaces),
                "publicipaddresses" => ("publicIPAddresses", &world.addresses),
                _ => return Err(Reply::not_found(&request.path)),
            };
            requests::authorise(world, request, &format!("Microsoft.Network/{action}/read"))?;
            if world.is_network_broken {
                let said = "The server was unable to complete your request.";
                return Err(Reply::error(500, "InternalServerError", said));
            }
            let root = format!("/subscriptions/{subscription}/");
            let items: Vec<Value> = of
                .iter()
                .filter(|(id, _)| id.starts_with(&root))
                .map(|(_, document)| document.clone())
                .collect();
            Ok(requests::page(world, request, &items))
        }
        [.., "virtualnetworks", _, "subnets", _] => {
            requests::method(request, "GET")?;
            requests::authorise(
                world,
                request,
                "Microsoft.Network/virtualNetworks/subnets/read",
            )?;
            if !request.path.eq_ignore_ascii_case(SUBNET) {
                return Err(Reply::not_found(&request.path));
            }
            Ok(Reply::ok(json!({
                "id": SUBNET,
                "name": "default",
                "type": "Microsoft.Network/virtualNetworks/subnets",
                "etag": "W/\"00000000-0000-0000-0000-000000000000\"",
                "properties": {
                    "provisioningState": "Succeeded",
                    "addressPrefix": "10.0.0.0/24",
                    "delegations": [],
                    "privateEndpointNetworkPolicies": "Disabled",
                    "privateLinkServiceNetworkPolicies": "Enabled",
                },
            })))
        }
        [.., "networkinterfaces", _] => interface(world, request),
        _ => Err(Reply::not_found(&request.path)),
    }
}

fn interface(world: &mut World, request: &Request) -> Result<Reply, Reply> {
    let id = request.path.clone();
    let action = |verb: &str| format!("Microsoft.Network/networkInterfaces/{verb}");
    match request.method.as_str() {
        "GET" => {
            requests::authorise(world, request, &action("read"))?;
            let found = world.interfaces.get(&id).cloned();
            found
                .map(Reply::ok)
                .ok_or_else(|| Reply::not_found(&request.path))
        }
        "PUT" => {
            requests::authorise(world, request, &action("write"))?;
            let join = "Microsoft.Network/virtualNetworks/subnets/join/action";
            requests::authorise(world, request, join)?;
            super::compute::known_group(request)?;
            let given = request.json()?;
            let properties = &given["properties"];
            let configurations = properties["ipConfigurations"].as_array();
            let Some([first]) = configurations.map(Vec::as_slice) else {
                let said = "Network interface must have one or more IP configurations.";
                return Err(Reply::error(
                    400,
                    "NetworkInterfaceMustHaveAtleastOneIpConfiguration",
                    said,
                ));
            };
            let subnet = first["properties"]["subnet"]["id"]
                .as_str()
                .unwrap_or_default();
            if !subnet.eq_ignore_ascii_case(SUBNET) {
                let said = format!("Resource {subnet} referenced by resource {id} was not found.");
                return Err(Reply::error(400, "InvalidResourceReference", &said));
            }
            let Some(location) = given["location"].as_str().map(str::to_owned) else {
                let said = "The location property is required for this definition.";
                return Err(Reply::error(400, "LocationRequired", said));
            };
            let status = if world.interfaces.contains_key(&id) {
                200
            } else {
                201
            };
            let spelled = spelled(&id);
            world.put_interface(&spelled, &given, None);
            let document = world.interfaces.get_mut(&id).expect("just put there");
            document["properties"]["provisioningState"] = json!("Updating");
            let reply = Reply::new(status, document.clone());
            if status == 200 {
                document["properties"]["provisioningState"] = json!("Succeeded");
                return Ok(Reply::ok(document.clone()));
            }
            let effect = Effect::InterfaceMade(id);
            Ok(world.begin(request, &location, effect, reply))
        }
        "DELETE" => {
            requests::authorise(world, request, &action("delete"))?;
            let Some(document) = world.interfaces.get(&id) else {
                return Ok(Reply::new(204, Value::Null));
            };
            if document["properties"]["virtualMachine"].is_object() {
                let said = format!("Network Interface {id} is used by existing resource.");
                return Err(Reply::error(400, "NicInUse", &said));
            }
            let location = document["location"].as_str().unwrap_or_default().to_owned();
            let reply = Reply::new(202, Value::Null);
            Ok(world.begin(request, &location, Effect::InterfaceDeleted(id), reply))
        }
        _ => requests::method(request, "GET, PUT or DELETE").map(|()| Reply::ok(Value::Null)),
    }
}

/// Azure's own spelling of an id that came in lower case; names of groups it shouts.
pub(super) fn spelled(id: &str) -> String {
    id.replace("resourcegroups", "resourceGroups")
        .replace("/web/", "/WEB/")
        .replace("microsoft.compute", "Microsoft.Compute")
        .replace("microsoft.network", "Microsoft.Network")
        .replace("virtualmachines", "virtualMachines")
        .replace("networkinterfaces", "networkInterfaces")
        .replace("publicipaddresses", "publicIPAddresses")
}

impl World {
    /// `NetworkInterface` of `networkInterface.json`.
    pub(super) fn put_interface(&mut self, id: &str, given: &Value, public: Option<&str>) {
        let number = self.next();
        let key = id.to_ascii_lowercase();
        let known = self.interfaces.get(&key);
        let machine = known.and_then(|known| known["properties"].get("virtualMachine").cloned());
        let address = known
            .and_then(|known| {
                known.pointer("/properties/ipConfigurations/0/properties/privateIPAddress")
            })
            .cloned()
            .unwrap_or_else(|| json!(format!("10.0.0.{}", number % 250 + 4)));
        let subnet = given
            .pointer("/properties/ipConfigurations/0/properties/subnet/id")
            .cloned();
        let mut configuration = json!({
            "privateIPAddress": address,
            "privateIPAddressVersion": "IPv4",
            "privateIPAllocationMethod": "Dynamic",
            "primary": true,
            "provisioningState": "Succeeded",
            "subnet": { "id": subnet },
        });
        if let Some(public) = public {
            configuration["publicIPAddress"] = json!({ "id": public });
        }
        let mut document = json!({
            "id": id,
            "name": id.rsplit('/').next(),
            "type": "Microsoft.Network/networkInterfaces",
            "etag": "W/\"00000000-0000-0000-0000-000000000000\"",
            "location": given["location"],
            "tags": given.get("tags").cloned().unwrap_or_else(|| json!({})),
            "properties": {
                "provisioningState": "Succeeded",
                "resourceGuid": self.uuid(),
                "ipConfigurations": [{
                    "id": format!("{id}/ipConfigurations/primary"),
                    "name": "primary",
                    "type": "Microsoft.Network/networkInterfaces/ipConfigurations",
                    "etag": "W/\"00000000-0000-0000-0000-000000000000\"",
                    "properties": configuration,
                }],
                "dnsSettings": { "dnsServers": [], "appliedDnsServers": [] },
                "enableAcceleratedNetworking": false,
                "enableIPForwarding": false,
                "primary": true,
                "tapConfigurations": [],
                "hostedWorkloads": [],
                "nicType": "Standard",
            },
        });
        if let Some(machine) = machine {
            document["properties"]["virtualMachine"] = machine;
        }
        if let Some(group) = given["properties"].get("networkSecurityGroup") {
            document["properties"]["networkSecurityGroup"] = group.clone();
        }
        self.interfaces.insert(key, document);
    }
}

/// `PublicIPAddress` of `publicIpAddress.json`.
pub(super) fn public_address(id: &str, location: &str, address: &str) -> Value {
    json!({
        "id": id,
        "name": id.rsplit('/').next(),
        "type": "Microsoft.Network/publicIPAddresses",
        "etag": "W/\"00000000-0000-0000-0000-000000000000\"",
        "location": location,
        "sku": { "name": "Standard", "tier": "Regional" },
        "properties": {
            "provisioningState": "Succeeded",
            "ipAddress": address,
            "publicIPAddressVersion": "IPv4",
            "publicIPAllocationMethod": "Static",
            "idleTimeoutInMinutes": 4,
            "ipTags": [],
        },
    })
}
