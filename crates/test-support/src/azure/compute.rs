//! Virtual machines: what there is of them, and making, changing and deleting them.
//!
//! Sources: `compute/resource-manager/Microsoft.Compute/ComputeRP/stable/2024-07-01/`
//! `virtualMachine.json` (with `VirtualMachine_ListAll_MaximumSet_Gen.json`,
//! `VirtualMachine_Get_InstanceView.json`, `VirtualMachine_Create_WithSshAuthentication.json`);
//! `resources/resource-manager/Microsoft.Authorization/stable/2020-05-01/locks.json`.

use serde_json::{Value, json};

use super::network::spelled;
use super::offers::{IMAGE_VERSION, SIZES, image_version, sku};
use super::operations::Effect;
use super::requests::{self, Reply, Request};
use super::world::{Machine, World};
use super::{LOCATIONS, monitor};

/// The versions that there are here.
pub(super) const VERSIONS: &[&str] = &["2024-07-01"];

/// The resource groups that there are.
const GROUPS: &[&str] = &["web", "net"];

pub(super) fn answer(world: &mut World, request: &Request) -> Result<Reply, Reply> {
    let action = |rest: &str| format!("Microsoft.Compute/{rest}");
    match request.parts()[..] {
        [
            "subscriptions",
            subscription,
            "providers",
            _,
            "virtualmachines",
        ] => {
            read(world, request, &action("virtualMachines/read"))?;
            let is_status_only = request.query("statusonly") == Some("true");
            if request.query("$expand").is_some() && request.query("$filter").is_none() {
                let said = "The expand expression is supported with a filter only.";
                return Err(Reply::error(400, "InvalidParameter", said));
            }
            let items = world.listed(subscription, |_| true, is_status_only);
            Ok(requests::page(world, request, &items))
        }
        [
            "subscriptions",
            subscription,
            "providers",
            _,
            "locations",
            location,
            "virtualmachines",
        ] => {
            read(world, request, &action("locations/virtualMachines/read"))?;
            known_location(location)?;
            if world.broken_locations.contains(location) {
                let said = format!("The location {location} is not available.");
                return Err(Reply::error(500, "InternalExecutionError", &said));
            }
            let items = world.listed(subscription, |l| l == location, false);
            Ok(requests::page(world, request, &items))
        }
        [
            "subscriptions",
            _,
            "providers",
            _,
            "locations",
            location,
            "usages",
        ] => {
            read(world, request, &action("locations/usages/read"))?;
            known_location(location)?;
            Ok(requests::page(world, request, &world.usages(location)))
        }
        [
            "subscriptions",
            _,
            "providers",
            _,
            "locations",
            location,
            "publishers",
            publisher,
            "artifacttypes",
            "vmimage",
            "offers",
            offer,
            "skus",
            sku,
            "versions",
            ref version @ ..,
        ] => {
            let right = "locations/publishers/artifacttypes/offers/skus/versions/read";
            read(world, request, &action(right))?;
            known_location(location)?;
            let is_known = (publisher, offer, sku) == ("canonical", "ubuntu-24_04-lts", "server");
            match version {
                [] if is_known => Ok(Reply::ok(json!([image_version(location, request, false)]))),
                [version] if is_known && *version == IMAGE_VERSION => {
                    Ok(Reply::ok(image_version(location, request, true)))
                }
                _ => {
                    let said = format!("Artifact: VMImage was not found: {}", request.path);
                    Err(Reply::error(404, "NotFound", &said))
                }
            }
        }
        ["subscriptions", _, "providers", _, "skus"] => {
            requests::method(request, "GET")?;
            requests::version(request, &["2021-07-01"])?;
            requests::authorise(world, request, &action("skus/read"))?;
            let filter = request.query("$filter").unwrap_or_default();
            let location = filter
                .strip_prefix("location eq '")
                .and_then(|rest| rest.strip_suffix('\''));
            let Some(location) = location else {
                return Err(Reply::error(
                    400,
                    "InvalidParameter",
                    "Only a filter by location is known.",
                ));
            };
            known_location(location)?;
            let items: Vec<Value> = SIZES.iter().map(|size| sku(location, size)).collect();
            Ok(requests::page(world, request, &items))
        }
        [
            "subscriptions",
            _,
            "resourcegroups",
            _,
            "providers",
            _,
            "virtualmachines",
            _,
            ref rest @ ..,
        ] => {
            known_group(request)?;
            let id = request.parts()[..8].join("/");
            machine(world, request, &format!("/{id}"), rest)
        }
        _ => Err(Reply::not_found(&request.path)),
    }
}

fn machine(world: &mut World, request: &Request, id: &str, rest: &[&str]) -> Result<Reply, Reply> {
    let action = |verb: &str| format!("Microsoft.Compute/virtualMachines/{verb}");
    match (request.method.as_str(), rest) {
        (_, ["providers", "microsoft.insights", "metrics"]) => monitor::single(world, request, id),
        ("PUT", ["providers", "microsoft.authorization", "locks", _]) => {
            requests::version(request, &["2020-05-01"])?;
            requests::authorise(world, request, "Microsoft.Authorization/locks/write")?;
            world.document(id)?;
            let given = request.json()?;
            if given["properties"]["level"] != "CanNotDelete" {
                return Err(Reply::error(
                    400,
                    "InvalidLockLevel",
                    "The level is not known here.",
                ));
            }
            world.locks.insert(request.path.clone());
            Ok(Reply::new(
                201,
                json!({
                    "id": request.path,
                    "name": request.path.rsplit('/').next(),
                    "type": "Microsoft.Authorization/locks",
                    "properties": given["properties"],
                }),
            ))
        }
        ("GET", []) => {
            read(world, request, &action("read"))?;
            world.document(id)?;
            let is_expanded = request
                .query("$expand")
                .is_some_and(|e| e.eq_ignore_ascii_case("instanceView"));
            world
                .machine_document(id, is_expanded)
                .map(Reply::ok)
                .ok_or_else(|| Reply::not_found(id))
        }
        ("PUT", []) => put(world, request, id),
        ("DELETE", []) => {
            requests::version(request, VERSIONS)?;
            requests::authorise(world, request, &action("delete"))?;
            if world.is_locked(id) {
                let said = format!(
                    "The scope '{id}' cannot perform delete operation because following scope(s) are locked: '{id}'. Please remove the lock and try again."
                );
                return Err(Reply::error(409, "ScopeLocked", &said));
            }
            if !world.machines.contains_key(id) {
                return Ok(Reply::new(204, Value::Null));
            }
            let location = world.provision(id, "Deleting")?;
            let effect = Effect::MachineDeleted(id.to_owned());
            Ok(world.begin(request, &location, effect, Reply::new(202, Value::Null)))
        }
        ("POST", [verb @ ("start" | "deallocate" | "restart" | "poweroff")]) => {
            requests::version(request, VERSIONS)?;
            requests::authorise(world, request, &action(&format!("{verb}/action")))?;
            world.document(id)?;
            let (during, after) = match *verb {
                "start" => ("starting", "running"),
                "deallocate" => ("deallocating", "deallocated"),
                "poweroff" => ("stopping", "stopped"),
                _ => ("running", "running"),
            };
            world.set_power(id, during);
            let location = world.provision(id, "Updating")?;
            let effect = Effect::Power(id.to_owned(), after);
            Ok(world.begin(request, &location, effect, Reply::new(202, Value::Null)))
        }
        _ => Err(Reply::not_found(&request.path)),
    }
}

fn put(world: &mut World, request: &Request, id: &str) -> Result<Reply, Reply> {
    requests::version(request, VERSIONS)?;
    for action in [
        "Compute/virtualMachines/write",
        "Compute/disks/write",
        "Network/networkInterfaces/join/action",
    ] {
        requests::authorise(world, request, &format!("Microsoft.{action}"))?;
    }
    if world.machines.contains_key(id) {
        // Changing what is there is nothing that anybody here does.
        let said = "The condition specified by the If-None-Match header is not satisfied.";
        return Err(if request.header("if-none-match") == Some("*") {
            Reply::error(412, "PreconditionFailed", said)
        } else {
            Reply::error(
                409,
                "PropertyChangeNotAllowed",
                "Changing a virtual machine is not simulated.",
            )
        });
    }
    let given = request.json()?;
    let invalid = |parameter: &str| {
        let said = format!("Required parameter '{parameter}' is missing (null).");
        Reply::error(400, "InvalidParameter", &said)
    };
    let location = given["location"]
        .as_str()
        .ok_or_else(|| invalid("location"))?
        .to_owned();
    known_location(&location)?;
    let properties = &given["properties"];
    let size = properties["hardwareProfile"]["vmSize"]
        .as_str()
        .ok_or_else(|| invalid("vmSize"))?;
    let known = SIZES
        .iter()
        .find(|known| known.0.eq_ignore_ascii_case(size));
    let Some((_, family, processors, _, restriction)) = known else {
        let said = format!("The value {size} provided for the VM size is not valid.");
        return Err(Reply::error(400, "InvalidParameter", &said));
    };
    if *restriction == Some("Location") {
        let said = format!(
            "The requested VM size {size} is currently not available in location '{location}'."
        );
        return Err(Reply::error(409, "SkuNotAvailable", &said));
    }
    let needed: i64 = processors.parse().unwrap_or(0);
    let lacking = world.usages(&location).into_iter().find(|usage| {
        let is_ours = usage["name"]["value"] == "cores" || usage["name"]["value"] == *family;
        is_ours
            && usage["limit"].as_i64() < usage["currentValue"].as_i64().map(|used| used + needed)
    });
    if let Some(usage) = lacking {
        let said = format!(
            "Operation could not be completed as it results in exceeding approved {} quota.",
            usage["name"]["localizedValue"]
        );
        return Err(Reply::error(409, "OperationNotAllowed", &said));
    }
    let person = &properties["osProfile"];
    let has_key = person
        .pointer("/linuxConfiguration/ssh/publicKeys/0/keyData")
        .is_some();
    if person["adminUsername"].as_str().is_none()
        || !(has_key || person["adminPassword"].is_string())
    {
        return Err(invalid("osProfile.adminPassword"));
    }
    if properties["storageProfile"]["imageReference"]["publisher"] != "Canonical" {
        let said = "The platform image is not available.";
        return Err(Reply::error(404, "PlatformImageNotFound", said));
    }
    let interfaces = properties["networkProfile"]["networkInterfaces"].as_array();
    let interface = interfaces
        .and_then(|all| all.first())
        .and_then(|one| one["id"].as_str());
    let interface = interface
        .ok_or_else(|| invalid("networkInterfaces"))?
        .to_ascii_lowercase();
    match world.interfaces.get(&interface) {
        None => {
            let said = format!("Resource {interface} referenced by resource {id} was not found.");
            return Err(Reply::error(400, "InvalidResourceReference", &said));
        }
        Some(document) if document["properties"]["provisioningState"] != "Succeeded" => {
            let said = format!("Resource {interface} is not in Succeeded state.");
            return Err(Reply::error(409, "ReferencedResourceNotProvisioned", &said));
        }
        Some(_) => {}
    }
    world.put_machine(&spelled(id), &given);
    let body = world.machine_document(id, false).unwrap_or_default();
    let effect = Effect::MachineMade(id.to_owned());
    Ok(world.begin(request, &location, effect, Reply::new(201, body)))
}

impl World {
    /// `VirtualMachine` of `virtualMachine.json`, as it is when it was accepted.
    pub(super) fn put_machine(&mut self, id: &str, given: &Value) {
        let key = id.to_ascii_lowercase();
        let name = id.rsplit('/').next().unwrap_or_default().to_owned();
        let mut document = given.clone();
        document["id"] = json!(spelled(&key.replace(&name.to_ascii_lowercase(), &name)));
        document["name"] = json!(name);
        document["type"] = json!("Microsoft.Compute/virtualMachines");
        document["etag"] = json!("\"1\"");
        if document.get("tags").is_none() {
            document["tags"] = json!({});
        }
        let properties = &mut document["properties"];
        properties["provisioningState"] = json!("Creating");
        properties["vmId"] = json!(self.uuid());
        properties["timeCreated"] = json!("2026-10-31T12:00:00.1234567+00:00");
        let storage = &mut properties["storageProfile"];
        storage["imageReference"]["exactVersion"] = json!(IMAGE_VERSION);
        storage["dataDisks"] = json!([]);
        storage["osDisk"]["osType"] = json!("Linux");
        storage["osDisk"]["name"] = json!(format!("{name}_OsDisk_1"));
        storage["osDisk"]["caching"] = json!("ReadWrite");
        let person = &mut properties["osProfile"];
        // It is never shown again.
        if let Some(person) = person.as_object_mut() {
            person.remove("customData");
            person.remove("adminPassword");
        }
        person["secrets"] = json!([]);
        person["allowExtensionOperations"] = json!(true);
        let interfaces = properties["networkProfile"]["networkInterfaces"]
            .as_array()
            .cloned();
        for interface in interfaces.into_iter().flatten() {
            let interface = interface["id"]
                .as_str()
                .unwrap_or_default()
                .to_ascii_lowercase();
            if let Some(interface) = self.interfaces.get_mut(&interface) {
                interface["properties"]["virtualMachine"] = json!({ "id": document["id"] });
            }
        }
        let machine = Machine {
            document,
            power: "starting".to_owned(),
        };
        self.machines.insert(key, machine);
    }

    /// Deletes a machine with those of its interfaces that go along.
    pub(super) fn remove_machine(&mut self, id: &str) {
        let Some(machine) = self.machines.remove(id) else {
            return;
        };
        let interfaces = machine.document["properties"]["networkProfile"]["networkInterfaces"]
            .as_array()
            .cloned();
        for interface in interfaces.into_iter().flatten() {
            let key = interface["id"]
                .as_str()
                .unwrap_or_default()
                .to_ascii_lowercase();
            if interface["properties"]["deleteOption"] == "Delete" {
                self.interfaces.remove(&key);
            } else if let Some(left) = self.interfaces.get_mut(&key)
                && let Some(properties) = left["properties"].as_object_mut()
            {
                properties.remove("virtualMachine");
            }
        }
    }

    /// A machine as it is told, with or without what it does.
    pub(super) fn machine_document(&self, id: &str, is_expanded: bool) -> Option<Value> {
        let machine = self.machines.get(&id.to_ascii_lowercase())?;
        let mut document = machine.document.clone();
        if is_expanded {
            document["properties"]["instanceView"] = instance_view(machine);
        }
        Some(document)
    }

    fn document(&self, id: &str) -> Result<&Value, Reply> {
        let machine = self.machines.get(id).ok_or_else(|| Reply::not_found(id))?;
        Ok(&machine.document)
    }

    fn provision(&mut self, id: &str, state: &str) -> Result<String, Reply> {
        let machine = self
            .machines
            .get_mut(id)
            .ok_or_else(|| Reply::not_found(id))?;
        machine.document["properties"]["provisioningState"] = json!(state);
        Ok(machine.document["location"]
            .as_str()
            .unwrap_or_default()
            .to_owned())
    }

    fn listed(
        &self,
        subscription: &str,
        is_there: impl Fn(&str) -> bool,
        is_status_only: bool,
    ) -> Vec<Value> {
        let root = format!("/subscriptions/{subscription}/");
        self.machines
            .iter()
            .filter(|(id, _)| id.starts_with(&root))
            .filter(|(_, machine)| machine.document["location"].as_str().is_some_and(&is_there))
            .map(|(_, machine)| {
                let document = &machine.document;
                if is_status_only {
                    json!({
                        "id": document["id"],
                        "name": document["name"],
                        "type": document["type"],
                        "location": document["location"],
                        "properties": {
                            "vmId": document["properties"]["vmId"],
                            "provisioningState": document["properties"]["provisioningState"],
                            "instanceView": instance_view(machine),
                        },
                    })
                } else {
                    document.clone()
                }
            })
            .collect()
    }
}

/// `VirtualMachineInstanceView`, from `VirtualMachine_Get_InstanceView.json`.
fn instance_view(machine: &Machine) -> Value {
    let provisioning = machine.document["properties"]["provisioningState"]
        .as_str()
        .unwrap_or_default();
    let power = &machine.power;
    json!({
        "statuses": [
            {
                "code": format!("ProvisioningState/{}", provisioning.to_ascii_lowercase()),
                "level": "Info",
                "displayStatus": format!("Provisioning {provisioning}"),
                "time": "2026-10-31T12:01:00.1234567+00:00",
            },
            {
                "code": format!("PowerState/{power}"),
                "level": "Info",
                "displayStatus": format!("VM {power}"),
            },
        ],
    })
}

fn read(world: &World, request: &Request, action: &str) -> Result<(), Reply> {
    requests::method(request, "GET")?;
    requests::version(request, VERSIONS)?;
    requests::authorise(world, request, action)
}

fn known_location(location: &str) -> Result<(), Reply> {
    if LOCATIONS.contains(&location) {
        return Ok(());
    }
    let said = format!("No registered resource provider found for location '{location}'.");
    Err(Reply::error(400, "NoRegisteredProviderFound", &said))
}

pub(super) fn known_group(request: &Request) -> Result<(), Reply> {
    let group = request.parts.get(3).map(String::as_str).unwrap_or_default();
    if GROUPS.contains(&group) {
        return Ok(());
    }
    let said = format!("Resource group '{group}' could not be found.");
    Err(Reply::error(404, "ResourceGroupNotFound", &said))
}
