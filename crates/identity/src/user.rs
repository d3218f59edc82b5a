//! Users: making, changing, listing and deleting them.

use std::collections::BTreeMap;

use sea_orm::sea_query::{Expr, Query};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, DatabaseTransaction,
    EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect,
};
use serde::Serialize;
use yunhai_database::is_unique_violation;
use yunhai_model::{Page, PageRequest, Secret, SessionId, TimestampMs, UserId};

use crate::entity::{api_token, login_failure, session, user};
use crate::names::named;
use crate::{
    Action, AuditEvent, Caller, Error, Identity, Result, Role, Target, check_strength, listing,
    lockout,
};

named! {
    /// Whether a user may sign in.
    pub enum UserState("user state") {
        /// May sign in.
        Active = "active",
        /// Has registered and waits for approval.
        Pending = "pending",
        /// Was shut out by an administrator.
        Disabled = "disabled",
        /// Is shut out for a while after failed attempts; never set by hand.
        Locked = "locked",
    }
}

/// A person who may sign in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct User {
    /// The user's id.
    pub id: UserId,
    /// The name to sign in with; unique without regard to case.
    pub name: String,
    /// The name to show.
    pub display_name: String,
    /// The e-mail address.
    pub email: Option<String>,
    /// What the user is there for.
    pub role: Role,
    /// Whether the user may sign in.
    pub state: UserState,
    /// The language of the interface, such as `zh-CN`.
    pub language: Option<String>,
    /// Whether signing in takes a second factor.
    pub second_factor: bool,
    /// When the user was made.
    pub created_at_ms: TimestampMs,
    /// When the user signed in last.
    pub last_login_at_ms: Option<TimestampMs>,
    /// Until when failed attempts keep the user out.
    pub locked_until_ms: Option<TimestampMs>,
}

impl TryFrom<user::Model> for User {
    type Error = Error;

    fn try_from(row: user::Model) -> Result<Self> {
        Ok(Self {
            id: row.id.parse().map_err(|_| Error::UnknownValue {
                kind: "user id",
                value: row.id.clone(),
            })?,
            role: row.role.parse()?,
            state: row.state.parse()?,
            name: row.name,
            display_name: row.display_name,
            email: row.email,
            language: row.language,
            second_factor: row.totp_enabled,
            created_at_ms: row.created_at_ms,
            last_login_at_ms: row.last_login_at_ms,
            locked_until_ms: None,
        })
    }
}

/// A user to make.
#[derive(Clone, Debug)]
pub struct NewUser {
    /// The name to sign in with.
    pub name: String,
    /// The name to show; empty means the name.
    pub display_name: String,
    /// The e-mail address.
    pub email: Option<String>,
    /// What the user is there for.
    pub role: Role,
    /// The first password.
    pub password: Secret,
    /// The language of the interface.
    pub language: Option<String>,
}

/// What to change of a user; what is absent stays.
#[derive(Clone, Debug, Default)]
pub struct UserChange {
    /// The name to show.
    pub display_name: Option<String>,
    /// The e-mail address; an empty one removes it.
    pub email: Option<String>,
    /// The role.
    pub role: Option<Role>,
    /// `active` or `disabled`.
    pub state: Option<UserState>,
    /// The language of the interface.
    pub language: Option<String>,
}

/// Which users are wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UserFilter {
    /// Those of a role.
    pub role: Option<Role>,
    /// Those in a state.
    pub state: Option<UserState>,
}

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

pub(crate) fn target(row: &user::Model) -> Target {
    Target::new("user", &row.id, &row.name)
}

/// Folds a name for comparison.
pub(crate) fn name_key(name: &str) -> String {
    name.trim().to_lowercase()
}

fn checked_name(name: &str) -> Result<String> {
    let name = name.trim();
    let length = name.chars().count();
    let is_fine = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '@' | '+');
    if !(2..=64).contains(&length) || !name.chars().all(is_fine) {
        return Err(Error::invalid(
            "name",
            "use 2 to 64 letters, digits and the signs . _ - @ +",
        ));
    }
    Ok(name.to_owned())
}

fn checked_text(field: &'static str, text: &str, max: usize) -> Result<String> {
    let text = text.trim();
    if text.chars().count() > max || text.chars().any(char::is_control) {
        return Err(Error::invalid(
            field,
            format!("use at most {max} characters and no control characters"),
        ));
    }
    Ok(text.to_owned())
}

pub(crate) fn checked_email(email: Option<&str>) -> Result<Option<String>> {
    let Some(email) = email.map(str::trim).filter(|email| !email.is_empty()) else {
        return Ok(None);
    };
    let email = checked_text("email", email, 191)?;
    let is_fine = email
        .split_once('@')
        .is_some_and(|(local, domain)| !local.is_empty() && domain.len() > 1)
        && !email.contains(char::is_whitespace)
        && email.matches('@').count() == 1;
    if is_fine {
        Ok(Some(email))
    } else {
        Err(Error::invalid(
            "email",
            "write an address such as ann@example.com",
        ))
    }
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
            created_at_ms: now_ms,
            updated_at_ms: now_ms,
            last_login_at_ms: None,
        })
    }

    fn check_password(
        &self,
        password: &Secret,
        name: &str,
        display_name: &str,
        email: Option<&str>,
    ) -> Result<()> {
        let about = [name, display_name, email.unwrap_or_default()];
        check_strength(password, &about, self.config.password_min_length)
            .map_err(Error::WeakPassword)
    }

    /// Returns a user.
    pub async fn user(&self, id: UserId) -> Result<User> {
        let row = find(self.database.connection(), id).await?;
        let mut users = vec![User::try_from(row)?];
        self.add_locks(&mut users).await?;
        Ok(users.remove(0))
    }

    /// Finds a user by name.
    pub async fn user_named(&self, name: &str) -> Result<User> {
        let row = by_name(self.database.connection(), name)
            .await?
            .ok_or_else(|| Error::not_found("user", name))?;
        self.user(User::try_from(row)?.id).await
    }

    /// Lists users, sorted by `name`, `display_name`, `email`, `role`, `state`, `created` or
    /// `last_login`. The request's text is looked for in names and addresses.
    pub async fn users(&self, request: &PageRequest, filter: UserFilter) -> Result<Page<User>> {
        use user::Column as C;
        let mut select = user::Entity::find();
        if let Some(role) = filter.role {
            select = select.filter(C::Role.eq(role.as_str()));
        }
        match filter.state {
            Some(UserState::Locked) => {
                let locked = Query::select()
                    .column(login_failure::Column::Subject)
                    .from(login_failure::Entity)
                    .and_where(login_failure::Column::Kind.eq(lockout::USER))
                    .and_where(login_failure::Column::LockedUntilMs.gt(self.now_ms()))
                    .to_owned();
                select = select
                    .filter(C::State.eq(UserState::Active.as_str()))
                    .filter(C::NameKey.in_subquery(locked));
            }
            Some(state) => select = select.filter(C::State.eq(state.as_str())),
            None => {}
        }
        if let Some(text) = &request.query {
            select = select.filter(listing::contains(
                &[C::Name, C::DisplayName, C::Email],
                text,
            ));
        }
        let fields = [
            ("name", C::NameKey),
            ("display_name", C::DisplayName),
            ("email", C::Email),
            ("role", C::Role),
            ("state", C::State),
            ("created", C::CreatedAtMs),
            ("last_login", C::LastLoginAtMs),
        ];
        let connection = self.database.connection();
        let (rows, total) =
            listing::fetch(connection, select, request, &fields, "name", C::Id).await?;
        let mut items = rows
            .into_iter()
            .map(User::try_from)
            .collect::<Result<Vec<_>>>()?;
        self.add_locks(&mut items).await?;
        Ok(Page { items, total })
    }

    /// Marks the users that failed attempts keep out at the moment.
    async fn add_locks(&self, users: &mut [User]) -> Result<()> {
        let locks: BTreeMap<String, TimestampMs> = login_failure::Entity::find()
            .filter(login_failure::Column::Kind.eq(lockout::USER))
            .filter(
                login_failure::Column::Subject.is_in(users.iter().map(|user| name_key(&user.name))),
            )
            .filter(login_failure::Column::LockedUntilMs.gt(self.now_ms()))
            .all(self.database.connection())
            .await?
            .into_iter()
            .map(|row| (row.subject, row.locked_until_ms))
            .collect();
        for user in users {
            user.locked_until_ms = locks.get(&name_key(&user.name)).copied();
            if user.locked_until_ms.is_some() && user.state == UserState::Active {
                user.state = UserState::Locked;
            }
        }
        Ok(())
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

    /// Changes one's own password, which takes the old one. All other sessions end.
    pub async fn change_password(
        &self,
        caller: &Caller,
        id: UserId,
        current: &Secret,
        new: &Secret,
        keep: Option<SessionId>,
    ) -> Result<()> {
        let row = find(self.database.connection(), id).await?;
        self.check_current_password(caller, &row, current).await?;
        if current == new {
            return Err(Error::invalid("password", "choose another one than before"));
        }
        self.replace_password(caller, &row, new, keep, false).await
    }

    /// Sets a user's password without the old one, for administrators and the command line. All
    /// sessions and API tokens of the user end.
    pub async fn set_password(&self, caller: &Caller, id: UserId, new: &Secret) -> Result<()> {
        let row = find(self.database.connection(), id).await?;
        self.replace_password(caller, &row, new, None, true).await
    }

    async fn replace_password(
        &self,
        caller: &Caller,
        row: &user::Model,
        new: &Secret,
        keep: Option<SessionId>,
        end_tokens: bool,
    ) -> Result<()> {
        self.check_password(new, &row.name, &row.display_name, row.email.as_deref())?;
        let hash = self.passwords.hash(new).await?;
        let now_ms = self.now_ms();
        let transaction = self.database.begin().await?;
        let change = user::ActiveModel {
            id: Set(row.id.clone()),
            password_hash: Set(Some(hash)),
            updated_at_ms: Set(now_ms),
            ..Default::default()
        };
        user::Entity::update(change).exec(&transaction).await?;
        let mut others = session::Entity::delete_many().filter(session::Column::UserId.eq(&row.id));
        if let Some(keep) = keep {
            others = others.filter(session::Column::Id.ne(keep.to_string()));
            session::Entity::update_many()
                .col_expr(session::Column::Rotate, Expr::value(true))
                .col_expr(session::Column::AuthenticatedAtMs, Expr::value(now_ms))
                .filter(session::Column::Id.eq(keep.to_string()))
                .exec(&transaction)
                .await?;
        }
        others.exec(&transaction).await?;
        if end_tokens {
            api_token::Entity::delete_many()
                .filter(api_token::Column::UserId.eq(&row.id))
                .exec(&transaction)
                .await?;
        }
        let event = AuditEvent::new(Action::PasswordChanged, target(row));
        self.audit().commit(transaction, caller, event).await
    }
}

pub(crate) async fn find(connection: &impl ConnectionTrait, id: UserId) -> Result<user::Model> {
    user::Entity::find_by_id(id.to_string())
        .one(connection)
        .await?
        .ok_or_else(|| Error::not_found("user", id))
}

pub(crate) async fn by_name(
    connection: &impl ConnectionTrait,
    name: &str,
) -> Result<Option<user::Model>> {
    Ok(user::Entity::find()
        .filter(user::Column::NameKey.eq(name_key(name)))
        .one(connection)
        .await?)
}

pub(crate) async fn insert(transaction: &DatabaseTransaction, row: &user::Model) -> Result<()> {
    match user::Entity::insert(row.clone().into_active_model())
        .exec_without_returning(transaction)
        .await
    {
        Ok(_) => Ok(()),
        Err(error) if is_unique_violation(&error) => Err(Error::NameTaken(row.name.clone())),
        Err(error) => Err(error.into()),
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
