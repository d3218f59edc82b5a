//! The host collector: CPU, load, memory, file systems, disks, network, processes of this machine.
//!
//! Everything is read from the kernel's `/proc` and `statvfs`. Each part stands alone: one that
//! cannot be read, as often happens in containers, is skipped and named in
//! [`Collection::failures`], and the others are delivered.

mod clock;
mod cpu;
mod disk;
mod filesystem;
mod memory;
mod network;
mod system;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use yunhai_model::{TimeSeries, TimestampMs};

use crate::recorder::Recorder;
use clock::ClockCollector;
use cpu::CpuCollector;
use filesystem::FileSystemCollector;
pub use filesystem::{FileSystemUsage, MeasureFileSystem};

/// What to measure, and what to call it.
#[derive(Clone, Debug)]
pub struct HostConfig {
    /// The server's name: the label `server`.
    pub server: String,
    /// The label `provider`; `local` for a machine of one's own.
    pub provider: String,
    /// The account the server belongs to, if it has one: the label `account`.
    pub account: Option<String>,
    /// The region or site the server stands in, if known: the label `region`.
    pub region: Option<String>,
    /// The server's tags; each becomes a label `tag_<key>`.
    pub tags: BTreeMap<String, String>,
    /// Where the kernel's process file system is mounted.
    pub proc_root: PathBuf,
    /// What stands before every mount point, for a collector in a container that sees the
    /// machine's root elsewhere, such as `/host`.
    pub file_system_root: PathBuf,
    /// File system types that are not measured.
    pub excluded_file_system_types: Vec<String>,
    /// Mount points that are not measured, with all below them.
    pub excluded_mount_points: Vec<String>,
    /// Network devices that are not measured; a trailing `*` stands for any ending.
    pub excluded_network_devices: Vec<String>,
    /// How long a file system may take to answer before it is skipped.
    pub file_system_timeout: Duration,
}

impl HostConfig {
    /// The usual settings for a machine called `server`.
    pub fn new(server: impl Into<String>) -> Self {
        let owned = |names: &[&str]| names.iter().map(ToString::to_string).collect();
        Self {
            server: server.into(),
            provider: "local".to_owned(),
            account: None,
            region: None,
            tags: BTreeMap::new(),
            proc_root: "/proc".into(),
            file_system_root: "/".into(),
            excluded_file_system_types: owned(filesystem::PSEUDO_FILE_SYSTEMS),
            excluded_mount_points: owned(filesystem::PSEUDO_MOUNT_POINTS),
            excluded_network_devices: owned(&["lo", "veth*", "cali*", "ifb*"]),
            file_system_timeout: Duration::from_secs(2),
        }
    }

    /// The labels that every sample of this server carries.
    pub fn labels(&self) -> Vec<(String, String)> {
        let mut labels = vec![
            ("server".to_owned(), self.server.clone()),
            ("provider".to_owned(), self.provider.clone()),
        ];
        let optional = [("account", &self.account), ("region", &self.region)];
        labels.extend(
            optional
                .into_iter()
                .filter_map(|(name, value)| Some((name.to_owned(), value.clone()?))),
        );
        labels.extend(
            self.tags
                .iter()
                .map(|(key, value)| (tag_label(key), value.clone())),
        );
        labels
    }
}

/// Returns the label that a server's tag becomes: `tag_` and the key, with `_` for every
/// character that a label's name cannot hold.
pub fn tag_label(key: &str) -> String {
    let mut label = String::from("tag_");
    label.extend(
        key.chars()
            .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }),
    );
    label
}

/// Why a part could not be measured.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file of the kernel could not be read.
    #[error("cannot read {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file of the kernel does not look as documented.
    #[error("cannot understand {path}: {reason}")]
    Parse {
        /// The file.
        path: PathBuf,
        /// What was wrong in it.
        reason: String,
    },
    /// File systems did not answer in time or refused; the others were measured.
    #[error("file systems that were skipped: {0}")]
    FileSystems(String),
}

/// A part of the machine that could not be measured this time.
#[derive(Debug)]
pub struct PartFailure {
    /// The part, as in the label `part` of `server_collector_success`.
    pub part: &'static str,
    /// Why.
    pub error: Error,
}

/// What one round of measuring brought.
#[derive(Debug)]
pub struct Collection {
    /// One sample per series.
    pub series: Vec<TimeSeries>,
    /// The parts that are missing from it, wholly or partly.
    pub failures: Vec<PartFailure>,
}

/// Measures this machine.
///
/// Utilisation is the mean since the round before, so the first round has none of it: who wants
/// it at once calls [`HostCollector::prime`], waits a second, and then collects.
#[derive(Debug)]
pub struct HostCollector {
    config: HostConfig,
    labels: Vec<(String, String)>,
    clock: ClockCollector,
    cpu: CpuCollector,
    file_systems: FileSystemCollector,
}

impl HostCollector {
    /// Makes a collector; nothing is read yet.
    pub fn new(config: HostConfig) -> Self {
        Self::with_file_system_measure(config, filesystem::statvfs)
    }

    /// Makes a collector that asks `measure` for the size of a file system instead of the kernel.
    pub fn with_file_system_measure(
        config: HostConfig,
        measure: impl Fn(&std::path::Path) -> std::io::Result<FileSystemUsage> + Send + Sync + 'static,
    ) -> Self {
        Self {
            labels: config.labels(),
            clock: ClockCollector::default(),
            cpu: CpuCollector::default(),
            file_systems: FileSystemCollector::new(std::sync::Arc::new(measure)),
            config,
        }
    }

    /// Returns what the collector was made with.
    pub fn config(&self) -> &HostConfig {
        &self.config
    }

    /// Gives the server another account, region and other tags, from the next round on.
    pub fn set_place(
        &mut self,
        account: Option<String>,
        region: Option<String>,
        tags: BTreeMap<String, String>,
    ) {
        self.config.account = account;
        self.config.region = region;
        self.config.tags = tags;
        self.labels = self.config.labels();
    }

    /// Takes the readings that the next round's utilisation is counted from.
    pub fn prime(&mut self) {
        // A failure shows again, and is reported, in the round that follows.
        let mut discarded = Recorder::new(&self.labels, 0);
        let _ = self.cpu.collect(&self.config, &mut discarded);
    }

    /// Measures everything; the samples carry `now_ms`.
    ///
    /// Blocks for at most about [`HostConfig::file_system_timeout`]; call it where blocking is
    /// allowed.
    pub fn collect(&mut self, now_ms: TimestampMs) -> Collection {
        let config = &self.config;
        let mut recorder = Recorder::new(&self.labels, now_ms);
        recorder.record("server_up", &[], 1.0);
        recorder.record(
            "server_clock_timestamp_seconds",
            &[],
            now_ms as f64 / 1000.0,
        );
        self.clock.collect(now_ms, &mut recorder);
        let parts = [
            ("cpu", self.cpu.collect(config, &mut recorder)),
            ("load", system::collect_load(config, &mut recorder)),
            ("memory", memory::collect(config, &mut recorder)),
            (
                "filesystem",
                self.file_systems.collect(config, &mut recorder),
            ),
            ("disk", disk::collect(config, &mut recorder)),
            ("network", network::collect(config, &mut recorder)),
            (
                "processes",
                system::collect_processes(config, &mut recorder),
            ),
            ("uptime", system::collect_uptime(config, &mut recorder)),
            (
                "file_descriptors",
                system::collect_file_descriptors(config, &mut recorder),
            ),
            ("pressure", system::collect_pressure(config, &mut recorder)),
            ("identity", system::collect_identity(&mut recorder)),
        ];
        let mut failures = Vec::new();
        for (part, outcome) in parts {
            let success = f64::from(u8::from(outcome.is_ok()));
            recorder.record("server_collector_success", &[("part", part)], success);
            if let Err(error) = outcome {
                failures.push(PartFailure { part, error });
            }
        }
        Collection {
            series: recorder.finish(),
            failures,
        }
    }
}

/// Reads a file below the `/proc` root.
fn read_proc(config: &HostConfig, name: &str) -> Result<String, Error> {
    let path = config.proc_root.join(name);
    // A process's name may hold any bytes; none of them matters here.
    match std::fs::read(&path) {
        Ok(bytes) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
        Err(source) => Err(Error::Read { path, source }),
    }
}

/// Says what is wrong with a file below the `/proc` root.
fn malformed(config: &HostConfig, name: &str, reason: impl std::fmt::Display) -> Error {
    Error::Parse {
        path: config.proc_root.join(name),
        reason: reason.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_become_valid_labels() {
        assert_eq!(tag_label("cost-center"), "tag_cost_center");
        assert_eq!(tag_label("环境"), "tag___");
        let mut config = HostConfig::new("db1");
        config.region = Some("上海".into());
        config.tags.insert("env".into(), "prod".into());
        let labels = config.labels();
        assert_eq!(labels.len(), 4);
        assert!(labels.contains(&("tag_env".into(), "prod".into())));
    }
}
