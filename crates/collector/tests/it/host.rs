//! The host collector against a recorded `/proc`, and against this machine.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, mpsc};
use std::time::Duration;

use yunhai_collector::host::{Collection, FileSystemUsage, HostCollector, HostConfig};
use yunhai_collector::metrics::{METRICS, metric_info};
use yunhai_model::METRIC_NAME;

const NOW_MS: i64 = 1_700_003_600_250;
const GIB: u64 = 1 << 30;

/// The recorded machine's `stat`, ten seconds later: core 0 was busy throughout, core 2 idle.
const LATER_STAT: &str = "\
cpu  1600 50 400 8300 300 10 40 300 20 0
cpu0 1100 25 200 4000 100 5 20 150 10 0
cpu2 500 25 200 4300 200 5 20 150 10 0
intr 123466
ctxt 654400
btime 1700000000
processes 4322
procs_running 1
procs_blocked 0
";

fn recorded() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/proc")
}

fn config() -> HostConfig {
    let mut config = HostConfig::new("db1");
    config.proc_root = recorded();
    config.region = Some("shanghai".into());
    config.tags.insert("env".into(), "prod".into());
    config
}

#[allow(clippy::unnecessary_wraps)] // The signature of a measure.
fn half_full(_: &Path) -> std::io::Result<FileSystemUsage> {
    Ok(FileSystemUsage {
        size_bytes: 100 * GIB,
        free_bytes: 55 * GIB,
        available_bytes: 45 * GIB,
        inodes: 1000,
        free_inodes: 900,
    })
}

fn collector() -> HostCollector {
    HostCollector::with_file_system_measure(config(), half_full)
}

/// Writes a `/proc` that differs from the recorded one in some files; `None` takes a file away.
fn proc_with(changes: &[(&str, Option<&str>)]) -> tempfile::TempDir {
    fn copy(from: &Path, to: &Path) {
        for entry in std::fs::read_dir(from).unwrap() {
            let entry = entry.unwrap();
            let target = to.join(entry.file_name());
            if entry.file_type().unwrap().is_dir() {
                std::fs::create_dir(&target).unwrap();
                copy(&entry.path(), &target);
            } else {
                std::fs::copy(entry.path(), target).unwrap();
            }
        }
    }
    let folder = tempfile::tempdir().unwrap();
    copy(&recorded(), folder.path());
    for (name, text) in changes {
        let path = folder.path().join(name);
        match text {
            Some(text) => std::fs::write(path, text).unwrap(),
            None => std::fs::remove_file(path).unwrap(),
        }
    }
    folder
}

fn value(collection: &Collection, metric: &str, labels: &[(&str, &str)]) -> Option<f64> {
    let mut found = collection.series.iter().filter(|series| {
        series.labels.metric_name() == Some(metric)
            && labels
                .iter()
                .all(|(name, value)| series.labels.get(name) == Some(value))
    });
    let value = found.next().map(|series| series.samples[0].value);
    assert!(found.next().is_none(), "{metric} {labels:?} is not unique");
    value
}

#[track_caller]
fn check(collection: &Collection, metric: &str, labels: &[(&str, &str)], expected: f64) {
    let actual = value(collection, metric, labels)
        .unwrap_or_else(|| panic!("{metric} {labels:?} is missing"));
    assert!(
        (actual - expected).abs() <= expected.abs() * 1e-6,
        "{metric} {labels:?}: {actual} instead of {expected}"
    );
}

#[test]
fn a_recorded_machine_is_measured_in_base_units() {
    let mut collector = collector();
    let collection = collector.collect(NOW_MS);
    assert!(collection.failures.is_empty(), "{:?}", collection.failures);
    let check = |metric: &str, labels: &[(&str, &str)], expected: f64| {
        check(&collection, metric, labels, expected);
    };
    check("server_up", &[], 1.0);
    check("server_clock_timestamp_seconds", &[], 1_700_003_600.25);
    check("server_cpu_cores", &[], 2.0);
    check("server_context_switches_total", &[], 654_321.0);
    check("server_load5", &[], 1.25);
    check("server_memory_used_bytes", &[], 6_000_000.0 * 1024.0);
    check("server_memory_utilization_ratio", &[], 0.75);
    check("server_memory_cached_bytes", &[], 900_000.0 * 1024.0);
    check("server_swap_utilization_ratio", &[], 0.25);
    check("server_oom_kills_total", &[], 2.0);
    check(
        "server_disk_read_bytes_total",
        &[("device", "nvme0n1")],
        20_000.0 * 512.0,
    );
    check(
        "server_disk_io_time_seconds_total",
        &[("device", "nvme0n1")],
        4.0,
    );
    check(
        "server_network_receive_bytes_total",
        &[("device", "eth0")],
        1000.0,
    );
    check(
        "server_network_transmit_drops_total",
        &[("device", "eth0")],
        4.0,
    );
    check("server_processes", &[], 3.0);
    check("server_threads", &[], 456.0);
    check("server_processes_running", &[], 3.0);
    check("server_uptime_seconds", &[], 3600.25);
    check("server_boot_timestamp_seconds", &[], 1_700_000_000.0);
    check("server_file_descriptors_allocated", &[], 1400.0);
    check(
        "server_pressure_waiting_seconds_total",
        &[("resource", "io")],
        2.5,
    );
    let root = [
        ("mountpoint", "/"),
        ("device", "/dev/nvme0n1p1"),
        ("fstype", "ext4"),
    ];
    check("server_filesystem_utilization_ratio", &root, 0.5);
    check("server_filesystem_used_bytes", &root, (45 * GIB) as f64);
    check("server_filesystem_inodes_used", &root, 100.0);
    check(
        "server_filesystem_read_only",
        &[("mountpoint", "/data")],
        1.0,
    );

    for series in &collection.series {
        let labels = &series.labels;
        assert_eq!(labels.get("server"), Some("db1"));
        assert_eq!(labels.get("provider"), Some("local"));
        assert_eq!(labels.get("region"), Some("shanghai"));
        assert_eq!(labels.get("tag_env"), Some("prod"));
        assert_eq!(series.samples.len(), 1);
        assert_eq!(series.samples[0].timestamp_ms, NOW_MS);
    }
}

#[test]
fn only_real_file_systems_disks_and_devices_are_measured() {
    let collection = collector().collect(NOW_MS);
    let all = |label: &str| -> BTreeSet<String> {
        collection
            .series
            .iter()
            .filter_map(|series| series.labels.get(label).map(str::to_owned))
            .collect()
    };
    let expected: BTreeSet<String> = ["/", "/data", "/mnt/team files"].map(str::to_owned).into();
    assert_eq!(all("mountpoint"), expected);
    let devices = all("device");
    assert!(devices.contains("eth0") && devices.contains("nvme0n1"));
    for hidden in ["lo", "veth1a2b", "loop0", "nvme0n1p1"] {
        assert!(!devices.contains(hidden), "{hidden} was measured");
    }
}

#[test]
fn the_table_names_exactly_what_is_collected() {
    let folder = proc_with(&[]);
    let mut config = config();
    config.proc_root = folder.path().to_owned();
    let mut collector = HostCollector::with_file_system_measure(config, half_full);
    collector.prime();
    std::fs::write(folder.path().join("stat"), LATER_STAT).unwrap();
    let collection = collector.collect(NOW_MS);
    let mut collected = BTreeSet::new();
    for series in &collection.series {
        let name = series.labels.metric_name().unwrap();
        let info = metric_info(name).unwrap_or_else(|| panic!("{name} is not in the table"));
        let common = [METRIC_NAME, "server", "provider", "region", "tag_env"];
        let labels: BTreeSet<&str> = series
            .labels
            .iter()
            .map(|(name, _)| name)
            .filter(|name| !common.contains(name))
            .collect();
        assert_eq!(
            labels,
            info.labels.iter().copied().collect(),
            "labels of {name}"
        );
        collected.insert(name);
    }
    // Whether a server reports is judged by who receives its measurements, and who sends them counts
    // what it sends.
    let others = ["server_reporting", "server_agent_"];
    for metric in METRICS.iter().filter(|metric| {
        metric.name.starts_with("server_")
            && others.iter().all(|other| !metric.name.starts_with(other))
    }) {
        assert!(
            collected.contains(metric.name),
            "{} was not collected",
            metric.name
        );
    }
}

#[test]
fn utilization_is_the_mean_between_two_rounds() {
    let folder = proc_with(&[]);
    let mut config = config();
    config.proc_root = folder.path().to_owned();
    let mut collector = HostCollector::with_file_system_measure(config, half_full);
    let first = collector.collect(NOW_MS);
    assert_eq!(value(&first, "server_cpu_utilization_ratio", &[]), None);
    std::fs::write(folder.path().join("stat"), LATER_STAT).unwrap();
    let second = collector.collect(NOW_MS + 10_000);
    check(&second, "server_cpu_utilization_ratio", &[], 0.6);
    let core = "server_cpu_core_utilization_ratio";
    check(&second, core, &[("core", "0")], 1.0);
    check(&second, core, &[("core", "2")], 0.0);
}

#[test]
fn a_missing_or_odd_file_costs_only_its_own_part() {
    let folder = proc_with(&[
        ("diskstats", None),
        ("meminfo", Some("nothing of use\n")),
        ("vmstat", None),
        ("pressure/io", None),
        ("net/dev", Some("  eth0: 1 2 three 4\n")),
    ]);
    let mut config = config();
    config.proc_root = folder.path().to_owned();
    let collection = HostCollector::with_file_system_measure(config, half_full).collect(NOW_MS);
    let failed: Vec<&str> = collection
        .failures
        .iter()
        .map(|failure| failure.part)
        .collect();
    assert_eq!(failed, ["memory", "disk", "network"]);
    let message = collection.failures[2].error.to_string();
    assert!(
        message.contains("net/dev") && message.contains("eth0"),
        "{message}"
    );
    check(
        &collection,
        "server_collector_success",
        &[("part", "disk")],
        0.0,
    );
    check(
        &collection,
        "server_collector_success",
        &[("part", "load")],
        1.0,
    );
    check(&collection, "server_load1", &[], 0.5);
}

#[test]
fn without_any_proc_the_collector_still_answers() {
    let mut config = config();
    config.proc_root = "/nowhere".into();
    let collection = HostCollector::new(config).collect(NOW_MS);
    check(&collection, "server_up", &[], 1.0);
    assert!(collection.failures.len() >= 8);
}

#[test]
fn a_file_system_that_hangs_is_skipped_and_asked_again_when_it_is_back() {
    let (release, blocked) = mpsc::channel::<()>();
    let blocked = Mutex::new(blocked);
    let measure = move |path: &Path| {
        if path.ends_with("team files") {
            // Returns when the test lets go, or has ended.
            let _ = blocked.lock().unwrap().recv();
        }
        half_full(path)
    };
    let mut config = config();
    config.file_system_timeout = Duration::from_millis(50);
    let mut collector = HostCollector::with_file_system_measure(config, measure);
    let nfs = [("mountpoint", "/mnt/team files")];
    let metric = "server_filesystem_size_bytes";

    for expected in ["does not answer", "still does not answer"] {
        let collection = collector.collect(NOW_MS);
        assert_eq!(value(&collection, metric, &nfs), None);
        check(
            &collection,
            metric,
            &[("mountpoint", "/")],
            (100 * GIB) as f64,
        );
        let failure = &collection.failures[0];
        assert_eq!(failure.part, "filesystem");
        let message = failure.error.to_string();
        assert!(
            message.contains("/mnt/team files") && message.contains(expected),
            "{message}"
        );
    }
    drop(release);
    while value(&collector.collect(NOW_MS), metric, &nfs).is_none() {
        std::thread::yield_now();
    }
}

#[test]
fn this_machine_can_be_measured() {
    let mut collector = HostCollector::new(HostConfig::new("here"));
    collector.prime();
    let collection = collector.collect(NOW_MS);
    for failure in &collection.failures {
        println!("{}: {}", failure.part, failure.error);
    }
    let total = value(&collection, "server_memory_total_bytes", &[]).unwrap();
    assert!(total > 1e6);
    for series in &collection.series {
        println!("{} {}", series.labels, series.samples[0].value);
        let name = series.labels.metric_name().unwrap();
        if name.ends_with("_ratio") {
            assert!((0.0..=1.0).contains(&series.samples[0].value), "{name}");
        }
    }
}
