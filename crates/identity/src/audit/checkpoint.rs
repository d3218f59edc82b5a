//! Signed checkpoints: what the hash of an entry was, in the database and in a file beside it.

use std::io::Write;
use std::path::Path;

use serde::{Deserialize, Serialize};
use yunhai_model::TimestampMs;
use yunhai_vault::{PublicKey, SigningKey};

use crate::entity::audit_checkpoint;
use crate::{Error, Result};

/// A statement that the audit log had this hash at this entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// The entry.
    pub sequence: i64,
    /// Its hash, which stands for all before it too.
    pub hash: String,
    /// When it was signed.
    pub at_ms: TimestampMs,
    /// The Ed25519 key that signed, in hexadecimal.
    pub public_key: String,
    /// The signature, in hexadecimal.
    pub signature: String,
}

impl Checkpoint {
    pub(crate) fn sign(key: &SigningKey, sequence: i64, hash: String, at_ms: TimestampMs) -> Self {
        let signature = key.sign(&message(sequence, &hash, at_ms));
        Self {
            sequence,
            hash,
            at_ms,
            public_key: key.public_key().to_hex(),
            signature: hex::encode(signature),
        }
    }

    /// Tells whether the statement was signed by this key.
    pub fn is_signed_by(&self, key: &PublicKey) -> bool {
        hex::decode(&self.signature).is_ok_and(|signature| {
            key.verify(&message(self.sequence, &self.hash, self.at_ms), &signature)
        })
    }
}

fn message(sequence: i64, hash: &str, at_ms: TimestampMs) -> Vec<u8> {
    format!("yunhai audit checkpoint v1\n{sequence}\n{hash}\n{at_ms}\n").into_bytes()
}

impl From<audit_checkpoint::Model> for Checkpoint {
    fn from(row: audit_checkpoint::Model) -> Self {
        Self {
            sequence: row.sequence,
            hash: row.hash,
            at_ms: row.at_ms,
            public_key: row.public_key,
            signature: row.signature,
        }
    }
}

/// Appends a checkpoint to the file and has the disk keep it.
pub(crate) async fn append_to_file(path: &Path, checkpoint: &Checkpoint) -> Result<()> {
    let mut line = serde_json::to_vec(checkpoint).expect("a checkpoint has texts and numbers only");
    line.push(b'\n');
    let owned = path.to_owned();
    let written = tokio::task::spawn_blocking(move || {
        let mut options = std::fs::OpenOptions::new();
        options.create(true).append(true).read(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(owned)?;
        // A crash may have left half a line; the next one must not grow onto it.
        if !ends_with_newline(&mut file)? {
            line.insert(0, b'\n');
        }
        file.write_all(&line)?;
        file.sync_all()
    })
    .await
    .unwrap_or_else(|error| Err(std::io::Error::other(error)));
    written.map_err(|source| failed(path, source))
}

fn ends_with_newline(file: &mut std::fs::File) -> std::io::Result<bool> {
    use std::io::{Read, Seek, SeekFrom};
    if file.metadata()?.len() == 0 {
        return Ok(true);
    }
    file.seek(SeekFrom::End(-1))?;
    let mut last = [0];
    file.read_exact(&mut last)?;
    Ok(last == [b'\n'])
}

/// Reads the file: its checkpoints, and the numbers of lines that are not one. A last line
/// without an end is a crash, not tampering. No file is an empty one.
pub(crate) async fn read_file(path: &Path) -> Result<(Vec<Checkpoint>, Vec<usize>)> {
    let text = match tokio::fs::read_to_string(path).await {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(source) => return Err(failed(path, source)),
    };
    let mut checkpoints = Vec::new();
    let mut damaged = Vec::new();
    for (at, line) in text.split_inclusive('\n').enumerate() {
        let is_whole = line.ends_with('\n');
        let line = line.trim();
        if line.is_empty() {
            continue;
        }
        match serde_json::from_str(line) {
            Ok(checkpoint) => checkpoints.push(checkpoint),
            Err(error) if !is_whole || error.is_eof() => {}
            Err(_) => damaged.push(at + 1),
        }
    }
    Ok((checkpoints, damaged))
}

fn failed(path: &Path, source: std::io::Error) -> Error {
    Error::CheckpointFile {
        path: path.display().to_string(),
        source,
    }
}
