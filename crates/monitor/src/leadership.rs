//! Which of several servers on one database evaluates rules and sends.
//!
//! A row in the database says who leads. The leader counts its `beat` up; another server takes over
//! when it has seen the row unchanged for a whole lease **by its own monotonic clock**, so that no
//! step of a wall clock makes or unmakes a leader. Every change of hands counts the `term` up, and
//! what a leader writes is written in a transaction that has checked the term: who was asleep
//! while the lease passed on cannot write any more.

use std::time::{Duration, Instant};

use yunhai_model::TimestampMs;

/// A server among those on the same database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// What no two servers that run at once share, and a server keeps over its restarts, by which
    /// it takes up its own lease again without waiting.
    pub id: String,
    /// What people call it.
    pub name: String,
}

/// What a server does for alerting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// It evaluates and sends.
    Leader,
    /// Another server does.
    Standby,
    /// Nobody does yet, or nobody can tell, as the database does not answer.
    Waiting,
}

impl Role {
    /// The role as it is shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Leader => "leader",
            Self::Standby => "standby",
            Self::Waiting => "waiting",
        }
    }
}

/// Who evaluates rules and sends, as this server last saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leadership {
    /// What this server does.
    pub role: Role,
    /// This server's name.
    pub server: String,
    /// The name of the server that leads.
    pub leader: Option<String>,
    /// Since when, by that server's clock.
    pub since_ms: Option<TimestampMs>,
    /// How many times the lease has changed hands.
    pub term: i64,
}

/// The row in the database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Lease {
    /// The leader's node; empty where the last one went in good order.
    pub(crate) node: String,
    pub(crate) server: String,
    pub(crate) term: i64,
    pub(crate) beat: i64,
    pub(crate) since_ms: TimestampMs,
}

impl Lease {
    pub(crate) fn is_released(&self) -> bool {
        self.node.is_empty()
    }
}

/// The time for which this server leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Term {
    pub(crate) number: i64,
    /// When it began, by this server's clock.
    pub(crate) since_ms: TimestampMs,
    /// When it began.
    pub(crate) begun: Instant,
    /// When the last renewal began that succeeded.
    pub(crate) renewed: Instant,
    /// Whether the leader before may still be under way somewhere: it did not say that it went.
    pub(crate) is_contested: bool,
}

/// The lease as a server that would lead has watched it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Watched {
    /// What was seen, and since when it has not changed.
    seen: Option<(Lease, Instant)>,
}

/// What to do about the lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Wait: another server leads, or may.
    Wait,
    /// Take the lease.
    Take {
        /// Whether the leader before may still be under way.
        is_contested: bool,
    },
}

impl Watched {
    /// Decides what a server that does not lead does about what it found.
    pub(crate) fn step(
        &mut self,
        found: Option<&Lease>,
        node: &str,
        lease: Duration,
        now: Instant,
    ) -> Step {
        let take = |is_contested| Step::Take { is_contested };
        let Some(found) = found else {
            return take(false);
        };
        if found.is_released() || found.node == node {
            return take(false);
        }
        match &self.seen {
            Some((seen, since)) if seen == found => {
                if now.duration_since(*since) >= lease {
                    take(true)
                } else {
                    Step::Wait
                }
            }
            _ => {
                self.seen = Some((found.clone(), now));
                Step::Wait
            }
        }
    }

    /// The leader that was seen last.
    pub(crate) fn leader(&self) -> Option<&Lease> {
        self.seen.as_ref().map(|(lease, _)| lease)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEASE: Duration = Duration::from_secs(15);

    fn lease(node: &str, beat: i64) -> Lease {
        Lease {
            node: node.to_owned(),
            server: node.to_owned(),
            term: 3,
            beat,
            since_ms: 0,
        }
    }

    #[test]
    fn a_lease_is_taken_over_only_after_it_stood_still_for_its_whole_time() {
        let start = Instant::now();
        let at = |secs| start + Duration::from_secs(secs);
        let mut watched = Watched::default();
        let mut step = |lease: &Lease, secs| watched.step(Some(lease), "b", LEASE, at(secs));
        assert_eq!(step(&lease("a", 1), 0), Step::Wait, "just seen");
        assert_eq!(step(&lease("a", 1), 14), Step::Wait);
        assert_eq!(step(&lease("a", 2), 15), Step::Wait, "it beat");
        assert_eq!(step(&lease("a", 2), 29), Step::Wait);
        let taken = Step::Take { is_contested: true };
        assert_eq!(step(&lease("a", 2), 30), taken);
    }

    #[test]
    fn a_free_lease_and_ones_own_are_taken_at_once() {
        let taken = Step::Take {
            is_contested: false,
        };
        for found in [None, Some(lease("", 7)), Some(lease("b", 7))] {
            let mut watched = Watched::default();
            let step = watched.step(found.as_ref(), "b", LEASE, Instant::now());
            assert_eq!(step, taken, "{found:?}");
        }
    }
}
