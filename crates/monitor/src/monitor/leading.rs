//! Takes the lease, keeps it while this server leads, and gives it back; see
//! [`crate::leadership`].

use std::time::{Duration, Instant};

use sea_orm::DatabaseTransaction;
use tokio_util::sync::CancellationToken;
use yunhai_model::with_causes;

use super::Monitor;
use super::counting::tell_pending;
use crate::error::{Error, Result};
use crate::leadership::{Leadership, Lease, Role, Step, Term, Watched};

/// 1 where this server evaluates and sends.
const LEADER: &str = "yunhai_alerting_leader";
/// How many times the lease has changed hands.
const TERM: &str = "yunhai_alerting_term";

impl Monitor {
    /// Who evaluates rules and sends, as this server last saw it.
    pub fn leadership(&self) -> Leadership {
        let (node, term) = (&self.0.node, *self.0.term.borrow());
        let watched = self.watched();
        let seen = watched.leader();
        Leadership {
            role: match (term, seen) {
                (Some(_), _) => Role::Leader,
                (None, Some(_)) => Role::Standby,
                (None, None) => Role::Waiting,
            },
            server: node.name.clone(),
            leader: match term {
                Some(_) => Some(node.name.clone()),
                None => seen.map(|lease| lease.server.clone()),
            },
            since_ms: match term {
                Some(term) => Some(term.since_ms),
                None => seen.map(|lease| lease.since_ms),
            },
            term: term
                .map(|term| term.number)
                .or(seen.map(|lease| lease.term))
                .unwrap_or_default(),
        }
    }

    /// Tells whether this server evaluates rules and sends.
    pub fn is_leader(&self) -> bool {
        self.term().is_ok()
    }

    /// Begins a transaction in which only the leader writes: it fails where this server does not
    /// lead any more, and while it runs no other one takes over.
    pub(super) async fn begin_as_leader(&self) -> Result<DatabaseTransaction> {
        let term = self.term()?;
        let store = &self.0.store;
        let transaction = store.database().begin().await?;
        if store
            .holds_lease(&transaction, &self.0.node.id, term.number)
            .await?
        {
            return Ok(transaction);
        }
        transaction.rollback().await?;
        self.step_down("another server has taken over");
        Err(self.not_leader())
    }

    /// The present term of this server.
    pub(super) fn term(&self) -> Result<Term> {
        (*self.0.term.borrow()).ok_or_else(|| self.not_leader())
    }

    fn not_leader(&self) -> Error {
        let leader = self.watched().leader().map(|lease| lease.server.clone());
        Error::NotLeader {
            leader: leader.unwrap_or_else(|| "another server".to_owned()),
        }
    }

    /// Keeps the lease, or waits for it, until stopped; then gives it back.
    pub(super) async fn keep_lease(&self, stop: &CancellationToken) {
        let mut beats = tokio::time::interval(self.beat_interval());
        beats.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        metrics::gauge!(LEADER).set(0.0);
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                _ = beats.tick() => {}
            }
            if let Err(error) = self.beat().await {
                tracing::error!(error = %with_causes(&error), "the lease of alerting could not be looked at");
                self.step_down_when_overdue();
            }
            if let Err(error) = self.notice_others().await {
                tracing::error!(error = %with_causes(&error), "the changes of other servers could not be read");
            }
        }
        self.release_lease().await;
    }

    /// Takes the lease for a while, for the one-shot mode; fails where a server that lives has it.
    pub(super) async fn take_lease(&self) -> Result<()> {
        let lease = self.0.config.leader_lease.0;
        let deadline = Instant::now() + lease * 2;
        loop {
            self.beat().await?;
            if self.term().is_ok() {
                return Ok(());
            }
            if Instant::now() >= deadline {
                return Err(self.not_leader());
            }
            tokio::time::sleep(self.beat_interval()).await;
        }
    }

    /// Gives the lease back, so that another server need not wait.
    pub(super) async fn release_lease(&self) {
        let Ok(term) = self.term() else {
            return;
        };
        if let Err(error) = self.try_release(term).await {
            tracing::warn!(error = %with_causes(&error), "the lease of alerting could not be given back");
        }
        self.set_term(None);
    }

    async fn try_release(&self, term: Term) -> Result<()> {
        let store = &self.0.store;
        let Some(found) = store.lease().await? else {
            return Ok(());
        };
        if self.is_own(&found, term) {
            let released = Lease {
                node: String::new(),
                beat: found.beat + 1,
                ..found.clone()
            };
            store.replace_lease(Some(&found), &released).await?;
        }
        Ok(())
    }

    fn beat_interval(&self) -> Duration {
        (self.0.config.leader_lease.0 / 3).max(Duration::from_millis(1))
    }

    fn is_own(&self, lease: &Lease, term: Term) -> bool {
        lease.node == self.0.node.id && lease.term == term.number
    }

    /// Renews the lease, takes it, or watches who has it.
    async fn beat(&self) -> Result<()> {
        let (store, node) = (&self.0.store, &self.0.node);
        let begun = Instant::now();
        let found = store.lease().await?;
        if let Ok(term) = self.term() {
            let renewed = match &found {
                Some(lease) if self.is_own(lease, term) => {
                    let next = Lease {
                        beat: lease.beat + 1,
                        ..lease.clone()
                    };
                    store.replace_lease(Some(lease), &next).await?
                }
                _ => false,
            };
            if renewed {
                self.set_term(Some(Term {
                    renewed: begun,
                    ..term
                }));
                return Ok(());
            }
            self.step_down("another server has taken over");
        }
        let lease = self.0.config.leader_lease.0;
        let step = self
            .watched()
            .step(found.as_ref(), &node.id, lease, Instant::now());
        let Step::Take { is_contested } = step else {
            return Ok(());
        };
        let next = Lease {
            node: node.id.clone(),
            server: node.name.clone(),
            term: found.as_ref().map_or(1, |found| found.term + 1),
            beat: 0,
            since_ms: self.now_ms(),
        };
        if store.replace_lease(found.as_ref(), &next).await? {
            *self.watched() = Watched::default();
            tracing::info!(
                term = next.term,
                "this server evaluates the rules and sends"
            );
            self.set_term(Some(Term {
                number: next.term,
                since_ms: next.since_ms,
                begun: Instant::now(),
                renewed: begun,
                is_contested,
            }));
        }
        Ok(())
    }

    /// Stops leading before another server may begin.
    fn step_down_when_overdue(&self) {
        let limit = self.0.config.leader_lease.0 * 2 / 3;
        if self
            .term()
            .is_ok_and(|term| term.renewed.elapsed() >= limit)
        {
            self.step_down("the lease could not be renewed in time");
        }
    }

    fn step_down(&self, reason: &str) {
        if self.0.term.borrow().is_some() {
            tracing::warn!(reason, "this server no longer evaluates rules and sends");
            self.set_term(None);
        }
    }

    fn set_term(&self, term: Option<Term>) {
        metrics::gauge!(LEADER).set(if term.is_some() { 1.0 } else { 0.0 });
        if term.is_none() {
            tell_pending([].into_iter());
        }
        if let Some(term) = term {
            metrics::gauge!(TERM).set(term.number as f64);
        }
        self.0.term.send_replace(term);
    }
}
