//! Agents on machines, and how machines join.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// What a machine is in a cloud.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AgentCloud {
    /// Whose cloud it is: `aws`, `azure` or `gcp`.
    pub provider: String,
    /// The ids that the provider may list it by, the most telling first.
    pub ids: Vec<String>,
    /// Its region, or zone.
    pub region: Option<String>,
    /// The provider's number or name of the account, subscription or project.
    pub account: Option<String>,
}

/// A machine that has joined with its agent.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Agent {
    /// The agent's id.
    pub id: String,
    /// What it is called: the label `server` of all that it may write.
    pub name: String,
    /// What the machine is called by itself.
    pub host_name: String,
    /// The agent's version.
    pub version: String,
    /// What tells the machine from all others, also after the agent was installed anew.
    pub machine_id: String,
    /// What it is in a cloud, where it is in one.
    pub cloud: Option<AgentCloud>,
    /// The tags that its enrolment token gave it.
    pub tags: BTreeMap<String, String>,
    /// When it has joined last.
    pub enrolled_at_ms: i64,
    /// The id of the enrolment token that it has joined with.
    pub enrolment_token: String,
    /// When it was heard of last, to the minute.
    pub last_seen_ms: Option<i64>,
    /// From which network address it was heard of last.
    pub last_seen_address: Option<String>,
    /// By how much its clock was ahead of the server's; below 0, behind.
    pub clock_skew_ms: Option<i64>,
}

/// Which agents are asked for.
#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct AgentFilter {
    /// Only agents that have joined with this enrolment token.
    pub enrolment_token: Option<String>,
}

/// Whether an enrolment token can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum EnrolmentTokenState {
    /// Machines can join with it.
    Open,
    /// As many have joined as it was made for.
    UsedUp,
    /// Its time is over.
    Expired,
}

impl EnrolmentTokenState {
    /// Returns the word that stands for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::UsedUp => "used_up",
            Self::Expired => "expired",
        }
    }
}

/// A token with which machines join, without its text.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct EnrolmentToken {
    /// The token's id.
    pub id: String,
    /// What it is for.
    pub name: String,
    /// Whether it can be used.
    pub state: EnrolmentTokenState,
    /// Who made it.
    pub created_by: String,
    /// When it was made.
    pub created_at_ms: i64,
    /// When it ends.
    pub expires_at_ms: i64,
    /// How many machines may join with it; `null`: any number.
    pub uses: Option<u32>,
    /// How many have joined with it.
    pub used: u32,
    /// What the machines are tagged with.
    pub tags: BTreeMap<String, String>,
}

/// Makes a token with which machines join.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateEnrolmentTokenRequest {
    /// What it is for.
    pub name: String,
    /// When it ends, within a year; after a day where it is left out.
    pub expires_at_ms: Option<i64>,
    /// How many machines may join with it; any number where it is left out.
    #[schema(minimum = 1, maximum = 100_000)]
    pub uses: Option<u32>,
    /// What the machines are tagged with.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
}

/// A new enrolment token, with the text that is shown once.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct CreatedEnrolmentToken {
    /// The token.
    #[serde(flatten)]
    pub entry: EnrolmentToken,
    /// The text to give to the agent, shown once.
    pub token: String,
}

/// Lets a machine join.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EnrolRequest {
    /// The enrolment token.
    pub token: String,
    /// What the machine is to be called; its host name where it is left out.
    pub name: Option<String>,
    /// What the machine is called by itself.
    pub host_name: String,
    /// What tells the machine from all others, also after the agent was installed anew.
    pub machine_id: String,
    /// The agent's version.
    pub version: String,
    /// What it is in a cloud, where it is in one.
    pub cloud: Option<AgentCloud>,
}

impl std::fmt::Debug for EnrolRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EnrolRequest")
            .field("host_name", &self.host_name)
            .field("cloud", &self.cloud)
            .finish_non_exhaustive()
    }
}

/// A machine that has joined.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct Enrolled {
    /// The agent's id.
    pub id: String,
    /// What it is called: the label `server` of all that its key may write.
    pub name: String,
    /// The key of this machine alone, shown once.
    pub key: String,
    /// What its measurements are tagged with.
    pub tags: BTreeMap<String, String>,
}

impl std::fmt::Debug for Enrolled {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Enrolled")
            .field("id", &self.id)
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// What a machine needs to know to join, beside a token.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct JoinInfo {
    /// The server's address, where one is configured.
    pub server: Option<String>,
    /// The hash of the key of the server's own certificate, as curl's `--pinnedpubkey` takes it; `null`
    /// where machines trust its certificate, or there is none.
    pub pin: Option<String>,
    /// The kind of machine that the program runs on which the server hands out.
    pub architecture: String,
}
