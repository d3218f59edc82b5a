//! What there is in the simulated Azure, and what goes wrong with it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use super::operations::Pending;

/// A machine that is to be there at once.
#[derive(Clone, Copy, Debug)]
pub struct MachineToMake<'a> {
    /// Its subscription.
    pub subscription: &'a str,
    /// Its location.
    pub location: &'a str,
    /// Its name.
    pub name: &'a str,
    /// Whether it has a public address.
    pub is_public: bool,
}

/// How a metric fails in every batch.
#[derive(Clone, Debug)]
pub struct MetricFault {
    /// Which.
    pub metric: String,
    /// Its `errorCode`.
    pub code: String,
    /// Its `errorMessage`.
    pub message: String,
}

/// How an operation ends badly.
#[derive(Clone, Debug)]
pub struct OperationFault {
    /// `Failed` or `Canceled`.
    pub status: String,
    /// The code of its error.
    pub code: String,
    /// The message of its error.
    pub message: String,
}

/// A token that was given out.
#[derive(Clone, Debug)]
pub(super) struct Token {
    pub(super) audience: String,
    pub(super) until_ms: i64,
}

/// A virtual machine: its document without its instance view, and what it does.
#[derive(Clone, Debug)]
pub(super) struct Machine {
    pub(super) document: Value,
    pub(super) power: String,
}

/// Everything; ids are keys in lower case.
#[derive(Debug)]
#[allow(clippy::struct_excessive_bools)] // Each is a fault of its own.
pub(super) struct World {
    pub(super) clock_ahead_ms: i64,
    pub(super) token_lifetime_secs: i64,
    pub(super) is_secret_expired: bool,
    pub(super) tokens: HashMap<String, Token>,
    pub(super) sign_ins: u64,
    pub(super) machines: BTreeMap<String, Machine>,
    pub(super) interfaces: BTreeMap<String, Value>,
    pub(super) addresses: BTreeMap<String, Value>,
    pub(super) locks: BTreeSet<String>,
    pub(super) measured: HashMap<(String, String), BTreeMap<i64, f64>>,
    pub(super) operations: HashMap<String, Pending>,
    pub(super) operation_rounds: u32,
    pub(super) operation_retry_after_secs: u64,
    pub(super) is_operation_by_location: bool,
    pub(super) operation_fault: Option<OperationFault>,
    pub(super) polled_too_early: u64,
    pub(super) page: usize,
    pub(super) throttled: u64,
    pub(super) retry_after_secs: u64,
    pub(super) questions_left: u64,
    pub(super) denied_subscriptions: BTreeSet<String>,
    pub(super) broken_locations: BTreeSet<String>,
    pub(super) is_network_broken: bool,
    pub(super) is_page_repeated: bool,
    pub(super) is_list_halved: bool,
    pub(super) is_list_spoiled: bool,
    pub(super) metric_fault: Option<MetricFault>,
    pub(super) permitted: Option<Vec<String>>,
    pub(super) requests: Vec<String>,
    next: u64,
}

impl World {
    pub(super) fn new() -> Self {
        Self {
            clock_ahead_ms: 0,
            token_lifetime_secs: 3599,
            is_secret_expired: false,
            tokens: HashMap::new(),
            sign_ins: 0,
            machines: BTreeMap::new(),
            interfaces: BTreeMap::new(),
            addresses: BTreeMap::new(),
            locks: BTreeSet::new(),
            measured: HashMap::new(),
            operations: HashMap::new(),
            operation_rounds: 1,
            operation_retry_after_secs: 0,
            is_operation_by_location: false,
            operation_fault: None,
            polled_too_early: 0,
            page: 3,
            throttled: 0,
            retry_after_secs: 1,
            questions_left: 11_999,
            denied_subscriptions: BTreeSet::new(),
            broken_locations: BTreeSet::new(),
            is_network_broken: false,
            is_page_repeated: false,
            is_list_halved: false,
            is_list_spoiled: false,
            metric_fault: None,
            permitted: None,
            requests: Vec::new(),
            next: 0,
        }
    }

    pub(super) fn now_ms(&self) -> i64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        since.map_or(0, |since| since.as_millis() as i64) + self.clock_ahead_ms
    }

    pub(super) fn next(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    pub(super) fn uuid(&mut self) -> String {
        format!("00000000-0000-4000-8000-{:012x}", self.next())
    }

    pub(super) fn make(&mut self, machine: &MachineToMake<'_>) -> String {
        let MachineToMake {
            subscription,
            location,
            name,
            is_public,
        } = *machine;
        let group = format!("/subscriptions/{subscription}/resourceGroups/web/providers");
        let interface = format!("{group}/Microsoft.Network/networkInterfaces/{name}-nic");
        let public = is_public.then(|| {
            let id = format!("{group}/Microsoft.Network/publicIPAddresses/{name}-ip");
            let number = self.next();
            let address = format!("203.0.113.{}", number % 250 + 1);
            let document = super::network::public_address(&id, location, &address);
            self.addresses.insert(id.to_ascii_lowercase(), document);
            id
        });
        let id = format!("{group}/Microsoft.Compute/virtualMachines/{name}");
        let document = json!({
            "location": location,
            "tags": { "team": "web" },
            "zones": ["1"],
            "properties": {
                "hardwareProfile": { "vmSize": "Standard_B2s" },
                "storageProfile": {
                    "imageReference": { "publisher": "Canonical", "offer": "ubuntu-24_04-lts",
                                        "sku": "server", "version": "latest" },
                    "osDisk": { "createOption": "FromImage", "deleteOption": "Delete",
                                "managedDisk": {} },
                },
                "osProfile": {
                    "computerName": name,
                    "adminUsername": "azureuser",
                    "linuxConfiguration": { "disablePasswordAuthentication": true },
                },
                "networkProfile": { "networkInterfaces": [{
                    "id": interface,
                    "properties": { "primary": true, "deleteOption": "Delete" },
                }] },
            },
        });
        let given = json!({
            "location": location,
            "properties": { "ipConfigurations": [{
                "name": "primary",
                "properties": { "subnet": { "id": super::SUBNET } },
            }] },
        });
        self.put_interface(&interface, &given, public.as_deref());
        self.put_machine(&id, &document);
        let made = self.machines.get_mut(&id.to_ascii_lowercase());
        let made = made.expect("it was just put there");
        made.document["properties"]["provisioningState"] = json!("Succeeded");
        "running".clone_into(&mut made.power);
        id.to_ascii_lowercase()
    }

    pub(super) fn set_power(&mut self, id: &str, power: &str) {
        if let Some(machine) = self.machines.get_mut(&id.to_ascii_lowercase()) {
            power.clone_into(&mut machine.power);
        }
    }

    pub(super) fn measure(&mut self, id: &str, metric: &str, points: &[(i64, f64)]) {
        let key = (id.to_ascii_lowercase(), metric.to_owned());
        self.measured
            .entry(key)
            .or_default()
            .extend(points.iter().copied());
    }

    /// Tells whether a role allows an action; with no role, everything is.
    pub(super) fn permits(&self, action: &str) -> bool {
        let action = action.to_ascii_lowercase();
        self.permitted.as_ref().is_none_or(|permitted| {
            permitted
                .iter()
                .any(|pattern| match pattern.split_once('*') {
                    Some((before, after)) => action.starts_with(before) && action.ends_with(after),
                    None => *pattern == action,
                })
        })
    }

    pub(super) fn is_locked(&self, id: &str) -> bool {
        self.locks.iter().any(|lock| {
            let scope = lock.split("/providers/microsoft.authorization/").next();
            scope.is_some_and(|scope| id.to_ascii_lowercase().starts_with(scope))
        })
    }
}
