//! What the server cannot do without: a state database that answers, and room where it writes.
//!
//! Both come back by themselves, so both are asked again rather than remembered for good.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::{Mutex, Notify};
use tokio_util::sync::CancellationToken;
use yunhai_database::{Database, Trouble};
use yunhai_model::with_causes;

/// How long to wait between two questions to a state database that is away.
const ASK_AGAIN: Duration = Duration::from_secs(1);

/// For how long an attempt to write in the folders is believed.
const BELIEVED: Duration = Duration::from_secs(2);

/// What an attempt to write takes: less room is soon none.
const ROOM_BYTES: usize = 1 << 20;

/// How the server does.
pub(crate) struct Health {
    database: Database,
    is_database_away: AtomicBool,
    /// Woken when the database is found to be away.
    noted: Notify,
    /// Where the server writes.
    folders: Vec<PathBuf>,
    /// When the folders were tried last, and what came of it.
    tried: Mutex<Option<(Instant, Option<Unwritable>)>>,
}

/// A folder in which the server cannot write.
#[derive(Clone, Debug)]
pub(crate) struct Unwritable {
    pub(crate) folder: PathBuf,
    reason: std::io::ErrorKind,
}

impl std::fmt::Display for Unwritable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let folder = self.folder.display();
        if is_out_of_room(self.reason) {
            write!(f, "there is no room left in {folder}")
        } else {
            write!(f, "nothing can be written in {folder}: {}", self.reason)
        }
    }
}

impl Health {
    /// Takes the state database, and the folder of the series.
    pub(crate) fn new(database: Database, series: PathBuf) -> Self {
        let mut folders = vec![series];
        folders.extend(database.folder().map(Path::to_owned));
        Self {
            database,
            is_database_away: AtomicBool::new(false),
            noted: Notify::new(),
            folders,
            tried: Mutex::new(None),
        }
    }

    /// Tells whether the state database did not answer when it was asked last. Who knows that need
    /// not wait for it.
    pub(crate) fn is_database_away(&self) -> bool {
        self.is_database_away.load(Ordering::Relaxed)
    }

    /// Notes that a request failed as the state database did not answer.
    pub(crate) fn note_database_away(&self) {
        if !self.is_database_away.swap(true, Ordering::Relaxed) {
            tracing::warn!("the state database does not answer; asking it again until it does");
            self.noted.notify_one();
        }
    }

    /// Asks the state database, and tells whether it answers.
    pub(crate) async fn ask_database(&self) -> bool {
        match self.database.ping().await {
            Ok(()) => true,
            Err(error) => {
                tracing::debug!(error = with_causes(&error), "the state database was asked");
                self.note_database_away();
                false
            }
        }
    }

    /// Asks a state database that is away until it answers, until the server stops.
    pub(crate) async fn watch_database(&self, stop: CancellationToken) {
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.noted.notified() => {}
            }
            while self.is_database_away() {
                tokio::select! {
                    () = stop.cancelled() => return,
                    () = tokio::time::sleep(ASK_AGAIN) => {}
                }
                if self.ask_database().await {
                    self.is_database_away.store(false, Ordering::Relaxed);
                    tracing::info!("the state database answers again");
                }
            }
        }
    }

    /// Returns the first folder in which nothing can be written.
    pub(crate) async fn unwritable_folder(&self) -> Option<Unwritable> {
        let mut tried = self.tried.lock().await;
        if let Some((at, found)) = &*tried
            && at.elapsed() < BELIEVED
        {
            return found.clone();
        }
        let folders = self.folders.clone();
        let found = tokio::task::spawn_blocking(move || first_unwritable(&folders))
            .await
            .ok()
            .flatten();
        *tried = Some((Instant::now(), found.clone()));
        found
    }
}

/// Tells whether an error has to do with a full disk, whoever has wrapped it.
pub(crate) fn is_for_lack_of_room(error: &(dyn std::error::Error + 'static)) -> bool {
    Trouble::behind(error) == Some(Trouble::OutOfRoom)
        || std::iter::successors(Some(error), |&error| error.source())
            .filter_map(|error| error.downcast_ref::<std::io::Error>())
            .any(|error| is_out_of_room(error.kind()))
}

fn is_out_of_room(kind: std::io::ErrorKind) -> bool {
    use std::io::ErrorKind::{QuotaExceeded, StorageFull};
    matches!(kind, StorageFull | QuotaExceeded)
}

/// Writes in each folder. The free space that a file system tells of is not all that counts: there
/// are quotas, numbers of files, and disks that have gone read-only.
fn first_unwritable(folders: &[PathBuf]) -> Option<Unwritable> {
    folders.iter().find_map(|folder| {
        let file = folder.join(".room");
        let written =
            std::fs::File::create(&file).and_then(|mut file| file.write_all(&vec![0; ROOM_BYTES]));
        let _ = std::fs::remove_file(&file);
        let reason = written.err()?.kind();
        Some(Unwritable {
            folder: folder.clone(),
            reason,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_in_which_nothing_can_be_written_is_named() {
        let whole = tempfile::tempdir().unwrap();
        assert!(first_unwritable(&[whole.path().to_owned()]).is_none());
        assert_eq!(std::fs::read_dir(whole.path()).unwrap().count(), 0);
        let gone = whole.path().join("gone");
        let folders = [whole.path().to_owned(), gone.clone()];
        let found = first_unwritable(&folders).unwrap();
        assert_eq!(found.folder, gone);
        assert!(found.to_string().contains("gone: entity not found"));
    }

    #[test]
    fn lack_of_room_is_found_behind_what_wraps_it() {
        let error = yunhai_series::Error::LogWrite {
            folder: "wal".into(),
            source: std::io::ErrorKind::StorageFull.into(),
        };
        assert!(is_for_lack_of_room(&error));
        assert!(!is_for_lack_of_room(&yunhai_series::Error::Closed));
    }
}
