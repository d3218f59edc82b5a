//! Orders are checked, placed and shown. An order is kept, with the token that makes it single, before
//! the provider hears of it; who placed it need not wait.

use yunhai_cloud::{CreateCheck, NewServer, ServerAction};
use yunhai_database::Transaction;
use yunhai_model::{CloudAccountId, CloudOrderId, Page, PageRequest};

use super::Inventory;
use crate::error::{Error, Result};
use crate::order::{self, Order, OrderBy, OrderFilter, Ordered, Placed};
use crate::server::KnownServer;
use crate::store::{StoredAccount, user_data_place};

const MAX_KEY: usize = 100;

impl Inventory {
    /// Checks what would happen if servers were made, and tells the price; nothing is made.
    pub async fn check_create(&self, id: CloudAccountId, new: &NewServer) -> Result<CreateCheck> {
        let known = self.known(id)?;
        refuse_faults(&known.stored, new)?;
        let account = self.opened(&known).await?;
        Ok(account.lifecycle().check_create(new).await?)
    }

    /// Orders servers.
    pub async fn order_servers(
        &self,
        transaction: &mut Transaction,
        id: CloudAccountId,
        new: NewServer,
        by: OrderBy,
    ) -> Result<Placed> {
        refuse_faults(&self.known(id)?.stored, &new)?;
        self.place(transaction, id, Ordered::Create { new: Box::new(new) }, by)
            .await
    }

    /// Orders something for the server that goes by a label here. To delete it, its name has to be
    /// typed.
    pub async fn order_action(
        &self,
        transaction: &mut Transaction,
        label: &str,
        action: ServerAction,
        typed_name: Option<&str>,
        by: OrderBy,
    ) -> Result<Placed> {
        let server = self.named(label)?;
        let is_confirmed = typed_name.is_some_and(|typed| typed == server.label);
        if action == ServerAction::Delete && !is_confirmed {
            return Err(Error::InvalidOrder(vec![format!(
                "confirmation: type the name `{}` to delete the server",
                server.label
            )]));
        }
        let what = Ordered::Act {
            label: server.label.clone(),
            server: server.details.server,
            action,
        };
        self.place(transaction, server.account_id, what, by).await
    }

    /// Returns an order.
    pub async fn order(&self, id: CloudOrderId) -> Result<Order> {
        Ok(self.0.store.order(id).await?.order)
    }

    /// Returns a page of the orders, the newest first unless asked otherwise.
    pub async fn orders(&self, filter: &OrderFilter, request: &PageRequest) -> Result<Page<Order>> {
        self.0.store.orders(filter, request).await
    }

    /// Follows the orders: which one has changed, also on another server of the same database.
    pub fn order_changes(&self) -> tokio::sync::broadcast::Receiver<CloudOrderId> {
        self.0.order_changes.subscribe()
    }

    fn named(&self, label: &str) -> Result<KnownServer> {
        let found = self.server(label, KnownServer::clone);
        found.ok_or_else(|| Error::NoSuchServer(label.to_owned()))
    }

    async fn place(
        &self,
        transaction: &mut Transaction,
        account_id: CloudAccountId,
        what: Ordered,
        by: OrderBy,
    ) -> Result<Placed> {
        let key = by.request_key.as_deref();
        if key.is_some_and(|key| !(1..=MAX_KEY).contains(&key.chars().count())) {
            let fault = format!("idempotency key: 1 to {MAX_KEY} characters");
            return Err(Error::InvalidOrder(vec![fault]));
        }
        let connection = transaction.connection().await?;
        // Held, so that two orders for the same server come one after the other.
        let account = self.0.store.hold_account(connection, account_id).await?;
        let settings = account.body.settings;
        let user_data = match &what {
            Ordered::Create { new } => new.user_data.clone(),
            Ordered::Act { .. } => None,
        };
        let account = (account_id, settings.name, settings.provider);
        let order = Order::new(account, what, by.name, self.now_ms());
        if let Some(key) = key
            && let Some(before) = self.0.store.order_by_key(connection, key).await?
        {
            if before.account_id != account_id || before.what != order.what {
                return Err(Error::KeyTaken);
            }
            return Ok(Placed {
                order: before,
                is_new: false,
            });
        }
        if let Ordered::Act { label, .. } = &order.what {
            self.refuse_second(connection, account_id, label, &order)
                .await?;
        }
        let place = user_data_place(order.id);
        let sealed = user_data.map(|data| self.0.vault.seal_secret(&place, &data));
        self.0
            .store
            .add_order(connection, &order, key, sealed)
            .await?;
        let (inventory, id) = (self.clone(), order.id);
        transaction.after_commit(async move {
            inventory.tell_order(id);
            inventory.0.order_placed.notify_one();
        });
        Ok(Placed {
            order,
            is_new: true,
        })
    }

    /// A server is told one thing at a time: nobody can foresee what comes of two.
    async fn refuse_second(
        &self,
        connection: &sea_orm::DatabaseTransaction,
        account_id: CloudAccountId,
        label: &str,
        order: &Order,
    ) -> Result<()> {
        if self.named(label)?.gone_at_ms.is_some() {
            return Err(Error::ServerDeleted(label.to_owned()));
        }
        let open = self
            .0
            .store
            .open_orders_about(connection, account_id, label);
        let under_way = open.await?.into_iter().find(|open| {
            matches!((&open.what, &order.what),
                (Ordered::Act { server, .. }, Ordered::Act { server: same, .. }) if server == same)
        });
        match under_way {
            Some(under_way) => Err(Error::OrderUnderWay {
                subject: label.to_owned(),
                under_way: under_way.what.sentence(),
            }),
            None => Ok(()),
        }
    }

    pub(super) fn tell_order(&self, id: CloudOrderId) {
        // Nobody listens when no page is open.
        let _ = self.0.order_changes.send(id);
    }
}

fn refuse_faults(account: &StoredAccount, new: &NewServer) -> Result<()> {
    let check = account.body.check.as_ref();
    let regions = check.map_or(&[][..], |check| &check.regions);
    let faults = order::faults(new, regions);
    if faults.is_empty() {
        Ok(())
    } else {
        Err(Error::InvalidOrder(faults))
    }
}
