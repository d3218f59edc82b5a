//! The instances of Compute Engine, project by project, all regions of each at once.

use std::collections::BTreeMap;

use async_trait::async_trait;
use futures::FutureExt as _;
use yunhai_cloud::{
    CloudServer, Error, ErrorKind, Inventory, Missing, Pages, PowerState, SCOPES_AT_ONCE,
    ServerRef, Servers, concurrently, each_once,
};
use yunhai_model::TimestampMs;

use crate::account::GcpAccount;
use crate::compute::{AttachedDisk, Instance, InstanceAggregatedList, Warning, last, region_of};

/// How many instances a page has at most.
const PAGE: &str = "500";

/// What was found in a project.
#[derive(Default)]
struct Listing {
    servers: BTreeMap<String, CloudServer>,
    /// The regions that could not be reached, and why.
    unreached: BTreeMap<String, Error>,
    /// Why the list ends before its end.
    failure: Option<Error>,
    calls: u64,
}

#[async_trait]
impl Servers for GcpAccount {
    async fn list(&self, regions: &[String]) -> Inventory {
        let projects = &self.settings.projects;
        let questions = projects
            .iter()
            .map(|project| self.list_project(project, regions).boxed())
            .collect();
        let listings = concurrently(questions, SCOPES_AT_ONCE).await;
        let is_all_missing = listings.iter().all(|listing| listing.failure.is_some());
        let mut whole = Inventory::default();
        let mut failures = Vec::new();
        for (project, listing) in projects.iter().zip(listings) {
            whole.servers.extend(listing.servers.into_values());
            whole.calls += listing.calls;
            for (region, error) in listing.unreached {
                whole.missing.push(missing(region, error));
            }
            failures.extend(listing.failure.map(|error| (project, error)));
        }
        // A project that cannot be listed is missing in all regions; where none can, they are.
        for (position, (project, error)) in failures.into_iter().enumerate() {
            if is_all_missing && position == 0 {
                let of_regions = regions
                    .iter()
                    .map(|region| missing(region.clone(), error.clone()));
                whole.missing.extend(of_regions);
            } else {
                whole.missing.push(missing(project.clone(), error));
            }
        }
        whole
    }
}

impl GcpAccount {
    async fn list_project(&self, project: &str, regions: &[String]) -> Listing {
        let attempted = format!("list the servers of {project}");
        let mut listing = Listing::default();
        let mut pages = Pages::default();
        listing.failure = loop {
            listing.calls += 1;
            let address = self
                .client
                .compute(&format!("projects/{project}/aggregated/instances"));
            let mut query = vec![
                ("maxResults", PAGE.to_owned()),
                // Otherwise one zone that is down hides all others.
                ("returnPartialSuccess", "true".to_owned()),
            ];
            query.extend(pages.token().map(|token| ("pageToken", token)));
            let page = self.client.get(&attempted, address, query).await;
            let page: InstanceAggregatedList = match page {
                Ok(page) => page,
                Err(error) => break Some(error),
            };
            let next = page.next_page_token.clone();
            listing.take(project, regions, page);
            match pages.go_on(next, attempted.clone()) {
                Ok(true) => {}
                Ok(false) => break None,
                Err(error) => break Some(error),
            }
        };
        listing
    }
}

impl Listing {
    fn take(&mut self, project: &str, regions: &[String], page: InstanceAggregatedList) {
        for (scope, list) in page.items {
            if let Some(warning) = list.warning.filter(is_of_trouble) {
                self.miss(project, regions, &scope, &warning);
            }
            let servers = list
                .instances
                .iter()
                .filter_map(|instance| server(project, instance))
                .filter(|server| regions.contains(&server.server.region));
            self.servers
                .extend(servers.map(|server| (server.server.id.clone(), server)));
        }
        for scope in page.unreachables {
            let warning = Warning {
                code: "UNREACHABLE".to_owned(),
                message: format!("{scope} cannot be reached"),
            };
            self.miss(project, regions, &scope, &warning);
        }
    }

    /// Notes that a zone is missing; its region is told once.
    fn miss(&mut self, project: &str, regions: &[String], scope: &str, warning: &Warning) {
        let region = region_of(last(scope)).to_owned();
        if !regions.contains(&region) {
            return;
        }
        self.unreached
            .entry(region)
            .or_insert_with_key(|region| Error {
                kind: ErrorKind::Unavailable,
                attempted: format!("list the servers of {project} in {region}"),
                said: if warning.message.is_empty() {
                    format!("{scope} cannot be listed")
                } else {
                    warning.message.clone()
                },
                code: Some(warning.code.clone()),
            });
    }
}

/// Zones in which there is nothing say so by a warning.
fn is_of_trouble(warning: &Warning) -> bool {
    !matches!(
        &*warning.code,
        "" | "NO_RESULTS_ON_PAGE" | "NOT_CRITICAL_ERROR"
    )
}

fn missing(scope: String, error: Error) -> Missing {
    Missing { scope, error }
}

/// Takes over an instance; one without an id is none.
fn server(project: &str, instance: &Instance) -> Option<CloudServer> {
    let id = Some(&instance.id).filter(|id| !id.is_empty())?;
    let zone = last(&instance.zone);
    let interfaces = &instance.network_interfaces;
    let private = interfaces
        .iter()
        .filter_map(|interface| interface.network_ip.as_deref());
    let public = interfaces.iter().flat_map(|interface| {
        let access = interface.access_configs.iter();
        let access6 = interface.ipv6_access_configs.iter();
        access
            .filter_map(|access| access.nat_ip.as_deref())
            .chain(access6.filter_map(|access| access.external_ipv6.as_deref()))
    });
    let public = each_once(public);
    // An interface tells its address of IPv6 here too where it can be reached from the Internet.
    let private6 = interfaces
        .iter()
        .filter_map(|interface| interface.ipv6_address.as_deref())
        .filter(|address| !public.iter().any(|known| known == address));
    let started = instance.last_start_timestamp.as_deref();
    let created = instance.creation_timestamp.as_deref();
    Some(CloudServer {
        server: ServerRef {
            region: region_of(zone).to_owned(),
            id: format!("projects/{project}/zones/{zone}/instances/{id}"),
        },
        name: instance.name.clone(),
        instance_type: last(&instance.machine_type).to_owned(),
        state: power_state(&instance.status),
        zone: Some(zone.to_owned()),
        private_addresses: each_once(private.chain(private6)),
        public_addresses: public,
        // Without one of its own it goes by its name.
        host_name: instance.hostname.clone().or(Some(instance.name.clone())),
        image: image(instance),
        launched_at_ms: started.or(created).and_then(milliseconds),
        is_measured_each_minute: true,
        tags: instance.labels.clone(),
    })
}

fn power_state(status: &str) -> PowerState {
    match status {
        "PENDING" | "PROVISIONING" | "STAGING" => PowerState::Starting,
        "RUNNING" => PowerState::Running,
        "DEPROVISIONING" | "PENDING_STOP" | "STOPPING" | "SUSPENDING" => PowerState::Stopping,
        "STOPPED" | "SUSPENDED" | "TERMINATED" => PowerState::Stopped,
        // REPAIRING among others: it should run, and does not.
        _ => PowerState::Unknown,
    }
}

/// The image itself is known to the disk only; its licences say which system it has:
/// `debian-cloud/debian-12-bookworm`.
fn image(instance: &Instance) -> Option<String> {
    let of_disk = |disk: &AttachedDisk| {
        let licence = disk.licenses.first()?;
        let path = licence.split_once("/projects/").map(|(_, path)| path)?;
        let project = path.split('/').next()?;
        Some(format!("{project}/{}", last(path)))
    };
    let boot = instance.disks.iter().find(|disk| disk.boot);
    boot.and_then(of_disk).or_else(|| {
        instance
            .source_machine_image
            .as_deref()
            .map(last)
            .map(str::to_owned)
    })
}

fn milliseconds(text: &str) -> Option<TimestampMs> {
    let at: jiff::Timestamp = text.parse().ok()?;
    Some(at.as_millisecond())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_instance_is_taken_over_with_what_people_look_for() {
        // After the example of `instances.get` in the reference of Compute Engine.
        let instance = json!({
            "id": "4254107446384528432",
            "name": "web-1",
            "zone": "https://www.googleapis.com/compute/v1/projects/my-project/zones/europe-west3-c",
            "machineType": "https://www.googleapis.com/compute/v1/projects/my-project/zones/europe-west3-c/machineTypes/e2-medium",
            "status": "RUNNING",
            "creationTimestamp": "2026-11-01T00:10:00.123-08:00",
            "lastStartTimestamp": "2026-11-02T00:10:00.123-08:00",
            "labels": { "team": "web" },
            "networkInterfaces": [{
                "networkIP": "10.156.0.2",
                "accessConfigs": [{ "natIP": "34.1.2.3" }, {}],
                "ipv6Address": "fd20::1",
            }],
            "disks": [
                { "boot": false, "licenses": [] },
                { "boot": true, "licenses": [
                    "https://www.googleapis.com/compute/v1/projects/debian-cloud/global/licenses/debian-12-bookworm",
                ] },
            ],
        });
        let instance: Instance = serde_json::from_value(instance).unwrap();
        let server = server("my-project", &instance).unwrap();
        assert_eq!(server.server.region, "europe-west3");
        assert_eq!(
            server.server.id,
            "projects/my-project/zones/europe-west3-c/instances/4254107446384528432"
        );
        assert_eq!(server.instance_type, "e2-medium");
        assert_eq!(
            server.image.as_deref(),
            Some("debian-cloud/debian-12-bookworm")
        );
        assert_eq!(server.private_addresses, ["10.156.0.2", "fd20::1"]);
        assert_eq!(server.public_addresses, ["34.1.2.3"]);
        assert_eq!(server.launched_at_ms, Some(1_793_607_000_123));
    }

    #[test]
    fn what_is_off_is_stopped_and_what_is_repaired_is_not() {
        assert_eq!(power_state("TERMINATED"), PowerState::Stopped);
        assert_eq!(power_state("SUSPENDED"), PowerState::Stopped);
        assert_eq!(power_state("REPAIRING"), PowerState::Unknown);
    }
}
