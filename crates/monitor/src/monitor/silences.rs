//! Silences for people.

use yunhai_database::Transaction;
use yunhai_model::{Page, PageRequest, SilenceId};

use super::{Monitor, check};
use crate::alert::Alert;
use crate::error::{Error, Result};
use crate::label_matcher::{LabelMatcher, all_match};
use crate::silence::{NewSilence, Silence, SilenceChange, SilenceFilter, matcher_faults};

impl Monitor {
    /// One page of silences, expired ones among them unless the filter says otherwise.
    pub async fn silences(
        &self,
        filter: &SilenceFilter,
        page: &PageRequest,
    ) -> Result<Page<Silence>> {
        self.0.store.silences(filter, self.now_ms(), page).await
    }

    /// The alerts that have not ended and that a silence with these matchers would hold back.
    pub async fn preview_silence(&self, matchers: &[LabelMatcher]) -> Result<Vec<Alert>> {
        check("silence", matcher_faults("matchers", matchers))?;
        let mut alerts = self.0.store.active_alerts().await?;
        alerts.retain(|alert| all_match(matchers, &alert.labels));
        Ok(alerts)
    }

    /// One silence.
    pub async fn silence(&self, id: SilenceId) -> Result<Silence> {
        self.0.store.silence(id).await
    }

    /// Sets a silence.
    pub async fn add_silence(
        &self,
        transaction: &mut Transaction,
        new: NewSilence,
        author: &str,
    ) -> Result<Silence> {
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
            changed: None,
        };
        self.store_silence(transaction, &silence).await?;
        Ok(silence)
    }

    /// Changes a silence that has not expired; returns what it was and what it is.
    pub async fn change_silence(
        &self,
        transaction: &mut Transaction,
        id: SilenceId,
        new: NewSilence,
        user: &str,
    ) -> Result<(Silence, Silence)> {
        let now_ms = self.now_ms();
        let connection = transaction.connection().await?;
        let old = self.0.store.hold_silence(connection, id).await?;
        if old.ends_at_ms <= now_ms {
            return Err(Error::Conflict(
                "the silence has expired; set a new one".to_owned(),
            ));
        }
        let new = NewSilence {
            starts_at_ms: new.starts_at_ms.or(Some(old.starts_at_ms)),
            ..new
        };
        check("silence", new.faults(now_ms))?;
        let silence = Silence {
            matchers: new.matchers,
            comment: new.comment,
            starts_at_ms: new.starts_at_ms.unwrap_or(old.starts_at_ms),
            ends_at_ms: new.ends_at_ms,
            changed: Some(SilenceChange {
                user: user.to_owned(),
                at_ms: now_ms,
            }),
            ..old.clone()
        };
        self.store_silence(transaction, &silence).await?;
        Ok((old, silence))
    }

    /// Ends a silence now; returns what it was and what it is.
    pub async fn expire_silence(
        &self,
        transaction: &mut Transaction,
        id: SilenceId,
        user: &str,
    ) -> Result<(Silence, Silence)> {
        let now_ms = self.now_ms();
        let connection = transaction.connection().await?;
        let old = self.0.store.hold_silence(connection, id).await?;
        if old.ends_at_ms <= now_ms {
            return Err(Error::Conflict(
                "the silence has expired already".to_owned(),
            ));
        }
        let silence = Silence {
            starts_at_ms: old.starts_at_ms.min(now_ms),
            ends_at_ms: now_ms,
            changed: Some(SilenceChange {
                user: user.to_owned(),
                at_ms: now_ms,
            }),
            ..old.clone()
        };
        self.store_silence(transaction, &silence).await?;
        Ok((old, silence))
    }

    async fn store_silence(&self, transaction: &mut Transaction, silence: &Silence) -> Result<()> {
        let connection = transaction.connection().await?;
        self.0.store.put_silence(connection, silence).await?;
        self.announce_settings(transaction, "silences");
        Ok(())
    }
}
