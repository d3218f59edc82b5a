//! Accounts are tried, added, changed and deleted: each change within a transaction of the caller's.
//!
//! A provider is asked before the transaction begins, as nothing may wait for the network within one.

use std::sync::Arc;

use serde_json::Value;
use yunhai_cloud::{Account, AccountCheck, Provider};
use yunhai_database::Transaction;
use yunhai_model::{CloudAccountId, Labels, Secret};

use super::{Inventory, Known, view};
use crate::access;
use crate::account::{AccountSettings, AccountView, NewAccount};
use crate::error::{Error, Result};
use crate::series;
use crate::store::{Body, Course, StoredAccount, place};

impl Inventory {
    /// Tries credentials without keeping anything; those of the account `id` where none are given.
    pub async fn try_out(
        &self,
        provider: Provider,
        access: Option<&Secret>,
        id: Option<CloudAccountId>,
    ) -> Result<AccountCheck> {
        let access = match (access, id) {
            (None, None) => return Err(access_is_missing()),
            (Some(access), None) => access.clone(),
            (access, Some(id)) => self.whole_access(&self.known(id)?.stored, access).await?,
        };
        let account = self.open(provider, &access).await?;
        Ok(account.check().await?)
    }

    /// Keeps an account whose credentials the provider knows; its first round comes soon.
    pub async fn add(&self, transaction: &mut Transaction, new: NewAccount) -> Result<AccountView> {
        let access = new.access.as_ref().ok_or_else(access_is_missing)?;
        let (check, opened) = self.checked(&new.settings, access).await?;
        let (id, now_ms) = (CloudAccountId::new(), self.now_ms());
        let stored = StoredAccount {
            id,
            sealed_access: self.0.vault.seal_secret(&place(id), access),
            body: Body {
                access: self.shown(&new.settings, access)?,
                settings: new.settings,
                check: Some(check),
                created_at_ms: now_ms,
                updated_at_ms: now_ms,
            },
            course: Course::default(),
        };
        transaction.hold(&self.0.changing).await;
        let connection = transaction.connection().await?;
        self.0.store.add(connection, &stored).await?;
        let added = view(&stored, now_ms);
        let inventory = self.clone();
        transaction.after_commit(async move { inventory.put(stored, opened) });
        Ok(added)
    }

    /// Changes an account; returns what it was and what it is. Its provider stays; without
    /// credentials those it has stay too.
    pub async fn change(
        &self,
        transaction: &mut Transaction,
        id: CloudAccountId,
        new: NewAccount,
    ) -> Result<(AccountView, AccountView)> {
        let read = self.0.store.account(id).await?;
        if new.settings.provider != read.body.settings.provider {
            return Err(Error::Invalid(vec![
                "provider: cannot be changed; make another account".to_owned(),
            ]));
        }
        let access = self.whole_access(&read, new.access.as_ref()).await?;
        // What is only paused, or asked less often, need not be reached for that.
        let (check, opened) = if new.access.is_some() {
            let (check, opened) = self.checked(&new.settings, &access).await?;
            (Some(check), opened)
        } else {
            refuse(new.settings.faults())?;
            (None, self.open(new.settings.provider, &access).await?)
        };
        transaction.hold(&self.0.changing).await;
        let connection = transaction.connection().await?;
        let before = self.0.store.hold_account(connection, id).await?;
        if before.sealed_access != read.sealed_access {
            return Err(Error::ChangedMeanwhile(before.body.settings.name));
        }
        let now_ms = self.now_ms();
        let stored = StoredAccount {
            id,
            sealed_access: match &new.access {
                Some(_) => self.0.vault.seal_secret(&place(id), &access),
                None => before.sealed_access.clone(),
            },
            body: Body {
                access: self.shown(&new.settings, &access)?,
                settings: new.settings,
                check: check.or_else(|| before.body.check.clone()),
                created_at_ms: before.body.created_at_ms,
                updated_at_ms: now_ms.max(before.body.updated_at_ms + 1),
            },
            course: before.course.clone(),
        };
        self.0.store.change(connection, &stored).await?;
        let views = (view(&before, now_ms), view(&stored, now_ms));
        let is_renamed = before.body.settings.name != stored.body.settings.name;
        let inventory = self.clone();
        transaction.after_commit(async move {
            inventory.put(stored, opened);
            if is_renamed {
                // Its servers follow with the next round.
                let known_by = series::labels_of_account(&before.body.settings);
                inventory.end(vec![known_by]).await;
            }
        });
        Ok(views)
    }

    /// Deletes an account and forgets its servers; returns what it was. What was measured stays.
    pub async fn delete(
        &self,
        transaction: &mut Transaction,
        id: CloudAccountId,
    ) -> Result<AccountView> {
        transaction.hold(&self.0.changing).await;
        let connection = transaction.connection().await?;
        let before = self.0.store.hold_account(connection, id).await?;
        self.0.store.delete(connection, id).await?;
        let deleted = view(&before, self.now_ms());
        let inventory = self.clone();
        transaction.after_commit(async move { inventory.forget(&before).await });
        Ok(deleted)
    }

    fn put(&self, stored: StoredAccount, opened: Arc<dyn Account>) {
        let mut accounts = self.write_accounts();
        let before = accounts.get(&stored.id).cloned();
        let known = Known {
            opened: Arc::new(tokio::sync::OnceCell::new_with(Some(opened))),
            revision: before.as_ref().map_or(0, |known| known.revision + 1),
            asking: before.map(|known| known.asking).unwrap_or_default(),
            stored,
        };
        accounts.insert(known.stored.id, known);
        drop(accounts);
        self.moved_on();
    }

    /// Forgets an account that is deleted, and its servers.
    pub(super) async fn forget(&self, account: &StoredAccount) {
        self.write_accounts().remove(&account.id);
        let (gone, kept) = self
            .servers()
            .iter()
            .cloned()
            .partition::<Vec<_>, _>(|server| server.account_id == account.id);
        self.set_servers(kept);
        // Nobody asks about them any more, so that they are not down.
        let mut known_by: Vec<Labels> = gone
            .iter()
            .map(|server| Labels::new(series::labels(server)))
            .collect();
        known_by.push(series::labels_of_account(&account.body.settings));
        self.end(known_by).await;
    }

    async fn checked(
        &self,
        settings: &AccountSettings,
        access: &Secret,
    ) -> Result<(AccountCheck, Arc<dyn Account>)> {
        refuse(settings.faults())?;
        let account = self.open(settings.provider, access).await?;
        Ok((account.check().await?, account))
    }

    /// What people entered, with the secrets that were there where they entered none.
    async fn whole_access(
        &self,
        stored: &StoredAccount,
        entered: Option<&Secret>,
    ) -> Result<Secret> {
        let before = self.access(stored).await?;
        let Some(entered) = entered else {
            return Ok(before);
        };
        let secret_fields = self.0.opener.secret_fields(stored.body.settings.provider);
        let whole = access::with_kept_secrets(
            access::parse(entered)?,
            &access::parse(&before)?,
            secret_fields,
        );
        Ok(Secret::new(whole.to_string()))
    }

    fn shown(&self, settings: &AccountSettings, access: &Secret) -> Result<Value> {
        let secret_fields = self.0.opener.secret_fields(settings.provider);
        Ok(access::shown(&access::parse(access)?, secret_fields))
    }
}

fn refuse(faults: Vec<String>) -> Result<()> {
    if faults.is_empty() {
        Ok(())
    } else {
        Err(Error::Invalid(faults))
    }
}

fn access_is_missing() -> Error {
    Error::Invalid(vec!["access: credentials are missing".to_owned()])
}
