//! A machine that has joined.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use yunhai_cloud::Provider;
use yunhai_model::{AgentId, EnrolmentTokenId, TimestampMs};

use crate::error::{Error, Result};

/// The longest name of a machine.
const LONGEST_NAME: usize = 120;

/// The longest of all other texts that a machine tells of itself.
const LONGEST_TEXT: usize = 500;

/// How many ids a machine may go by in its cloud.
const MOST_IDS: usize = 8;

/// What a machine is in a cloud, as the cloud's metadata service tells it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CloudIdentity {
    /// Whose cloud it is.
    pub provider: Provider,
    /// The ids that the provider may list it by, the most telling first.
    pub ids: Vec<String>,
    /// Its region, or zone.
    pub region: Option<String>,
    /// The provider's number or name of the account, subscription or project.
    pub account: Option<String>,
}

impl CloudIdentity {
    /// Tells whether the provider lists the machine under this id. Providers write the same id in
    /// capitals and small letters.
    pub fn goes_by(&self, id: &str) -> bool {
        self.ids.iter().any(|own| own.eq_ignore_ascii_case(id))
    }

    fn is_same_as(&self, other: &Self) -> bool {
        self.provider == other.provider && self.ids.iter().any(|id| other.goes_by(id))
    }
}

/// What a machine says of itself when it joins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Machine {
    /// What it is to be called.
    pub name: String,
    /// What it is called by itself.
    pub host_name: String,
    /// What tells it from all others, also after the agent was installed anew.
    pub machine_id: String,
    /// The agent's version.
    pub version: String,
    /// What it is in a cloud, where it is in one.
    pub cloud: Option<CloudIdentity>,
}

impl Machine {
    pub(crate) fn check(&self) -> Result<()> {
        check_text("name", &self.name, LONGEST_NAME)?;
        check_text("host_name", &self.host_name, LONGEST_TEXT)?;
        check_text("machine_id", &self.machine_id, LONGEST_TEXT)?;
        check_text("version", &self.version, LONGEST_TEXT)?;
        let Some(cloud) = &self.cloud else {
            return Ok(());
        };
        if cloud.ids.is_empty() || cloud.ids.len() > MOST_IDS {
            let reason = format!("a machine in a cloud has 1 to {MOST_IDS} ids there");
            return Err(Error::invalid("cloud/ids", reason));
        }
        for id in &cloud.ids {
            check_text("cloud/ids", id, LONGEST_TEXT)?;
        }
        for text in [&cloud.region, &cloud.account].into_iter().flatten() {
            check_text("cloud", text, LONGEST_TEXT)?;
        }
        Ok(())
    }
}

pub(crate) fn check_text(field: &'static str, text: &str, longest: usize) -> Result<()> {
    let is_blank = text.trim().is_empty();
    if is_blank || text.chars().count() > longest || text.chars().any(char::is_control) {
        let reason = format!("must be 1 to {longest} printable characters");
        return Err(Error::invalid(field, reason));
    }
    Ok(())
}

/// A machine that has joined, as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Agent {
    /// The agent's id.
    pub id: AgentId,
    /// What it is called: the label `server` of all that it may write.
    pub name: String,
    /// What the machine is called by itself.
    pub host_name: String,
    /// What tells the machine from all others.
    pub machine_id: String,
    /// The agent's version, as it said last.
    pub version: String,
    /// What it is in a cloud.
    pub cloud: Option<CloudIdentity>,
    /// The tags that its token gave it.
    pub tags: BTreeMap<String, String>,
    /// With which token it has joined last.
    pub enrolled_with: EnrolmentTokenId,
    /// When it has joined last.
    pub enrolled_at_ms: TimestampMs,
    /// What was seen of it last.
    pub seen: Option<Seen>,
}

/// What is seen of an agent when it sends something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// When, to the minute.
    pub at_ms: TimestampMs,
    /// From which network address.
    pub address: Option<String>,
    /// By how much its clock was ahead of ours; below 0, behind.
    pub clock_skew_ms: Option<i64>,
}

impl Agent {
    /// Tells whether this is the machine that joins now: the same instance of a cloud, or else the same
    /// machine id. Images that were cloned with their machine id are told apart by their clouds.
    pub(crate) fn is_of(&self, machine: &Machine) -> bool {
        match (&self.cloud, &machine.cloud) {
            (Some(one), Some(other)) => one.is_same_as(other),
            _ => self.machine_id == machine.machine_id,
        }
    }
}
