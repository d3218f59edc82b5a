//! Making, changing, unlocking and deleting users.

use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, DatabaseTransaction, EntityTrait, IntoActiveModel, QueryFilter,
    QueryOrder, QuerySelect,
};
use yunhai_model::UserId;

use super::{checked_email, checked_name, checked_text, find, insert, name_key, target};
use crate::entity::{login_failure, session, user};
use crate::{
    Action, AuditEvent, Caller, Error, Identity, NewUser, Result, Role, User, UserChange,
    UserState, lockout,
};

/// What the audit log keeps of a user's state.
fn audited(row: &user::Model) -> serde_json::Value {
    serde_json::json!({
        "name": row.name,
        "display_name": row.display_name,
        "email": row.email,
        "role": row.role,
        "state": row.state,
        "language": row.language,
    })
}

impl Identity {
    /// Makes an active user.
    pub async fn create_user(&self, caller: &Caller, new: NewUser) -> Result<User> {
        let row = self.new_row(new, UserState::Active).await?;
        let transaction = self.database.begin().await?;
        insert(&transaction, &row).await?;
        let event = AuditEvent::new(Action::UserCreated, target(&row)).after(&audited(&row));
        self.audit().commit(transaction, caller, event).await?;
        row.try_into()
    }

    /// Checks a new user and hashes the password.
    pub(crate) async fn new_row(&self, new: NewUser, state: UserState) -> Result<user::Model> {
        let name = checked_name(&new.name)?;
        let display_name = checked_text("display_name", &new.display_name, 100)?;
        let email = checked_email(new.email.as_deref())?;
        let language = new
            .language
            .map(|language| checked_text("language", &language, 35))
            .transpose()?;
        self.check_password(&new.password, &name, &display_name, email.as_deref())?;
        let now_ms = self.now_ms();
        Ok(user::Model {
            id: UserId::new().to_string(),
            name_key: name_key(&name),
            display_name: if display_name.is_empty() {
                name.clone()
            } else {
                display_name
            },
            name,
            email,
            role: new.role.to_string(),
            state: state.to_string(),
            language,
            password_hash: Some(self.passwords.hash(&new.password).await?),
            totp_secret: None,
            totp_enabled: false,
            totp_last_step: 0,
            totp_enabled_at_ms: None,
            created_at_ms: now_ms,
            updated_at_ms: now_ms,
            last_login_at_ms: None,
        })
    }

    /// Changes a user. A new role takes effect at once: the user's sessions get new tokens.
    pub async fn update_user(
        &self,
        caller: &Caller,
        id: UserId,
        change: UserChange,
    ) -> Result<User> {
        let transaction = self.database.begin().await?;
        let administrators = lock_administrators(&transaction).await?;
        let before = find(&transaction, id).await?;
        let mut after = before.clone();
        if let Some(display_name) = &change.display_name {
            after.display_name = checked_text("display_name", display_name, 100)?;
            if after.display_name.is_empty() {
                after.display_name.clone_from(&after.name);
            }
        }
        if let Some(email) = &change.email {
            after.email = checked_email(Some(email))?;
        }
        if let Some(language) = &change.language {
            after.language = Some(checked_text("language", language, 35)?)
                .filter(|language| !language.is_empty());
        }
        if let Some(role) = change.role {
            after.role = role.to_string();
        }
        match change.state {
            Some(UserState::Active | UserState::Disabled) | None => {}
            Some(_) => return Err(Error::invalid("state", "choose `active` or `disabled`")),
        }
        if let Some(state) = change.state {
            after.state = state.to_string();
        }
        if !is_active_administrator(&after) {
            keep_an_administrator(&administrators, &before)?;
        }
        if after.state != before.state && after.state == UserState::Disabled.as_str() {
            session::Entity::delete_many()
                .filter(session::Column::UserId.eq(&after.id))
                .exec(&transaction)
                .await?;
        }
        if after.role != before.role {
            session::Entity::update_many()
                .col_expr(session::Column::Rotate, Expr::value(true))
                .filter(session::Column::UserId.eq(&after.id))
                .exec(&transaction)
                .await?;
        }
        after.updated_at_ms = self.now_ms();
        user::Entity::update(after.clone().into_active_model().reset_all())
            .exec(&transaction)
            .await?;
        let was_approved = before.state == UserState::Pending.as_str()
            && after.state == UserState::Active.as_str();
        let action = if was_approved {
            Action::UserApproved
        } else {
            Action::UserUpdated
        };
        let event = AuditEvent::new(action, target(&after))
            .before(&audited(&before))
            .after(&audited(&after));
        self.audit().commit(transaction, caller, event).await?;
        self.user(id).await
    }

    /// Approves a user who has registered.
    pub async fn approve_user(&self, caller: &Caller, id: UserId) -> Result<User> {
        let change = UserChange {
            state: Some(UserState::Active),
            ..UserChange::default()
        };
        self.update_user(caller, id, change).await
    }

    /// Deletes a user with all sessions and tokens. The audit log keeps the name.
    pub async fn delete_user(&self, caller: &Caller, id: UserId) -> Result<()> {
        let transaction = self.database.begin().await?;
        let administrators = lock_administrators(&transaction).await?;
        let row = find(&transaction, id).await?;
        keep_an_administrator(&administrators, &row)?;
        user::Entity::delete_by_id(&row.id)
            .exec(&transaction)
            .await?;
        let event = AuditEvent::new(Action::UserDeleted, target(&row)).before(&audited(&row));
        self.audit().commit(transaction, caller, event).await
    }

    /// Ends the lock that failed attempts brought upon a user.
    pub async fn unlock_user(&self, caller: &Caller, id: UserId) -> Result<User> {
        let transaction = self.database.begin().await?;
        let row = find(&transaction, id).await?;
        login_failure::Entity::delete_by_id((lockout::USER.to_owned(), row.name_key.clone()))
            .exec(&transaction)
            .await?;
        let event = AuditEvent::new(Action::UserUnlocked, target(&row));
        self.audit().commit(transaction, caller, event).await?;
        self.user(id).await
    }
}

/// Locks the active administrators until the transaction ends, so that two of them cannot take
/// each other's role away at the same time.
async fn lock_administrators(transaction: &DatabaseTransaction) -> Result<Vec<user::Model>> {
    Ok(user::Entity::find()
        .filter(user::Column::Role.eq(Role::Administrator.as_str()))
        .filter(user::Column::State.eq(UserState::Active.as_str()))
        .order_by_asc(user::Column::Id)
        .lock_exclusive()
        .all(transaction)
        .await?)
}

fn is_active_administrator(row: &user::Model) -> bool {
    row.role == Role::Administrator.as_str() && row.state == UserState::Active.as_str()
}

fn keep_an_administrator(administrators: &[user::Model], leaving: &user::Model) -> Result<()> {
    let is_one = administrators.iter().any(|row| row.id == leaving.id);
    if is_one && administrators.len() == 1 {
        Err(Error::LastAdministrator)
    } else {
        Ok(())
    }
}
