//! Keeps the master key in a file that only its owner can read.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::path::Path;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::{Error, LocalKey, Result};

const HEADER: &str = "yunhai master key v1";

/// More than any key file holds; a larger file is something else.
const MAX_BYTES: u64 = 4096;

impl LocalKey {
    /// Reads a key file, refusing one that others can use or that is damaged.
    pub fn read(path: &Path) -> Result<Self> {
        let failed = |source: std::io::Error| {
            if source.kind() == ErrorKind::NotFound {
                Error::KeyFileMissing { path: path.into() }
            } else {
                Error::KeyFile {
                    action: "read",
                    path: path.into(),
                    source,
                }
            }
        };
        let file = File::open(path).map_err(failed)?;
        refuse_others(path, &file.metadata().map_err(failed)?)?;
        let mut text = Zeroizing::new(String::new());
        file.take(MAX_BYTES)
            .read_to_string(&mut text)
            .map_err(|source| match source.kind() {
                ErrorKind::InvalidData => Error::KeyFileDamaged {
                    path: path.into(),
                    reason: "it is not a text",
                },
                _ => failed(source),
            })?;
        parse(&text).map_err(|reason| Error::KeyFileDamaged {
            path: path.into(),
            reason,
        })
    }

    /// Makes a new key in a new file with mode 0600, and has the disk keep it before returning.
    /// Never replaces a file.
    pub fn create(path: &Path) -> Result<Self> {
        let key = Self::generate();
        write_new(path, &format(&key)).map_err(|source| Error::KeyFile {
            action: "create",
            path: path.into(),
            source,
        })?;
        Ok(key)
    }
}

fn write_new(path: &Path, text: &str) -> std::io::Result<()> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    #[cfg(unix)]
    File::open(folder)?.sync_all()?;
    Ok(())
}

#[cfg(unix)]
fn refuse_others(path: &Path, metadata: &std::fs::Metadata) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let mode = metadata.permissions().mode() & 0o777;
    let of_others = mode & 0o077;
    if of_others == 0 {
        Ok(())
    } else {
        Err(Error::KeyFilePermissions {
            path: path.into(),
            mode,
        })
    }
}

#[cfg(not(unix))]
fn refuse_others(_: &Path, _: &std::fs::Metadata) -> Result<()> {
    Ok(())
}

fn checksum(key: &[u8]) -> String {
    let digest = Sha256::new()
        .chain_update(b"yunhai key file checksum")
        .chain_update(key)
        .finalize();
    hex::encode(&digest[..8])
}

fn format(key: &LocalKey) -> Zeroizing<String> {
    let bytes = key.bytes().as_slice();
    let encoded = Zeroizing::new(BASE64_STANDARD.encode(bytes));
    Zeroizing::new(format!(
        "{HEADER}\nkey {}\nchecksum {}\n",
        *encoded,
        checksum(bytes)
    ))
}

fn parse(text: &str) -> Result<LocalKey, &'static str> {
    let mut lines = text.lines();
    match lines.next() {
        Some(HEADER) => {}
        Some(line) if line.starts_with("yunhai master key ") => {
            return Err("it has a version that this release does not know");
        }
        _ => return Err("it does not begin with `yunhai master key v1`"),
    }
    let key = lines
        .next()
        .and_then(|line| line.strip_prefix("key "))
        .ok_or("its second line is not the key")?;
    let stated = lines
        .next()
        .and_then(|line| line.strip_prefix("checksum "))
        .ok_or("its third line is not the checksum")?;
    let decoded = Zeroizing::new(
        BASE64_STANDARD
            .decode(key)
            .map_err(|_| "the key is not in base 64")?,
    );
    let bytes: [u8; 32] = decoded
        .as_slice()
        .try_into()
        .map_err(|_| "the key has not 32 bytes")?;
    if checksum(&bytes) != stated {
        return Err("the checksum does not fit the key");
    }
    Ok(LocalKey::from_bytes(Zeroizing::new(bytes)))
}
