//! Maintenance windows for people.

use yunhai_model::MaintenanceWindowId;

use super::{Monitor, StateChange, check};
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
        self.0.store.put_window(&window).await?;
        self.announce(StateChange::Settings { what: "windows" });
        Ok(window)
    }

    /// Changes a maintenance window.
    pub async fn change_window(
        &self,
        id: MaintenanceWindowId,
        settings: MaintenanceSettings,
    ) -> Result<MaintenanceWindow> {
        check("maintenance window", settings.faults())?;
        let old = self.window(id).await?;
        let window = MaintenanceWindow { settings, ..old };
        self.0.store.put_window(&window).await?;
        self.announce(StateChange::Settings { what: "windows" });
        Ok(window)
    }

    /// Deletes a maintenance window.
    pub async fn delete_window(&self, id: MaintenanceWindowId) -> Result<()> {
        self.0.store.delete_window(id).await?;
        self.announce(StateChange::Settings { what: "windows" });
        Ok(())
    }
}
