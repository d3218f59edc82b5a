//! The fleet at one moment, and what is found out from it once for all who ask.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use yunhai_api_types::{Consumer, ServerCounts, ServerState, ServerSummary, TopConsumers};

/// How many servers each list of top consumers names.
const TOP: usize = 5;

/// The servers at one moment, by name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Snapshot {
    servers: BTreeMap<String, ServerSummary>,
    /// Found out once for all who ask.
    top: OnceLock<TopConsumers>,
}

impl Snapshot {
    pub(super) fn new(servers: BTreeMap<String, ServerSummary>) -> Self {
        Self {
            servers,
            top: OnceLock::new(),
        }
    }

    pub(super) fn by_name(&self) -> &BTreeMap<String, ServerSummary> {
        &self.servers
    }

    /// Goes through the servers in the order of their names.
    pub(crate) fn servers(&self) -> impl Iterator<Item = &ServerSummary> {
        self.servers.values()
    }

    /// Returns a server by its name.
    pub(crate) fn get(&self, name: &str) -> Option<&ServerSummary> {
        self.servers.get(name)
    }

    /// Counts the servers by state.
    pub(crate) fn counts(&self) -> ServerCounts {
        let mut counts = ServerCounts::default();
        for server in self.servers.values() {
            counts.total += 1;
            match server.state {
                ServerState::Up => counts.up += 1,
                ServerState::Down => counts.down += 1,
                ServerState::Unknown => counts.unknown += 1,
            }
        }
        counts
    }

    /// Returns who uses the most.
    pub(crate) fn top(&self) -> &TopConsumers {
        let top = |value: fn(&ServerSummary) -> Option<f64>| {
            let mut consumers: Vec<(f64, &str)> = self
                .servers
                .values()
                .filter_map(|server| Some((value(server)?, server.name.as_str())))
                .collect();
            consumers.sort_by(|a, b| b.0.total_cmp(&a.0));
            let top = consumers.into_iter().take(TOP);
            top.map(|(value, server)| Consumer {
                server: server.to_owned(),
                value,
            })
            .collect()
        };
        self.top.get_or_init(|| TopConsumers {
            cpu: top(|server| server.cpu_ratio),
            memory: top(|server| server.memory_ratio),
            disk: top(|server| server.disk_ratio),
        })
    }
}
