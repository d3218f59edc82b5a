//! What the kernel says of this process itself.

use procfs::process::{LimitValue, Process};
use procfs::{ProcResult, boot_time_secs, page_size, ticks_per_second};

/// What a process takes of its machine.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ProcessUsage {
    /// Time of the processors since its start, in user and system mode.
    pub cpu_seconds: f64,
    /// Memory that it has in RAM.
    pub resident_bytes: u64,
    /// Address space that it has reserved.
    pub virtual_bytes: u64,
    /// Files, sockets and pipes that it has open.
    pub open_files: u64,
    /// How many it may have; none where there is no limit.
    pub open_files_limit: Option<u64>,
    /// When it began, in seconds since the Unix epoch.
    pub started_at_seconds: f64,
}

/// Returns what this process takes; none where the kernel does not say.
pub fn own_usage() -> Option<ProcessUsage> {
    read().ok()
}

fn read() -> ProcResult<ProcessUsage> {
    let process = Process::myself()?;
    let stat = process.stat()?;
    let ticks = ticks_per_second() as f64;
    Ok(ProcessUsage {
        cpu_seconds: (stat.utime + stat.stime) as f64 / ticks,
        resident_bytes: stat.rss * page_size(),
        virtual_bytes: stat.vsize,
        open_files: process.fd_count()? as u64,
        open_files_limit: match process.limits()?.max_open_files.soft_limit {
            LimitValue::Value(limit) => Some(limit),
            LimitValue::Unlimited => None,
        },
        started_at_seconds: boot_time_secs()? as f64 + stat.starttime as f64 / ticks,
    })
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::time::{SystemTime, UNIX_EPOCH};

    use super::*;

    #[test]
    fn a_process_knows_what_it_takes() {
        let before = own_usage().unwrap();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let age = now.as_secs_f64() - before.started_at_seconds;
        // The kernel gives its own start in whole seconds.
        assert!((-2.0..600.0).contains(&age), "{age}");
        assert!(before.resident_bytes > 100_000);
        assert!(before.virtual_bytes >= before.resident_bytes);
        let files: Vec<File> = (0..50).map(|_| File::open("/dev/null").unwrap()).collect();
        let after = own_usage().unwrap();
        assert!(after.open_files >= before.open_files + 40, "{after:?}");
        assert!(after.cpu_seconds >= before.cpu_seconds);
        drop(files);
    }
}
