//! Sessions: browsers that are signed in.
//!
//! The browser holds a random token, the database its hash. When the token is replaced, the old
//! one is good for a short while more, as a browser has several requests under way.

use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveValue::Set, ColumnTrait, Condition, DatabaseTransaction, EntityTrait, IntoActiveModel,
    QueryFilter,
};
use serde::Serialize;
use yunhai_model::{Page, PageRequest, Secret, SessionId, TimestampMs, UserId, with_causes};
use yunhai_vault::{constant_time_eq, random_token};

use crate::entity::{invitation, session, user};
use crate::listing::{Listing, of_user};
use crate::names::stored;
use crate::recent::Proof;
use crate::user::{find, target};
use crate::{
    Action, AuditEvent, Caller, Error, Identity, Origin, Principal, Result, Target, TargetKind,
    User, UserState, Via,
};

/// How long the token before a rotation is still taken.
const GRACE_MS: i64 = 30_000;

/// How exactly the time of the last request is kept; writing it at each would be too much.
const SEEN_MS: i64 = 60_000;

/// The most that is kept of what a browser calls itself, in characters.
const MAX_DEVICE: usize = 300;

/// A session that has just begun.
#[derive(Debug)]
pub struct NewSession {
    /// The token for the browser's cookie; it is nowhere else.
    pub token: Secret,
    /// What requests that change something must carry besides the cookie.
    pub csrf_token: Secret,
    /// When the session ends in any case.
    pub expires_at_ms: TimestampMs,
    /// Who has signed in.
    pub principal: Principal,
}

/// A request's session, found good.
#[derive(Debug)]
pub struct Authenticated {
    /// Who it is.
    pub principal: Principal,
    /// A new token that the browser must hold from now on.
    pub rotated: Option<Secret>,
    /// When the session ends in any case.
    pub expires_at_ms: TimestampMs,
}

/// A session as it is listed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Session {
    /// The session's id.
    pub id: SessionId,
    /// Whose it is.
    pub user_id: UserId,
    /// The network address of the last request.
    pub address: Option<String>,
    /// What the browser calls itself.
    pub device: Option<String>,
    /// When the user signed in.
    pub created_at_ms: TimestampMs,
    /// When the last request came, to the minute.
    pub last_seen_at_ms: TimestampMs,
    /// When it ends in any case.
    pub expires_at_ms: TimestampMs,
}

impl TryFrom<session::Model> for Session {
    type Error = Error;

    fn try_from(row: session::Model) -> Result<Self> {
        Ok(Self {
            id: stored("session id", &row.id)?,
            user_id: stored("user id", &row.user_id)?,
            address: row.address,
            device: row.device,
            created_at_ms: row.created_at_ms,
            last_seen_at_ms: row.last_seen_at_ms,
            expires_at_ms: row.expires_at_ms,
        })
    }
}

fn address(origin: &Origin) -> Option<String> {
    origin.address.map(|address| address.to_string())
}

fn device(origin: &Origin) -> Option<String> {
    origin.device.as_ref().map(|device| {
        device
            .chars()
            .filter(|c| !c.is_control())
            .take(MAX_DEVICE)
            .collect()
    })
}

impl Identity {
    pub(crate) async fn start_session(
        &self,
        transaction: &DatabaseTransaction,
        user: User,
        origin: &Origin,
    ) -> Result<NewSession> {
        let token = random_token();
        let id = SessionId::new();
        let now_ms = self.now_ms();
        let expires_at_ms = now_ms + self.config.session_max.as_millis();
        let row = session::Model {
            id: id.to_string(),
            user_id: user.id.to_string(),
            token_hash: self.hasher.hash("session", token.expose()),
            previous_hash: None,
            previous_until_ms: 0,
            address: address(origin),
            device: device(origin),
            created_at_ms: now_ms,
            last_seen_at_ms: now_ms,
            authenticated_at_ms: now_ms,
            expires_at_ms,
            rotate: false,
        };
        session::Entity::insert(row.into_active_model())
            .exec_without_returning(transaction)
            .await?;
        Ok(NewSession {
            token,
            csrf_token: self.csrf_token(id),
            expires_at_ms,
            principal: Principal {
                user,
                via: Via::Session {
                    id,
                    authenticated_at_ms: now_ms,
                },
            },
        })
    }

    /// Finds out whose session a token is, and keeps the session alive.
    pub async fn authenticate_session(
        &self,
        token: &Secret,
        origin: &Origin,
    ) -> Result<Authenticated> {
        use session::Column as C;
        let hash = self.hasher.hash("session", token.expose());
        let (changes, now_ms) = (self.audit().changes(), self.now_ms());
        if let Some(proof) = self.recent.find(&hash, changes, now_ms)
            && proof.address == address(origin)
            && let Some(expires_at_ms) = proof.expires_at_ms
        {
            return Ok(Authenticated {
                principal: proof.principal,
                rotated: None,
                expires_at_ms,
            });
        }
        let connection = self.database.connection();
        let (row, owner) = session::Entity::find()
            .filter(
                Condition::any().add(C::TokenHash.eq(&hash)).add(
                    Condition::all()
                        .add(C::PreviousHash.eq(&hash))
                        .add(C::PreviousUntilMs.gt(now_ms)),
                ),
            )
            .one(connection)
            .await?
            .map(async |row| {
                let owner = user::Entity::find_by_id(&row.user_id)
                    .one(connection)
                    .await?;
                Ok::<_, Error>((row, owner))
            })
            .ok_or(Error::Unauthenticated)?
            .await?;
        let idle_until_ms = row.last_seen_at_ms + self.config.session_idle.as_millis();
        let owner = owner.ok_or(Error::Unauthenticated)?;
        if now_ms >= row.expires_at_ms
            || now_ms >= idle_until_ms
            || owner.state != UserState::Active.as_str()
        {
            return Err(Error::Unauthenticated);
        }
        let id = stored("session id", &row.id)?;
        if now_ms - row.last_seen_at_ms >= SEEN_MS || row.address != address(origin) {
            let change = session::ActiveModel {
                id: Set(row.id.clone()),
                last_seen_at_ms: Set(now_ms),
                address: Set(address(origin)),
                device: Set(device(origin).or(row.device)),
                ..Default::default()
            };
            // A full disk must not keep anybody from looking; without the time of the last request
            // the session ends early at worst.
            if let Err(error) = session::Entity::update(change).exec(connection).await {
                tracing::warn!(
                    error = with_causes(&error),
                    "cannot note when a session was used"
                );
            }
        }
        let rotated = if row.rotate && row.token_hash == hash {
            self.rotate(&row.id, &hash).await?
        } else {
            None
        };
        let principal = Principal {
            user: owner.try_into()?,
            via: Via::Session {
                id,
                authenticated_at_ms: row.authenticated_at_ms,
            },
        };
        if row.token_hash == hash && !row.rotate {
            let proof = Proof {
                principal: principal.clone(),
                address: address(origin),
                checked_at_ms: now_ms,
                expires_at_ms: Some(row.expires_at_ms),
            };
            self.recent.keep(hash, changes, proof);
        }
        Ok(Authenticated {
            principal,
            rotated,
            expires_at_ms: row.expires_at_ms,
        })
    }

    /// Gives a session a new token; none when another request was faster.
    async fn rotate(&self, id: &str, hash: &str) -> Result<Option<Secret>> {
        use session::Column as C;
        let token = random_token();
        let updated = session::Entity::update_many()
            .col_expr(
                C::TokenHash,
                Expr::value(self.hasher.hash("session", token.expose())),
            )
            .col_expr(C::PreviousHash, Expr::value(hash))
            .col_expr(C::PreviousUntilMs, Expr::value(self.now_ms() + GRACE_MS))
            .col_expr(C::Rotate, Expr::value(false))
            .filter(C::Id.eq(id))
            .filter(C::TokenHash.eq(hash))
            .exec(self.database.connection())
            .await?;
        Ok((updated.rows_affected == 1).then_some(token))
    }

    /// Returns what requests of a session that change something must carry.
    pub fn csrf_token(&self, id: SessionId) -> Secret {
        Secret::new(self.hasher.hash("csrf", &id.to_string()))
    }

    /// Tells whether a request carries its session's token against forgery. An API token needs
    /// none: no browser sends it by itself. Nor does who needs no session.
    pub fn is_csrf_token(&self, principal: &Principal, presented: &str) -> bool {
        match principal.via {
            Via::Session { id, .. } => constant_time_eq(
                self.csrf_token(id).expose().as_bytes(),
                presented.as_bytes(),
            ),
            Via::Token { .. } | Via::Local => true,
        }
    }

    /// Checks the password (and the code, where there is a second factor) of a signed-in user
    /// again. The session gets a new token with its next request.
    pub async fn reauthenticate(
        &self,
        principal: &Principal,
        password: &Secret,
        code: Option<&Secret>,
        origin: &Origin,
    ) -> Result<()> {
        let id = principal.session_id().ok_or(Error::Unauthenticated)?;
        let caller = Caller::of(principal, origin);
        let row = find(self.database.connection(), principal.user.id).await?;
        self.check_current_password(&caller, &row, password).await?;
        if row.totp_enabled {
            self.require_second_factor(&caller, &row, code).await?;
        }
        let transaction = self.database.begin().await?;
        session::Entity::update_many()
            .col_expr(
                session::Column::AuthenticatedAtMs,
                Expr::value(self.now_ms()),
            )
            .col_expr(session::Column::Rotate, Expr::value(true))
            .filter(session::Column::Id.eq(id.to_string()))
            .exec(&transaction)
            .await?;
        let event = AuditEvent::new(Action::Reauthenticated, target(&row));
        self.audit().commit(transaction, &caller, event).await
    }

    /// Ends the principal's own session.
    pub async fn logout(&self, principal: &Principal, origin: &Origin) -> Result<()> {
        let Some(id) = principal.session_id() else {
            return Ok(());
        };
        let caller = Caller::of(principal, origin);
        let transaction = self.database.begin().await?;
        session::Entity::delete_by_id(id.to_string())
            .exec(&transaction)
            .await?;
        let target = Target::new(TargetKind::User, principal.user.id, &principal.user.name);
        self.audit()
            .commit(
                transaction,
                &caller,
                AuditEvent::new(Action::Logout, target),
            )
            .await
    }

    /// Lists the sessions that have not ended, of one user or of all, sorted by `last_seen`,
    /// `created` or `address`.
    pub async fn sessions(
        &self,
        request: &PageRequest,
        of: Option<UserId>,
    ) -> Result<Page<Session>> {
        use session::Column as C;
        let now_ms = self.now_ms();
        let open = session::Entity::find()
            .filter(C::ExpiresAtMs.gt(now_ms))
            .filter(C::LastSeenAtMs.gt(now_ms - self.config.session_idle.as_millis()));
        let select = of_user(open, C::UserId, of);
        let listing = Listing::<session::Entity> {
            searched: &[C::Address, C::Device],
            fields: &[
                ("last_seen", C::LastSeenAtMs),
                ("created", C::CreatedAtMs),
                ("address", C::Address),
            ],
            default: "-last_seen",
            tie: C::Id,
        };
        listing
            .page(
                self.database.connection(),
                select,
                request,
                Session::try_from,
            )
            .await
    }

    /// Ends one session of a user.
    pub async fn revoke_session(
        &self,
        caller: &Caller,
        user_id: UserId,
        id: SessionId,
    ) -> Result<()> {
        let transaction = self.database.begin().await?;
        let row = find(&transaction, user_id).await?;
        let deleted = session::Entity::delete_many()
            .filter(session::Column::Id.eq(id.to_string()))
            .filter(session::Column::UserId.eq(&row.id))
            .exec(&transaction)
            .await?;
        if deleted.rows_affected == 0 {
            return Err(Error::not_found("session", id));
        }
        let event = AuditEvent::new(
            Action::SessionRevoked,
            Target::new(TargetKind::Session, id, row.name),
        );
        self.audit().commit(transaction, caller, event).await
    }

    /// Ends all sessions of a user but one; returns how many.
    pub async fn revoke_sessions(
        &self,
        caller: &Caller,
        user_id: UserId,
        keep: Option<SessionId>,
    ) -> Result<u64> {
        let transaction = self.database.begin().await?;
        let row = find(&transaction, user_id).await?;
        let mut delete = session::Entity::delete_many().filter(session::Column::UserId.eq(&row.id));
        if let Some(keep) = keep {
            delete = delete.filter(session::Column::Id.ne(keep.to_string()));
        }
        let ended = delete.exec(&transaction).await?.rows_affected;
        let event = AuditEvent::new(Action::SessionRevoked, target(&row))
            .because(format!("{ended} sessions ended"));
        self.audit().commit(transaction, caller, event).await?;
        Ok(ended)
    }

    /// Deletes what has expired: sessions, invitations, counts of failures. The server calls it
    /// now and then.
    pub async fn delete_expired(&self) -> Result<u64> {
        /// Used and expired invitations are shown for a while.
        const KEPT_MS: i64 = 30 * 24 * 3600 * 1000;
        let now_ms = self.now_ms();
        let connection = self.database.connection();
        let idle_ms = self.config.session_idle.as_millis();
        let sessions = session::Entity::delete_many()
            .filter(
                Condition::any()
                    .add(session::Column::ExpiresAtMs.lte(now_ms))
                    .add(session::Column::LastSeenAtMs.lte(now_ms - idle_ms)),
            )
            .exec(connection)
            .await?;
        let invitations = invitation::Entity::delete_many()
            .filter(invitation::Column::ExpiresAtMs.lt(now_ms - KEPT_MS))
            .exec(connection)
            .await?;
        let failures = self.forget_failures(now_ms).await?;
        Ok(sessions.rows_affected + invitations.rows_affected + failures)
    }
}
