//! File systems: which ones are real, from `/proc/self/mountinfo`, and how full they are.
//!
//! A network file system whose server is gone blocks whoever asks for its size, without end. So
//! each is asked in a thread of its own; one that does not answer in time is skipped, and is not
//! asked again until the thread that waits for it has come back.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, TryRecvError};
use std::thread;
use std::time::Instant;

use super::{Error, HostConfig, malformed, read_proc};
use crate::recorder::Recorder;

/// File system types that hold no files on a disk, or are full by their nature.
pub(super) const PSEUDO_FILE_SYSTEMS: &[&str] = &[
    "autofs",
    "binfmt_misc",
    "bpf",
    "cgroup",
    "cgroup2",
    "configfs",
    "debugfs",
    "devpts",
    "devtmpfs",
    "efivarfs",
    "erofs",
    "fuse.gvfsd-fuse",
    "fuse.lxcfs",
    "fuse.portal",
    "fusectl",
    "hugetlbfs",
    "iso9660",
    "mqueue",
    "nsfs",
    "proc",
    "procfs",
    "pstore",
    "ramfs",
    "rootfs",
    "rpc_pipefs",
    "securityfs",
    "selinuxfs",
    "squashfs",
    "sysfs",
    "tmpfs",
    "tracefs",
];

/// Where containers and the system mount things that are not the operator's.
pub(super) const PSEUDO_MOUNT_POINTS: &[&str] = &[
    "/dev",
    "/proc",
    "/run/credentials",
    "/run/user",
    "/snap",
    "/sys",
    "/var/lib/containers/storage",
    "/var/lib/docker",
    "/var/lib/kubelet/pods",
];

/// How large a file system is, and how full.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FileSystemUsage {
    /// Its size in bytes.
    pub size_bytes: u64,
    /// What is free, the part kept for root included, in bytes.
    pub free_bytes: u64,
    /// What an ordinary user can still write, in bytes.
    pub available_bytes: u64,
    /// How many inodes it has; 0 where it makes them as needed.
    pub inodes: u64,
    /// How many of them are free.
    pub free_inodes: u64,
}

/// Measures the file system at a mount point.
pub type MeasureFileSystem = dyn Fn(&Path) -> std::io::Result<FileSystemUsage> + Send + Sync;

type Answer = std::io::Result<FileSystemUsage>;

/// Asks the kernel. A mount point that is a file, as containers have for `/etc/hosts`, is refused
/// as `NotADirectory`.
pub(super) fn statvfs(path: &Path) -> Answer {
    if !std::fs::metadata(path)?.is_dir() {
        return Err(std::io::ErrorKind::NotADirectory.into());
    }
    let answer = rustix::fs::statvfs(path)?;
    Ok(FileSystemUsage {
        size_bytes: answer.f_blocks.saturating_mul(answer.f_frsize),
        free_bytes: answer.f_bfree.saturating_mul(answer.f_frsize),
        available_bytes: answer.f_bavail.saturating_mul(answer.f_frsize),
        inodes: answer.f_files,
        free_inodes: answer.f_ffree,
    })
}

/// Measures file systems, and remembers which ones have not answered yet.
pub(super) struct FileSystemCollector {
    measure: Arc<MeasureFileSystem>,
    unanswered: HashMap<PathBuf, Receiver<Answer>>,
}

impl std::fmt::Debug for FileSystemCollector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FileSystemCollector")
            .field("unanswered", &self.unanswered.keys())
            .finish_non_exhaustive()
    }
}

impl FileSystemCollector {
    pub(super) fn new(measure: Arc<MeasureFileSystem>) -> Self {
        Self {
            measure,
            unanswered: HashMap::new(),
        }
    }

    pub(super) fn collect(
        &mut self,
        config: &HostConfig,
        recorder: &mut Recorder<'_>,
    ) -> Result<(), Error> {
        let mounts = real_mounts(config)?;
        let mut skipped = Vec::new();
        let mut asked = Vec::new();
        for mount in mounts {
            let path = below_root(config, &mount.place);
            if let Some(earlier) = self.unanswered.get(&path)
                && matches!(earlier.try_recv(), Err(TryRecvError::Empty))
            {
                skipped.push(format!("{} still does not answer", mount.place));
                continue;
            }
            self.unanswered.remove(&path);
            match self.ask(&path) {
                Ok(answer) => asked.push((mount, path, answer)),
                Err(error) => skipped.push(format!("{} ({error})", mount.place)),
            }
        }
        let deadline = Instant::now() + config.file_system_timeout;
        for (mount, path, answer) in asked {
            let remaining = deadline.saturating_duration_since(Instant::now());
            match answer.recv_timeout(remaining) {
                Ok(Ok(usage)) => record(&mount, usage, recorder),
                Ok(Err(error)) if error.kind() == std::io::ErrorKind::NotADirectory => {}
                Ok(Err(error)) => skipped.push(format!("{} ({error})", mount.place)),
                Err(RecvTimeoutError::Timeout) => {
                    skipped.push(format!("{} does not answer", mount.place));
                    self.unanswered.insert(path, answer);
                }
                Err(RecvTimeoutError::Disconnected) => {
                    skipped.push(format!("{} (the measurement broke off)", mount.place));
                }
            }
        }
        if skipped.is_empty() {
            Ok(())
        } else {
            Err(Error::FileSystems(skipped.join(", ")))
        }
    }

    fn ask(&self, path: &Path) -> std::io::Result<Receiver<Answer>> {
        let (sender, receiver) = mpsc::channel();
        let measure = Arc::clone(&self.measure);
        let path = path.to_owned();
        thread::Builder::new()
            .name("statvfs".to_owned())
            .spawn(move || {
                // Nobody waits any more when the collector has given up: that is fine.
                let _ = sender.send(measure(&path));
            })?;
        Ok(receiver)
    }
}

fn record(mount: &Mount, usage: FileSystemUsage, recorder: &mut Recorder<'_>) {
    // Some special file systems have no size at all.
    if usage.size_bytes == 0 {
        return;
    }
    let labels = [
        ("mountpoint", mount.place.as_str()),
        ("device", mount.device.as_str()),
        ("fstype", mount.fs_type.as_str()),
    ];
    let used = usage.size_bytes.saturating_sub(usage.free_bytes);
    recorder.record_count("server_filesystem_size_bytes", &labels, usage.size_bytes);
    recorder.record_count(
        "server_filesystem_available_bytes",
        &labels,
        usage.available_bytes,
    );
    recorder.record_count("server_filesystem_used_bytes", &labels, used);
    // As `df` counts: what root keeps for itself is neither used nor to be had.
    let usable = used + usage.available_bytes;
    if usable > 0 {
        let ratio = used as f64 / usable as f64;
        recorder.record("server_filesystem_utilization_ratio", &labels, ratio);
    }
    if usage.inodes > 0 {
        recorder.record_count("server_filesystem_inodes", &labels, usage.inodes);
        let used = usage.inodes.saturating_sub(usage.free_inodes);
        recorder.record_count("server_filesystem_inodes_used", &labels, used);
    }
    let read_only = f64::from(u8::from(mount.is_read_only));
    recorder.record("server_filesystem_read_only", &labels, read_only);
}

/// One line of `mountinfo`.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Mount {
    /// The device's number, `major:minor`: the same for all mounts of one file system.
    device_number: String,
    /// Which folder of the file system is mounted; `/` unless it is a bind mount or a subvolume.
    root: String,
    /// Where it is mounted.
    place: String,
    fs_type: String,
    device: String,
    is_read_only: bool,
}

/// Returns the mounts that are real file systems, each file system once, in the order of their
/// mount points.
fn real_mounts(config: &HostConfig) -> Result<Vec<Mount>, Error> {
    let (name, text) = match read_proc(config, "self/mountinfo") {
        Ok(text) => ("self/mountinfo", text),
        // A collector that sees the machine's own /proc from a container is no process in it.
        Err(_) => ("1/mountinfo", read_proc(config, "1/mountinfo")?),
    };
    // Of several mounts at one place only the last can be seen.
    let mut visible = BTreeMap::new();
    for line in text.lines() {
        let mount =
            parse_mount(line).ok_or_else(|| malformed(config, name, format!("line `{line}`")))?;
        visible.insert(mount.place.clone(), mount);
    }
    // Of several mounts of one file system the whole one, and then the shortest path, speaks.
    let mut mounts: Vec<Mount> = visible.into_values().collect();
    mounts.retain(|mount| is_real(mount, config));
    mounts.sort_by(|a, b| rank(a).cmp(&rank(b)));
    let mut seen = HashSet::new();
    mounts.retain(|mount| seen.insert(mount.device_number.clone()));
    mounts.sort_by(|a, b| a.place.cmp(&b.place));
    Ok(mounts)
}

fn rank(mount: &Mount) -> (bool, usize, &str) {
    (mount.root != "/", mount.place.len(), &mount.place)
}

fn is_real(mount: &Mount, config: &HostConfig) -> bool {
    let excluded_type = config.excluded_file_system_types.contains(&mount.fs_type);
    let below = |folder: &String| Path::new(&mount.place).starts_with(folder);
    let excluded_place = config.excluded_mount_points.iter().any(below);
    // An overlay is a container's view of a disk: of interest only from inside, as the root.
    let is_inner_overlay = mount.fs_type == "overlay" && mount.place != "/";
    !excluded_type && !excluded_place && !is_inner_overlay
}

fn parse_mount(line: &str) -> Option<Mount> {
    let (before, after) = line.split_once(" - ")?;
    let mut before = before.split(' ').skip(2);
    let device_number = before.next()?.to_owned();
    let root = unescape(before.next()?);
    let place = unescape(before.next()?);
    let is_read_only = before.next()?.split(',').any(|option| option == "ro");
    let mut after = after.split(' ');
    Some(Mount {
        device_number,
        root,
        place,
        is_read_only,
        fs_type: after.next()?.to_owned(),
        device: unescape(after.next()?),
    })
}

/// Undoes the kernel's octal escapes, such as `\040` for a space.
fn unescape(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let escaped = (*first == b'\\')
            .then(|| tail.get(..3))
            .flatten()
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 8).ok());
        if let Some(byte) = escaped {
            bytes.push(byte);
            rest = &tail[3..];
        } else {
            bytes.push(*first);
            rest = tail;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn below_root(config: &HostConfig, mount_point: &str) -> PathBuf {
    config
        .file_system_root
        .join(mount_point.trim_start_matches('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mount_points_are_unescaped() {
        let line = r"36 35 98:0 / /mnt/a\040b rw,noatime master:1 - ext3 /dev/root rw,errors=ro";
        let mount = parse_mount(line).unwrap();
        assert_eq!(mount.place, "/mnt/a b");
        assert_eq!(mount.fs_type, "ext3");
        assert!(!mount.is_read_only);
        assert_eq!(unescape(r"\1"), r"\1");
        assert_eq!(unescape(r"\344\272\221"), "云");
    }

    #[test]
    fn this_machine_s_root_can_be_measured() {
        let usage = statvfs(Path::new("/")).unwrap();
        assert!(usage.size_bytes >= usage.free_bytes);
        assert!(usage.free_bytes >= usage.available_bytes);
        let error = statvfs(Path::new("/proc/stat")).unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::NotADirectory);
    }
}
