//! Orders are carried out, one step at a time. What a step is about to do, and what came of it, is
//! written down before and after it, so that any server goes on from there when another is killed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use yunhai_cloud::{Account, ErrorKind, NewServer, Operation, OperationState};
use yunhai_model::{CloudOrderId, TimestampMs, with_causes};

use super::Inventory;
use crate::error::{Error, Result};
use crate::order::{Order, OrderState, Ordered};
use crate::store::user_data_place;

/// How many orders are carried on at once.
const AT_ONCE: usize = 8;

/// How often is looked for what is due, and for what others have changed.
const TICK: Duration = Duration::from_secs(1);

/// How long a provider may take to answer.
const ANSWER_LIMIT: Duration = Duration::from_mins(2);

/// How long listing a region may take after a step.
const REFRESH_LIMIT: Duration = Duration::from_mins(1);

/// How long a server has an order in hand: longer than any step takes.
const HELD_MS: i64 = 300_000;

/// How long steps may take to end when the server stops.
const ENDING: Duration = Duration::from_secs(5);

const TIDYING: Duration = Duration::from_hours(1);

/// How long orders are kept.
const KEPT_MS: i64 = 180 * 86_400_000;

impl Inventory {
    /// Carries orders out until stopped. Of several servers on one database each step is taken by one.
    pub async fn run_orders(&self, stop: CancellationToken) {
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut steps = JoinSet::new();
        let mut under_way = BTreeMap::new();
        let mut seen: BTreeMap<CloudOrderId, i64> = BTreeMap::new();
        let mut tidied: Option<Instant> = None;
        let mut is_database_away = false;
        loop {
            let ours: BTreeSet<CloudOrderId> = under_way.values().copied().collect();
            tokio::select! {
                () = stop.cancelled() => break,
                Some(ended) = steps.join_next_with_id() => {
                    let id = match ended {
                        Ok((id, ())) => id,
                        Err(error) => {
                            tracing::error!(error = with_causes(&error), "a step of an order failed");
                            error.id()
                        }
                    };
                    under_way.remove(&id);
                }
                () = self.0.order_placed.notified() => {}
                _ = ticks.tick() => {}
            }
            let open = match self.0.store.open_orders().await {
                Ok(open) => open,
                Err(error) => {
                    // Told once: the same stands in the log for everything else.
                    if !std::mem::replace(&mut is_database_away, true) {
                        let error = with_causes(&error);
                        tracing::warn!(error, "cannot look for orders to clouds");
                    }
                    continue;
                }
            };
            is_database_away = false;
            let now: BTreeMap<CloudOrderId, i64> =
                open.iter().map(|open| (open.id, open.version)).collect();
            let changed = differing(&seen, &now);
            for id in &changed {
                self.tell_order(*id);
            }
            seen = now;
            if !changed.is_subset(&ours) {
                self.take_over_what_others_did().await;
            }
            let now_ms = self.now_ms();
            for due in open.iter().filter(|open| open.is_due(now_ms)) {
                if under_way.len() >= AT_ONCE {
                    break;
                }
                if under_way.values().any(|id| *id == due.id) {
                    continue;
                }
                let (inventory, id) = (self.clone(), due.id);
                let step = steps.spawn(async move { inventory.step_or_tell(id).await });
                under_way.insert(step.id(), id);
            }
            if tidied.is_none_or(|at| at.elapsed() >= TIDYING) {
                tidied = Some(Instant::now());
                self.forget_old_orders().await;
            }
        }
        // What is cut short is gone on with by whoever runs next.
        let through = async { while steps.join_next().await.is_some() {} };
        let _ = tokio::time::timeout(ENDING, through).await;
        steps.shutdown().await;
    }

    /// Carries orders out once the first is placed: for a process that is there for something else.
    pub async fn run_orders_once_placed(&self, stop: CancellationToken) {
        tokio::select! {
            () = stop.cancelled() => return,
            () = self.0.order_placed.notified() => self.0.order_placed.notify_one(),
        }
        self.run_orders(stop).await;
    }

    /// Takes one step with every order that is due; returns how many go on.
    pub async fn carry_out_due(&self) -> Result<usize> {
        let now_ms = self.now_ms();
        let open = self.0.store.open_orders().await?;
        let due = open
            .iter()
            .filter(|open| open.is_due(now_ms))
            .map(|open| open.id);
        futures::stream::iter(due)
            .for_each_concurrent(AT_ONCE, |id| self.step_or_tell(id))
            .await;
        Ok(self.0.store.open_orders().await?.len())
    }

    /// Shows what the orders did that another server has carried on, at once and not with the next
    /// round.
    async fn take_over_what_others_did(&self) {
        if let Err(error) = self.reload().await {
            let error = with_causes(&error);
            tracing::warn!(error, "cannot look for changes of cloud servers");
        }
    }

    async fn forget_old_orders(&self) {
        let before_ms = self.now_ms() - KEPT_MS;
        if let Err(error) = self.0.store.delete_orders(before_ms).await {
            let error = with_causes(&error);
            tracing::warn!(error, "cannot forget old orders to clouds");
        }
    }

    async fn step_or_tell(&self, id: CloudOrderId) {
        if let Err(error) = self.step(id).await {
            let order = id.to_string();
            let error = with_causes(&error);
            tracing::warn!(order, error, "cannot carry an order to a cloud on");
        }
    }

    /// Takes the next step of an order, unless another server has it in hand.
    async fn step(&self, id: CloudOrderId) -> Result<()> {
        let held = self.0.store.order(id).await?;
        let now_ms = self.now_ms();
        if !held.is_due(now_ms) {
            return Ok(());
        }
        let mut order = held.order;
        let was_unsure = order.is_unsure;
        let next = self
            .next_step(&order, held.sealed_user_data.as_deref(), now_ms)
            .await?;
        if let Step::Send(..) = next {
            order.begin_sending(now_ms);
        }
        let (store, connection) = (&self.0.store, self.0.database.connection());
        let held_until_ms = now_ms + HELD_MS;
        let is_ours = store
            .put_order(connection, &order, held.version, held_until_ms)
            .await?;
        if !is_ours {
            return Ok(());
        }
        let version = held.version + 1;
        let is_sending = matches!(next, Step::Send(..));
        match next {
            Step::GiveUp => order.give_up(None, now_ms),
            Step::Refuse(error) => order.refuse(error, was_unsure, now_ms),
            Step::Send(account, new) => {
                let outcome = send(&*account, &order, new).await;
                order.sent(outcome, was_unsure, self.now_ms());
            }
            Step::Look(account, operation) => {
                let outcome = look(&*account, &order, &operation).await;
                order.looked(outcome, self.now_ms());
            }
        }
        let is_taken = is_sending && order.state == OrderState::Running;
        if is_taken {
            // From here on it is followed, whatever happens meanwhile.
            store.put_order(connection, &order, version, 0).await?;
        }
        if is_taken || order.state.is_end() {
            // Whoever sees that the order has ended sees what it did, too.
            self.show_what_it_did(&order).await;
        }
        if order.state.is_end() {
            self.end_order(&order, version).await
        } else if is_taken {
            Ok(())
        } else {
            store.put_order(connection, &order, version, 0).await?;
            Ok(())
        }
    }

    async fn next_step(
        &self,
        order: &Order,
        sealed_user_data: Option<&str>,
        now_ms: TimestampMs,
    ) -> Result<Step> {
        if order.is_overdue(now_ms) {
            return Ok(Step::GiveUp);
        }
        let account = match self.account_of(order).await {
            Ok(account) => account,
            Err(Error::Cloud(error)) => return Ok(Step::Refuse(error)),
            Err(error) => return Err(error),
        };
        if let Some(operation) = &order.operation {
            return Ok(Step::Look(account, operation.clone()));
        }
        let Ordered::Create { new } = &order.what else {
            return Ok(Step::Send(account, None));
        };
        let mut new = new.clone();
        if let Some(sealed) = sealed_user_data {
            let place = user_data_place(order.id);
            match self.0.vault.open_latest(&place, sealed).await {
                Ok(user_data) => new.user_data = Some(user_data),
                Err(error) => {
                    let said = with_causes(&error);
                    return Ok(Step::Refuse(refusal("read the user data", said)));
                }
            }
        }
        Ok(Step::Send(account, Some(new)))
    }

    /// Opens the account of an order; what is a reason to refuse the order is [`Error::Cloud`].
    async fn account_of(&self, order: &Order) -> Result<Arc<dyn Account>> {
        let known = match self.known(order.account_id) {
            Err(_) => {
                // It may have been added by another server a moment ago.
                self.reload_accounts().await?;
                self.known(order.account_id)
            }
            known => known,
        };
        let known = known.map_err(|_| {
            let said = format!("the account {} was deleted here", order.account);
            yunhai_cloud::Error::new(ErrorKind::NotFound, order.what.sentence(), said)
        })?;
        match self.opened(&known).await {
            Err(Error::Database(error)) => Err(error.into()),
            Err(error) => Err(refusal("open the account", with_causes(&error)).into()),
            opened => opened,
        }
    }

    /// Lists the region of an order anew. Where that fails the next round shows it.
    async fn show_what_it_did(&self, order: &Order) {
        let refreshing = self.refresh(order.account_id, order.what.region());
        let failure = match tokio::time::timeout(REFRESH_LIMIT, refreshing).await {
            Ok(Ok(()) | Err(Error::NotFound(_))) => return,
            Ok(Err(error)) => with_causes(&error),
            Err(_) => "it takes too long".to_owned(),
        };
        tracing::warn!(
            account = order.account,
            error = failure,
            "cannot list the servers of a region after an order"
        );
    }

    /// Ends an order together with its entry in the log.
    async fn end_order(&self, order: &Order, version: i64) -> Result<()> {
        let mut transaction = self.0.database.transaction();
        let connection = transaction.connection().await?;
        let store = &self.0.store;
        if !store.put_order(connection, order, version, 0).await? {
            transaction.roll_back().await;
            return Ok(());
        }
        let recorded = self.0.order_log.commit_end(transaction, order).await;
        recorded.map_err(Error::Unrecorded)
    }
}

/// The orders that have changed, are new or have ended between two looks.
fn differing(
    before: &BTreeMap<CloudOrderId, i64>,
    now: &BTreeMap<CloudOrderId, i64>,
) -> BTreeSet<CloudOrderId> {
    let changed = now
        .iter()
        .filter(|(id, version)| before.get(id) != Some(version));
    let ended = before.iter().filter(|(id, _)| !now.contains_key(id));
    changed.chain(ended).map(|(id, _)| *id).collect()
}

/// What is to be done next with an order.
enum Step {
    /// It took too long.
    GiveUp,
    /// It cannot be carried out.
    Refuse(yunhai_cloud::Error),
    /// The provider is told, and of a server to be made all of it.
    Send(Arc<dyn Account>, Option<Box<NewServer>>),
    /// The provider is asked how far it is.
    Look(Arc<dyn Account>, Operation),
}

async fn send(
    account: &dyn Account,
    order: &Order,
    new: Option<Box<NewServer>>,
) -> yunhai_cloud::Result<Operation> {
    let lifecycle = account.lifecycle();
    match (&order.what, new) {
        (Ordered::Act { server, action, .. }, _) => {
            in_time(order, lifecycle.act(server, *action)).await
        }
        (Ordered::Create { new: known }, new) => {
            let new = new.as_deref().unwrap_or(known);
            in_time(order, lifecycle.create(new, &order.client_token)).await
        }
    }
}

async fn look(
    account: &dyn Account,
    order: &Order,
    operation: &Operation,
) -> yunhai_cloud::Result<OperationState> {
    in_time(order, account.lifecycle().follow(operation)).await
}

async fn in_time<T>(
    order: &Order,
    asked: impl Future<Output = yunhai_cloud::Result<T>>,
) -> yunhai_cloud::Result<T> {
    let answered = tokio::time::timeout(ANSWER_LIMIT, asked).await;
    answered.unwrap_or_else(|_| {
        let said = "no answer within two minutes";
        let attempted = order.what.sentence();
        Err(yunhai_cloud::Error::new(
            ErrorKind::Unreachable,
            attempted,
            said,
        ))
    })
}

fn refusal(attempted: impl Into<String>, said: String) -> yunhai_cloud::Error {
    yunhai_cloud::Error::new(ErrorKind::Credentials, attempted, said)
}
