//! What virtual machines may be made of, and how many.
//!
//! Sources: `compute/resource-manager/Microsoft.Compute/ComputeRP/stable/2024-07-01/`
//! `virtualMachineImage.json` and `computeRPCommon.json`, and `Skus/stable/2021-07-01/skus.json`.

use serde_json::{Value, json};

use super::requests::Request;
use super::world::World;

/// The one version of the one image.
pub(super) const IMAGE_VERSION: &str = "24.04.202610150";

/// Sizes: name, family, processors, their kind, and what restricts them.
pub(super) const SIZES: &[(&str, &str, &str, &str, Option<&str>)] = &[
    ("Standard_B2s", "standardBSFamily", "2", "x64", None),
    (
        "Standard_D4ps_v5",
        "standardDPSv5Family",
        "4",
        "Arm64",
        None,
    ),
    ("Standard_D64s_v5", "standardDSv5Family", "64", "x64", None),
    (
        "Standard_NV6",
        "standardNVFamily",
        "6",
        "x64",
        Some("Location"),
    ),
    (
        "Standard_E2s_v5",
        "standardESv5Family",
        "2",
        "x64",
        Some("Zone"),
    ),
];

impl World {
    /// `Usage` of `computeRPCommon.json`.
    pub(super) fn usages(&self, location: &str) -> Vec<Value> {
        let used = |family: Option<&str>| -> i64 {
            let machines = self
                .machines
                .values()
                .filter(|machine| machine.document["location"] == location);
            let sizes = machines.filter_map(|machine| {
                machine.document["properties"]["hardwareProfile"]["vmSize"].as_str()
            });
            let sizes = sizes.filter_map(|size| SIZES.iter().find(|known| known.0 == size));
            let sizes = sizes.filter(|known| family.is_none_or(|family| family == known.1));
            sizes.filter_map(|known| known.2.parse::<i64>().ok()).sum()
        };
        let usage = |name: &str, label: &str, limit: i64, used: i64| {
            json!({
                "unit": "Count",
                "currentValue": used,
                "limit": limit,
                "name": { "value": name, "localizedValue": label },
            })
        };
        let mut usages = vec![usage("cores", "Total Regional vCPUs", 100, used(None))];
        for (_, family, ..) in SIZES {
            let limit = if *family == "standardDSv5Family" {
                10
            } else {
                100
            };
            usages.push(usage(
                family,
                &format!("{family} vCPUs"),
                limit,
                used(Some(family)),
            ));
        }
        usages
    }
}

/// `VirtualMachineImage` and `VirtualMachineImageResource` of `virtualMachineImage.json`.
pub(super) fn image_version(location: &str, request: &Request, is_whole: bool) -> Value {
    let id = request
        .path
        .trim_end_matches(&format!("/{IMAGE_VERSION}"))
        .to_owned();
    let mut image = json!({
        "id": format!("{id}/{IMAGE_VERSION}"),
        "name": IMAGE_VERSION,
        "location": location,
    });
    if is_whole {
        image["properties"] = json!({
            "architecture": "x64",
            "hyperVGeneration": "V2",
            "osDiskImage": { "operatingSystem": "Linux" },
            "dataDiskImages": [],
            "automaticOSUpgradeProperties": { "automaticOSUpgradeSupported": false },
        });
    }
    image
}

/// `ResourceSku` of `skus.json`.
pub(super) fn sku(
    location: &str,
    (name, family, processors, kind, restriction): &(&str, &str, &str, &str, Option<&str>),
) -> Value {
    let restrictions: Vec<Value> = restriction
        .iter()
        .map(|of| {
            let mut info = json!({ "locations": [location] });
            if *of == "Zone" {
                info["zones"] = json!(["3"]);
            }
            json!({
                "type": of,
                "values": [location],
                "restrictionInfo": info,
                "reasonCode": "NotAvailableForSubscription",
            })
        })
        .collect();
    json!({
        "resourceType": "virtualMachines",
        "name": name,
        "tier": "Standard",
        "size": name.trim_start_matches("Standard_"),
        "family": family,
        "locations": [location],
        "locationInfo": [{ "location": location, "zones": ["1", "2", "3"], "zoneDetails": [] }],
        "capabilities": [
            { "name": "vCPUs", "value": processors },
            { "name": "CpuArchitectureType", "value": kind },
        ],
        "restrictions": restrictions,
    })
}
