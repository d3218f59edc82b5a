//! On whose behalf, and from where, something happens; the audit log keeps both.

use std::net::IpAddr;

use yunhai_model::{TokenId, UserId};

use crate::Principal;

/// Who does something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    /// The server itself.
    System,
    /// Someone at the command line of the machine, by the name of the machine's user.
    Local {
        /// The machine's user.
        name: String,
    },
    /// Someone who has not proved who they are, by the name that they gave.
    Anonymous {
        /// The name, which may be anyone's or nobody's.
        name: String,
    },
    /// A user.
    User {
        /// The user's id.
        id: UserId,
        /// The user's name at the time.
        name: String,
        /// The token that they used, if any.
        token: Option<TokenId>,
    },
}

/// Where a request comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// The network address; none at the command line.
    pub address: Option<IpAddr>,
    /// What the browser or program calls itself.
    pub device: Option<String>,
}

/// Who does something, and from where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Who.
    pub actor: Actor,
    /// From where.
    pub origin: Origin,
}

impl Caller {
    /// The server itself.
    pub fn system() -> Self {
        Self {
            actor: Actor::System,
            origin: Origin::default(),
        }
    }

    /// Someone at the command line of this machine.
    pub fn local(name: &str) -> Self {
        Self {
            actor: Actor::Local {
                name: name.to_owned(),
            },
            origin: Origin::default(),
        }
    }

    /// Someone who has not signed in yet.
    pub fn anonymous(name: &str, origin: &Origin) -> Self {
        Self {
            actor: Actor::Anonymous {
                name: name.to_owned(),
            },
            origin: origin.clone(),
        }
    }

    /// A principal.
    pub fn of(principal: &Principal, origin: &Origin) -> Self {
        Self {
            actor: principal.actor(),
            origin: origin.clone(),
        }
    }
}
