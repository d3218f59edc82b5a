//! Blocks as objects: storing, finding, setting aside and deleting them.

use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use futures::TryStreamExt;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use yunhai_blob::OpenOptions;

use crate::block::{BlockDraft, BlockMeta, META_FILE, SERIES_FILE, SeriesRow, read_series_file};
use crate::{Error, StoreConfig};

/// The object store of the blocks.
pub(crate) struct Objects {
    pub(crate) store: Arc<dyn ObjectStore>,
    prefix: Path,
    /// The URL as it may be shown.
    url: String,
    local_root: Option<PathBuf>,
}

impl std::fmt::Debug for Objects {
    /// Leaves the store out: its client would show the keys that it signs with.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Objects")
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}

/// What is in the object store when the series store opens.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) blocks: Vec<(BlockMeta, Path, Vec<SeriesRow>)>,
    pub(crate) damaged: Vec<String>,
}

impl Objects {
    pub(crate) fn open(config: &StoreConfig) -> Result<Self, Error> {
        let options = OpenOptions {
            settings: config.blocks_settings.clone(),
            ..OpenOptions::default()
        };
        let own_folder = config.directory.to_string_lossy();
        let url = if config.blocks_url.is_empty() {
            &*own_folder
        } else {
            &config.blocks_url
        };
        let blobs = yunhai_blob::open(url, &options)?;
        Ok(Self {
            store: blobs.store,
            prefix: blobs.prefix,
            url: blobs.url,
            local_root: blobs.local_root,
        })
    }

    /// Returns the folder of a block.
    pub(crate) fn folder(&self, id: &str) -> Path {
        self.prefix.clone().join("blocks").join(id)
    }

    /// Stores a block; it is visible once this returns, and not before everything of it is there.
    pub(crate) async fn put(&self, draft: &mut BlockDraft) -> Result<Path, Error> {
        let folder = self.folder(&draft.meta.id);
        for (name, bytes) in &draft.files {
            self.put_object(&folder.clone().join(name.as_str()), bytes.clone())
                .await?;
        }
        self.sync(&folder, draft.files.iter().map(|(name, _)| name.as_str()))?;
        let meta = draft.meta.seal();
        self.put_object(&folder.clone().join(META_FILE), meta.into())
            .await?;
        self.sync(&folder, [META_FILE])?;
        Ok(folder)
    }

    /// Finds all whole blocks, sets damaged ones aside and deletes what is left of unfinished or
    /// replaced ones.
    pub(crate) async fn find_all(&self) -> Result<Found, Error> {
        let root = self.prefix.clone().join("blocks");
        let listed: Vec<_> =
            self.store
                .list(Some(&root))
                .try_collect()
                .await
                .map_err(|source| Error::Unavailable {
                    url: self.url.clone(),
                    source,
                })?;
        let mut folders: BTreeMap<String, BTreeMap<String, u64>> = BTreeMap::new();
        for entry in listed {
            let Some(parts) = entry.location.prefix_match(&root) else {
                continue;
            };
            let parts: Vec<String> = parts.map(|part| part.as_ref().to_owned()).collect();
            if let [id, name] = &parts[..]
                && ulid::Ulid::from_string(id).is_ok()
            {
                folders
                    .entry(id.clone())
                    .or_default()
                    .insert(name.clone(), entry.size);
            }
        }

        let mut found = Found::default();
        for (id, files) in folders {
            let folder = self.folder(&id);
            if !files.contains_key(META_FILE) {
                tracing::info!(block = %folder, "a block that was never finished is deleted");
                self.delete(&folder).await?;
                continue;
            }
            match self.load(&id, &folder, &files).await {
                Ok((meta, rows)) => found.blocks.push((meta, folder, rows)),
                Err(Error::Damaged { path, reason }) => {
                    found.damaged.push(format!("{path}: {reason}"));
                    self.set_aside(&id, &path, &reason).await;
                }
                Err(error) => return Err(error),
            }
        }
        let replaced: HashSet<String> = found
            .blocks
            .iter()
            .flat_map(|(meta, _, _)| meta.sources.iter().cloned())
            .collect();
        for (meta, folder, _) in &found.blocks {
            if replaced.contains(&meta.id) {
                tracing::info!(block = %folder, "a block that was merged into another is deleted");
                self.delete(folder).await?;
            }
        }
        found
            .blocks
            .retain(|(meta, _, _)| !replaced.contains(&meta.id));
        Ok(found)
    }

    async fn load(
        &self,
        id: &str,
        folder: &Path,
        files: &BTreeMap<String, u64>,
    ) -> Result<(BlockMeta, Vec<SeriesRow>), Error> {
        let meta_path = folder.clone().join(META_FILE);
        let meta = BlockMeta::from_json(meta_path.as_ref(), &self.get(&meta_path).await?)?;
        let damaged = |path: &Path, reason: String| Error::Damaged {
            path: path.to_string(),
            reason,
        };
        if meta.id != id {
            return Err(damaged(
                &meta_path,
                format!("it belongs to block {}", meta.id),
            ));
        }
        for file in &meta.files {
            let path = folder.clone().join(file.name.as_str());
            match files.get(&file.name) {
                None => return Err(damaged(&path, "it is missing".to_owned())),
                Some(size) if *size != file.size_bytes => {
                    let reason = format!("it has {size} bytes in place of {}", file.size_bytes);
                    return Err(damaged(&path, reason));
                }
                Some(_) => {}
            }
        }
        let path = folder.clone().join(SERIES_FILE);
        let described = meta
            .files
            .iter()
            .find(|file| file.name == SERIES_FILE)
            .ok_or_else(|| damaged(&meta_path, format!("it names no {SERIES_FILE}")))?;
        let bytes = self.get(&path).await?;
        let split = (described.index_offset as usize).min(bytes.len());
        let is_sound = crc32fast::hash(&bytes[split..]) == described.index_crc32
            && described.pages.first().map(|page| page.2) == Some(crc32fast::hash(&bytes[..split]));
        if !is_sound {
            return Err(damaged(&path, "its checksum is wrong".to_owned()));
        }
        let rows = read_series_file(path.as_ref(), bytes)?;
        Ok((meta, rows))
    }

    /// Moves a block to `damaged/`, so that it is not read again and can be looked at.
    pub(crate) async fn set_aside(&self, id: &str, path: &str, reason: &str) {
        tracing::error!(
            block = id,
            path,
            reason,
            "a block is damaged; it is set aside in `damaged` and the rest is served"
        );
        let (from, to) = (
            self.folder(id),
            self.prefix.clone().join("damaged").join(id),
        );
        let moved = async {
            let listed: Vec<_> = self.store.list(Some(&from)).try_collect().await?;
            for entry in listed {
                if let Some(name) = entry.location.filename() {
                    self.store
                        .rename(&entry.location, &to.clone().join(name))
                        .await?;
                }
            }
            Ok::<_, object_store::Error>(())
        };
        if let Err(error) = moved.await {
            tracing::error!(
                block = id,
                error = &error as &dyn std::error::Error,
                "the damaged block could not be moved"
            );
        }
    }

    /// Deletes a block, `meta.json` first, so that half of it is never taken for a whole one.
    pub(crate) async fn delete(&self, folder: &Path) -> Result<(), Error> {
        let listed: Vec<_> = self
            .store
            .list(Some(folder))
            .try_collect()
            .await
            .map_err(object("list", folder))?;
        let mut paths: Vec<Path> = listed.into_iter().map(|entry| entry.location).collect();
        paths.sort_by_key(|path| path.filename() != Some(META_FILE));
        for path in paths {
            match self.store.delete(&path).await {
                Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
                Err(source) => return Err(object("delete", &path)(source)),
            }
        }
        Ok(())
    }

    async fn get(&self, path: &Path) -> Result<Bytes, Error> {
        let read = async { self.store.get(path).await?.bytes().await };
        read.await.map_err(object("read", path))
    }

    async fn put_object(&self, path: &Path, bytes: Bytes) -> Result<(), Error> {
        self.store
            .put(path, bytes.into())
            .await
            .map(drop)
            .map_err(object("write", path))
    }

    /// Makes files survive a power failure where the store is a local folder.
    fn sync<'a>(
        &self,
        folder: &Path,
        names: impl IntoIterator<Item = &'a str>,
    ) -> Result<(), Error> {
        let Some(root) = &self.local_root else {
            return Ok(());
        };
        let folder = root.join(folder.as_ref());
        for name in names {
            let path = folder.join(name);
            std::fs::File::open(&path)
                .and_then(|file| file.sync_all())
                .map_err(Error::file(&path))?;
        }
        for folder in [Some(folder.as_path()), folder.parent()]
            .into_iter()
            .flatten()
        {
            crate::wal::sync_folder(folder).map_err(Error::file(folder))?;
        }
        Ok(())
    }
}

fn object(action: &'static str, path: &Path) -> impl FnOnce(object_store::Error) -> Error {
    let path = path.to_string();
    move |source| Error::Object {
        action,
        path,
        source,
    }
}
