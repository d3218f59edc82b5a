//! The data directory, and the lock that gives it to one server.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Write};

use anyhow::{Context, bail};

use super::DataDir;

const LOCK_FILE: &str = "yunhai.lock";

/// The data directory belongs to this process as long as this lives.
#[derive(Debug)]
pub(crate) struct DataLock(#[allow(dead_code, reason = "kept for its drop")] File);

impl DataDir {
    /// Makes the directory where there is none.
    pub(crate) fn make(&self) -> anyhow::Result<()> {
        std::fs::create_dir_all(&self.data).map_err(|error| {
            anyhow::anyhow!(
                "cannot make the data directory {}: {error}\n\
                 hint: choose a folder that you may write, with --data",
                self.data.display()
            )
        })
    }

    /// Refuses a directory that is not there, so that a mistyped one is not made by looking into it.
    pub(crate) fn require(&self) -> anyhow::Result<()> {
        if self.data.is_dir() {
            return Ok(());
        }
        bail!(
            "there is no data directory {}\n\
             hint: name the one of your server, or make one with `yunhai serve` or \
             `yunhai user create`",
            self.data.display()
        )
    }

    /// Takes the directory for this process, before anything in it is touched.
    pub(crate) fn lock(&self) -> anyhow::Result<DataLock> {
        self.lock_or("stop that one, or choose another directory with --data")
    }

    /// Takes the directory for this process; `hint` says what to do where it is taken.
    pub(crate) fn lock_or(&self, hint: &str) -> anyhow::Result<DataLock> {
        self.make()?;
        let path = self.data.join(LOCK_FILE);
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(|error| {
                anyhow::anyhow!(
                    "cannot write to the data directory {}: {error}\n\
                     hint: give it to the user that runs yunhai, or choose another with --data",
                    self.data.display()
                )
            })?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut owner = String::new();
                let _ = file.read_to_string(&mut owner);
                bail!(
                    "the data directory {} is in use by another yunhai (process {})\n\
                     hint: {hint}",
                    self.data.display(),
                    owner.trim()
                );
            }
            Err(TryLockError::Error(error)) => {
                return Err(error).with_context(|| format!("cannot lock {}", path.display()));
            }
        }
        file.set_len(0)
            .and_then(|()| write!(file, "{}", std::process::id()))
            .with_context(|| format!("cannot write {}", path.display()))?;
        Ok(DataLock(file))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_belongs_to_one_process_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let data_dir = DataDir {
            data: folder.path().join("data"),
            config: None,
            database: None,
        };
        let lock = data_dir.lock().unwrap();
        let error = data_dir.lock().unwrap_err().to_string();
        assert!(
            error.contains(&format!("process {}", std::process::id())),
            "{error}"
        );
        drop(lock);
        data_dir.lock().unwrap();
    }
}
