//! `meta.json`: what a block holds and how to tell that it is whole.

use serde::{Deserialize, Serialize};
use yunhai_model::TimestampMs;

use crate::Error;

/// The version of the block format that this release writes, and the newest it reads. Version 1 had
/// no files of singles; it is read as it is.
pub(crate) const FORMAT_VERSION: u32 = 2;

/// How fine a block's samples are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) enum Resolution {
    #[serde(rename = "raw")]
    Raw,
    #[serde(rename = "5m")]
    FiveMinutes,
    #[serde(rename = "1h")]
    OneHour,
}

/// The columns of a roll-up; [`RollupColumn`] names their places.
const ROLLUP_COLUMNS: [&str; 6] = ["min", "max", "sum", "last", "increase", "count"];

/// Where a roll-up's columns stand in its points.
#[derive(Clone, Copy, Debug)]
pub(crate) enum RollupColumn {
    Min = 0,
    Max = 1,
    Sum = 2,
    Last = 3,
    Increase = 4,
    Count = 5,
}

impl Resolution {
    /// The value columns of its sample files.
    pub(crate) fn columns(self) -> &'static [&'static str] {
        match self {
            Self::Raw => &["value"],
            Self::FiveMinutes | Self::OneHour => &ROLLUP_COLUMNS,
        }
    }

    /// The time for which one row stands.
    pub(crate) fn bucket_ms(self) -> i64 {
        match self {
            Self::Raw => 1,
            Self::FiveMinutes => 5 * 60 * 1000,
            Self::OneHour => 60 * 60 * 1000,
        }
    }
}

/// A flush from the head whose samples are in a block.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Flush {
    /// The block that it made at first.
    pub(crate) id: String,
    /// Its oldest sample.
    pub(crate) min_ms: TimestampMs,
    /// Its newest sample.
    pub(crate) max_ms: TimestampMs,
}

/// A file of a block.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FileMeta {
    /// Its name inside the block.
    pub(crate) name: String,
    /// Its size.
    pub(crate) size_bytes: u64,
    /// Where the pages end and Parquet's page index and footer begin.
    pub(crate) index_offset: u64,
    /// CRC-32 of the bytes from `index_offset` to the end.
    pub(crate) index_crc32: u32,
    /// Offset, size and CRC-32 of each page in the order of offsets.
    pub(crate) pages: Vec<(u64, u32, u32)>,
}

/// What `meta.json` says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct BlockMeta {
    /// The format's version.
    pub(crate) version: u32,
    /// The block's ULID.
    pub(crate) id: String,
    /// How fine its samples are.
    pub(crate) resolution: Resolution,
    /// Its oldest sample.
    pub(crate) min_ms: TimestampMs,
    /// Its newest sample.
    pub(crate) max_ms: TimestampMs,
    /// Number of series.
    pub(crate) series: u64,
    /// Number of rows in all sample files.
    pub(crate) samples: u64,
    /// Blocks whose content this one holds; where it exists, they do not count.
    pub(crate) sources: Vec<String>,
    /// The flushes whose samples went into it.
    pub(crate) flushes: Vec<Flush>,
    /// Its sample files and the list of its series.
    pub(crate) files: Vec<FileMeta>,
    /// CRC-32 of this document, written compactly with this field as 0.
    pub(crate) crc32: u32,
}

impl BlockMeta {
    /// Writes the document with its checksum.
    pub(crate) fn seal(&mut self) -> Vec<u8> {
        self.crc32 = self.checksum();
        serde_json::to_vec(self).expect("numbers and texts always become JSON")
    }

    /// Reads the document and checks it.
    pub(crate) fn from_json(path: &str, bytes: &[u8]) -> Result<Self, Error> {
        #[derive(Deserialize)]
        struct Version {
            version: u32,
        }
        let damaged = |reason: String| Error::Damaged {
            path: path.to_owned(),
            reason,
        };
        // A newer format may have other fields, so look at its version alone first.
        let Version { version } =
            serde_json::from_slice(bytes).map_err(|error| damaged(error.to_string()))?;
        if version > FORMAT_VERSION {
            return Err(Error::NewerFormat {
                path: path.to_owned(),
                found: version,
                supported: FORMAT_VERSION,
            });
        }
        let meta: Self =
            serde_json::from_slice(bytes).map_err(|error| damaged(error.to_string()))?;
        if meta.checksum() != meta.crc32 {
            return Err(damaged("its checksum is wrong".to_owned()));
        }
        Ok(meta)
    }

    /// Returns the size of all files.
    pub(crate) fn size_bytes(&self) -> u64 {
        self.files.iter().map(|file| file.size_bytes).sum()
    }

    fn checksum(&self) -> u32 {
        let blank = Self {
            crc32: 0,
            ..self.clone()
        };
        crc32fast::hash(&serde_json::to_vec(&blank).expect("numbers and texts always become JSON"))
    }
}
