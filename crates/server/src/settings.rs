//! Settings that people change while the server runs.

use tokio::sync::watch;
use yunhai_database::Database;
use yunhai_model::Clock;

const COLLECT_INTERVAL: &str = "collect.interval_secs";

/// How often this machine is measured unless set otherwise.
const DEFAULT_COLLECT_INTERVAL_SECS: u64 = 300;

/// The settings, kept in the state database and told to those who follow them.
pub(crate) struct SettingsStore {
    database: Database,
    collect_interval_secs: watch::Sender<u64>,
}

impl SettingsStore {
    /// Reads the settings. `interval_secs` is the interval of the configuration file, which holds
    /// until somebody sets another.
    pub(crate) async fn load(
        database: Database,
        interval_secs: Option<u64>,
    ) -> yunhai_database::Result<Self> {
        let interval = database
            .setting(COLLECT_INTERVAL)
            .await?
            .or(interval_secs)
            .unwrap_or(DEFAULT_COLLECT_INTERVAL_SECS);
        Ok(Self {
            database,
            collect_interval_secs: watch::Sender::new(interval),
        })
    }

    /// Follows how often this machine is measured, in seconds.
    pub(crate) fn collect_interval_secs(&self) -> watch::Receiver<u64> {
        self.collect_interval_secs.subscribe()
    }

    /// Sets how often this machine is measured, from now on.
    pub(crate) async fn set_collect_interval_secs(
        &self,
        secs: u64,
        clock: &dyn Clock,
    ) -> yunhai_database::Result<()> {
        self.database
            .set_setting(COLLECT_INTERVAL, &secs, clock)
            .await?;
        self.collect_interval_secs.send_replace(secs);
        Ok(())
    }
}
