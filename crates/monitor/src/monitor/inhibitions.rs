//! Inhibitions for people.

use yunhai_database::Transaction;
use yunhai_model::InhibitionId;

use super::{Monitor, check};
use crate::alert::Alert;
use crate::error::Result;
use crate::inhibition::{Inhibition, InhibitionSettings};

/// What an inhibition does at present.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct InhibitionEffect {
    /// How many raised alerts hold others back.
    pub sources: usize,
    /// How many raised alerts are held back.
    pub held: usize,
}

impl Monitor {
    /// All inhibitions.
    pub async fn inhibitions(&self) -> Result<Vec<Inhibition>> {
        let store = &self.0.store;
        store.inhibitions(store.database().connection()).await
    }

    /// One inhibition.
    pub async fn inhibition(&self, id: InhibitionId) -> Result<Inhibition> {
        self.0.store.inhibition(id).await
    }

    /// What inhibitions do at present, each in its place.
    pub async fn inhibition_effects(
        &self,
        inhibitions: &[Inhibition],
    ) -> Result<Vec<InhibitionEffect>> {
        let mut raised = self.0.store.active_alerts().await?;
        raised.retain(|alert| alert.instance.state.is_raised());
        Ok(inhibitions
            .iter()
            .map(|inhibition| effect(&inhibition.settings, &raised))
            .collect())
    }

    /// Makes an inhibition.
    pub async fn add_inhibition(
        &self,
        transaction: &mut Transaction,
        settings: InhibitionSettings,
        author: &str,
    ) -> Result<Inhibition> {
        check("inhibition", settings.faults())?;
        let inhibition = Inhibition {
            id: InhibitionId::new(),
            settings,
            author: author.to_owned(),
            created_at_ms: self.now_ms(),
        };
        self.store_inhibition(transaction, &inhibition).await?;
        Ok(inhibition)
    }

    /// Changes an inhibition; returns what it was and what it is.
    pub async fn change_inhibition(
        &self,
        transaction: &mut Transaction,
        id: InhibitionId,
        settings: InhibitionSettings,
    ) -> Result<(Inhibition, Inhibition)> {
        check("inhibition", settings.faults())?;
        let connection = transaction.connection().await?;
        let old = self.0.store.hold_inhibition(connection, id).await?;
        let inhibition = Inhibition {
            settings,
            ..old.clone()
        };
        self.store_inhibition(transaction, &inhibition).await?;
        Ok((old, inhibition))
    }

    /// Deletes an inhibition, so that what it held back is told; returns what it was.
    pub async fn delete_inhibition(
        &self,
        transaction: &mut Transaction,
        id: InhibitionId,
    ) -> Result<Inhibition> {
        let connection = transaction.connection().await?;
        let old = self.0.store.hold_inhibition(connection, id).await?;
        self.0.store.delete_inhibition(connection, id).await?;
        self.announce_settings(transaction, "inhibitions");
        Ok(old)
    }

    async fn store_inhibition(
        &self,
        transaction: &mut Transaction,
        inhibition: &Inhibition,
    ) -> Result<()> {
        let connection = transaction.connection().await?;
        self.0.store.put_inhibition(connection, inhibition).await?;
        self.announce_settings(transaction, "inhibitions");
        Ok(())
    }
}

fn effect(settings: &InhibitionSettings, raised: &[Alert]) -> InhibitionEffect {
    let sources: Vec<&Alert> = raised
        .iter()
        .filter(|alert| settings.is_source(&alert.labels))
        .collect();
    let is_held = |alert: &&Alert| {
        sources
            .iter()
            .any(|source| settings.applies(&source.labels, &alert.labels))
    };
    InhibitionEffect {
        sources: sources.len(),
        held: raised.iter().filter(is_held).count(),
    }
}
