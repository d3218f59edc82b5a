//! The data directory, and the lock that gives it to one server.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{Read, Write};
use std::os::unix::fs::DirBuilderExt;

use anyhow::{Context, bail};

use super::{Config, DataDir};

/// Opens the sealed secrets of the state database.
pub(crate) const KEY_FILE: &str = "master.key";

/// What was signed of the audit log in the state database.
pub(crate) const CHECKPOINT_FILE: &str = "audit-checkpoints.jsonl";

/// The state database where no other is named.
pub(crate) const STATE_FILE: &str = "state.db";

const LOCK_FILE: &str = "yunhai.lock";

/// The data directory belongs to this process as long as this lives.
#[derive(Debug)]
pub(crate) struct DataLock(#[allow(dead_code, reason = "kept for its drop")] File);

impl DataDir {
    /// Makes the directory where there is none, for this user alone.
    pub(crate) fn make(&self) -> anyhow::Result<()> {
        let mut builder = DirBuilder::new();
        builder.recursive(true).mode(0o700);
        builder.create(&self.data).map_err(|error| {
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

    /// Refuses to begin a new state beside what belongs to another: whoever forgets to name the
    /// database would work in an empty one.
    pub(crate) fn require_named_database(&self, config: &Config) -> anyhow::Result<()> {
        let state = self.data.join(STATE_FILE);
        if config.database.is_some() || state.exists() {
            return Ok(());
        }
        let belongs_to_another = |name: &&str| self.data.join(name).exists();
        let Some(file) = [CHECKPOINT_FILE, KEY_FILE]
            .into_iter()
            .find(belongs_to_another)
        else {
            return Ok(());
        };
        bail!(
            "the state of {} is in a database that is not named: it holds {file}, but no \
             {STATE_FILE}\n\
             hint: name the database with --database URL or YUNHAI_DATABASE, or the configuration \
             that does with --config FILE; to begin a new state here: --database {}",
            self.data.display(),
            state.display()
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
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn no_new_state_begins_where_another_database_is_only_not_named() {
        let folder = tempfile::tempdir().unwrap();
        let data_dir = DataDir {
            data: folder.path().to_owned(),
            config: None,
            database: None,
        };
        let mut config = Config::default();
        data_dir.require_named_database(&config).unwrap();
        for file in [KEY_FILE, CHECKPOINT_FILE] {
            std::fs::write(folder.path().join(file), "").unwrap();
            let error = data_dir.require_named_database(&config).unwrap_err();
            assert!(error.to_string().contains(file), "{error}");
        }
        config.database = Some("postgres://host/yunhai".to_owned());
        data_dir.require_named_database(&config).unwrap();
        config.database = None;
        std::fs::write(folder.path().join(STATE_FILE), "").unwrap();
        data_dir.require_named_database(&config).unwrap();
    }

    #[test]
    fn a_directory_belongs_to_one_user_and_one_process_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let data_dir = DataDir {
            data: folder.path().join("data"),
            config: None,
            database: None,
        };
        let lock = data_dir.lock().unwrap();
        let mode = std::fs::metadata(&data_dir.data).unwrap().permissions();
        assert_eq!(mode.mode() & 0o777, 0o700);
        let error = data_dir.lock().unwrap_err().to_string();
        assert!(
            error.contains(&format!("process {}", std::process::id())),
            "{error}"
        );
        drop(lock);
        data_dir.lock().unwrap();
    }
}
