//! Compute Engine: regions, zones, types, images, instances, and operations that take their time.

mod orders;

use std::collections::{BTreeMap, HashMap};

use serde_json::{Value, json};

use self::orders::Order;
use super::discovery::Question;
use super::{Answer, Refusal, World};

const REGIONS: &[&str] = &["asia-east1", "europe-west3", "us-west1"];
const ZONES: &[&str] = &["a", "b", "c"];

/// Types with their processors, their architecture, and where they are to be had.
const TYPES: &[(&str, u32, &str, &str)] = &[
    ("e2-medium", 2, "X86_64", ""),
    ("e2-standard-8", 8, "X86_64", ""),
    ("n2-standard-2", 2, "X86_64", "us-west1"),
    ("t2a-standard-1", 1, "ARM64", ""),
];

/// Images of `debian-cloud` with their family and architecture.
const IMAGES: &[(&str, &str, &str)] = &[
    ("debian-12-bookworm-v20261110", "debian-12", "X86_64"),
    (
        "debian-12-bookworm-arm64-v20261110",
        "debian-12-arm64",
        "ARM64",
    ),
];

/// Everything in all projects.
pub(super) struct Compute {
    /// By project, zone and name.
    projects: BTreeMap<String, BTreeMap<(String, String), Value>>,
    orders: BTreeMap<String, Order>,
    by_request: HashMap<String, String>,
    next_failure: Option<(String, String)>,
    last_number: u64,
}

impl Compute {
    pub(super) fn new(projects: &[&str]) -> Self {
        Self {
            projects: projects
                .iter()
                .map(|&project| (project.to_owned(), BTreeMap::new()))
                .collect(),
            orders: BTreeMap::new(),
            by_request: HashMap::new(),
            next_failure: None,
            last_number: 4_254_107_446_384_528_000,
        }
    }

    pub(super) fn fail_next(&mut self, code: String, message: String) {
        self.next_failure = Some((code, message));
    }

    pub(super) fn make(
        &mut self,
        project: &str,
        zone: &str,
        name: &str,
        labels: &Value,
        now: &str,
        address: &str,
    ) -> Option<String> {
        let order = json!({
            "name": name,
            "machineType": format!("zones/{zone}/machineTypes/e2-medium"),
            "labels": labels,
        });
        self.add(project, zone, &order, "RUNNING", now, address)
    }

    /// Changes a field, and returns what it was; `null` takes it away.
    pub(super) fn set(&mut self, project: &str, name: &str, field: &str, value: &Value) -> Value {
        let mut before = Value::Null;
        let instances = self.projects.get_mut(project).into_iter().flatten();
        for ((_, known), instance) in instances {
            if known == name
                && let Some(fields) = instance.as_object_mut()
            {
                before = fields.remove(field).unwrap_or_default();
                if !value.is_null() {
                    fields.insert(field.to_owned(), value.clone());
                }
            }
        }
        before
    }

    /// Puts an instance down as it is shown, and returns its number.
    fn add(
        &mut self,
        project: &str,
        zone: &str,
        order: &Value,
        status: &str,
        now: &str,
        address: &str,
    ) -> Option<String> {
        self.last_number += 1;
        let number = self.last_number.to_string();
        let name = order["name"].as_str()?;
        let base = format!("{address}/compute/v1/projects/{project}");
        let kind = order["machineType"].as_str()?.rsplit('/').next()?;
        let low = self.last_number % 250 + 2;
        let mut interface = json!({
            "kind": "compute#networkInterface",
            "name": "nic0",
            "network": format!("{base}/global/networks/default"),
            "networkIP": format!("10.156.0.{low}"),
        });
        if order["networkInterfaces"][0]["accessConfigs"].is_array() {
            interface["accessConfigs"] = json!([{
                "kind": "compute#accessConfig",
                "type": "ONE_TO_ONE_NAT",
                "name": "External NAT",
                "natIP": format!("203.0.113.{low}"),
            }]);
        }
        let instance = json!({
            "kind": "compute#instance",
            "id": number,
            "name": name,
            "zone": format!("{base}/zones/{zone}"),
            "machineType": format!("{base}/zones/{zone}/machineTypes/{kind}"),
            "status": status,
            "creationTimestamp": now,
            "lastStartTimestamp": now,
            "labels": order["labels"].as_object().cloned().unwrap_or_default(),
            "tags": { "items": order["tags"]["items"].as_array().cloned().unwrap_or_default() },
            "metadata": {
                "kind": "compute#metadata",
                "items": order["metadata"]["items"].as_array().cloned().unwrap_or_default(),
            },
            "networkInterfaces": [interface],
            "disks": [{
                "kind": "compute#attachedDisk",
                "boot": true,
                "autoDelete": true,
                "deviceName": "persistent-disk-0",
                "source": format!("{base}/zones/{zone}/disks/{name}"),
                "licenses": [format!(
                    "{address}/compute/v1/projects/debian-cloud/global/licenses/debian-12-bookworm"
                )],
            }],
            "deletionProtection": order["deletionProtection"] == true,
            "selfLink": format!("{base}/zones/{zone}/instances/{name}"),
        });
        let instances = self.projects.get_mut(project)?;
        instances.insert((zone.to_owned(), name.to_owned()), instance);
        Some(number)
    }

    /// Finds an instance by its name or its number.
    fn find(&self, project: &str, zone: &str, named: &str) -> Result<&Value, Refusal> {
        let instances = self.projects.get(project).into_iter().flatten();
        let mut in_zone = instances.filter(|((of, _), _)| of == zone);
        let found = in_zone.find(|((_, name), instance)| name == named || instance["id"] == named);
        found.map(|(_, instance)| instance).ok_or_else(|| {
            Refusal::not_found(&format!(
                "projects/{project}/zones/{zone}/instances/{named}"
            ))
        })
    }

    fn status(&mut self, project: &str, zone: &str, name: &str, status: &str) {
        let key = (zone.to_owned(), name.to_owned());
        let instances = self.projects.get_mut(project);
        if let Some(instance) = instances.and_then(|instances| instances.get_mut(&key)) {
            instance["status"] = json!(status);
        }
    }
}

/// Answers a method of Compute Engine.
pub(super) fn answer(world: &mut World, id: &str, question: &Question) -> Answer {
    let of = |name: &str| question.part_after(name).unwrap_or_default().to_owned();
    let (project, zone) = (of("projects"), of("zones"));
    let is_public = project == "debian-cloud" && id.starts_with("compute.images.");
    if !is_public && !world.compute.projects.contains_key(&project) {
        return Err(Refusal::not_found(&format!("projects/{project}")));
    }
    let needed: &[&str] = match id {
        "compute.instances.aggregatedList" => &["compute.instances.list"],
        "compute.regions.list" => &["compute.regions.list"],
        "compute.regions.get" => &["compute.regions.get"],
        "compute.zones.get" => &["compute.zones.get"],
        "compute.machineTypes.get" => &["compute.machineTypes.get"],
        "compute.instances.get" => &["compute.instances.get"],
        "compute.zoneOperations.get" | "compute.zoneOperations.wait" => {
            &["compute.zoneOperations.get"]
        }
        "compute.instances.start" => &["compute.instances.start"],
        "compute.instances.stop" => &["compute.instances.stop"],
        "compute.instances.reset" => &["compute.instances.reset"],
        "compute.instances.resume" => &["compute.instances.resume"],
        "compute.instances.delete" => &["compute.instances.delete"],
        // Images of Debian's own project are open to everybody.
        "compute.images.get" | "compute.images.getFromFamily" if is_public => &[],
        "compute.images.get" => &["compute.images.get"],
        "compute.images.getFromFamily" => &["compute.images.getFromFamily"],
        _ => &[],
    };
    world.needs(needed, &project)?;
    if id == "compute.regions.list" {
        return regions(world, question, &project);
    }
    if id == "compute.instances.aggregatedList" {
        return aggregated(world, question, &project);
    }
    if let Some(zone) = Some(&zone).filter(|zone| !zone.is_empty()) {
        if !is_zone(zone) {
            return Err(Refusal::not_found(&format!(
                "projects/{project}/zones/{zone}"
            )));
        }
        if world.zones_down.contains(zone) {
            let message = format!("The zone 'projects/{project}/zones/{zone}' is not reachable");
            return Err(Refusal::new(503, "backendError", message));
        }
    }
    match id {
        "compute.regions.get" => {
            let name = of("regions");
            let known = REGIONS.iter().find(|region| **region == name);
            let known = known
                .ok_or_else(|| Refusal::not_found(&format!("projects/{project}/regions/{name}")))?;
            Ok(region(world, &project, known))
        }
        "compute.zones.get" => Ok(json!({
            "kind": "compute#zone",
            "name": zone,
            "status": "UP",
            "region": format!("{}/compute/v1/projects/{project}/regions/{}", world.address, region_of(&zone)),
        })),
        "compute.machineTypes.get" => machine_type(&project, &zone, &of("machineTypes")),
        "compute.images.get" => image(&project, |(name, ..)| *name == of("images")),
        "compute.images.getFromFamily" => image(&project, |(_, family, _)| *family == of("family")),
        "compute.instances.get" => {
            let instance = world.compute.find(&project, &zone, &of("instances"))?;
            Ok(instance.clone())
        }
        "compute.zoneOperations.get" | "compute.zoneOperations.wait" => {
            let name = of("operations");
            let now = world.now();
            let is_wait = id.ends_with("wait");
            world.compute.go_on(&name, is_wait, &now);
            let order = world.compute.orders.get(&name);
            let order = order.filter(|order| order.project == project && order.zone == zone);
            order.map(|order| order.json.clone()).ok_or_else(|| {
                Refusal::not_found(&format!(
                    "projects/{project}/zones/{zone}/operations/{name}"
                ))
            })
        }
        "compute.instances.insert" => orders::insert(world, question, &project, &zone),
        _ => orders::change(world, id, question, &project, &zone),
    }
}

fn region_of(zone: &str) -> &str {
    zone.rsplit_once('-').map_or(zone, |(region, _)| region)
}

fn is_zone(zone: &str) -> bool {
    let letter = zone.rsplit('-').next().unwrap_or_default();
    REGIONS.contains(&region_of(zone)) && ZONES.contains(&letter)
}

fn zones() -> impl Iterator<Item = String> {
    REGIONS
        .iter()
        .flat_map(|region| ZONES.iter().map(move |letter| format!("{region}-{letter}")))
}

fn region(world: &World, project: &str, name: &str) -> Value {
    let base = format!("{}/compute/v1/projects/{project}", world.address);
    let instances = world.compute.projects.get(project).map_or(0, BTreeMap::len);
    let zones = ZONES
        .iter()
        .map(|letter| format!("{base}/zones/{name}-{letter}"));
    json!({
        "kind": "compute#region",
        "name": name,
        "status": "UP",
        "zones": zones.collect::<Vec<_>>(),
        "quotas": [
            { "metric": "CPUS", "limit": 24.0, "usage": 0.0 },
            { "metric": "N2_CPUS", "limit": 24.0, "usage": 24.0 },
            { "metric": "INSTANCES", "limit": 5000.0, "usage": instances as f64 },
        ],
    })
}

/// Where a page begins, how much it may hold, and what its token is a part of.
fn page(world: &World, question: &Question) -> Result<(usize, usize), Refusal> {
    let invalid = |message: String| Refusal::new(400, "invalid", message);
    let wanted = question.parameter("maxResults").unwrap_or("500");
    let most = wanted
        .parse::<usize>()
        .ok()
        .filter(|most| (1..=500).contains(most));
    let most = most.ok_or_else(|| {
        let message = "Invalid value for field 'maxResults': must be between 1 and 500";
        invalid(format!("{message}, was '{wanted}'"))
    })?;
    let token = question.parameter("pageToken").unwrap_or("page-0");
    let from = token.strip_prefix("page-").and_then(|at| at.parse().ok());
    let from =
        from.ok_or_else(|| invalid(format!("Invalid value for field 'pageToken': '{token}'")))?;
    Ok((from, most.min(world.page)))
}

fn next(world: &World, from: usize, most: usize, whole: usize) -> Option<String> {
    if world.repeats_pages {
        return Some("page-0".to_owned());
    }
    (from + most < whole).then(|| format!("page-{}", from + most))
}

fn regions(world: &World, question: &Question, project: &str) -> Answer {
    let (from, most) = page(world, question)?;
    let items = REGIONS.iter().skip(from).take(most);
    let mut list = json!({
        "kind": "compute#regionList",
        "id": format!("projects/{project}/regions"),
        "items": items.map(|name| region(world, project, name)).collect::<Vec<_>>(),
    });
    if let Some(token) = next(world, from, most, REGIONS.len()) {
        list["nextPageToken"] = json!(token);
    }
    Ok(list)
}

fn aggregated(world: &World, question: &Question, project: &str) -> Answer {
    let (from, most) = page(world, question)?;
    let is_partial = question.parameter("returnPartialSuccess") == Some("true");
    if !is_partial && let Some(zone) = world.zones_down.first() {
        let message = format!("The zone 'projects/{project}/zones/{zone}' is not reachable");
        return Err(Refusal::new(503, "backendError", message));
    }
    let instances = &world.compute.projects[project];
    let up: Vec<(&(String, String), &Value)> = instances
        .iter()
        .filter(|((zone, _), _)| !world.zones_down.contains(zone))
        .collect();
    let mut items = serde_json::Map::new();
    for zone in zones() {
        let warning = |code: &str, message: String| {
            let data = json!([{ "key": "scope", "value": format!("zones/{zone}") }]);
            json!({ "warning": { "code": code, "message": message, "data": data } })
        };
        let here: Vec<&Value> = up
            .iter()
            .skip(from)
            .take(most)
            .filter(|((of, _), _)| *of == zone)
            .map(|(_, instance)| *instance)
            .collect();
        let item = if world.zones_down.contains(&zone) {
            warning(
                "UNREACHABLE",
                format!("The scope 'zones/{zone}' is not reachable."),
            )
        } else if here.is_empty() {
            let message = format!("There are no results for scope 'zones/{zone}' on this page.");
            warning("NO_RESULTS_ON_PAGE", message)
        } else {
            json!({ "instances": here })
        };
        items.insert(format!("zones/{zone}"), item);
    }
    let mut list = json!({
        "kind": "compute#instanceAggregatedList",
        "id": format!("projects/{project}/aggregated/instances"),
        "items": items,
    });
    if !world.zones_down.is_empty() {
        let down = world.zones_down.iter().map(|zone| format!("zones/{zone}"));
        list["unreachables"] = json!(down.collect::<Vec<_>>());
    }
    if let Some(token) = next(world, from, most, up.len()) {
        list["nextPageToken"] = json!(token);
    }
    Ok(list)
}

fn machine_type(project: &str, zone: &str, name: &str) -> Answer {
    let known = TYPES
        .iter()
        .find(|(kind, .., only)| *kind == name && zone.starts_with(only));
    let (_, cpus, architecture, _) = known.ok_or_else(|| {
        Refusal::not_found(&format!(
            "projects/{project}/zones/{zone}/machineTypes/{name}"
        ))
    })?;
    Ok(json!({
        "kind": "compute#machineType",
        "name": name,
        "zone": zone,
        "guestCpus": cpus,
        "memoryMb": 4096,
        "architecture": architecture,
    }))
}

fn image(project: &str, is_it: impl Fn(&(&str, &str, &str)) -> bool) -> Answer {
    let found = IMAGES.iter().find(|image| is_it(image));
    let found = found.filter(|_| project == "debian-cloud");
    let (name, family, architecture) =
        found.ok_or_else(|| Refusal::not_found(&format!("projects/{project}/global/images")))?;
    Ok(json!({
        "kind": "compute#image",
        "name": name,
        "family": family,
        "architecture": architecture,
        "diskSizeGb": "10",
        "status": "READY",
    }))
}
