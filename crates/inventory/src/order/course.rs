//! What becomes of an order after each step: pure, so that a crash anywhere leaves something that the
//! next step goes on from.

use yunhai_cloud::{
    Error, ErrorKind, NewServer, Operation, OperationState, Provider, Result, ServerAction,
};
use yunhai_model::{CloudAccountId, CloudOrderId, TimestampMs};

use super::{Order, OrderState, Ordered, Progress};

/// How long an order is sent again where it cannot be sent; nobody expects it to be carried out later.
const SENDING_LIMIT_MS: i64 = 3_600_000;

/// How long an order is followed after the provider took it.
const FOLLOWING_LIMIT_MS: i64 = 3_600_000;

/// How long a conflict may come of an attempt of our own whose answer nobody has read.
const OWN_CONFLICT_MS: i64 = 600_000;

const FIRST_PAUSE_MS: i64 = 2_000;
const LONGEST_PAUSE_MS: i64 = 60_000;

impl Order {
    pub(crate) fn new(
        (account_id, account, provider): (CloudAccountId, String, Provider),
        what: Ordered,
        ordered_by: String,
        now_ms: TimestampMs,
    ) -> Self {
        let id = CloudOrderId::new();
        Self {
            id,
            account_id,
            account,
            provider,
            what: without_user_data(what),
            ordered_by,
            placed_at_ms: now_ms,
            state: OrderState::Waiting,
            attempts: 0,
            sent_at_ms: None,
            operation: None,
            taken_at_ms: None,
            progress: None,
            error: None,
            ended_at_ms: None,
            next_at_ms: now_ms,
            client_token: id.to_uuid(),
            is_unsure: false,
            failures: 0,
        }
    }

    /// Whether the provider may have carried it out, or may still do so, though nobody knows.
    pub fn is_outcome_unknown(&self) -> bool {
        self.state == OrderState::GivenUp && (self.is_unsure || self.operation.is_some())
    }

    /// Whether it is too late for another step.
    pub(crate) fn is_overdue(&self, now_ms: TimestampMs) -> bool {
        match self.taken_at_ms {
            Some(taken_at_ms) => now_ms - taken_at_ms > FOLLOWING_LIMIT_MS,
            None => now_ms - self.placed_at_ms > SENDING_LIMIT_MS,
        }
    }

    /// Notes that it is about to be sent: whoever finds it so does not know what came of it.
    pub(crate) fn begin_sending(&mut self, now_ms: TimestampMs) {
        self.attempts += 1;
        self.sent_at_ms.get_or_insert(now_ms);
        self.is_unsure = true;
    }

    /// Takes in what the provider said when it was sent. `was_unsure` tells whether an attempt before
    /// this one may have arrived.
    pub(crate) fn sent(
        &mut self,
        outcome: Result<Operation>,
        was_unsure: bool,
        now_ms: TimestampMs,
    ) {
        let error = match outcome {
            Ok(operation) => {
                self.state = OrderState::Running;
                self.operation = Some(operation);
                self.taken_at_ms = Some(now_ms);
                self.progress = Some(Progress::default());
                self.error = None;
                self.is_unsure = false;
                self.failures = 0;
                self.next_at_ms = now_ms + FIRST_PAUSE_MS;
                return;
            }
            Err(error) => error,
        };
        let is_lost = matches!(error.kind, ErrorKind::Unreachable | ErrorKind::Unavailable);
        self.is_unsure = was_unsure || is_lost;
        let is_deleting = matches!(
            self.what,
            Ordered::Act {
                action: ServerAction::Delete,
                ..
            }
        );
        let may_be_own_conflict = was_unsure
            && error.kind == ErrorKind::Conflict
            && now_ms - self.placed_at_ms < OWN_CONFLICT_MS;
        if is_deleting && error.kind == ErrorKind::NotFound {
            self.end(OrderState::Done, None, now_ms);
        } else if error.is_transient() || may_be_own_conflict {
            self.try_later(error, now_ms);
        } else {
            self.end(OrderState::Failed, Some(error), now_ms);
        }
    }

    /// Takes in how far the provider says it is. What cannot be had just now tells nothing about the
    /// order.
    pub(crate) fn looked(&mut self, outcome: Result<OperationState>, now_ms: TimestampMs) {
        match outcome {
            Ok(OperationState::Running { done, text }) => {
                self.progress = Some(Progress { done, text });
                self.error = None;
                self.failures = 0;
                self.next_at_ms = now_ms + self.pause_ms(now_ms);
            }
            Ok(OperationState::Done) => self.end(OrderState::Done, None, now_ms),
            Ok(OperationState::Failed { error }) => {
                self.end(OrderState::Failed, Some(error), now_ms);
            }
            Err(error) => self.try_later(error, now_ms),
        }
    }

    /// Ends it because it took too long, with what is known.
    pub(crate) fn give_up(&mut self, error: Option<Error>, now_ms: TimestampMs) {
        let said = match self.operation {
            Some(_) => "the provider took the order, and has not carried it out within an hour",
            None => "the order could not be sent within an hour",
        };
        let error = error
            .or_else(|| self.error.take())
            .unwrap_or_else(|| Error::new(ErrorKind::Unavailable, self.what.sentence(), said));
        self.end(OrderState::GivenUp, Some(error), now_ms);
    }

    /// Ends it before it was sent.
    pub(crate) fn refuse(&mut self, error: Error, was_unsure: bool, now_ms: TimestampMs) {
        if self.operation.is_some() || was_unsure {
            self.give_up(Some(error), now_ms);
        } else {
            self.end(OrderState::Failed, Some(error), now_ms);
        }
    }

    fn end(&mut self, state: OrderState, error: Option<Error>, now_ms: TimestampMs) {
        if state == OrderState::Done {
            self.progress = Some(Progress {
                done: self.what.count(),
                text: String::new(),
            });
        }
        self.state = state;
        self.error = error;
        self.ended_at_ms = Some(now_ms);
    }

    fn try_later(&mut self, error: Error, now_ms: TimestampMs) {
        let doubled = FIRST_PAUSE_MS << self.failures.min(8);
        self.failures += 1;
        self.error = Some(error);
        self.next_at_ms = now_ms + doubled.min(LONGEST_PAUSE_MS);
    }

    /// What takes long is looked at less often.
    fn pause_ms(&self, now_ms: TimestampMs) -> i64 {
        let taken_at_ms = self.taken_at_ms.unwrap_or(now_ms);
        match now_ms - taken_at_ms {
            ..60_000 => FIRST_PAUSE_MS,
            60_000..300_000 => 5_000,
            _ => 15_000,
        }
    }
}

fn without_user_data(what: Ordered) -> Ordered {
    match what {
        Ordered::Create { new } => Ordered::Create {
            new: Box::new(NewServer {
                user_data: None,
                ..*new
            }),
        },
        act @ Ordered::Act { .. } => act,
    }
}

#[cfg(test)]
mod tests {
    use yunhai_cloud::ServerRef;

    use super::*;

    const HOUR_MS: i64 = 3_600_000;

    fn order(action: ServerAction) -> Order {
        let what = Ordered::Act {
            label: "web".to_owned(),
            server: ServerRef {
                region: "a".to_owned(),
                id: "i-1".to_owned(),
            },
            action,
        };
        let account = (CloudAccountId::new(), "prod".to_owned(), Provider::Aws);
        Order::new(account, what, "ada".to_owned(), 0)
    }

    fn error(kind: ErrorKind) -> Error {
        Error::new(kind, "do it", "no")
    }

    fn sent(order: &mut Order, kind: ErrorKind, now_ms: i64) {
        let was_unsure = order.is_unsure;
        order.begin_sending(now_ms);
        order.sent(Err(error(kind)), was_unsure, now_ms);
    }

    #[test]
    fn what_may_pass_is_sent_again_later_and_later_and_what_was_refused_is_not() {
        let mut order = order(ServerAction::Start);
        let mut now_ms = 0;
        let mut pauses = Vec::new();
        for _ in 0..8 {
            sent(&mut order, ErrorKind::Throttled, now_ms);
            pauses.push((order.next_at_ms - now_ms) / 1000);
            now_ms = order.next_at_ms;
        }
        assert_eq!(pauses, [2, 4, 8, 16, 32, 60, 60, 60]);
        assert!(!order.is_overdue(now_ms));
        assert!(!order.is_unsure, "being throttled is an answer");
        sent(&mut order, ErrorKind::Quota, now_ms);
        assert_eq!(order.state, OrderState::Failed);
        assert_eq!(order.error.unwrap().kind, ErrorKind::Quota);
    }

    #[test]
    fn a_conflict_is_final_unless_it_may_come_of_an_attempt_of_our_own() {
        let mut sure = order(ServerAction::Delete);
        sent(&mut sure, ErrorKind::Conflict, 0);
        assert_eq!(sure.state, OrderState::Failed, "it is protected");
        let mut unsure = order(ServerAction::Start);
        sent(&mut unsure, ErrorKind::Unreachable, 0);
        sent(&mut unsure, ErrorKind::Conflict, 2000);
        assert_eq!(unsure.state, OrderState::Waiting);
        sent(&mut unsure, ErrorKind::Conflict, OWN_CONFLICT_MS);
        assert_eq!(unsure.state, OrderState::Failed);
    }

    #[test]
    fn what_is_to_be_deleted_and_is_not_there_is_deleted() {
        let mut deleted = order(ServerAction::Delete);
        sent(&mut deleted, ErrorKind::NotFound, 0);
        assert_eq!(deleted.state, OrderState::Done);
        let mut stopped = order(ServerAction::Stop);
        sent(&mut stopped, ErrorKind::NotFound, 0);
        assert_eq!(stopped.state, OrderState::Failed);
    }

    #[test]
    fn trouble_while_it_is_followed_ends_nothing_until_the_limit() {
        let mut order = order(ServerAction::Stop);
        order.begin_sending(0);
        let operation = Operation {
            servers: Vec::new(),
            action: Some(ServerAction::Stop),
            handle: None,
        };
        order.sent(Ok(operation), false, 0);
        order.looked(Err(error(ErrorKind::Denied)), 2000);
        assert_eq!(order.state, OrderState::Running);
        assert!(order.error.is_some(), "people see why nothing is known");
        let text = "1 stopping".to_owned();
        order.looked(Ok(OperationState::Running { done: 0, text }), 4000);
        assert_eq!(order.error, None);
        assert!(!order.is_overdue(HOUR_MS));
        assert!(order.is_overdue(HOUR_MS + 1));
        order.give_up(None, HOUR_MS + 1);
        assert!(order.is_outcome_unknown());
        assert_eq!(order.progress.unwrap().text, "1 stopping");
    }

    #[test]
    fn what_was_never_sent_is_not_carried_out_hours_later() {
        let mut order = order(ServerAction::Delete);
        assert!(order.is_overdue(HOUR_MS + 1));
        order.give_up(None, HOUR_MS + 1);
        assert!(!order.is_outcome_unknown());
        assert_eq!(order.attempts, 0);
    }
}
