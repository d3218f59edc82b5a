//! Enrolment tokens: what lets machines join.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use yunhai_model::{EnrolmentTokenId, TimestampMs};

use crate::agent::check_text;
use crate::error::{Error, Result};

/// How long a token holds at most: it lies in files and in histories of shells.
const LONGEST_LIFE_MS: i64 = 366 * 86_400_000;

/// How many machines a token is for at most, unless it is for any number.
const MOST_USES: u32 = 100_000;

/// How many tags a token may give.
const MOST_TAGS: usize = 32;

/// A token to make.
#[derive(Clone, Debug)]
pub struct NewEnrolmentToken {
    /// What it is for.
    pub name: String,
    /// When it ends.
    pub expires_at_ms: TimestampMs,
    /// How many machines may join with it; none: any number.
    pub uses: Option<u32>,
    /// What the machines are tagged with.
    pub tags: BTreeMap<String, String>,
    /// Who makes it.
    pub created_by: String,
}

impl NewEnrolmentToken {
    pub(crate) fn check(&self, now_ms: TimestampMs) -> Result<()> {
        check_text("name", &self.name, 100)?;
        if self.expires_at_ms <= now_ms || self.expires_at_ms > now_ms + LONGEST_LIFE_MS {
            return Err(Error::invalid(
                "expires_at_ms",
                "choose a time in the future, within a year",
            ));
        }
        if self.uses.is_some_and(|uses| uses == 0 || uses > MOST_USES) {
            let reason = format!("choose 1 to {MOST_USES}, or none for any number");
            return Err(Error::invalid("uses", reason));
        }
        if self.tags.len() > MOST_TAGS {
            let reason = format!("{MOST_TAGS} tags at most");
            return Err(Error::invalid("tags", reason));
        }
        for (name, value) in &self.tags {
            check_text("tags", name, 100)?;
            check_text("tags", value, 200)?;
        }
        Ok(())
    }
}

/// Whether a token can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum EnrolmentTokenState {
    /// Machines can join with it.
    Open,
    /// As many have joined as it was made for.
    UsedUp,
    /// Its time is over.
    Expired,
}

/// A token as it is kept and listed; its text is shown once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnrolmentToken {
    /// The token's id.
    pub id: EnrolmentTokenId,
    /// What it is for.
    pub name: String,
    /// Who made it.
    pub created_by: String,
    /// When it was made.
    pub created_at_ms: TimestampMs,
    /// When it ends.
    pub expires_at_ms: TimestampMs,
    /// How many machines may join with it; none: any number.
    pub uses: Option<u32>,
    /// How many have joined with it.
    pub used: u32,
    /// What the machines are tagged with.
    pub tags: BTreeMap<String, String>,
}

impl EnrolmentToken {
    /// Tells whether it can be used.
    pub fn state(&self, now_ms: TimestampMs) -> EnrolmentTokenState {
        if self.uses.is_some_and(|uses| self.used >= uses) {
            EnrolmentTokenState::UsedUp
        } else if self.expires_at_ms <= now_ms {
            EnrolmentTokenState::Expired
        } else {
            EnrolmentTokenState::Open
        }
    }

    /// Fails where no machine can join with it any more.
    pub(crate) fn require_open(&self, now_ms: TimestampMs) -> Result<()> {
        match self.state(now_ms) {
            EnrolmentTokenState::Open => Ok(()),
            EnrolmentTokenState::Expired => Err(Error::ExpiredToken(self.expires_at_ms)),
            EnrolmentTokenState::UsedUp => Err(Error::UsedUpToken(self.uses.unwrap_or(self.used))),
        }
    }
}
