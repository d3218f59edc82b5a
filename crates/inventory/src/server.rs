//! A server of a cloud as it is known here.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::{Deserialize, Serialize};
use yunhai_cloud::{CloudServer, Inventory, PowerState, Provider, ServerRef};
use yunhai_model::{CloudAccountId, TimestampMs};

/// How long a server that is gone is still shown.
pub(crate) const KEPT_AFTER_END_MS: i64 = 7 * 86_400_000;

/// A server of a cloud.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownServer {
    /// The account that it is in.
    pub account_id: CloudAccountId,
    /// The account's name, the label `account`.
    pub account: String,
    /// Whose cloud it is.
    pub provider: Provider,
    /// What it is called here, the label `server`: its name where no other server has it. It stays
    /// when the server is given another name.
    pub label: String,
    /// What the provider says of it.
    pub details: CloudServer,
    /// When it was first listed.
    pub first_seen_ms: TimestampMs,
    /// When it was last listed.
    pub last_seen_ms: TimestampMs,
    /// Since when it is no longer listed, or listed as deleted.
    pub gone_at_ms: Option<TimestampMs>,
}

/// Whose servers are brought together.
pub(crate) struct Owner<'a> {
    pub(crate) id: CloudAccountId,
    pub(crate) name: &'a str,
    pub(crate) provider: Provider,
}

/// What is measured otherwise than by a cloud.
#[derive(Debug, Default)]
pub(crate) struct NamedElsewhere {
    /// The labels of all of it.
    pub(crate) servers: BTreeSet<String>,
    /// The names of machines that agents run on, by the ids, in small letters, which the provider may
    /// list them under.
    pub(crate) agents: BTreeMap<String, String>,
}

impl NamedElsewhere {
    /// The name of the agent on a server, which has told its id itself.
    fn agent_on(&self, details: &CloudServer) -> Option<&String> {
        let id = details.server.id.to_ascii_lowercase();
        let last = id.rsplit('/').next().unwrap_or_default();
        self.agents.get(&id).or_else(|| self.agents.get(last))
    }
}

/// Brings together what was known of an account's servers and what was listed now.
///
/// `regions` are those that were asked, nothing if not even those could be had; `taken` are the
/// labels of all other accounts' servers, and `elsewhere` those of servers that are measured
/// otherwise. Servers of regions that could not be listed stay as they were, those of regions that
/// are no longer asked are forgotten.
pub(crate) fn merge(
    owner: &Owner<'_>,
    known: Vec<KnownServer>,
    regions: Option<&[String]>,
    listed: &Inventory,
    taken: &BTreeSet<String>,
    elsewhere: &NamedElsewhere,
    now_ms: TimestampMs,
) -> Vec<KnownServer> {
    let mut labels: BTreeSet<String> = taken.clone();
    labels.extend(known.iter().map(|server| server.label.clone()));
    let mut known: HashMap<ServerRef, KnownServer> = known
        .into_iter()
        .map(|server| (server.details.server.clone(), server))
        .collect();
    let mut merged = BTreeMap::new();
    for details in &listed.servers {
        let key = details.server.clone();
        if merged.contains_key(&key) {
            continue;
        }
        let before = known.remove(&key);
        let is_deleted = details.state == PowerState::Deleted;
        let server = match before {
            Some(before) => KnownServer {
                account: owner.name.to_owned(),
                details: details.clone(),
                last_seen_ms: now_ms,
                gone_at_ms: is_deleted.then(|| before.gone_at_ms.unwrap_or(now_ms)),
                ..before
            },
            // Nobody here has ever seen it alive.
            None if is_deleted => continue,
            None => KnownServer {
                account_id: owner.id,
                account: owner.name.to_owned(),
                provider: owner.provider,
                label: free_label(details, &labels, elsewhere),
                details: details.clone(),
                first_seen_ms: now_ms,
                last_seen_ms: now_ms,
                gone_at_ms: None,
            },
        };
        labels.insert(server.label.clone());
        merged.insert(key, server);
    }
    for (key, mut server) in known {
        if regions.is_some_and(|asked| !asked.contains(&key.region)) {
            continue;
        }
        let is_unknown = regions.is_none() || listed.missing.iter().any(|m| m.covers(&key));
        if !is_unknown {
            server.gone_at_ms = Some(server.gone_at_ms.unwrap_or(now_ms));
            server.details.state = PowerState::Deleted;
        }
        let is_forgotten = server
            .gone_at_ms
            .is_some_and(|gone_at_ms| now_ms - gone_at_ms > KEPT_AFTER_END_MS);
        if !is_forgotten {
            merged.insert(key, server);
        }
    }
    merged.into_values().collect()
}

/// Its name; where that is another's already, its name with its id, and with more where even that
/// is, since providers give out the same id in two regions, and two accounts can be one.
///
/// Where an agent has told that it runs on the server, both have the agent's name. What is measured
/// elsewhere under its id is measured on it: the label is the same, so that both are
/// one server. A name is no such proof.
fn free_label(
    details: &CloudServer,
    taken: &BTreeSet<String>,
    elsewhere: &NamedElsewhere,
) -> String {
    if let Some(agent) = elsewhere.agent_on(details)
        && !taken.contains(agent)
    {
        return agent.clone();
    }
    let elsewhere = &elsewhere.servers;
    let name: String = details.name.chars().take(120).collect();
    let id = details.server.id.rsplit('/').next().unwrap_or_default();
    if elsewhere.contains(id) && !taken.contains(id) {
        return id.to_owned();
    }
    let region = &details.server.region;
    let numbered = (2..).map(|number| format!("{name} ({region} {id} {number})"));
    [
        name.clone(),
        format!("{name} ({id})"),
        format!("{name} ({region} {id})"),
    ]
    .into_iter()
    .chain(numbered)
    .find(|label| !taken.contains(label) && !elsewhere.contains(label))
    .unwrap_or(name.clone())
}

#[cfg(test)]
mod tests {
    use yunhai_cloud::{Error, ErrorKind, Missing};

    use super::*;

    fn cloud_server(region: &str, id: &str, name: &str) -> CloudServer {
        CloudServer {
            server: ServerRef {
                region: region.to_owned(),
                id: id.to_owned(),
            },
            name: name.to_owned(),
            instance_type: "t3.micro".to_owned(),
            state: PowerState::Running,
            zone: None,
            private_addresses: Vec::new(),
            public_addresses: Vec::new(),
            host_name: None,
            image: None,
            launched_at_ms: None,
            is_measured_each_minute: false,
            tags: BTreeMap::new(),
        }
    }

    fn listed(servers: &[CloudServer], missing: &[&str]) -> Inventory {
        Inventory {
            servers: servers.to_vec(),
            missing: missing
                .iter()
                .map(|scope| Missing {
                    scope: (*scope).to_owned(),
                    error: Error::new(ErrorKind::Denied, "list", "no"),
                })
                .collect(),
            calls: 1,
        }
    }

    fn merged(known: Vec<KnownServer>, listed: &Inventory, now_ms: i64) -> Vec<KnownServer> {
        let owner = Owner {
            id: CloudAccountId::new(),
            name: "prod",
            provider: Provider::Aws,
        };
        let regions = ["a", "b"].map(str::to_owned);
        let taken = BTreeSet::from(["db".to_owned()]);
        let elsewhere = NamedElsewhere {
            servers: BTreeSet::from(["nas", "i-9", "shop"].map(str::to_owned)),
            agents: BTreeMap::from([("i-7".to_owned(), "shop".to_owned())]),
        };
        let regions = Some(&regions[..]);
        merge(&owner, known, regions, listed, &taken, &elsewhere, now_ms)
    }

    #[test]
    fn names_that_are_taken_get_the_id_and_labels_stay() {
        let servers = [
            cloud_server("a", "i-1", "web"),
            cloud_server("a", "i-2", "web"),
            cloud_server("b", "i-1", "db"),
        ];
        let first = merged(Vec::new(), &listed(&servers, &[]), 1);
        let labels: Vec<&str> = first.iter().map(|s| s.label.as_str()).collect();
        assert_eq!(labels, ["web", "web (i-2)", "db (i-1)"]);
        let mut renamed = servers.to_vec();
        renamed[0].name = "shop".to_owned();
        let second = merged(first, &listed(&renamed, &[]), 2);
        assert_eq!(second[0].label, "web", "its series go on");
        assert_eq!(second[0].details.name, "shop");
    }

    #[test]
    fn servers_of_a_project_that_could_not_be_listed_stay_as_they_were() {
        let servers = [
            cloud_server("a", "projects/mine/zones/a-1/instances/1", "web"),
            cloud_server("a", "projects/other/zones/a-1/instances/2", "mail"),
        ];
        let known = merged(Vec::new(), &listed(&servers, &[]), 1);
        let now = merged(known, &listed(&[], &["mine"]), 2);
        let gone: Vec<(&str, Option<i64>)> = now
            .iter()
            .map(|server| (server.label.as_str(), server.gone_at_ms))
            .collect();
        assert_eq!(gone, [("web", None), ("mail", Some(2))]);
    }

    #[test]
    fn a_machine_of_ones_own_is_another_unless_it_goes_by_the_id_or_its_agent_has_told_it() {
        let servers = [
            cloud_server("a", "i-8", "nas"),
            cloud_server("a", "i-9", "web"),
            cloud_server("a", "I-7", "ip-10-0-0-1"),
        ];
        let merged = merged(Vec::new(), &listed(&servers, &[]), 1);
        let labels: Vec<&str> = merged.iter().map(|s| s.label.as_str()).collect();
        assert_eq!(labels, ["shop", "nas (i-8)", "i-9"]);
    }

    #[test]
    fn what_is_no_longer_listed_is_gone_unless_its_region_could_not_be_listed() {
        let servers = [
            cloud_server("a", "i-1", "one"),
            cloud_server("b", "i-2", "two"),
        ];
        let first = merged(Vec::new(), &listed(&servers, &[]), 1);
        let second = merged(first, &listed(&[], &["b"]), 2);
        let state = |name: &str, of: &[KnownServer]| {
            let server = of.iter().find(|server| server.label == name)?;
            Some((server.details.state, server.gone_at_ms))
        };
        assert_eq!(state("one", &second), Some((PowerState::Deleted, Some(2))));
        assert_eq!(state("two", &second), Some((PowerState::Running, None)));
        let later = merged(second, &listed(&[], &["b"]), 3 + KEPT_AFTER_END_MS);
        assert_eq!(state("one", &later), None, "forgotten after a week");
        assert!(state("two", &later).is_some());
    }

    #[test]
    fn what_was_deleted_before_anybody_looked_is_not_taken_up() {
        let mut server = cloud_server("a", "i-1", "one");
        server.state = PowerState::Deleted;
        assert_eq!(merged(Vec::new(), &listed(&[server], &[]), 1), []);
    }
}
