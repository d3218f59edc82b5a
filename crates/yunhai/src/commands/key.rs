//! `yunhai key …`: the keys that seal secrets.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde::Serialize;

use super::Session;
use crate::config::DataDir;
use crate::output::{print_done, print_rows, time};

/// What can be done with keys.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum KeyCommand {
    /// List the data keys
    List {
        #[command(flatten)]
        data_dir: DataDir,
    },
    /// Make a new data key and seal all secrets anew under it
    ///
    /// A running server takes the new key up by itself, within ten seconds at the latest.
    Rotate {
        #[command(flatten)]
        data_dir: DataDir,
    },
}

/// A data key as it is printed.
#[derive(Debug, Serialize)]
struct Key {
    id: String,
    created_at_ms: i64,
    active: bool,
}

/// What a rotation did, as it is printed.
#[derive(Debug, Serialize)]
struct Rotation {
    key_id: String,
    resealed: BTreeMap<String, u64>,
}

/// Runs `yunhai key …`.
pub(crate) async fn run(session: &Session, command: KeyCommand) -> anyhow::Result<()> {
    match command {
        KeyCommand::List { data_dir } => {
            let state = crate::state::open(&data_dir).await?;
            let keys: Vec<Key> = state
                .vault
                .keys()
                .into_iter()
                .map(|key| Key {
                    id: key.id,
                    created_at_ms: key.created_at_ms,
                    active: key.active,
                })
                .collect();
            print_rows(session.format, &keys, ["key", "made", "active"], |key| {
                [
                    key.id.clone(),
                    time(key.created_at_ms),
                    if key.active { "yes" } else { "no" }.to_owned(),
                ]
            });
        }
        KeyCommand::Rotate { data_dir } => {
            let report = crate::state::rotate_keys(&data_dir).await?;
            let mut sentence = format!("Key {} seals from now on.", report.key_id);
            for (domain, count) in &report.resealed {
                let _ = write!(sentence, "\n  {domain}: {count} secrets sealed anew");
            }
            let rotation = Rotation {
                key_id: report.key_id,
                resealed: report.resealed.into_iter().collect(),
            };
            print_done(session.format, &rotation, &sentence);
        }
    }
    Ok(())
}
