//! Who may do what: permissions, the roles that grant them, and the one place that checks them.

use std::collections::BTreeSet;
use std::time::Duration;

use yunhai_model::{SessionId, TimestampMs, TokenId, UserId};

use crate::names::named;
use crate::{Actor, User, UserState};

named! {
    /// Something that a principal may be allowed to do.
    pub enum Permission("permission") {
        /// See servers, metrics, alerts, rules, silences and channels.
        ServersRead = "servers:read",
        /// Change how servers are watched: interval, tags, account, region.
        ServersWrite = "servers:write",
        /// Change and try probes.
        ProbesWrite = "probes:write",
        /// Change and try accounts with clouds.
        CloudsWrite = "clouds:write",
        /// Make, start, stop, restart and delete servers of clouds.
        ServersManage = "servers:manage",
        /// Let machines with agents join, and revoke their keys.
        AgentsWrite = "agents:write",
        /// Send metrics.
        MetricsWrite = "metrics:write",
        /// Acknowledge alerts.
        AlertsAcknowledge = "alerts:acknowledge",
        /// Change alert rules.
        RulesWrite = "rules:write",
        /// Silence alerts and plan maintenance.
        SilencesWrite = "silences:write",
        /// Change notification channels.
        ChannelsWrite = "channels:write",
        /// See and change users, invitations, and the sessions and tokens of others.
        UsersManage = "users:manage",
        /// Read and verify the audit log.
        AuditRead = "audit:read",
        /// Change settings and rotate keys.
        SettingsWrite = "settings:write",
        /// Make and revoke API tokens of one's own.
        TokensOwn = "tokens:own",
    }
}

named! {
    /// What a user is there for.
    pub enum Role("role") {
        /// May do everything.
        Administrator = "admin",
        /// Runs the monitoring, but manages neither users nor settings.
        Operator = "operator",
        /// Looks.
        Viewer = "viewer",
    }
}

impl Role {
    /// Returns what the role allows.
    pub fn permissions(self) -> &'static [Permission] {
        use Permission as P;
        match self {
            Self::Administrator => Permission::ALL,
            Self::Operator => &[
                P::ServersRead,
                P::ServersWrite,
                P::ProbesWrite,
                P::MetricsWrite,
                P::AlertsAcknowledge,
                P::RulesWrite,
                P::SilencesWrite,
                P::ChannelsWrite,
                P::TokensOwn,
            ],
            Self::Viewer => &[P::ServersRead, P::TokensOwn],
        }
    }
}

/// Why a principal may not do something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// Neither role nor token allows it.
    #[error("you need the permission `{0}` for this")]
    Permission(Permission),
    /// The role would allow it, the token's scopes do not.
    #[error("this token has not the scope `{0}`")]
    Scope(Permission),
    /// The user must show again that it is they.
    #[error("enter your password again to do this")]
    ReauthenticationRequired,
}

/// How a principal proved who they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Via {
    /// By a browser's session.
    Session {
        /// Which one.
        id: SessionId,
        /// When the password was entered last.
        authenticated_at_ms: TimestampMs,
    },
    /// By an API token.
    Token {
        /// Which one.
        id: TokenId,
        /// What the token allows of what its user may do.
        scopes: BTreeSet<Permission>,
        /// When the token ends.
        expires_at_ms: Option<TimestampMs>,
    },
    /// By sitting at the server's machine with the right to its data directory. There is no
    /// account behind it: the user's name is that of the machine's user.
    Local,
}

/// A user who has proved who they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// The user.
    pub user: User,
    /// How they proved it.
    pub via: Via,
}

impl Principal {
    /// Someone at the command line of this machine, who may do everything: they could as well
    /// change the files.
    pub fn local(name: &str) -> Self {
        Self {
            user: User {
                id: UserId::new(),
                name: name.to_owned(),
                display_name: name.to_owned(),
                email: None,
                role: Role::Administrator,
                state: UserState::Active,
                language: None,
                second_factor: false,
                created_at_ms: 0,
                last_login_at_ms: None,
                locked_until_ms: None,
            },
            via: Via::Local,
        }
    }

    /// Returns what the principal may do now.
    pub fn permissions(&self) -> BTreeSet<Permission> {
        let role = self.user.role.permissions().iter().copied();
        match &self.via {
            Via::Session { .. } | Via::Local => role.collect(),
            Via::Token { scopes, .. } => role
                .filter(|permission| scopes.contains(permission))
                .collect(),
        }
    }

    /// Checks that the principal may do something.
    pub fn require(&self, permission: Permission) -> Result<(), Denied> {
        if !self.user.role.permissions().contains(&permission) {
            return Err(Denied::Permission(permission));
        }
        match &self.via {
            Via::Token { scopes, .. } if !scopes.contains(&permission) => {
                Err(Denied::Scope(permission))
            }
            _ => Ok(()),
        }
    }

    /// Checks, before something dangerous, that the password was entered lately. A token has no
    /// one to ask: its scopes alone decide. Nor is there a password at the machine itself.
    pub fn require_recent_authentication(
        &self,
        now_ms: TimestampMs,
        max_age: Duration,
    ) -> Result<(), Denied> {
        match self.via {
            Via::Session {
                authenticated_at_ms,
                ..
            } if now_ms - authenticated_at_ms > max_age.as_millis() as i64 => {
                Err(Denied::ReauthenticationRequired)
            }
            _ => Ok(()),
        }
    }

    /// Returns the session, where there is one.
    pub fn session_id(&self) -> Option<SessionId> {
        match self.via {
            Via::Session { id, .. } => Some(id),
            Via::Token { .. } | Via::Local => None,
        }
    }

    /// Returns who this is in the audit log.
    pub fn actor(&self) -> Actor {
        let token = match self.via {
            Via::Session { .. } => None,
            Via::Token { id, .. } => Some(id),
            Via::Local => {
                return Actor::Local {
                    name: self.user.name.clone(),
                };
            }
        };
        Actor::User {
            id: self.user.id,
            name: self.user.name.clone(),
            token,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_role_allows_what_the_one_below_does() {
        let allowed = |role: Role| role.permissions().iter().collect::<BTreeSet<_>>();
        assert!(allowed(Role::Administrator).is_superset(&allowed(Role::Operator)));
        assert!(allowed(Role::Operator).is_superset(&allowed(Role::Viewer)));
        assert!(!allowed(Role::Operator).contains(&Permission::UsersManage));
        assert!(!allowed(Role::Operator).contains(&Permission::AuditRead));
    }

    #[test]
    fn whoever_sits_at_the_machine_may_do_everything_and_is_named_as_its_user() {
        let principal = Principal::local("root");
        let all: BTreeSet<Permission> = Permission::ALL.iter().copied().collect();
        assert_eq!(principal.permissions(), all);
        assert_eq!(principal.require(Permission::SettingsWrite), Ok(()));
        let name = "root".to_owned();
        assert_eq!(principal.actor(), Actor::Local { name });
    }

    #[test]
    fn an_unknown_permission_names_the_known_ones() {
        let error = "servers:burn"
            .parse::<Permission>()
            .unwrap_err()
            .to_string();
        assert!(
            error.starts_with("`servers:burn` is not a permission; choose one of servers:read, ")
        );
    }
}
