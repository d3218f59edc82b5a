//! Orders: what they have to be like, and the operations that carry them out step by step.

use serde_json::{Value, json};

use super::super::discovery::Question;
use super::super::{Answer, EMAIL, Refusal, World};
use super::{Compute, image, machine_type};

/// How often an operation is asked for until it is done.
const STEPS: u32 = 3;

/// What was ordered.
pub(super) struct Order {
    pub(super) json: Value,
    pub(super) project: String,
    pub(super) zone: String,
    instance: String,
    steps_left: u32,
    /// What the instance is afterwards; nothing where it is gone.
    becomes: Option<&'static str>,
    failure: Option<(String, String)>,
}

impl Compute {
    /// Goes on a step with an order, or to its end.
    pub(super) fn go_on(&mut self, name: &str, to_the_end: bool, now: &str) {
        let Some(order) = self.orders.get_mut(name) else {
            return;
        };
        if order.steps_left == 0 {
            return;
        }
        order.steps_left = if to_the_end { 0 } else { order.steps_left - 1 };
        let done = 100 - 100 * order.steps_left / STEPS;
        order.json["progress"] = json!(done);
        order.json["status"] = json!("RUNNING");
        order.json["startTime"] = json!(now);
        if order.steps_left > 0 {
            return;
        }
        order.json["status"] = json!("DONE");
        order.json["endTime"] = json!(now);
        let (project, zone) = (order.project.clone(), order.zone.clone());
        let (instance, becomes) = (order.instance.clone(), order.becomes);
        if let Some((code, message)) = order.failure.clone() {
            order.json["error"] = json!({ "errors": [{ "code": code, "message": message }] });
            order.json["httpErrorStatusCode"] = json!(403);
            order.json["httpErrorMessage"] = json!("FORBIDDEN");
            if order.json["operationType"] == "insert" {
                let key = (zone, instance);
                self.projects.get_mut(&project).map(|all| all.remove(&key));
            }
            return;
        }
        if let Some(status) = becomes {
            self.status(&project, &zone, &instance, status);
        } else {
            let key = (zone, instance);
            self.projects.get_mut(&project).map(|all| all.remove(&key));
        }
    }
}

/// Answers `instances.insert`.
pub(super) fn insert(world: &mut World, question: &Question, project: &str, zone: &str) -> Answer {
    let order = question.body.clone().unwrap_or_default();
    let mut needed = vec!["compute.instances.create", "compute.disks.create"];
    let interface = &order["networkInterfaces"][0];
    if interface["subnetwork"].is_string() {
        needed.push("compute.subnetworks.use");
    } else {
        needed.push("compute.networks.use");
    }
    if interface["accessConfigs"].is_array() {
        needed.push("compute.networks.useExternalIp");
    }
    for (field, permission) in [
        ("metadata", "compute.instances.setMetadata"),
        ("labels", "compute.instances.setLabels"),
        ("tags", "compute.instances.setTags"),
    ] {
        if order[field].is_object() {
            needed.push(permission);
        }
    }
    world.needs(&needed, project)?;
    if let Some(known) = known(world, question)? {
        return Ok(known);
    }
    let invalid = |field: &str, said: &str| {
        let message = format!("Invalid value for field 'resource.{field}': {said}");
        Refusal::new(400, "invalid", message)
    };
    let name = order["name"].as_str().unwrap_or_default().to_owned();
    let is_of_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let begins_well = name.starts_with(|c: char| c.is_ascii_lowercase());
    if !begins_well || name.len() > 63 || name.ends_with('-') || !name.chars().all(is_of_name) {
        return Err(invalid(
            "name",
            "Must be a match of regex '[a-z]([-a-z0-9]{0,61}[a-z0-9])?'",
        ));
    }
    let kind = order["machineType"].as_str().unwrap_or_default();
    let kind = kind
        .split_once("zones/")
        .and_then(|(_, rest)| rest.strip_prefix(&format!("{zone}/machineTypes/")))
        .ok_or_else(|| invalid("machineType", "The URL is malformed"))?;
    machine_type(project, zone, kind)?;
    let source = order["disks"][0]["initializeParams"]["sourceImage"].as_str();
    let source = source.ok_or_else(|| invalid("disks", "a boot disk is needed"))?;
    let parts: Vec<&str> = source.rsplit('/').collect();
    match parts[..] {
        [family, "family", "images", "global", of, ..] => image(of, |(_, it, _)| *it == family)?,
        [named, "images", "global", of, ..] => image(of, |(it, ..)| *it == named)?,
        _ => {
            return Err(invalid(
                "disks[0].initializeParams.sourceImage",
                "The URL is malformed",
            ));
        }
    };
    if !interface["network"].is_string() && !interface["subnetwork"].is_string() {
        return Err(invalid(
            "networkInterfaces",
            "At least one network interface is required.",
        ));
    }
    if world.compute.find(project, zone, &name).is_ok() {
        let message = format!(
            "The resource 'projects/{project}/zones/{zone}/instances/{name}' already exists"
        );
        return Err(Refusal::new(409, "alreadyExists", message));
    }
    let (now, address) = (world.now(), world.address.clone());
    let number = world
        .compute
        .add(project, zone, &order, "PROVISIONING", &now, &address)
        .unwrap_or_default();
    let becomes = Some("RUNNING");
    Ok(ordered(
        world,
        question,
        (project, zone, &name, &number),
        "insert",
        becomes,
    ))
}

/// Starts, stops, resets, resumes, deletes, protects.
pub(super) fn change(
    world: &mut World,
    id: &str,
    question: &Question,
    project: &str,
    zone: &str,
) -> Answer {
    let named = question.part_after("instances").unwrap_or_default();
    let instance = world.compute.find(project, zone, named)?.clone();
    let text = |field: &str| instance[field].as_str().unwrap_or_default().to_owned();
    let (name, number, status) = (text("name"), text("id"), text("status"));
    if let Some(known) = known(world, question)? {
        return Ok(known);
    }
    let not_ready = || {
        let path = format!("projects/{project}/zones/{zone}/instances/{name}");
        let message = format!("The resource '{path}' is not ready");
        Err(Refusal::new(400, "resourceNotReady", message))
    };
    let (meanwhile, becomes) = match id {
        "compute.instances.start" => match status.as_str() {
            "SUSPENDED" | "SUSPENDING" | "STOPPING" => return not_ready(),
            "RUNNING" => ("RUNNING", Some("RUNNING")),
            _ => ("STAGING", Some("RUNNING")),
        },
        "compute.instances.resume" if status == "SUSPENDED" => ("STAGING", Some("RUNNING")),
        "compute.instances.reset" if status == "RUNNING" => ("RUNNING", Some("RUNNING")),
        "compute.instances.resume" | "compute.instances.reset" => return not_ready(),
        "compute.instances.stop" => ("STOPPING", Some("TERMINATED")),
        "compute.instances.delete" if instance["deletionProtection"] == true => {
            let message = "Invalid resource usage: 'Resource cannot be deleted if it's protected \
                           against deletion. You can unprotect it by setting deletionProtection \
                           to false.'.";
            return Err(Refusal::new(400, "invalidUsage", message));
        }
        "compute.instances.delete" => ("STOPPING", None),
        other => {
            return Err(Refusal::new(
                501,
                "notImplemented",
                format!("{other} is not simulated"),
            ));
        }
    };
    world.compute.status(project, zone, &name, meanwhile);
    let kind = id.rsplit('.').next().unwrap_or_default();
    Ok(ordered(
        world,
        question,
        (project, zone, &name, &number),
        kind,
        becomes,
    ))
}

/// The operation of an order that was given before with the same `requestId`.
fn known(world: &World, question: &Question) -> Result<Option<Value>, Refusal> {
    let Some(id) = question.parameter("requestId") else {
        return Ok(None);
    };
    let lengths: Vec<usize> = id.split('-').map(str::len).collect();
    let is_uuid = lengths == [8, 4, 4, 4, 12]
        && id.chars().all(|c| c == '-' || c.is_ascii_hexdigit())
        && id.chars().any(|c| c != '-' && c != '0');
    if !is_uuid {
        let message = format!("Invalid value for field 'requestId': '{id}'. Must be a valid UUID");
        return Err(Refusal::new(400, "invalid", message));
    }
    let name = world.compute.by_request.get(id);
    let order = name.and_then(|name| world.compute.orders.get(name));
    Ok(order.map(|order| order.json.clone()))
}

fn ordered(
    world: &mut World,
    question: &Question,
    (project, zone, instance, number): (&str, &str, &str, &str),
    kind: &str,
    becomes: Option<&'static str>,
) -> Value {
    world.compute.last_number += 1;
    let id = world.compute.last_number.to_string();
    let name = format!("operation-{id}");
    let base = format!(
        "{}/compute/v1/projects/{project}/zones/{zone}",
        world.address
    );
    let json = json!({
        "kind": "compute#operation",
        "id": id,
        "name": name,
        "zone": base,
        "operationType": kind,
        "targetLink": format!("{base}/instances/{instance}"),
        "targetId": number,
        "status": "PENDING",
        "progress": 0,
        "user": EMAIL,
        "insertTime": world.now(),
        "selfLink": format!("{base}/operations/{name}"),
    });
    let order = Order {
        json: json.clone(),
        project: project.to_owned(),
        zone: zone.to_owned(),
        instance: instance.to_owned(),
        steps_left: STEPS,
        becomes,
        failure: world.compute.next_failure.take(),
    };
    world.compute.orders.insert(name.clone(), order);
    if let Some(request) = question.parameter("requestId") {
        world.compute.by_request.insert(request.to_owned(), name);
    }
    json
}
