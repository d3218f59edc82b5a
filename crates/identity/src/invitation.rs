//! Invitations to register: for one person, one role, and a while.

use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, DatabaseTransaction, EntityTrait, IntoActiveModel, QueryFilter};
use serde::Serialize;
use yunhai_model::{InvitationId, Page, PageRequest, Secret, TimestampMs};
use yunhai_vault::random_token;

use crate::entity::invitation;
use crate::listing::Listing;
use crate::names::{named, stored};
use crate::user::checked_email;
use crate::{Action, Actor, AuditEvent, Caller, Error, Identity, Result, Role, Target, TargetKind};

named! {
    /// Whether an invitation can be used.
    pub enum InvitationState("invitation state") {
        /// It can.
        Open = "open",
        /// Someone has registered with it.
        Used = "used",
        /// Its time is over.
        Expired = "expired",
    }
}

/// An invitation to make.
#[derive(Clone, Debug)]
pub struct NewInvitation {
    /// The role of who registers with it.
    pub role: Role,
    /// The address that it was sent to, to tell it from others.
    pub email: Option<String>,
    /// When it ends; none means after the time that is configured.
    pub expires_at_ms: Option<TimestampMs>,
}

/// An invitation as it is listed; its code is shown once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Invitation {
    /// The invitation's id.
    pub id: InvitationId,
    /// The role of who registers with it.
    pub role: Role,
    /// The address that it was sent to.
    pub email: Option<String>,
    /// Whether it can be used.
    pub state: InvitationState,
    /// The name of who made it.
    pub created_by: String,
    /// When it was made.
    pub created_at_ms: TimestampMs,
    /// When it ends.
    pub expires_at_ms: TimestampMs,
    /// The name of who registered with it.
    pub used_by: Option<String>,
    /// When they did.
    pub used_at_ms: Option<TimestampMs>,
}

/// Which invitations are wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct InvitationFilter {
    /// Those in a state.
    pub state: Option<InvitationState>,
}

impl Invitation {
    fn from_row(row: invitation::Model, now_ms: TimestampMs) -> Result<Self> {
        Ok(Self {
            id: stored("invitation id", &row.id)?,
            role: row.role.parse()?,
            state: match row.used_at_ms {
                Some(_) => InvitationState::Used,
                None if row.expires_at_ms <= now_ms => InvitationState::Expired,
                None => InvitationState::Open,
            },
            email: row.email,
            created_by: row.created_by,
            created_at_ms: row.created_at_ms,
            expires_at_ms: row.expires_at_ms,
            used_by: row.used_by,
            used_at_ms: row.used_at_ms,
        })
    }
}

impl Identity {
    /// Makes an invitation and returns its code, which is kept nowhere.
    pub async fn create_invitation(
        &self,
        caller: &Caller,
        new: NewInvitation,
    ) -> Result<(Invitation, Secret)> {
        let now_ms = self.now_ms();
        let expires_at_ms = new
            .expires_at_ms
            .unwrap_or_else(|| now_ms + self.config.invitation_valid.as_millis());
        if expires_at_ms <= now_ms {
            return Err(Error::invalid("expires_at", "choose a time in the future"));
        }
        let code = random_token();
        let row = invitation::Model {
            id: InvitationId::new().to_string(),
            code_hash: self.hasher.hash("invitation", code.expose()),
            email: checked_email(new.email.as_deref())?,
            role: new.role.to_string(),
            created_by: match &caller.actor {
                Actor::System => "yunhai".to_owned(),
                Actor::Local { name } | Actor::Anonymous { name } | Actor::User { name, .. } => {
                    name.clone()
                }
            },
            created_at_ms: now_ms,
            expires_at_ms,
            used_at_ms: None,
            used_by: None,
        };
        let transaction = self.database.begin().await?;
        invitation::Entity::insert(row.clone().into_active_model())
            .exec_without_returning(&transaction)
            .await?;
        let listed = Invitation::from_row(row, now_ms)?;
        let name = listed.email.clone().unwrap_or_default();
        let target = Target::new(TargetKind::Invitation, listed.id, name);
        let event = AuditEvent::new(Action::InvitationCreated, target).after(&listed);
        self.audit().commit(transaction, caller, event).await?;
        Ok((listed, code))
    }

    /// Uses an invitation up and returns its role. The database decides between two who use the
    /// same one.
    pub(crate) async fn use_invitation(
        &self,
        transaction: &DatabaseTransaction,
        code: &Secret,
        name: &str,
    ) -> Result<Role> {
        use invitation::Column as C;
        let hash = self.hasher.hash("invitation", code.expose().trim());
        let now_ms = self.now_ms();
        let updated = invitation::Entity::update_many()
            .col_expr(C::UsedAtMs, Expr::value(now_ms))
            .col_expr(C::UsedBy, Expr::value(name))
            .filter(C::CodeHash.eq(&hash))
            .filter(C::UsedAtMs.is_null())
            .filter(C::ExpiresAtMs.gt(now_ms))
            .exec(transaction)
            .await?;
        if updated.rows_affected != 1 {
            return Err(Error::InvalidInvitation);
        }
        let row = invitation::Entity::find()
            .filter(C::CodeHash.eq(&hash))
            .one(transaction)
            .await?
            .ok_or(Error::InvalidInvitation)?;
        Ok(row.role.parse()?)
    }

    /// Lists invitations, sorted by `created`, `expires`, `email` or `role`. The request's text
    /// is looked for in the address and the names.
    pub async fn invitations(
        &self,
        request: &PageRequest,
        filter: InvitationFilter,
    ) -> Result<Page<Invitation>> {
        use invitation::Column as C;
        let now_ms = self.now_ms();
        let mut select = invitation::Entity::find();
        match filter.state {
            Some(InvitationState::Used) => select = select.filter(C::UsedAtMs.is_not_null()),
            Some(InvitationState::Expired) => {
                select = select
                    .filter(C::UsedAtMs.is_null())
                    .filter(C::ExpiresAtMs.lte(now_ms));
            }
            Some(InvitationState::Open) => {
                select = select
                    .filter(C::UsedAtMs.is_null())
                    .filter(C::ExpiresAtMs.gt(now_ms));
            }
            None => {}
        }
        let listing = Listing::<invitation::Entity> {
            searched: &[C::Email, C::CreatedBy, C::UsedBy],
            fields: &[
                ("created", C::CreatedAtMs),
                ("expires", C::ExpiresAtMs),
                ("email", C::Email),
                ("role", C::Role),
            ],
            default: "-created",
            tie: C::Id,
        };
        listing
            .page(self.database.connection(), select, request, |row| {
                Invitation::from_row(row, now_ms)
            })
            .await
    }

    /// Withdraws an invitation.
    pub async fn revoke_invitation(&self, caller: &Caller, id: InvitationId) -> Result<()> {
        let transaction = self.database.begin().await?;
        let row = invitation::Entity::find_by_id(id.to_string())
            .one(&transaction)
            .await?
            .ok_or_else(|| Error::not_found("invitation", id))?;
        invitation::Entity::delete_by_id(&row.id)
            .exec(&transaction)
            .await?;
        let name = row.email.clone().unwrap_or_default();
        let event = AuditEvent::new(
            Action::InvitationRevoked,
            Target::new(TargetKind::Invitation, id, name),
        )
        .before(&Invitation::from_row(row, self.now_ms())?);
        self.audit().commit(transaction, caller, event).await
    }
}
