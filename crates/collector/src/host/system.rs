//! Load, processes, uptime, file descriptors, pressure, and what the machine is.

use procfs::{FromRead, LoadAverage};

use super::{Error, HostConfig, malformed, read_proc};
use crate::recorder::Recorder;

pub(super) fn collect_load(config: &HostConfig, recorder: &mut Recorder<'_>) -> Result<(), Error> {
    let text = read_proc(config, "loadavg")?;
    let load = LoadAverage::from_read(text.as_bytes())
        .map_err(|error| malformed(config, "loadavg", error))?;
    recorder.record("server_load1", &[], f64::from(load.one));
    recorder.record("server_load5", &[], f64::from(load.five));
    recorder.record("server_load15", &[], f64::from(load.fifteen));
    recorder.record_count("server_threads", &[], u64::from(load.max));
    Ok(())
}

pub(super) fn collect_processes(
    config: &HostConfig,
    recorder: &mut Recorder<'_>,
) -> Result<(), Error> {
    let entries = std::fs::read_dir(&config.proc_root).map_err(|source| Error::Read {
        path: config.proc_root.clone(),
        source,
    })?;
    let count = entries
        .filter_map(Result::ok)
        .filter(|entry| {
            let name = entry.file_name();
            let name = name.as_encoded_bytes();
            !name.is_empty() && name.iter().all(u8::is_ascii_digit)
        })
        .count();
    recorder.record_count("server_processes", &[], count as u64);
    let stat = read_proc(config, "stat")?;
    for (key, metric) in [
        ("procs_running", "server_processes_running"),
        ("procs_blocked", "server_processes_blocked"),
    ] {
        if let Some(count) = value_of(&stat, key) {
            recorder.record(metric, &[], count);
        }
    }
    Ok(())
}

pub(super) fn collect_uptime(
    config: &HostConfig,
    recorder: &mut Recorder<'_>,
) -> Result<(), Error> {
    let stat = read_proc(config, "stat")?;
    if let Some(seconds) = value_of(&stat, "btime") {
        recorder.record("server_boot_timestamp_seconds", &[], seconds);
    }
    let text = read_proc(config, "uptime")?;
    let seconds = text
        .split_whitespace()
        .next()
        .and_then(|word| word.parse().ok())
        .ok_or_else(|| malformed(config, "uptime", "it does not begin with a number"))?;
    recorder.record("server_uptime_seconds", &[], seconds);
    Ok(())
}

pub(super) fn collect_file_descriptors(
    config: &HostConfig,
    recorder: &mut Recorder<'_>,
) -> Result<(), Error> {
    let name = "sys/fs/file-nr";
    let text = read_proc(config, name)?;
    let numbers: Vec<f64> = text
        .split_whitespace()
        .filter_map(|word| word.parse().ok())
        .collect();
    let [allocated, unused, maximum] = numbers[..] else {
        return Err(malformed(config, name, "it does not hold three numbers"));
    };
    recorder.record("server_file_descriptors_allocated", &[], allocated - unused);
    recorder.record("server_file_descriptors_maximum", &[], maximum);
    Ok(())
}

/// How long tasks waited for CPU, memory or disks; kernels before 4.20, and many containers, do
/// not tell, which is no failure.
pub(super) fn collect_pressure(
    config: &HostConfig,
    recorder: &mut Recorder<'_>,
) -> Result<(), Error> {
    for resource in ["cpu", "memory", "io"] {
        let name = format!("pressure/{resource}");
        let Ok(text) = read_proc(config, &name) else {
            continue;
        };
        let Some(line) = text.lines().find(|line| line.starts_with("some ")) else {
            continue;
        };
        let microseconds = line
            .split_whitespace()
            .find_map(|word| word.strip_prefix("total="))
            .and_then(|total| total.parse::<f64>().ok())
            .ok_or_else(|| malformed(config, &name, format!("line `{line}`")))?;
        let labels = [("resource", resource)];
        recorder.record(
            "server_pressure_waiting_seconds_total",
            &labels,
            microseconds / 1e6,
        );
    }
    Ok(())
}

#[allow(clippy::unnecessary_wraps)] // One signature for all parts.
pub(super) fn collect_identity(recorder: &mut Recorder<'_>) -> Result<(), Error> {
    let name = rustix::system::uname();
    let labels = [
        ("hostname", name.nodename().to_string_lossy()),
        ("os", name.sysname().to_string_lossy()),
        ("kernel", name.release().to_string_lossy()),
        ("architecture", name.machine().to_string_lossy()),
    ];
    let labels: Vec<(&str, &str)> = labels
        .iter()
        .map(|(name, value)| (*name, value.as_ref()))
        .collect();
    recorder.record("server_info", &labels, 1.0);
    Ok(())
}

/// Returns the number behind `key` at the beginning of a line.
fn value_of(text: &str, key: &str) -> Option<f64> {
    text.lines().find_map(|line| {
        let mut words = line.split_whitespace();
        (words.next()? == key).then(|| words.next()?.parse().ok())?
    })
}
