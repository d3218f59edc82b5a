//! The least rights that Yunhai needs, as a role of Azure's.

use serde_json::json;
use yunhai_cloud::{Policy, PolicyScope};

/// To see servers and what is measured of them. The lists of a location have rights of their own,
/// which a role can name by the star only.
const WATCH: &[&str] = &[
    "Microsoft.Compute/locations/*/read",
    "Microsoft.Compute/virtualMachines/read",
    "Microsoft.Insights/metrics/read",
    "Microsoft.Network/networkInterfaces/read",
    "Microsoft.Network/publicIPAddresses/read",
    "Microsoft.Resources/subscriptions/locations/read",
    "Microsoft.Resources/subscriptions/read",
];

/// To make, start, stop and delete servers besides.
const MANAGE: &[&str] = &[
    "Microsoft.Authorization/locks/write",
    "Microsoft.Compute/disks/delete",
    "Microsoft.Compute/disks/read",
    "Microsoft.Compute/disks/write",
    "Microsoft.Compute/galleries/images/read",
    "Microsoft.Compute/galleries/images/versions/read",
    "Microsoft.Compute/images/read",
    "Microsoft.Compute/skus/read",
    "Microsoft.Compute/virtualMachines/deallocate/action",
    "Microsoft.Compute/virtualMachines/delete",
    "Microsoft.Compute/virtualMachines/restart/action",
    "Microsoft.Compute/virtualMachines/start/action",
    "Microsoft.Compute/virtualMachines/write",
    "Microsoft.Network/locations/operationResults/read",
    "Microsoft.Network/locations/operations/read",
    "Microsoft.Network/networkInterfaces/delete",
    "Microsoft.Network/networkInterfaces/join/action",
    "Microsoft.Network/networkInterfaces/write",
    "Microsoft.Network/networkSecurityGroups/join/action",
    "Microsoft.Network/virtualNetworks/subnets/join/action",
    "Microsoft.Network/virtualNetworks/subnets/read",
];

/// Returns the role to paste.
pub fn policy(scope: PolicyScope) -> Policy {
    let (name, description) = match scope {
        PolicyScope::Watch => ("Yunhai Watch", "Sees servers and what is measured of them."),
        PolicyScope::Manage => (
            "Yunhai Manage",
            "Sees servers and what is measured of them; makes, starts, stops and deletes servers.",
        ),
    };
    let more = match scope {
        PolicyScope::Watch => &[],
        PolicyScope::Manage => MANAGE,
    };
    let actions: Vec<&str> = WATCH.iter().chain(more).copied().collect();
    let document = json!({
        "Name": name,
        "IsCustom": true,
        "Description": description,
        "Actions": actions,
        "NotActions": [],
        "AssignableScopes": ["/subscriptions/SUBSCRIPTION"],
    });
    Policy {
        kind: "Azure role".to_owned(),
        document: format!("{document:#}"),
        command: format!(
            "az role definition create --role-definition @ROLE.json && az role assignment create \
             --role \"{name}\" --assignee CLIENT_ID --scope /subscriptions/SUBSCRIPTION"
        ),
    }
}
