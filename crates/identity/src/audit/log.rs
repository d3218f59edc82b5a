//! Writes and lists the audit log.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use sea_orm::sea_query::OnConflict;
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait,
    IntoActiveModel, QueryFilter, QueryOrder, QuerySelect,
};
use tokio::sync::Mutex;
use yunhai_database::{Database, Transaction, is_conflict};
use yunhai_model::{Clock, Page, PageRequest, TimestampMs};
use yunhai_vault::SigningKey;

use super::checkpoint::append_to_file;
use super::entry::GENESIS;
use super::{Action, AuditEntry, AuditEvent, Checkpoint, Outcome, TargetKind};
use crate::entity::{audit_checkpoint, audit_entry, audit_head};
use crate::listing::Listing;
use crate::{Caller, Error, Result};

const HEAD: &str = "head";

/// How often a transaction that lost against another one is tried again.
const ATTEMPTS: u32 = 5;

/// The audit log; cheap to clone.
#[derive(Clone, Debug)]
pub struct AuditLog(pub(super) Arc<Inner>);

#[derive(Debug)]
pub(super) struct Inner {
    pub(super) database: Database,
    clock: Arc<dyn Clock>,
    pub(super) key: SigningKey,
    pub(super) checkpoint_file: Option<PathBuf>,
    checkpoint_entries: i64,
    changes: AtomicU64,
    /// The last entry that this process knows to be signed.
    signed: AtomicI64,
    /// Keeps the lines of the checkpoint file in order.
    signing: Mutex<()>,
}

/// Which entries are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// The name of who did it.
    pub actor: Option<String>,
    /// What was done.
    pub action: Option<Action>,
    /// The kind of thing that it was done to.
    pub target_kind: Option<TargetKind>,
    /// The id of the thing.
    pub target_id: Option<String>,
    /// How it went.
    pub outcome: Option<Outcome>,
    /// The first moment.
    pub from_ms: Option<TimestampMs>,
    /// The moment after the last.
    pub until_ms: Option<TimestampMs>,
}

impl AuditLog {
    pub(crate) async fn open(
        database: Database,
        clock: Arc<dyn Clock>,
        key: SigningKey,
        checkpoint_file: Option<PathBuf>,
        checkpoint_entries: u32,
    ) -> Result<Self> {
        let head = audit_head::ActiveModel {
            id: Set(HEAD.to_owned()),
            sequence: Set(0),
            hash: Set(GENESIS.to_owned()),
        };
        // Only an empty log may get a head: one that was removed must be missed by `verify`.
        let is_empty = audit_entry::Entity::find()
            .limit(1)
            .one(database.connection())
            .await?
            .is_none();
        if is_empty {
            audit_head::Entity::insert(head)
                .on_conflict(
                    OnConflict::column(audit_head::Column::Id)
                        .do_nothing_on([audit_head::Column::Id])
                        .to_owned(),
                )
                .exec_without_returning(database.connection())
                .await?;
        }
        let signed = audit_checkpoint::Entity::find()
            .order_by_desc(audit_checkpoint::Column::Sequence)
            .limit(1)
            .one(database.connection())
            .await?
            .map_or(0, |checkpoint| checkpoint.sequence);
        Ok(Self(Arc::new(Inner {
            database,
            clock,
            key,
            checkpoint_file,
            checkpoint_entries: i64::from(checkpoint_entries),
            changes: AtomicU64::new(0),
            signed: AtomicI64::new(signed),
            signing: Mutex::new(()),
        })))
    }

    /// Records something by itself. Returns the entry's number.
    pub async fn record(&self, caller: &Caller, event: AuditEvent) -> Result<i64> {
        let mut attempt = 1;
        loop {
            let outcome = async {
                let transaction = self.0.database.begin().await?;
                let sequence = self.append(&transaction, caller, event.clone()).await?;
                transaction.commit().await?;
                Ok(sequence)
            }
            .await;
            match outcome {
                Ok(sequence) => {
                    self.sign_when_due(sequence).await;
                    return Ok(sequence);
                }
                Err(Error::Database(error)) if attempt < ATTEMPTS && is_conflict(&error) => {
                    attempt += 1;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Records something in the transaction that does it, as the last step before
    /// [`Self::commit`]: from here on all other writers of the log wait.
    pub async fn append(
        &self,
        transaction: &DatabaseTransaction,
        caller: &Caller,
        event: AuditEvent,
    ) -> Result<i64> {
        let head = audit_head::Entity::find_by_id(HEAD)
            .lock_exclusive()
            .one(transaction)
            .await?
            .ok_or(Error::Internal {
                action: "write the audit log",
                reason: "its end is not marked in the table `audit_head`; verify the log"
                    .to_owned(),
            })?;
        let next = (head.sequence + 1, head.hash);
        let row = event.into_row(caller, self.0.clock.now_ms(), next);
        let head = audit_head::ActiveModel {
            id: Set(HEAD.to_owned()),
            sequence: Set(row.sequence),
            hash: Set(row.hash.clone()),
        };
        let sequence = row.sequence;
        audit_entry::Entity::insert(row.into_active_model())
            .exec_without_returning(transaction)
            .await?;
        audit_head::Entity::update(head).exec(transaction).await?;
        Ok(sequence)
    }

    /// Records something in its transaction and commits.
    pub async fn commit(
        &self,
        transaction: DatabaseTransaction,
        caller: &Caller,
        event: AuditEvent,
    ) -> Result<()> {
        let sequence = self.append(&transaction, caller, event).await?;
        let committed = transaction.commit().await;
        // Also after an error, which does not tell whether the database took it.
        self.0.changes.fetch_add(1, Ordering::SeqCst);
        committed?;
        self.sign_when_due(sequence).await;
        Ok(())
    }

    /// Records what another domain has changed in the transaction of the change, as its last step, and
    /// commits: there is no change without its entries, and no entry without the change.
    pub async fn commit_change(
        &self,
        mut transaction: Transaction,
        caller: &Caller,
        events: Vec<AuditEvent>,
    ) -> Result<()> {
        let sequence = match self.append_all(&mut transaction, caller, events).await {
            Ok(sequence) => sequence,
            Err(error) => {
                transaction.roll_back().await;
                return Err(error);
            }
        };
        let committed = transaction.commit().await;
        self.0.changes.fetch_add(1, Ordering::SeqCst);
        committed?;
        if let Some(sequence) = sequence {
            self.sign_when_due(sequence).await;
        }
        Ok(())
    }

    /// Returns the number of the last entry.
    async fn append_all(
        &self,
        transaction: &mut Transaction,
        caller: &Caller,
        events: Vec<AuditEvent>,
    ) -> Result<Option<i64>> {
        let mut sequence = None;
        for event in events {
            let connection = transaction.connection().await?;
            sequence = Some(self.append(connection, caller, event).await?);
        }
        Ok(sequence)
    }

    /// Returns how many changes this process has committed: what was read before the last of them
    /// may no longer be so.
    pub(crate) fn changes(&self) -> u64 {
        self.0.changes.load(Ordering::SeqCst)
    }

    async fn sign_when_due(&self, sequence: i64) {
        if sequence - self.0.signed.load(Ordering::Relaxed) < self.0.checkpoint_entries {
            return;
        }
        // What was recorded stands; the next entry tries to sign again.
        if let Err(error) = self.checkpoint().await {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "cannot sign the audit log"
            );
        }
    }

    /// Signs the last entry, if it is not signed yet. The server does so now and then, and when
    /// it stops.
    pub async fn checkpoint(&self) -> Result<Option<Checkpoint>> {
        let _guard = self.0.signing.lock().await;
        let connection = self.0.database.connection();
        let Some(head) = audit_head::Entity::find_by_id(HEAD).one(connection).await? else {
            return Ok(None);
        };
        if head.sequence <= self.0.signed.load(Ordering::Relaxed) {
            return Ok(None);
        }
        let checkpoint =
            Checkpoint::sign(&self.0.key, head.sequence, head.hash, self.0.clock.now_ms());
        let row = audit_checkpoint::Model {
            sequence: checkpoint.sequence,
            hash: checkpoint.hash.clone(),
            at_ms: checkpoint.at_ms,
            public_key: checkpoint.public_key.clone(),
            signature: checkpoint.signature.clone(),
        };
        // Another server may have signed the same entry.
        audit_checkpoint::Entity::insert(row.into_active_model())
            .on_conflict(
                OnConflict::column(audit_checkpoint::Column::Sequence)
                    .do_nothing_on([audit_checkpoint::Column::Sequence])
                    .to_owned(),
            )
            .exec_without_returning(connection)
            .await?;
        if let Some(path) = &self.0.checkpoint_file {
            append_to_file(path, &checkpoint).await?;
        }
        self.0.signed.store(checkpoint.sequence, Ordering::Relaxed);
        Ok(Some(checkpoint))
    }

    /// Lists entries, the newest first unless sorted otherwise by `time`, `actor`, `action`,
    /// `target` or `outcome`. The request's text is looked for in names, actions, addresses and
    /// reasons.
    pub async fn list(
        &self,
        request: &PageRequest,
        filter: &AuditFilter,
    ) -> Result<Page<AuditEntry>> {
        use audit_entry::Column as C;
        let mut select = audit_entry::Entity::find();
        if let Some(actor) = &filter.actor {
            select = select.filter(C::ActorName.eq(actor));
        }
        if let Some(action) = filter.action {
            select = select.filter(C::Action.eq(action.as_str()));
        }
        if let Some(kind) = filter.target_kind {
            select = select.filter(C::TargetKind.eq(kind.as_str()));
        }
        if let Some(id) = &filter.target_id {
            select = select.filter(C::TargetId.eq(id));
        }
        if let Some(outcome) = filter.outcome {
            select = select.filter(C::Outcome.eq(outcome.as_str()));
        }
        if let Some(from_ms) = filter.from_ms {
            select = select.filter(C::AtMs.gte(from_ms));
        }
        if let Some(until_ms) = filter.until_ms {
            select = select.filter(C::AtMs.lt(until_ms));
        }
        let listing = Listing::<audit_entry::Entity> {
            searched: &[
                C::ActorName,
                C::Action,
                C::TargetName,
                C::TargetId,
                C::Address,
                C::Reason,
            ],
            fields: &[
                ("time", C::Sequence),
                ("actor", C::ActorName),
                ("action", C::Action),
                ("target", C::TargetName),
                ("outcome", C::Outcome),
            ],
            default: "-time",
            tie: C::Sequence,
        };
        listing
            .page(self.0.database.connection(), select, request, |row| {
                Ok(AuditEntry::from(row))
            })
            .await
    }

    /// Returns one entry.
    pub async fn entry(&self, sequence: i64) -> Result<AuditEntry> {
        audit_entry::Entity::find_by_id(sequence)
            .one(self.0.database.connection())
            .await?
            .map(AuditEntry::from)
            .ok_or_else(|| Error::not_found("audit entry", sequence))
    }
}

/// Reads the end of the log.
pub(super) async fn head(connection: &impl ConnectionTrait) -> Result<Option<audit_head::Model>> {
    Ok(audit_head::Entity::find_by_id(HEAD).one(connection).await?)
}
