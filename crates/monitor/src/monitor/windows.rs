//! Maintenance windows for people.

use yunhai_database::Transaction;
use yunhai_model::MaintenanceWindowId;

use super::{Monitor, check};
use crate::error::Result;
use crate::maintenance::{MaintenanceSettings, MaintenanceWindow};

impl Monitor {
    /// All maintenance windows.
    pub async fn windows(&self) -> Result<Vec<MaintenanceWindow>> {
        self.0
            .store
            .windows(self.0.store.database().connection())
            .await
    }

    /// One maintenance window.
    pub async fn window(&self, id: MaintenanceWindowId) -> Result<MaintenanceWindow> {
        self.0.store.window(id).await
    }

    /// Makes a maintenance window.
    pub async fn add_window(
        &self,
        transaction: &mut Transaction,
        settings: MaintenanceSettings,
        author: &str,
    ) -> Result<MaintenanceWindow> {
        check("maintenance window", settings.faults())?;
        let window = MaintenanceWindow {
            id: MaintenanceWindowId::new(),
            settings,
            author: author.to_owned(),
            created_at_ms: self.now_ms(),
        };
        self.store_window(transaction, &window).await?;
        Ok(window)
    }

    /// Changes a maintenance window; returns what it was and what it is.
    pub async fn change_window(
        &self,
        transaction: &mut Transaction,
        id: MaintenanceWindowId,
        settings: MaintenanceSettings,
    ) -> Result<(MaintenanceWindow, MaintenanceWindow)> {
        check("maintenance window", settings.faults())?;
        let connection = transaction.connection().await?;
        let old = self.0.store.hold_window(connection, id).await?;
        let window = MaintenanceWindow {
            settings,
            ..old.clone()
        };
        self.store_window(transaction, &window).await?;
        Ok((old, window))
    }

    /// Deletes a maintenance window; returns what it was.
    pub async fn delete_window(
        &self,
        transaction: &mut Transaction,
        id: MaintenanceWindowId,
    ) -> Result<MaintenanceWindow> {
        let connection = transaction.connection().await?;
        let old = self.0.store.hold_window(connection, id).await?;
        self.0.store.delete_window(connection, id).await?;
        self.announce_settings(transaction, "windows");
        Ok(old)
    }

    async fn store_window(
        &self,
        transaction: &mut Transaction,
        window: &MaintenanceWindow,
    ) -> Result<()> {
        let connection = transaction.connection().await?;
        self.0.store.put_window(connection, window).await?;
        self.announce_settings(transaction, "windows");
        Ok(())
    }
}
