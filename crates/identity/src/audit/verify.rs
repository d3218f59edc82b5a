//! Finds out whether anyone has tampered with the audit log, and where.

use std::collections::BTreeMap;

use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait};
use serde::Serialize;
use yunhai_model::with_causes;

use super::checkpoint::read_file;
use super::entry::{GENESIS, hash};
use super::log::head;
use super::{Action, AuditEvent, AuditLog, Checkpoint, Outcome, Target, TargetKind};
use crate::entity::{audit_checkpoint, audit_entry, audit_head};
use crate::names::named;
use crate::{Caller, Result};

/// How many entries are read at once.
const BATCH: u64 = 1000;

const IN_DATABASE: &str = "the database";

const IN_FILE: &str = "the checkpoint file";

/// What a foreign checkpoint in the file may mean, and what to do then.
const OF_ANOTHER_DATABASE: &str = "somebody else made it, or the data directory belongs to another state database; then name \
     that one, or, where a new one was begun on purpose, move audit-checkpoints.jsonl out of the \
     directory";

/// How far the numbers of entries may have been moved for a deletion or an insertion to be
/// recognised as such; beyond, it is called a change.
const MAX_SHIFT: i64 = 1000;

named! {
    /// What was done to the log.
    pub enum FaultKind("kind of tampering") {
        /// An entry was changed.
        Changed = "changed",
        /// Entries were taken out.
        Deleted = "deleted",
        /// Entries were put in.
        Inserted = "inserted",
        /// The end was cut off.
        Truncated = "truncated",
        /// A checkpoint was changed or made by someone without the key.
        CheckpointForged = "checkpoint_forged",
    }
}

/// The first place where the log was tampered with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AuditFault {
    /// What was done.
    pub kind: FaultKind,
    /// The first entry that it concerns.
    pub sequence: i64,
    /// The last entry that it may concern, where there are several.
    pub until: Option<i64>,
    /// How it shows, for a person to read.
    pub explanation: String,
}

/// What a verification found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AuditVerification {
    /// How many entries are proved to be as they were written.
    pub entries: u64,
    /// How many checkpoints confirm them.
    pub checkpoints: u64,
    /// The last entry that a checkpoint confirms. The entries after it are chained, but someone
    /// who can write to the database could have written them all anew.
    pub signed_until: i64,
    /// The first fault; none when the log is whole.
    pub fault: Option<AuditFault>,
}

impl AuditVerification {
    /// Tells whether the log is whole.
    pub fn is_whole(&self) -> bool {
        self.fault.is_none()
    }
}

/// Walks along the chain.
struct Walk {
    /// Good statements by entry, from the database and the file.
    checkpoints: BTreeMap<i64, Vec<Checkpoint>>,
    expected: i64,
    hash: String,
    confirmed: u64,
    signed_until: i64,
}

impl AuditLog {
    /// Verifies the whole log on somebody's behalf, and records there that it was verified and what
    /// was found.
    pub async fn verify_for(&self, caller: &Caller) -> Result<AuditVerification> {
        let verification = self.verify().await?;
        let event = AuditEvent::new(Action::AuditVerified, Target::only(TargetKind::AuditLog));
        let Some(fault) = &verification.fault else {
            self.record(caller, event).await?;
            return Ok(verification);
        };
        let event = event
            .outcome(Outcome::Failure)
            .because(fault.explanation.clone())
            .after(fault);
        // Where the end of the log is gone nothing can be recorded; what was found is told anyway.
        if let Err(error) = self.record(caller, event).await {
            tracing::error!(
                error = with_causes(&error),
                entry = fault.sequence,
                "cannot record that the audit log is damaged"
            );
        }
        Ok(verification)
    }

    /// Verifies the whole log against its hashes, its checkpoints and the checkpoint file.
    pub async fn verify(&self) -> Result<AuditVerification> {
        // Checkpoints first, then the end, then the entries: what is written meanwhile is later
        // than what it is compared with.
        let (checkpoints, forged) = self.checkpoints().await?;
        let connection = self.0.database.connection();
        let head = head(connection).await?;
        let last_signed = checkpoints
            .last_key_value()
            .map_or(0, |(sequence, _)| *sequence);
        let mut walk = Walk {
            checkpoints,
            expected: 1,
            hash: GENESIS.to_owned(),
            confirmed: 0,
            signed_until: 0,
        };
        let end = head.as_ref().map_or(i64::MAX, |head| head.sequence);
        let mut fault = None;
        let mut read_until = i64::MIN;
        'walk: loop {
            let rows = audit_entry::Entity::find()
                .filter(audit_entry::Column::Sequence.gt(read_until))
                .filter(audit_entry::Column::Sequence.lte(end))
                .order_by_asc(audit_entry::Column::Sequence)
                .limit(BATCH)
                .all(connection)
                .await?;
            for row in &rows {
                fault = walk.step(row);
                if fault.is_some() {
                    break 'walk;
                }
                read_until = row.sequence;
            }
            if (rows.len() as u64) < BATCH {
                break;
            }
        }
        if fault.is_none() {
            fault = walk.check_end(head.as_ref(), last_signed);
        }
        if fault.is_none() {
            fault = self.entries_beyond_the_end().await?;
        }
        Ok(AuditVerification {
            entries: (walk.expected - 1) as u64,
            checkpoints: walk.confirmed,
            signed_until: walk.signed_until,
            fault: fault.or(forged),
        })
    }

    /// Gathers the checkpoints of database and file, and the first one that is not ours.
    async fn checkpoints(&self) -> Result<(BTreeMap<i64, Vec<Checkpoint>>, Option<AuditFault>)> {
        let rows = audit_checkpoint::Entity::find()
            .order_by_asc(audit_checkpoint::Column::Sequence)
            .all(self.0.database.connection())
            .await?;
        let mut all: Vec<(Checkpoint, &str)> = rows
            .into_iter()
            .map(|row| (row.into(), IN_DATABASE))
            .collect();
        let mut forged = None;
        if let Some(path) = &self.0.checkpoint_file {
            let (in_file, damaged) = read_file(path).await?;
            all.extend(in_file.into_iter().map(|checkpoint| (checkpoint, IN_FILE)));
            forged = damaged.first().map(|line| AuditFault {
                kind: FaultKind::CheckpointForged,
                sequence: 0,
                until: None,
                explanation: format!("line {line} of the checkpoint file is not a checkpoint"),
            });
        }
        let key = self.0.key.public_key();
        let mut good: BTreeMap<i64, Vec<Checkpoint>> = BTreeMap::new();
        for (checkpoint, place) in all {
            if checkpoint.is_signed_by(&key) {
                good.entry(checkpoint.sequence)
                    .or_default()
                    .push(checkpoint);
            } else if forged.is_none() {
                forged = Some(AuditFault {
                    kind: FaultKind::CheckpointForged,
                    sequence: checkpoint.sequence,
                    until: None,
                    explanation: format!(
                        "the checkpoint of entry {} in {place} is not signed by the key of this \
                         installation: {}",
                        checkpoint.sequence,
                        if place == IN_FILE {
                            OF_ANOTHER_DATABASE
                        } else {
                            "somebody else made it"
                        }
                    ),
                });
            }
        }
        Ok((good, forged))
    }

    async fn entries_beyond_the_end(&self) -> Result<Option<AuditFault>> {
        let connection = self.0.database.connection();
        // One statement, so that an entry that is written meanwhile is not taken for a stray.
        let end = audit_head::Entity::find()
            .select_only()
            .column(audit_head::Column::Sequence)
            .into_query();
        let stray = audit_entry::Entity::find()
            .filter(
                Expr::col(audit_entry::Column::Sequence)
                    .gt(Expr::SubQuery(None, Box::new(end.into()))),
            )
            .order_by_asc(audit_entry::Column::Sequence)
            .limit(1)
            .one(connection)
            .await?;
        Ok(stray.map(|row| AuditFault {
            kind: FaultKind::Inserted,
            sequence: row.sequence,
            until: None,
            explanation: format!("entry {} stands after the end of the log", row.sequence),
        }))
    }
}

impl Walk {
    /// Takes the next entry, or says what is wrong with it.
    fn step(&mut self, row: &audit_entry::Model) -> Option<AuditFault> {
        if row.sequence < self.expected {
            return Some(AuditFault {
                kind: FaultKind::Inserted,
                sequence: row.sequence,
                until: None,
                explanation: "entries count from 1".to_owned(),
            });
        }
        if row.sequence > self.expected {
            let until = row.sequence - 1;
            return Some(AuditFault {
                kind: FaultKind::Deleted,
                sequence: self.expected,
                until: (until > self.expected).then_some(until),
                explanation: format!(
                    "entry {} is followed by {}",
                    self.expected - 1,
                    row.sequence
                ),
            });
        }
        if hash(row, row.sequence, &self.hash) != row.hash {
            return Some(explain(row));
        }
        for checkpoint in self.checkpoints.get(&row.sequence).into_iter().flatten() {
            if checkpoint.hash != row.hash {
                let first = self.signed_until + 1;
                return Some(AuditFault {
                    kind: FaultKind::Changed,
                    sequence: first,
                    until: (row.sequence > first).then_some(row.sequence),
                    explanation: format!(
                        "the chain was written anew: at entry {} it differs from what was signed",
                        row.sequence
                    ),
                });
            }
            self.confirmed += 1;
            self.signed_until = row.sequence;
        }
        self.expected += 1;
        self.hash.clone_from(&row.hash);
        None
    }

    /// Compares where the chain ends with where it should.
    fn check_end(&self, head: Option<&audit_head::Model>, last_signed: i64) -> Option<AuditFault> {
        let last = self.expected - 1;
        let end = Ord::max(head.map_or(0, |head| head.sequence), last_signed);
        if last < end {
            return Some(AuditFault {
                kind: FaultKind::Truncated,
                sequence: self.expected,
                until: (end > self.expected).then_some(end),
                explanation: format!("the log had {end} entries, {last} are left"),
            });
        }
        let Some(head) = head else {
            return Some(AuditFault {
                kind: FaultKind::Truncated,
                sequence: self.expected,
                until: None,
                explanation: "the mark of the log's end is gone".to_owned(),
            });
        };
        (head.hash != self.hash).then(|| AuditFault {
            kind: FaultKind::Changed,
            sequence: last,
            until: None,
            explanation: format!("entry {last} differs from the mark of the log's end"),
        })
    }
}

/// Finds out why an entry does not fit the one before: its own hash tells which number and
/// which predecessor it had when it was written.
fn explain(row: &audit_entry::Model) -> AuditFault {
    let at = row.sequence;
    let was = |sequence| hash(row, sequence, &row.previous_hash) == row.hash;
    let fault = |kind, sequence, until: i64, explanation: String| AuditFault {
        kind,
        sequence,
        until: (until > sequence).then_some(until),
        explanation,
    };
    if was(at) && at > 1 {
        return fault(
            FaultKind::Changed,
            at - 1,
            at - 1,
            format!(
                "entry {at} was written after another entry {} than this one",
                at - 1
            ),
        );
    }
    for shift in 1..=MAX_SHIFT {
        if was(at + shift) {
            return fault(
                FaultKind::Deleted,
                at,
                at + shift - 1,
                format!("what is now entry {at} was written as entry {}", at + shift),
            );
        }
        if at > shift && was(at - shift) {
            return fault(
                FaultKind::Inserted,
                at - shift,
                at - 1,
                format!("what is now entry {at} was written as entry {}", at - shift),
            );
        }
    }
    fault(
        FaultKind::Changed,
        at,
        at,
        format!("entry {at} does not fit its hash"),
    )
}
