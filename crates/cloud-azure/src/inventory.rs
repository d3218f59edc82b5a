//! The virtual machines of subscriptions, in a few lists for each: the machines, what they do, and
//! their network interfaces and public addresses.

use std::collections::{BTreeMap, HashMap};

use async_trait::async_trait;
use futures::FutureExt as _;
use yunhai_cloud::{
    CloudServer, Error, Inventory, Missing, PowerState, SCOPES_AT_ONCE, Servers, concurrently,
};

use crate::account::{AzureAccount, COMPUTE_VERSION, NETWORK_VERSION};
use crate::machine::Machine;
use crate::network::{Interface, Network, PublicAddress};

/// What was found in a subscription.
#[derive(Default)]
struct Found {
    servers: Vec<CloudServer>,
    missing: Vec<Missing>,
    calls: u64,
}

#[async_trait]
impl Servers for AzureAccount {
    async fn list(&self, regions: &[String]) -> Inventory {
        let nothing = |error: &Error| Inventory {
            missing: regions
                .iter()
                .map(|region| missing(region, error))
                .collect(),
            calls: 1,
            ..Inventory::default()
        };
        // Who is not known is told so once, and not by every list.
        if let Err(error) = self.client.sign_in().await {
            return nothing(&error);
        }
        let subscriptions = match self.subscriptions().await {
            Ok(subscriptions) => subscriptions,
            Err(error) => return nothing(&error),
        };
        let questions = subscriptions
            .iter()
            .map(|subscription| self.list_subscription(subscription, regions).boxed())
            .collect();
        let mut whole = Inventory {
            calls: u64::from(self.settings.subscriptions.is_empty()),
            ..Inventory::default()
        };
        for found in concurrently(questions, SCOPES_AT_ONCE).await {
            whole.servers.extend(found.servers);
            whole.missing.extend(found.missing);
            whole.calls += found.calls;
        }
        whole.missing = each_once(whole.missing);
        whole
    }
}

impl AzureAccount {
    async fn list_subscription(&self, subscription: &str, regions: &[String]) -> Found {
        let root = format!("/subscriptions/{subscription}/providers");
        let status_path = format!(
            "{root}/Microsoft.Compute/virtualMachines?statusOnly=true&api-version={COMPUTE_VERSION}"
        );
        let network_path =
            |kind: &str| format!("{root}/Microsoft.Network/{kind}?api-version={NETWORK_VERSION}");
        let attempted = |what: &str| format!("list {what} in the subscription {subscription}");
        let (interfaces_path, addresses_path) = (
            network_path("networkInterfaces"),
            network_path("publicIPAddresses"),
        );
        let (of_states, of_interfaces, of_addresses) = (
            attempted("what the servers do"),
            attempted("the network interfaces"),
            attempted("the public addresses"),
        );
        let (machines, states, interfaces, addresses) = tokio::join!(
            self.machines(subscription, regions),
            self.client.list::<Machine>(&status_path, &of_states),
            self.client
                .list::<Interface>(&interfaces_path, &of_interfaces),
            self.client
                .list::<PublicAddress>(&addresses_path, &of_addresses),
        );
        let mut found = Found {
            calls: machines.calls + states.1 + interfaces.1 + addresses.1,
            missing: machines.missing,
            ..Found::default()
        };
        // Of no servers nothing else can be missing.
        if machines.found.is_empty() {
            return found;
        }
        // What is missing of servers that are listed must not look as if servers were missing.
        let of_compute = format!("{subscription}/Microsoft.Compute");
        let of_network = format!("{subscription}/Microsoft.Network");
        let told = &mut found.missing;
        let states: HashMap<String, PowerState> = keep(told, &of_compute, states)
            .into_iter()
            .filter_map(|machine| Some((machine.id.to_ascii_lowercase(), machine.power_state()?)))
            .collect();
        let interfaces = keep(told, &of_network, interfaces);
        let addresses = keep(told, &of_network, addresses);
        let network = Network::new(interfaces, addresses);
        let servers: BTreeMap<String, CloudServer> = machines
            .found
            .iter()
            .map(|machine| machine.server(&states, &network))
            .filter(|server| regions.contains(&server.server.region))
            .map(|server| (server.server.id.clone(), server))
            .collect();
        found.servers = servers.into_values().collect();
        found
    }

    /// Lists the machines of a subscription. Where only some locations are looked at, each is asked
    /// for by itself; where all are, one list has them all.
    async fn machines(&self, subscription: &str, regions: &[String]) -> Machines {
        let root = format!("/subscriptions/{subscription}/providers/Microsoft.Compute");
        if self.settings.regions.is_empty() {
            let path = format!("{root}/virtualMachines?api-version={COMPUTE_VERSION}");
            let attempted = format!("list the servers of the subscription {subscription}");
            let (found, calls, failure) = self.client.list::<Machine>(&path, &attempted).await;
            let failure = failure.filter(|error| !is_unused(error));
            return Machines {
                found,
                calls,
                missing: failure
                    .map(|error| missing(subscription, &error))
                    .into_iter()
                    .collect(),
            };
        }
        let questions = regions
            .iter()
            .map(|region| {
                let path = format!(
                    "{root}/locations/{region}/virtualMachines?api-version={COMPUTE_VERSION}"
                );
                let attempted =
                    format!("list the servers of {region} in the subscription {subscription}");
                async move { self.client.list::<Machine>(&path, &attempted).await }.boxed()
            })
            .collect();
        let mut machines = Machines::default();
        let answers = concurrently(questions, SCOPES_AT_ONCE).await;
        for (region, (found, calls, failure)) in regions.iter().zip(answers) {
            machines.found.extend(found);
            machines.calls += calls;
            let failure = failure.filter(|error| !is_unused(error));
            machines
                .missing
                .extend(failure.map(|error| missing(region, &error)));
        }
        machines
    }
}

#[derive(Default)]
struct Machines {
    found: Vec<Machine>,
    missing: Vec<Missing>,
    calls: u64,
}

/// A subscription that has never had a server knows nothing of them.
fn is_unused(error: &Error) -> bool {
    error.code.as_deref() == Some("MissingSubscriptionRegistration")
}

/// Tells what is missing of a region, of a subscription, or of a part of one.
fn missing(scope: &str, error: &Error) -> Missing {
    Missing {
        scope: scope.to_owned(),
        error: error.clone(),
    }
}

/// Tells what is missing of a list, and goes on with the rest.
fn keep<T>(
    told: &mut Vec<Missing>,
    scope: &str,
    (found, _, failure): (Vec<T>, u64, Option<Error>),
) -> Vec<T> {
    let failure = failure.filter(|error| !is_unused(error));
    told.extend(failure.map(|error| missing(scope, &error)));
    found
}

/// What stands in the way of several lists is told once.
fn each_once(missing: Vec<Missing>) -> Vec<Missing> {
    let mut once: Vec<Missing> = Vec::new();
    for trouble in missing {
        let is_same = |known: &Missing| {
            known.scope == trouble.scope
                && known.error.kind == trouble.error.kind
                && known.error.said == trouble.error.said
        };
        if !once.iter().any(is_same) {
            once.push(trouble);
        }
    }
    once
}
