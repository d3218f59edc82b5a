//! The configuration: a TOML file, then the environment, then flags.

mod data_dir;
#[cfg(test)]
mod page;
mod read;

pub(crate) use self::data_dir::{CHECKPOINT_FILE, DataLock, KEY_FILE, STATE_FILE};

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use serde::Deserialize;
use yunhai_identity::IdentityConfig;
use yunhai_model::HumanDuration;
use yunhai_monitor::MonitorConfig;
use yunhai_series::StoreConfig;
use yunhai_server::ServerConfig;

/// The configuration file. Every key has a default; unknown keys are errors.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Config {
    /// The state database: a path, `postgres://…` or `mysql://…`; unset: `state.db` in the data
    /// directory.
    pub(crate) database: Option<String>,
    /// How the server listens and whom it lets in.
    pub(crate) server: ServerConfig,
    /// Where and how metrics are stored.
    pub(crate) series: StoreConfig,
    /// Users, sessions and the audit log.
    pub(crate) identity: IdentityConfig,
    /// How rules are evaluated and notifications sent.
    pub(crate) monitor: MonitorConfig,
    /// How this machine is measured.
    pub(crate) collect: CollectConfig,
}

/// The `[collect]` table.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct CollectConfig {
    /// The name of this machine; unset: its host name.
    pub(crate) server_name: Option<String>,
    /// How often it is measured, from `1s` up, until an administrator sets another interval in
    /// the settings; unset: `5m`.
    pub(crate) interval: Option<HumanDuration>,
    /// The account that this machine belongs to: the label `account`.
    pub(crate) account: Option<String>,
    /// The region or site that this machine stands in: the label `region`.
    pub(crate) region: Option<String>,
    /// Tags of this machine, which become the labels `tag_…`.
    pub(crate) tags: BTreeMap<String, String>,
}

impl Config {
    /// Reads the file, or takes the defaults where none is named.
    pub(crate) fn load(path: Option<&Path>) -> anyhow::Result<Self> {
        let Some(path) = path else {
            return Ok(Self::default());
        };
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("cannot read the configuration {}", path.display()))?;
        read::read(&text).map_err(|faults| {
            anyhow::anyhow!(
                "the configuration {} is not usable:\n  {}\n\
                 hint: docs/configuration.md lists every key",
                path.display(),
                faults.join("\n  ")
            )
        })
    }

    /// Fails with every fault at once.
    pub(crate) fn check(&self) -> anyhow::Result<()> {
        let mut faults = self.server.faults();
        faults.extend(
            self.identity
                .faults()
                .into_iter()
                .map(|(key, reason)| format!("identity.{key}: {reason}")),
        );
        faults.extend(
            self.monitor
                .faults()
                .into_iter()
                .map(|fault| format!("monitor.{fault}")),
        );
        if let Err(error) = self.series.check() {
            faults.push(format!("series: {error}"));
        }
        if self
            .collect
            .interval
            .is_some_and(|interval| interval.as_millis() < 1000)
        {
            faults.push("collect.interval: must be at least 1s".to_owned());
        }
        if faults.is_empty() {
            return Ok(());
        }
        bail!(
            "the configuration is not usable:\n  {}",
            faults.join("\n  ")
        )
    }

    /// Returns the address of the state database.
    pub(crate) fn database_url(&self, data_dir: &Path) -> String {
        self.database
            .clone()
            .unwrap_or_else(|| format!("sqlite://{}", data_dir.join(STATE_FILE).display()))
    }
}

/// The data directory.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct DataDir {
    /// The folder for everything that Yunhai keeps
    #[arg(
        long,
        env = "YUNHAI_DATA",
        default_value = "yunhai-data",
        value_name = "DIR"
    )]
    pub(crate) data: PathBuf,
    /// A configuration file
    #[arg(long, env = "YUNHAI_CONFIG", value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// The state database: a path, postgres://… or mysql://…
    #[arg(
        long,
        env = "YUNHAI_DATABASE",
        hide_env_values = true,
        value_name = "URL"
    )]
    pub(crate) database: Option<String>,
}

impl DataDir {
    /// Reads the configuration and lets the environment and the flags have their say.
    pub(crate) fn load(&self) -> anyhow::Result<Config> {
        let mut config = Config::load(self.config.as_deref())?;
        if let Some(database) = &self.database {
            config.database = Some(database.clone());
        }
        Ok(config)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_has_a_default() {
        let config: Config = toml::from_str("").unwrap();
        config.check().unwrap();
        assert_eq!(config.database_url(Path::new("/d")), "sqlite:///d/state.db");
    }
}
