//! The least rights that Yunhai needs, as a role of one's own.

use std::fmt::Write as _;

use yunhai_cloud::{Policy, PolicyScope};

/// To see servers and what is measured of them.
const WATCH: &[&str] = &[
    "compute.instances.list",
    "compute.regions.list",
    "monitoring.timeSeries.list",
];

/// To make, start, stop and delete servers besides.
const MANAGE: &[&str] = &[
    "compute.disks.create",
    "compute.images.get",
    "compute.images.getFromFamily",
    "compute.images.useReadOnly",
    "compute.instances.create",
    "compute.instances.delete",
    "compute.instances.get",
    "compute.instances.reset",
    "compute.instances.resume",
    "compute.instances.setLabels",
    "compute.instances.setMetadata",
    "compute.instances.setTags",
    "compute.instances.start",
    "compute.instances.stop",
    "compute.machineTypes.get",
    "compute.networks.use",
    "compute.networks.useExternalIp",
    "compute.regions.get",
    "compute.subnetworks.use",
    "compute.subnetworks.useExternalIp",
    "compute.zoneOperations.get",
    "compute.zones.get",
];

/// Returns the role to make in each project.
pub fn policy(scope: PolicyScope) -> Policy {
    let (title, mut permissions) = match scope {
        PolicyScope::Watch => ("Yunhai, watching", WATCH.to_vec()),
        PolicyScope::Manage => ("Yunhai, managing", [WATCH, MANAGE].concat()),
    };
    permissions.sort_unstable();
    let mut document = format!("title: {title}\nstage: GA\nincludedPermissions:\n");
    for permission in permissions {
        let _ = writeln!(document, "- {permission}");
    }
    Policy {
        kind: "IAM role".to_owned(),
        document,
        command: "gcloud iam roles create yunhai --project=PROJECT --file=ROLE.yaml && \
                  gcloud projects add-iam-policy-binding PROJECT \
                  --member=serviceAccount:ACCOUNT_EMAIL --role=projects/PROJECT/roles/yunhai"
            .to_owned(),
    }
}
