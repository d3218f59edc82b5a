//! Which servers there are.

use std::collections::BTreeMap;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use yunhai_model::TimestampMs;

use crate::Error;

/// Names a server within its account.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ServerRef {
    /// The region it stands in.
    pub region: String,
    /// The provider's id: `i-0abc…`, a path, a number.
    pub id: String,
}

/// What a server does at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PowerState {
    /// It is being started.
    Starting,
    /// It runs.
    Running,
    /// It is being stopped.
    Stopping,
    /// It does not run, and its processors cost nothing.
    Stopped,
    /// It is off, and its processors are paid for all the same (Azure: stopped, not deallocated).
    StoppedBilled,
    /// It is being deleted.
    Deleting,
    /// It was deleted, and the provider still names it.
    Deleted,
    /// The provider says something that is not known here.
    Unknown,
}

/// A server as its provider describes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CloudServer {
    /// Which it is.
    #[serde(flatten)]
    pub server: ServerRef,
    /// The name that people gave it; its id where nobody did.
    pub name: String,
    /// The provider's word for its size: `t3.micro`.
    pub instance_type: String,
    /// What it does.
    pub state: PowerState,
    /// The zone within the region.
    pub zone: Option<String>,
    /// Its addresses in private networks.
    pub private_addresses: Vec<String>,
    /// Its addresses in the Internet.
    pub public_addresses: Vec<String>,
    /// The name by which it knows itself, as far as the provider knows.
    pub host_name: Option<String>,
    /// What it was made from.
    pub image: Option<String>,
    /// When it was started last.
    pub launched_at_ms: Option<TimestampMs>,
    /// Whether the provider measures it each minute.
    pub is_measured_each_minute: bool,
    /// Its tags; Google calls them labels.
    pub tags: BTreeMap<String, String>,
}

/// Something that could not be had, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Missing {
    /// Where: a region, a subscription, a project.
    pub scope: String,
    /// Why.
    pub error: Error,
}

impl Missing {
    /// Tells whether a server may be among what is missing: it stands in the region, or its id names
    /// the subscription or the project.
    pub fn covers(&self, server: &ServerRef) -> bool {
        server.region == self.scope || server.id.split('/').any(|part| part == self.scope)
    }
}

/// The servers of some regions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inventory {
    /// Those that were found, each once.
    pub servers: Vec<CloudServer>,
    /// What is missing; of such a region what was found before is incomplete.
    pub missing: Vec<Missing>,
    /// How many calls it took.
    pub calls: u64,
}

/// Finds servers.
#[async_trait]
pub trait Servers: Send + Sync {
    /// Lists the servers of some regions, all pages of it. What cannot be had never hides the rest.
    async fn list(&self, regions: &[String]) -> Inventory;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;

    #[test]
    fn a_region_or_a_project_that_is_missing_covers_its_servers() {
        let server = ServerRef {
            region: "europe-west3".to_owned(),
            id: "projects/mine/zones/europe-west3-c/instances/42".to_owned(),
        };
        let covers = |scope: &str| {
            let error = Error::new(ErrorKind::Denied, "list", "no");
            let scope = scope.to_owned();
            Missing { scope, error }.covers(&server)
        };
        assert!(covers("europe-west3"));
        assert!(covers("mine"));
        assert!(!covers("min"));
        assert!(!covers("europe-west1"));
    }
}
