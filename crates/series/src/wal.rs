//! The write-ahead log: what makes an acknowledged sample survive.
//!
//! One thread owns the current segment. Appenders hand it their records in the order in which the
//! head saw them and wait; it writes what has gathered, syncs once, and answers all of them.

mod record;
mod replay;

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use tokio::sync::oneshot;

use crate::Error;

pub(crate) use record::{Entry, RecordBuilder};
pub(crate) use replay::replay;

/// The first bytes of each file of the log, with the version of its format.
const MAGIC: &[u8; 8] = b"YHWAL\0\0\x01";

/// What an appender waits for.
pub(crate) type Synced = oneshot::Receiver<std::io::Result<()>>;

enum Message {
    Append {
        record: Vec<u8>,
        reply: oneshot::Sender<std::io::Result<()>>,
    },
    Rotate {
        segment: u64,
    },
    Healed,
}

/// The log's writing end.
#[derive(Debug)]
pub(crate) struct Wal {
    folder: PathBuf,
    sender: Mutex<Option<Sender<Message>>>,
    last_segment: AtomicU64,
    is_broken: std::sync::Arc<std::sync::atomic::AtomicBool>,
    writer: Mutex<Option<JoinHandle<()>>>,
}

impl Wal {
    /// Starts a new segment after all that are in the folder.
    pub(crate) fn start(folder: &Path, segment: u64) -> Result<Self, Error> {
        delete_drafts(folder)?;
        let file = create_segment(folder, segment).map_err(Error::file(folder))?;
        let (sender, receiver) = channel();
        let is_broken = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
        let writer = Writer {
            folder: folder.to_owned(),
            file: Some(file),
            health: Health::Sound,
            failure: None,
            is_broken: is_broken.clone(),
        };
        let handle = std::thread::Builder::new()
            .name("series-wal".to_owned())
            .spawn(move || writer.run(&receiver))
            .map_err(Error::file(folder))?;
        Ok(Self {
            folder: folder.to_owned(),
            sender: Mutex::new(Some(sender)),
            last_segment: AtomicU64::new(segment),
            is_broken,
            writer: Mutex::new(Some(handle)),
        })
    }

    /// Returns where the log lies.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Hands a record to the writer; an empty one just waits for what was handed in before.
    ///
    /// To be called under the lock of the head, so that the log has the head's order.
    pub(crate) fn submit(&self, record: Vec<u8>) -> Synced {
        let (reply, synced) = oneshot::channel();
        self.send(Message::Append { record, reply });
        synced
    }

    /// Lets all later records go to a new segment and returns its number. Same lock as `submit`.
    pub(crate) fn rotate(&self) -> u64 {
        let segment = self.last_segment.fetch_add(1, Ordering::SeqCst) + 1;
        self.send(Message::Rotate { segment });
        segment
    }

    /// Tells whether a write failed since, so that the head holds what the log does not.
    pub(crate) fn is_broken(&self) -> bool {
        self.is_broken.load(Ordering::SeqCst)
    }

    /// Tells the writer that a checkpoint made good what an earlier write failed to keep.
    pub(crate) fn healed(&self) {
        self.send(Message::Healed);
    }

    /// Writes a checkpoint that stands for all segments before `segment`, then deletes those.
    pub(crate) fn write_checkpoint(&self, segment: u64, records: &[Vec<u8>]) -> Result<(), Error> {
        let path = checkpoint_path(&self.folder, segment);
        let draft = path.with_extension("tmp");
        let write = || -> std::io::Result<()> {
            let mut file = File::create(&draft)?;
            file.write_all(MAGIC)?;
            let mut framed = Vec::new();
            let end = [record::END].as_slice();
            for record in records.iter().map(Vec::as_slice).chain([end]) {
                framed.clear();
                record::frame(&mut framed, record);
                file.write_all(&framed)?;
            }
            file.sync_all()?;
            std::fs::rename(&draft, &path)?;
            sync_folder(&self.folder)
        };
        write().map_err(|error| {
            // On a full disk every attempt would leave one, and they are not small.
            let _ = std::fs::remove_file(&draft);
            Error::file(&path)(error)
        })
    }

    /// Deletes what a checkpoint at `segment` stands for.
    pub(crate) fn delete_before(&self, segment: u64) -> Result<(), Error> {
        for (number, path, is_checkpoint) in list(&self.folder)? {
            if number < segment {
                tracing::debug!(path = %path.display(), is_checkpoint, "log file is covered and deleted");
                std::fs::remove_file(&path).map_err(Error::file(&path))?;
            }
        }
        Ok(())
    }

    /// Returns the size of the log in bytes.
    pub(crate) fn size_bytes(&self) -> u64 {
        list(&self.folder).map_or(0, |files| {
            files
                .iter()
                .filter_map(|(_, path, _)| std::fs::metadata(path).ok())
                .map(|metadata| metadata.len())
                .sum()
        })
    }

    /// Waits until everything handed in is written, and ends the writer.
    pub(crate) fn close(&self) {
        self.sender.lock().expect(crate::store::UNPOISONED).take();
        if let Some(writer) = self.writer.lock().expect(crate::store::UNPOISONED).take() {
            // A panicked writer has answered nobody, so nothing acknowledged is lost.
            let _ = writer.join();
        }
    }

    fn send(&self, message: Message) {
        // Without a writer the message is dropped, and with it the reply: the waiter sees it closed.
        if let Some(sender) = &*self.sender.lock().expect(crate::store::UNPOISONED) {
            let _ = sender.send(message);
        }
    }
}

/// How far the log can be believed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Health {
    Sound,
    /// A write failed: nothing more goes to this segment.
    Broken,
    /// A new segment is begun, but until a checkpoint is written nothing may be acknowledged.
    Healing,
}

struct Writer {
    folder: PathBuf,
    file: Option<File>,
    health: Health,
    /// Why the last write failed; later ones fail for the same reason.
    failure: Option<Failure>,
    is_broken: std::sync::Arc<std::sync::atomic::AtomicBool>,
}

/// What the file system answered, as each waiter is told it.
#[derive(Clone)]
struct Failure {
    kind: std::io::ErrorKind,
    text: String,
}

impl From<&std::io::Error> for Failure {
    fn from(error: &std::io::Error) -> Self {
        Self {
            kind: error.kind(),
            text: error.to_string(),
        }
    }
}

impl From<Failure> for std::io::Error {
    fn from(failure: Failure) -> Self {
        Self::new(failure.kind, failure.text)
    }
}

impl Writer {
    fn run(mut self, receiver: &Receiver<Message>) {
        let mut buffer = Vec::new();
        let mut waiting = Vec::new();
        while let Ok(first) = receiver.recv() {
            let mut next = Some(first);
            while let Some(message) = next {
                match message {
                    Message::Append { record, reply } => {
                        if !record.is_empty() {
                            record::frame(&mut buffer, &record);
                        }
                        waiting.push(reply);
                    }
                    Message::Rotate { segment } => {
                        self.commit(&mut buffer, &mut waiting);
                        self.rotate(segment);
                    }
                    Message::Healed => {
                        self.commit(&mut buffer, &mut waiting);
                        if self.health == Health::Healing {
                            self.set(Health::Sound);
                        }
                    }
                }
                // A group is bounded so that the first waiter is not kept for ever.
                next = if buffer.len() < 16 << 20 {
                    receiver.try_recv().ok()
                } else {
                    None
                };
            }
            self.commit(&mut buffer, &mut waiting);
        }
    }

    fn commit(
        &mut self,
        buffer: &mut Vec<u8>,
        waiting: &mut Vec<oneshot::Sender<std::io::Result<()>>>,
    ) {
        let outcome = match (&mut self.file, self.health) {
            (Some(file), Health::Sound | Health::Healing) => {
                let written = if buffer.is_empty() {
                    Ok(())
                } else {
                    file.write_all(buffer).and_then(|()| file.sync_data())
                };
                match written {
                    Ok(()) if self.health == Health::Healing => Err(Failure {
                        kind: std::io::ErrorKind::ResourceBusy,
                        text: "it is being repaired after a failed write, try again".to_owned(),
                    }),
                    Ok(()) => Ok(()),
                    Err(error) => {
                        tracing::error!(folder = %self.folder.display(), error = yunhai_model::with_causes(&error), "writing the write-ahead log failed");
                        let failure = Failure::from(&error);
                        self.fail(failure.clone());
                        Err(failure)
                    }
                }
            }
            _ => Err(self.failure.clone().unwrap_or_else(|| Failure {
                kind: std::io::ErrorKind::Other,
                text: "an earlier write failed".to_owned(),
            })),
        };
        buffer.clear();
        for reply in waiting.drain(..) {
            // A waiter that went away wants no answer.
            let _ = reply.send(outcome.clone().map_err(Into::into));
        }
    }

    fn rotate(&mut self, segment: u64) {
        match create_segment(&self.folder, segment) {
            Ok(file) => {
                self.file = Some(file);
                if self.health == Health::Broken {
                    self.set(Health::Healing);
                }
            }
            Err(error) => {
                tracing::error!(folder = %self.folder.display(), error = yunhai_model::with_causes(&error), "starting a segment of the write-ahead log failed");
                self.fail((&error).into());
            }
        }
    }

    fn fail(&mut self, failure: Failure) {
        self.failure = Some(failure);
        self.set(Health::Broken);
    }

    fn set(&mut self, health: Health) {
        self.health = health;
        self.is_broken
            .store(health != Health::Sound, Ordering::SeqCst);
    }
}

fn create_segment(folder: &Path, segment: u64) -> std::io::Result<File> {
    let path = segment_path(folder, segment);
    let mut file = File::options().write(true).create_new(true).open(&path)?;
    let begun = file
        .write_all(MAGIC)
        .and_then(|()| file.sync_all())
        .and_then(|()| sync_folder(folder));
    if begun.is_err() {
        // Nothing is in it, and a full disk brings one with every attempt.
        let _ = std::fs::remove_file(&path);
    }
    begun.map(|()| file)
}

/// Deletes the checkpoints that a process which ended in the middle has begun.
fn delete_drafts(folder: &Path) -> Result<(), Error> {
    for entry in std::fs::read_dir(folder).map_err(Error::file(folder))? {
        let path = entry.map_err(Error::file(folder))?.path();
        if path.extension().is_some_and(|extension| extension == "tmp") {
            std::fs::remove_file(&path).map_err(Error::file(&path))?;
        }
    }
    Ok(())
}

fn segment_path(folder: &Path, segment: u64) -> PathBuf {
    folder.join(format!("{segment:010}.log"))
}

fn checkpoint_path(folder: &Path, segment: u64) -> PathBuf {
    folder.join(format!("{segment:010}.checkpoint"))
}

/// Makes names in a folder survive a power failure.
pub(crate) fn sync_folder(folder: &Path) -> std::io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Lists the log's files as (number, path, whether it is a checkpoint), in the order of numbers,
/// checkpoints before segments.
fn list(folder: &Path) -> Result<Vec<(u64, PathBuf, bool)>, Error> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(Error::file(folder))? {
        let path = entry.map_err(Error::file(folder))?.path();
        let Some((stem, extension)) = path
            .file_name()
            .and_then(|name| name.to_str())
            .and_then(|name| name.split_once('.'))
        else {
            continue;
        };
        if let Ok(number) = stem.parse()
            && matches!(extension, "log" | "checkpoint")
        {
            let is_checkpoint = extension == "checkpoint";
            files.push((number, path, is_checkpoint));
        }
    }
    files.sort_by_key(|(number, _, is_checkpoint)| (*number, !is_checkpoint));
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_draft_of_a_checkpoint_stays() {
        let folder = tempfile::tempdir().unwrap();
        let left = folder.path().join("0000000001.tmp");
        std::fs::write(&left, "half a checkpoint").unwrap();
        let wal = Wal::start(folder.path(), 2).unwrap();
        assert!(!left.exists(), "what a killed process left is deleted");

        // A folder of that name makes the last step fail.
        let path = checkpoint_path(folder.path(), 3);
        std::fs::create_dir(&path).unwrap();
        wal.write_checkpoint(3, &[vec![1, 2, 3]]).unwrap_err();
        assert!(!path.with_extension("tmp").exists());
        std::fs::remove_dir(&path).unwrap();
        wal.write_checkpoint(3, &[vec![1, 2, 3]]).unwrap();
        assert!(path.is_file());
        wal.close();
    }
}
