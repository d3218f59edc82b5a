//! What other servers on the same database do: rules that were changed there come into force here,
//! the leader's view of its rules is shown here, and open pages hear of what happened.

use std::collections::HashMap;
use std::sync::PoisonError;

use serde::{Deserialize, Serialize};
use yunhai_model::TimestampMs;

use super::{GroupStatus, Monitor, RuleStatus, StateChange};
use crate::alert::RuleKey;
use crate::error::Result;
use crate::leadership::Role;
use crate::store::settings;

/// What this server knows of the doings of others.
#[derive(Debug, Default)]
pub(super) struct Others {
    /// The rule files that are in force here, and when each was changed last.
    pub(super) rule_files: Vec<(String, TimestampMs)>,
    /// What this server has told of its rules, or was told, as JSON.
    status: String,
    /// How far events and notifications had come at the last look.
    activity: Option<(String, TimestampMs)>,
}

/// How the leader's rules fare, for the pages of the others.
#[derive(Default, Serialize, Deserialize)]
struct SharedStatus {
    rules: Vec<(RuleKey, RuleStatus)>,
    groups: Vec<((String, String), GroupStatus)>,
}

impl Monitor {
    /// Takes over what others have changed; the leader tells how its rules fare.
    pub(super) async fn notice_others(&self) -> Result<()> {
        let stamps = self.0.store.rule_file_stamps().await?;
        if self.0.others.lock().await.rule_files != stamps {
            self.load_rules().await?;
            if self.term().is_ok() {
                // Alerts that were raised since the rule was deleted elsewhere.
                self.end_orphans().await?;
            }
            self.announce(StateChange::Settings { what: "rules" });
        }
        match self.leadership().role {
            Role::Leader => self.share_status().await,
            Role::Standby => {
                self.take_status().await?;
                self.follow_activity().await
            }
            Role::Waiting => Ok(()),
        }
    }

    async fn share_status(&self) -> Result<()> {
        let mut shared = SharedStatus::default();
        {
            let rules = self.0.status.read().unwrap_or_else(PoisonError::into_inner);
            let groups = self.0.groups.read().unwrap_or_else(PoisonError::into_inner);
            // Only a number of a few digits for each rule: the reasons stay with the leader.
            shared.rules.extend(rules.iter().map(|(key, status)| {
                let status = RuleStatus {
                    explanations: Vec::new(),
                    ..status.clone()
                };
                (key.clone(), status)
            }));
            shared.groups.extend(
                groups
                    .iter()
                    .map(|(key, status)| (key.clone(), status.clone())),
            );
        }
        shared.rules.sort_by(|a, b| a.0.cmp(&b.0));
        shared.groups.sort_by(|a, b| a.0.cmp(&b.0));
        let mut others = self.0.others.lock().await;
        let text = serde_json::to_string(&shared).expect("keys are texts and numbers are finite");
        if others.status != text {
            let store = &self.0.store;
            store
                .put_setting(store.database().connection(), settings::STATUS, &shared)
                .await?;
            others.status = text;
        }
        Ok(())
    }

    async fn take_status(&self) -> Result<()> {
        let store = &self.0.store;
        let shared: SharedStatus = store
            .setting(store.database().connection(), settings::STATUS)
            .await?
            .unwrap_or_default();
        let rules: HashMap<_, _> = shared.rules.into_iter().collect();
        let groups: HashMap<_, _> = shared.groups.into_iter().collect();
        *self
            .0
            .status
            .write()
            .unwrap_or_else(PoisonError::into_inner) = rules;
        *self
            .0
            .groups
            .write()
            .unwrap_or_else(PoisonError::into_inner) = groups;
        Ok(())
    }

    async fn follow_activity(&self) -> Result<()> {
        let activity = self.0.store.activity().await?;
        let mut others = self.0.others.lock().await;
        let is_news = others
            .activity
            .as_ref()
            .is_some_and(|seen| *seen != activity);
        others.activity = Some(activity);
        drop(others);
        if is_news {
            self.announce(StateChange::Elsewhere);
        }
        Ok(())
    }
}
