//! New passwords: chosen by the user, or set by an administrator.

use sea_orm::sea_query::Expr;
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter};
use yunhai_model::{Secret, SessionId, UserId};

use super::{find, target};
use crate::entity::{api_token, session, user};
use crate::{Action, AuditEvent, Caller, Error, Identity, Result, check_strength};

impl Identity {
    pub(super) fn check_password(
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
