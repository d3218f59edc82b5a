//! Transactions that domains share: what one changes and what another records of it stand or fall
//! together, and what is in memory follows once it stands.

use std::pin::Pin;
use std::sync::Arc;

use sea_orm::{DatabaseTransaction, DbErr};
use tokio::sync::{Mutex, OwnedMutexGuard};

use crate::{Database, Result};

type Effect = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A transaction that begins with its first statement. Dropped, it leaves everything as it was: the
/// database undoes it soon after.
///
/// While it is under way, nothing that it waits for may need a connection of the pool: on SQLite it
/// is the one writer, and everywhere others who wait for it may hold all connections.
pub struct Transaction {
    database: Database,
    begun: Option<DatabaseTransaction>,
    effects: Vec<Effect>,
    held: Vec<OwnedMutexGuard<()>>,
}

impl Database {
    /// Returns a transaction that has not begun.
    pub fn transaction(&self) -> Transaction {
        Transaction {
            database: self.clone(),
            begun: None,
            effects: Vec::new(),
            held: Vec::new(),
        }
    }
}

impl Transaction {
    /// Returns what statements go through; the first call begins the transaction.
    pub async fn connection(&mut self) -> Result<&DatabaseTransaction> {
        if self.begun.is_none() {
            self.begun = Some(self.database.begin().await?);
        }
        Ok(self.begun.as_ref().expect("it has just begun"))
    }

    /// Holds a lock until the transaction has ended and its effects are there.
    ///
    /// # Panics
    ///
    /// Where the transaction has begun: whoever has the lock may be waiting to write.
    pub async fn hold(&mut self, lock: &Arc<Mutex<()>>) {
        assert!(
            self.begun.is_none(),
            "locks are taken before the transaction begins"
        );
        self.held.push(Arc::clone(lock).lock_owned().await);
    }

    /// Leaves something to be done once everything is committed, and only then: what is in memory is
    /// brought to what is stored, and others are told. It is done in the order in which it was left.
    pub fn after_commit(&mut self, effect: impl Future<Output = ()> + Send + 'static) {
        self.effects.push(Box::pin(effect));
    }

    /// Commits, and does what was left for afterwards, also where the caller no longer waits.
    pub async fn commit(self) -> Result<()> {
        let Self {
            begun,
            effects,
            held,
            ..
        } = self;
        // A caller that goes away half-way must not leave in memory what the database has no longer.
        let committing = tokio::spawn(async move {
            if let Some(begun) = begun {
                begun.commit().await?;
            }
            for effect in effects {
                effect.await;
            }
            drop(held);
            Ok(())
        });
        match committing.await {
            Ok(committed) => committed,
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            Err(_) => Err(DbErr::Custom("the process is ending".to_owned()).into()),
        }
    }

    /// Undoes everything. Where that fails, the database has lost the connection and undoes it itself.
    pub async fn roll_back(self) {
        let Some(begun) = self.begun else { return };
        if let Err(error) = begun.rollback().await {
            tracing::debug!(
                error = &error as &dyn std::error::Error,
                "cannot roll a transaction back"
            );
        }
    }
}

impl std::fmt::Debug for Transaction {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Transaction")
            .field("has_begun", &self.begun.is_some())
            .finish_non_exhaustive()
    }
}
