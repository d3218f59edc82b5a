//! Users: who they are, finding and listing them.

mod change;
mod new_password;

use std::collections::BTreeMap;

use sea_orm::sea_query::Query;
use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, IntoActiveModel, QueryFilter,
};
use serde::Serialize;
use yunhai_database::is_unique_violation;
use yunhai_model::{Page, PageRequest, Secret, TimestampMs, UserId};

use crate::entity::{login_failure, user};
use crate::listing::Listing;
use crate::names::{named, stored};
use crate::{Error, Identity, Result, Role, Target, TargetKind, lockout};

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
            id: stored("user id", &row.id)?,
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

pub(crate) fn target(row: &user::Model) -> Target {
    Target::new(TargetKind::User, &row.id, &row.name)
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
        let listing = Listing::<user::Entity> {
            searched: &[C::Name, C::DisplayName, C::Email],
            fields: &[
                ("name", C::NameKey),
                ("display_name", C::DisplayName),
                ("email", C::Email),
                ("role", C::Role),
                ("state", C::State),
                ("created", C::CreatedAtMs),
                ("last_login", C::LastLoginAtMs),
            ],
            default: "name",
            tie: C::Id,
        };
        let mut page = listing
            .page(self.database.connection(), select, request, User::try_from)
            .await?;
        self.add_locks(&mut page.items).await?;
        Ok(page)
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
