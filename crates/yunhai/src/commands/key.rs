//! `yunhai key …`: the keys that seal secrets.

use crate::config::DataDir;
use crate::output::print_text;

/// What can be done with keys.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum KeyCommand {
    /// List the data keys
    List {
        #[command(flatten)]
        data_dir: DataDir,
    },
    /// Make a new data key and seal the secrets of users anew under it
    ///
    /// Secrets of channels stay readable under the key that sealed them until they are edited.
    /// Start a running server again afterwards, so that it knows the new key.
    Rotate {
        #[command(flatten)]
        data_dir: DataDir,
    },
}

/// Runs `yunhai key …`.
pub(crate) async fn run(command: KeyCommand) -> anyhow::Result<()> {
    match command {
        KeyCommand::List { data_dir } => {
            for key in crate::state::open(&data_dir).await?.vault.keys() {
                print_text(&format!(
                    "{}  made {}{}",
                    key.id,
                    crate::output::time(key.created_at_ms),
                    if key.active { "  active" } else { "" }
                ));
            }
        }
        KeyCommand::Rotate { data_dir } => {
            let report = crate::state::rotate_keys(&data_dir).await?;
            print_text(&format!("Key {} seals from now on.", report.key_id));
            for (domain, count) in report.resealed {
                print_text(&format!("  {domain}: {count} secrets sealed anew"));
            }
        }
    }
    Ok(())
}
