//! Emulators of buckets on free ports of this machine: moto for S3, Azurite for Azure.
//!
//! For Google no emulator serves the XML interface that clients of object stores use. It is S3's
//! but for the names of some headers, so moto with those translated takes its place.
//!
//! They run in the Python environment and the folder of Node packages that `cargo xtask test`
//! makes in `target/venv` and `target/node`.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::python::{MOTO, Program, installed};

const EMULATOR: &str = include_str!("buckets/emulator.py");
const AZURITE: &str = "target/node/node_modules/azurite/dist/src/blob/main.js";

/// Whose buckets are emulated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BucketKind {
    /// `s3://`; signatures and permissions are checked.
    S3,
    /// `az://`; signatures are checked.
    Azure,
    /// `gs://`; the tokens that a service account signs are checked.
    Google,
}

/// Where the bucket is.
#[derive(Debug, Deserialize)]
struct Started {
    url: String,
    settings: BTreeMap<String, String>,
    wrong_secret: BTreeMap<String, String>,
}

/// An empty bucket; its emulator ends when this is dropped.
#[derive(Debug)]
pub struct Bucket {
    /// The URL of a folder in the bucket.
    pub url: String,
    /// The settings with which an object store opens it.
    pub settings: BTreeMap<String, String>,
    /// The setting that is secret, with a value that does not open it.
    pub wrong_secret: BTreeMap<String, String>,
    _emulator: Program,
}

impl Bucket {
    /// Starts an emulator and makes a bucket in it.
    pub fn start(kind: BucketKind) -> anyhow::Result<Self> {
        let azurite = match kind {
            BucketKind::Azure => installed(AZURITE)?.display().to_string(),
            BucketKind::S3 | BucketKind::Google => String::new(),
        };
        let name = match kind {
            BucketKind::S3 => "s3",
            BucketKind::Google => "google",
            BucketKind::Azure => "azure",
        };
        let (emulator, started) = Program::start(
            &format!("the emulator of {kind:?}"),
            &format!("{MOTO}\n{EMULATOR}"),
            &[name, &azurite],
        )?;
        let Started {
            url,
            settings,
            wrong_secret,
        } = started;
        Ok(Self {
            url,
            settings,
            wrong_secret,
            _emulator: emulator,
        })
    }
}
