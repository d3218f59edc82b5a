//! Disk traffic from `/proc/diskstats`: whole devices only, since partitions would count twice.

use std::collections::HashSet;

use procfs::{DiskStat, DiskStats, FromBufRead};

use super::{Error, HostConfig, malformed, read_proc};
use crate::recorder::Recorder;

/// The kernel counts in sectors of 512 bytes, whatever the device's own size of a sector.
const SECTOR_BYTES: u64 = 512;

/// Devices that are memory, files or empty trays.
const NOT_DISKS: [&str; 5] = ["loop", "ram", "zram", "fd", "sr"];

pub(super) fn collect(config: &HostConfig, recorder: &mut Recorder<'_>) -> Result<(), Error> {
    let text = read_proc(config, "diskstats")?;
    let DiskStats(devices) = DiskStats::from_buf_read(text.as_bytes())
        .map_err(|error| malformed(config, "diskstats", error))?;
    let names: HashSet<&str> = devices.iter().map(|device| device.name.as_str()).collect();
    for device in &devices {
        if is_whole_disk(&device.name, &names) {
            record(device, recorder);
        }
    }
    Ok(())
}

fn record(device: &DiskStat, recorder: &mut Recorder<'_>) {
    let labels = [("device", device.name.as_str())];
    let seconds = |milliseconds: u64| milliseconds as f64 / 1000.0;
    for (metric, count) in [
        (
            "server_disk_read_bytes_total",
            device.sectors_read * SECTOR_BYTES,
        ),
        (
            "server_disk_written_bytes_total",
            device.sectors_written * SECTOR_BYTES,
        ),
        ("server_disk_reads_total", device.reads),
        ("server_disk_writes_total", device.writes),
        ("server_disk_operations_in_progress", device.in_progress),
    ] {
        recorder.record_count(metric, &labels, count);
    }
    for (metric, milliseconds) in [
        ("server_disk_read_time_seconds_total", device.time_reading),
        ("server_disk_write_time_seconds_total", device.time_writing),
        ("server_disk_io_time_seconds_total", device.time_in_progress),
    ] {
        recorder.record(metric, &labels, seconds(milliseconds));
    }
}

/// Tells a disk from its partitions: `sda1` and `nvme0n1p1` are partitions because `sda` and
/// `nvme0n1` exist, whereas `xvda1` alone, as some clouds have it, is a disk.
fn is_whole_disk(name: &str, names: &HashSet<&str>) -> bool {
    let stem = name.trim_end_matches(|c: char| c.is_ascii_digit());
    if NOT_DISKS.contains(&stem) {
        return false;
    }
    if stem.len() == name.len() {
        return true;
    }
    let parent = match stem.strip_suffix('p') {
        Some(parent) if parent.ends_with(|c: char| c.is_ascii_digit()) => parent,
        _ => stem,
    };
    !names.contains(parent)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partitions_are_told_from_disks() {
        let names: HashSet<&str> = [
            "sda",
            "sda1",
            "sda12",
            "nvme0n1",
            "nvme0n1p1",
            "mmcblk0",
            "mmcblk0p2",
            "xvda1",
            "dm-0",
            "md0",
            "md0p1",
            "loop0",
            "sr0",
            "zram0",
            "vdb",
        ]
        .into();
        let mut disks: Vec<_> = names
            .iter()
            .copied()
            .filter(|name| is_whole_disk(name, &names))
            .collect();
        disks.sort_unstable();
        assert_eq!(
            disks,
            ["dm-0", "md0", "mmcblk0", "nvme0n1", "sda", "vdb", "xvda1"]
        );
    }
}
