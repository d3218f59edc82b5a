//! Silences and maintenance windows for people.

use yunhai_model::{MaintenanceWindowId, Page, PageRequest, SilenceId};

use super::{Monitor, StateChange};
use crate::error::{Error, Result};
use crate::silence::{MaintenanceSettings, MaintenanceWindow, NewSilence, Silence};

impl Monitor {
    /// One page of silences; the expired ones only where asked for.
    pub async fn silences(&self, with_expired: bool, page: &PageRequest) -> Result<Page<Silence>> {
        let unexpired_at_ms = (!with_expired).then(|| self.now_ms());
        self.0.store.silences(unexpired_at_ms, page).await
    }

    /// One silence.
    pub async fn silence(&self, id: SilenceId) -> Result<Silence> {
        self.0.store.silence(id).await
    }

    /// Sets a silence.
    pub async fn add_silence(&self, new: NewSilence, author: &str) -> Result<Silence> {
        let now_ms = self.now_ms();
        check("silence", new.faults(now_ms))?;
        let silence = Silence {
            id: SilenceId::new(),
            matchers: new.matchers,
            comment: new.comment,
            author: author.to_owned(),
            starts_at_ms: new.starts_at_ms.unwrap_or(now_ms),
            ends_at_ms: new.ends_at_ms,
            created_at_ms: now_ms,
        };
        self.0.store.put_silence(&silence).await?;
        self.announce(StateChange::Settings { what: "silences" });
        Ok(silence)
    }

    /// Changes a silence that has not expired.
    pub async fn change_silence(
        &self,
        id: SilenceId,
        new: NewSilence,
        author: &str,
    ) -> Result<Silence> {
        let now_ms = self.now_ms();
        let old = self.0.store.silence(id).await?;
        if old.ends_at_ms <= now_ms {
            return Err(Error::Conflict(
                "the silence has expired; set a new one".to_owned(),
            ));
        }
        check("silence", new.faults(now_ms))?;
        let silence = Silence {
            matchers: new.matchers,
            comment: new.comment,
            author: author.to_owned(),
            starts_at_ms: new.starts_at_ms.unwrap_or(old.starts_at_ms),
            ends_at_ms: new.ends_at_ms,
            ..old
        };
        self.0.store.put_silence(&silence).await?;
        self.announce(StateChange::Settings { what: "silences" });
        Ok(silence)
    }

    /// Ends a silence now.
    pub async fn expire_silence(&self, id: SilenceId) -> Result<Silence> {
        let now_ms = self.now_ms();
        let old = self.0.store.silence(id).await?;
        if old.ends_at_ms <= now_ms {
            return Err(Error::Conflict(
                "the silence has expired already".to_owned(),
            ));
        }
        let silence = Silence {
            starts_at_ms: old.starts_at_ms.min(now_ms),
            ends_at_ms: now_ms,
            ..old
        };
        self.0.store.put_silence(&silence).await?;
        self.announce(StateChange::Settings { what: "silences" });
        Ok(silence)
    }

    /// All maintenance windows.
    pub async fn windows(&self) -> Result<Vec<MaintenanceWindow>> {
        self.0
            .store
            .windows(self.0.store.database().connection())
            .await
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
        let found = self
            .windows()
            .await?
            .into_iter()
            .find(|window| window.id == id);
        let old = found.ok_or_else(|| Error::NotFound {
            what: "maintenance window",
            id: id.to_string(),
        })?;
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

fn check(what: &'static str, faults: Vec<String>) -> Result<()> {
    if faults.is_empty() {
        Ok(())
    } else {
        Err(Error::Invalid { what, faults })
    }
}
