//! What Compute Engine says, as far as it is of use here (`compute.v1` of Google's discovery
//! service). Numbers of 64 bits come as text.

use std::collections::BTreeMap;

use serde::Deserialize;

/// `InstanceAggregatedList`: the instances of all zones of a project.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct InstanceAggregatedList {
    pub(crate) items: BTreeMap<String, InstancesScopedList>,
    pub(crate) next_page_token: Option<String>,
    pub(crate) unreachables: Vec<String>,
}

/// The instances of a zone, or why there are none.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct InstancesScopedList {
    pub(crate) instances: Vec<Instance>,
    pub(crate) warning: Option<Warning>,
}

/// A remark beside an answer.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Warning {
    pub(crate) code: String,
    pub(crate) message: String,
}

/// A server.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Instance {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) zone: String,
    pub(crate) machine_type: String,
    pub(crate) status: String,
    pub(crate) hostname: Option<String>,
    pub(crate) network_interfaces: Vec<NetworkInterface>,
    pub(crate) disks: Vec<AttachedDisk>,
    pub(crate) source_machine_image: Option<String>,
    pub(crate) creation_timestamp: Option<String>,
    pub(crate) last_start_timestamp: Option<String>,
    pub(crate) labels: BTreeMap<String, String>,
}

/// A network interface.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct NetworkInterface {
    #[serde(rename = "networkIP")]
    pub(crate) network_ip: Option<String>,
    #[serde(rename = "ipv6Address")]
    pub(crate) ipv6_address: Option<String>,
    #[serde(rename = "accessConfigs")]
    pub(crate) access_configs: Vec<AccessConfig>,
    #[serde(rename = "ipv6AccessConfigs")]
    pub(crate) ipv6_access_configs: Vec<AccessConfig>,
}

/// A way to an interface from the Internet.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct AccessConfig {
    #[serde(rename = "natIP")]
    pub(crate) nat_ip: Option<String>,
    #[serde(rename = "externalIpv6")]
    pub(crate) external_ipv6: Option<String>,
}

/// A disk of a server.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct AttachedDisk {
    pub(crate) boot: bool,
    pub(crate) licenses: Vec<String>,
}

/// `RegionList`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct RegionList {
    pub(crate) items: Vec<Region>,
    pub(crate) next_page_token: Option<String>,
}

/// A region.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Region {
    pub(crate) name: String,
    pub(crate) zones: Vec<String>,
    pub(crate) quotas: Vec<Quota>,
}

/// How much of something a project may have in a region.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Quota {
    pub(crate) metric: String,
    pub(crate) limit: f64,
    pub(crate) usage: f64,
}

/// A zone.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Zone {
    pub(crate) region: String,
    pub(crate) status: String,
}

/// A size of servers.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct MachineType {
    pub(crate) guest_cpus: u32,
    pub(crate) architecture: Option<String>,
}

/// What servers are made from.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Image {
    pub(crate) architecture: Option<String>,
    pub(crate) disk_size_gb: Option<String>,
    pub(crate) status: Option<String>,
}

/// Something that goes on.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Operation {
    pub(crate) name: String,
    pub(crate) status: String,
    pub(crate) status_message: Option<String>,
    pub(crate) progress: Option<u32>,
    pub(crate) target_id: Option<String>,
    pub(crate) http_error_status_code: Option<u16>,
    pub(crate) error: Option<OperationFailure>,
}

/// Why it failed.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct OperationFailure {
    pub(crate) errors: Vec<OperationError>,
}

/// One of the reasons.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct OperationError {
    pub(crate) code: String,
    pub(crate) message: String,
}

/// The last piece of an address: what it names.
pub(crate) fn last(address: &str) -> &str {
    address.rsplit('/').next().unwrap_or_default()
}

/// The region of a zone: its name without the last letter.
pub(crate) fn region_of(zone: &str) -> &str {
    zone.rsplit_once('-').map_or(zone, |(region, _)| region)
}
