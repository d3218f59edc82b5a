//! Measurements that wait on disk until the server takes them.
//!
//! The folder holds segments, `00000000000000000042.buffer`, in the order of their numbers. A segment
//! is a sequence of records: length of the payload (u32), number of samples (u32), CRC-32 of the
//! payload (u32), payload; little endian. A payload is a `WriteRequest` of remote write, compressed
//! with snappy. A segment leaves the folder when all of it was taken; one that was sent just before a
//! crash is sent again, which the server notices.

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// A segment takes records until it has this many bytes; it is also what is sent at once.
const SEGMENT_BYTES: u64 = 64 << 10;

const HEADER_BYTES: usize = 12;

/// Measurements on disk, the oldest first.
#[derive(Debug)]
pub struct Buffer {
    folder: PathBuf,
    limit_bytes: u64,
    segments: VecDeque<Segment>,
    /// The newest segment, while it takes more.
    open: Option<File>,
    next_number: u64,
}

#[derive(Debug)]
struct Segment {
    number: u64,
    bytes: u64,
    samples: u64,
}

/// The oldest measurements.
#[derive(Debug, PartialEq, Eq)]
pub struct Oldest {
    /// A `WriteRequest`, not compressed.
    pub request: Vec<u8>,
    /// How many samples it has.
    pub samples: u64,
}

impl Buffer {
    /// Opens a folder, making it where there is none. What is damaged in it is passed over.
    pub fn open(folder: &Path, limit_bytes: u64) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        let mut segments = Vec::new();
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            let number = path
                .file_name()
                .and_then(|name| name.to_str()?.strip_suffix(".buffer")?.parse().ok());
            if let Some(number) = number {
                let bytes = fs::read(&path)?;
                segments.push(Segment {
                    number,
                    bytes: bytes.len() as u64,
                    samples: records(&bytes).map(|(samples, _)| u64::from(samples)).sum(),
                });
            }
        }
        segments.sort_by_key(|segment| segment.number);
        Ok(Self {
            folder: folder.to_owned(),
            limit_bytes,
            next_number: segments.last().map_or(0, |segment| segment.number + 1),
            segments: segments.into(),
            open: None,
        })
    }

    /// Tells whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.segments.is_empty()
    }

    /// Returns how much waits, in bytes.
    pub fn bytes(&self) -> u64 {
        self.segments.iter().map(|segment| segment.bytes).sum()
    }

    /// Puts measurements behind all others; `request` is a `WriteRequest`. Where there is no room for
    /// them, the oldest are dropped; returns how many samples those were.
    pub fn push(&mut self, request: &[u8], samples: u32) -> io::Result<u64> {
        let payload = snap::raw::Encoder::new()
            .compress_vec(request)
            .map_err(io::Error::other)?;
        let mut record = Vec::with_capacity(HEADER_BYTES + payload.len());
        record.extend_from_slice(&(payload.len() as u32).to_le_bytes());
        record.extend_from_slice(&samples.to_le_bytes());
        record.extend_from_slice(&crc32fast::hash(&payload).to_le_bytes());
        record.extend_from_slice(&payload);

        let mut dropped = 0;
        while !self.segments.is_empty() && self.bytes() + record.len() as u64 > self.limit_bytes {
            dropped += self.remove_oldest()?;
        }
        self.append(&record, samples)?;
        Ok(dropped)
    }

    fn append(&mut self, record: &[u8], samples: u32) -> io::Result<()> {
        let is_full = self
            .segments
            .back()
            .is_none_or(|segment| segment.bytes >= SEGMENT_BYTES);
        if is_full {
            self.open = None;
        }
        if self.open.is_none() {
            let number = self.next_number;
            let file = File::options()
                .append(true)
                .create_new(true)
                .open(self.path(number))?;
            self.open = Some(file);
            self.next_number += 1;
            self.segments.push_back(Segment {
                number,
                bytes: 0,
                samples: 0,
            });
        }
        let (Some(file), Some(segment)) = (&mut self.open, self.segments.back_mut()) else {
            return Ok(());
        };
        if let Err(error) = file.write_all(record) {
            // What was half written is passed over by its checksum; the next record gets a segment
            // of its own.
            self.open = None;
            return Err(error);
        }
        segment.bytes += record.len() as u64;
        segment.samples += u64::from(samples);
        Ok(())
    }

    /// Returns the oldest measurements; they stay until [`Buffer::remove_oldest`].
    pub fn oldest(&mut self) -> io::Result<Option<Oldest>> {
        let Some(segment) = self.segments.front() else {
            return Ok(None);
        };
        if self.segments.len() == 1 {
            // What comes now must not be taken for sent.
            self.open = None;
        }
        let bytes = fs::read(self.path(segment.number))?;
        let mut oldest = Oldest {
            request: Vec::new(),
            samples: 0,
        };
        for (samples, payload) in records(&bytes) {
            // The checksum is right, so only another version of the agent could have written it.
            if let Ok(request) = snap::raw::Decoder::new().decompress_vec(payload) {
                oldest.request.extend_from_slice(&request);
                oldest.samples += u64::from(samples);
            }
        }
        Ok(Some(oldest))
    }

    /// Removes the oldest measurements, and returns how many samples they were.
    pub fn remove_oldest(&mut self) -> io::Result<u64> {
        let Some(segment) = self.segments.front() else {
            return Ok(0);
        };
        match fs::remove_file(self.path(segment.number)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        if self.segments.len() == 1 {
            self.open = None;
        }
        Ok(self
            .segments
            .pop_front()
            .map_or(0, |segment| segment.samples))
    }

    fn path(&self, number: u64) -> PathBuf {
        self.folder.join(format!("{number:020}.buffer"))
    }
}

/// Goes through the sound records of a segment: number of samples and payload. What follows a
/// damaged one is not found.
fn records(mut bytes: &[u8]) -> impl Iterator<Item = (u32, &[u8])> {
    std::iter::from_fn(move || {
        let (header, rest) = bytes.split_at_checked(HEADER_BYTES)?;
        let word = |at: usize| {
            let word = header[at..at + 4].try_into().expect("four bytes of twelve");
            u32::from_le_bytes(word)
        };
        let (payload, rest) = rest.split_at_checked(word(0) as usize)?;
        bytes = rest;
        (crc32fast::hash(payload) == word(8)).then(|| (word(4), payload))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next(buffer: &mut Buffer) -> Option<Vec<u8>> {
        let oldest = buffer.oldest().unwrap()?;
        buffer.remove_oldest().unwrap();
        Some(oldest.request)
    }

    /// What does not compress, so that sizes are known.
    fn noise(bytes: usize) -> Vec<u8> {
        let mut noise = vec![0; bytes];
        getrandom::fill(&mut noise).unwrap();
        noise
    }

    #[test]
    fn what_waits_survives_a_restart_and_comes_in_its_order() {
        let folder = tempfile::tempdir().unwrap();
        let mut buffer = Buffer::open(folder.path(), 1 << 20).unwrap();
        let large = noise(SEGMENT_BYTES as usize);
        buffer.push(&large, 5).unwrap();
        buffer.push(b"second", 1).unwrap();
        drop(buffer);

        let mut buffer = Buffer::open(folder.path(), 1 << 20).unwrap();
        buffer.push(b"third", 1).unwrap();
        assert_eq!(next(&mut buffer).unwrap(), large);
        assert_eq!(next(&mut buffer).unwrap(), b"second");
        assert_eq!(next(&mut buffer).unwrap(), b"third");
        assert!(buffer.is_empty() && buffer.oldest().unwrap().is_none());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn what_comes_while_the_oldest_are_sent_is_not_taken_for_sent() {
        let folder = tempfile::tempdir().unwrap();
        let mut buffer = Buffer::open(folder.path(), 1 << 20).unwrap();
        buffer.push(b"first", 1).unwrap();
        buffer.push(b"second", 1).unwrap();
        let oldest = buffer.oldest().unwrap().unwrap();
        assert_eq!((&*oldest.request, oldest.samples), (&b"firstsecond"[..], 2));
        buffer.push(b"third", 1).unwrap();
        assert_eq!(buffer.remove_oldest().unwrap(), 2);
        assert_eq!(next(&mut buffer).unwrap(), b"third");
    }

    #[test]
    fn the_oldest_make_room_and_are_counted() {
        let folder = tempfile::tempdir().unwrap();
        let limit = 3 * SEGMENT_BYTES;
        let mut buffer = Buffer::open(folder.path(), limit).unwrap();
        let mut dropped = 0;
        for _ in 0..10 {
            dropped += buffer.push(&noise(SEGMENT_BYTES as usize), 7).unwrap();
            assert!(buffer.bytes() <= limit);
        }
        assert_eq!(dropped, 8 * 7);
    }

    #[test]
    fn a_torn_record_is_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        let mut buffer = Buffer::open(folder.path(), 1 << 20).unwrap();
        buffer.push(b"whole", 3).unwrap();
        buffer.push(b"torn", 2).unwrap();
        let path = buffer.path(0);
        drop(buffer);
        let bytes = fs::read(&path).unwrap();
        fs::write(&path, &bytes[..bytes.len() - 1]).unwrap();
        let mut buffer = Buffer::open(folder.path(), 1 << 20).unwrap();
        let oldest = buffer.oldest().unwrap().unwrap();
        assert_eq!((&*oldest.request, oldest.samples), (&b"whole"[..], 3));
    }
}
