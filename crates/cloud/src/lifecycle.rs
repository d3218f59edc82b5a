//! Making, starting, stopping and deleting servers.
//!
//! A provider takes an order and carries it out later. [`Operation`] is what is left to follow it by;
//! it can be stored, so that it is followed to its end by a process that knows nothing else of it.

use std::collections::BTreeMap;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use yunhai_model::Secret;

use crate::{Error, Result, ServerRef};

/// A server to be made. What is written of it leaves the user data out, which is a secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewServer {
    /// The name; of several each gets a number.
    pub name: String,
    /// Where it is to stand.
    pub region: String,
    /// The zone within the region; the provider chooses where it is left out.
    pub zone: Option<String>,
    /// What it is made from, in the provider's words.
    pub image: String,
    /// The provider's word for its size.
    pub instance_type: String,
    /// The SSH key: the name of a key pair (AWS), or a public key (Azure, Google).
    pub ssh_key: Option<String>,
    /// The subnet that it stands in.
    pub subnet: Option<String>,
    /// The security groups (AWS), or network tags (Google), that hold for it.
    #[serde(default)]
    pub security_groups: Vec<String>,
    /// Given to cloud-init at the first start.
    #[serde(skip_serializing)]
    pub user_data: Option<Secret>,
    /// Its tags.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    /// How many.
    #[serde(default = "one")]
    pub count: u32,
    /// The size of its first disk; the image's own where it is left out.
    pub disk_gib: Option<u32>,
    /// Whether deleting it is refused until the protection is lifted.
    #[serde(default)]
    pub is_protected: bool,
}

fn one() -> u32 {
    1
}

/// Something that a dry run found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Whether it would fail because of this.
    pub is_fatal: bool,
    /// What it is.
    pub text: String,
}

/// What would happen if servers were made.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CreateCheck {
    /// The list price of all of them while they run, in millionths of a US dollar an hour, without
    /// disks and traffic; absent where the provider does not tell.
    pub micro_usd_per_hour: Option<u64>,
    /// What was found; nothing means that it would succeed.
    pub findings: Vec<Finding>,
}

/// What can be done with a server that is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ServerAction {
    /// Starts it.
    Start,
    /// Stops it, so that its processors cost nothing.
    Stop,
    /// Restarts it.
    Restart,
    /// Deletes it, with its first disk.
    Delete,
}

impl ServerAction {
    /// The word for it: `cannot stop i-0123`.
    pub fn verb(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Stop => "stop",
            Self::Restart => "restart",
            Self::Delete => "delete",
        }
    }
}

/// An order that was taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operation {
    /// The servers that it is about.
    pub servers: Vec<ServerRef>,
    /// What was ordered; nothing for making them.
    pub action: Option<ServerAction>,
    /// By what the provider knows it, if it is known by more than its servers.
    pub handle: Option<String>,
}

/// How far an operation is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum OperationState {
    /// It goes on.
    Running {
        /// How many of its servers are where they should be.
        done: u32,
        /// What the others do, in the provider's words.
        text: String,
    },
    /// It is done.
    Done,
    /// It failed.
    Failed {
        /// Why.
        error: Error,
    },
}

/// Changes servers.
#[async_trait]
pub trait Lifecycle: Send + Sync {
    /// Checks without making anything, and tells the price.
    async fn check_create(&self, new: &NewServer) -> Result<CreateCheck>;

    /// Orders servers. The same `client_token` again makes no more of them.
    async fn create(&self, new: &NewServer, client_token: &str) -> Result<Operation>;

    /// Orders something for a server.
    async fn act(&self, server: &ServerRef, action: ServerAction) -> Result<Operation>;

    /// Asks how far an operation is.
    async fn follow(&self, operation: &Operation) -> Result<OperationState>;
}
