//! Reading the log at start: everything sound is replayed, what is not is named and set aside.

use std::path::Path;

use super::record::{Framed, entries, unframe};
use super::{Entry, MAGIC, list};
use crate::Error;

/// What a replay found.
#[derive(Debug, Default)]
pub(crate) struct Replayed {
    /// The highest number in use.
    pub(crate) last_segment: u64,
    /// The copies in `damaged/` of what could not be read.
    pub(crate) damaged: Vec<String>,
}

/// Replays the newest whole checkpoint and all segments from its number on.
///
/// `on_entry` sees the entries in the order in which they were written.
pub(crate) fn replay(
    folder: &Path,
    damaged_folder: &Path,
    mut on_entry: impl FnMut(Entry),
) -> Result<Replayed, Error> {
    let files = list(folder)?;
    let mut replayed = Replayed {
        last_segment: files.last().map_or(0, |(number, _, _)| *number),
        ..Replayed::default()
    };
    let mut start = 0;
    let mut buffered = Vec::new();
    for (number, path, _) in files
        .iter()
        .rev()
        .filter(|(_, _, is_checkpoint)| *is_checkpoint)
    {
        let mut found = Vec::new();
        let bytes = std::fs::read(path).map_err(Error::file(path))?;
        let faults = read_file(&bytes, &mut |entry| found.push(entry));
        if faults.is_empty() && found.last() == Some(&Entry::End) {
            (start, buffered) = (*number, found);
            break;
        }
        // The segments that it stood for may still be there; what is sound in it helps besides.
        set_aside(path, &bytes, 0..bytes.len(), damaged_folder, &mut replayed)?;
        buffered.splice(0..0, found);
    }
    buffered.into_iter().for_each(&mut on_entry);

    for (_, path, _) in files
        .iter()
        .filter(|(number, _, is_checkpoint)| !is_checkpoint && *number >= start)
    {
        let bytes = std::fs::read(path).map_err(Error::file(path))?;
        for fault in read_file(&bytes, &mut on_entry) {
            let is_tail = fault.end == bytes.len();
            set_aside(path, &bytes, fault.clone(), damaged_folder, &mut replayed)?;
            if is_tail && fault.start >= MAGIC.len() {
                // The tail was never acknowledged or is beyond help; cut it, so that it is
                // reported once.
                let file = std::fs::File::options()
                    .write(true)
                    .open(path)
                    .map_err(Error::file(path))?;
                file.set_len(fault.start as u64)
                    .map_err(Error::file(path))?;
                file.sync_all().map_err(Error::file(path))?;
            }
        }
    }
    Ok(replayed)
}

/// Reads all sound records of a file and returns the ranges that are not.
fn read_file(bytes: &[u8], on_entry: &mut impl FnMut(Entry)) -> Vec<std::ops::Range<usize>> {
    let mut faults = Vec::new();
    let Some(mut rest) = bytes.strip_prefix(MAGIC) else {
        // A segment that was being made when the process died is empty or short: nothing is lost.
        if !MAGIC.starts_with(bytes) {
            faults.push(0..bytes.len());
        }
        return faults;
    };
    while !rest.is_empty() {
        let at = bytes.len() - rest.len();
        match unframe(rest) {
            Framed::Sound(payload, after) => {
                match entries(payload) {
                    Some(found) => found.into_iter().for_each(&mut *on_entry),
                    None => faults.push(at..bytes.len() - after.len()),
                }
                rest = after;
            }
            // Trust the length of a frame with a wrong checksum only where a sound one follows.
            Framed::Wrong(after) if matches!(unframe(after), Framed::Sound(..)) => {
                faults.push(at..bytes.len() - after.len());
                rest = after;
            }
            Framed::Wrong(_) | Framed::Torn => {
                faults.push(at..bytes.len());
                break;
            }
        }
    }
    faults
}

fn set_aside(
    path: &Path,
    bytes: &[u8],
    range: std::ops::Range<usize>,
    damaged_folder: &Path,
    replayed: &mut Replayed,
) -> Result<(), Error> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let copy = damaged_folder.join(format!("{name}-{}", range.start));
    std::fs::create_dir_all(damaged_folder).map_err(Error::file(damaged_folder))?;
    std::fs::write(&copy, &bytes[range.clone()]).map_err(Error::file(&copy))?;
    tracing::warn!(
        path = %path.display(),
        offset = range.start,
        size_bytes = range.len(),
        copy = %copy.display(),
        "the write-ahead log has bytes that are not a whole record; they are set aside and the rest is used"
    );
    replayed.damaged.push(copy.display().to_string());
    Ok(())
}
