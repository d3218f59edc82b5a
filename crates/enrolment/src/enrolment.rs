//! Tokens and agents behind one door.

use std::collections::BTreeSet;
use std::sync::Arc;

use yunhai_cloud::Provider;
use yunhai_database::{Database, Transaction};
use yunhai_model::{AgentId, Clock, EnrolmentTokenId, Secret, TimestampMs};
use yunhai_vault::{TokenHasher, Vault, random_token};

use crate::agent::{Agent, Machine, Seen};
use crate::error::{Error, Result};
use crate::name;
use crate::store::{Kept, Store};
use crate::token::{EnrolmentToken, NewEnrolmentToken};

/// What enrolment tokens and agents' keys begin with, so that people and scanners can tell them.
const TOKEN_PREFIX: &str = "ye_";
const KEY_PREFIX: &str = "ya_";

/// How exactly is kept when an agent was seen last.
const SEEN_MS: i64 = 60_000;

/// By how much a clock has to have moved against ours to be noted at once.
const MOVED_MS: i64 = 5_000;

/// Tells whether a text has the form of an agent's key.
pub fn is_key(text: &str) -> bool {
    text.starts_with(KEY_PREFIX)
}

/// All tokens and agents; cheap to clone.
#[derive(Clone, Debug)]
pub struct Enrolment {
    store: Store,
    hasher: TokenHasher,
    clock: Arc<dyn Clock>,
}

/// Which names a machine that joins may have.
#[derive(Clone, Debug, Default)]
pub struct Names {
    /// What the machine's instance is called here already, where its cloud was asked.
    pub in_cloud: Option<String>,
    /// The names of servers that are surely others.
    pub taken: BTreeSet<String>,
}

/// A machine that has just joined.
#[derive(Debug)]
pub struct Enrolled {
    /// The machine.
    pub agent: Agent,
    /// Its key, which is shown once.
    pub key: Secret,
    /// What it was when it joined before; that key is no longer good.
    pub before: Option<Agent>,
}

impl Enrolment {
    /// Opens tables that were migrated with [`crate::MIGRATIONS`].
    pub fn new(database: Database, vault: &Vault, clock: Arc<dyn Clock>) -> Self {
        Self {
            store: Store(database),
            hasher: vault.token_hasher(),
            clock,
        }
    }

    /// Makes an enrolment token and returns its text, which is kept nowhere.
    pub async fn create_token(
        &self,
        transaction: &mut Transaction,
        new: NewEnrolmentToken,
    ) -> Result<(EnrolmentToken, Secret)> {
        let now_ms = self.clock.now_ms();
        new.check(now_ms)?;
        let text = Secret::new(format!("{TOKEN_PREFIX}{}", random_token().expose()));
        let token = EnrolmentToken {
            id: EnrolmentTokenId::new(),
            name: new.name.trim().to_owned(),
            created_by: new.created_by,
            created_at_ms: now_ms,
            expires_at_ms: new.expires_at_ms,
            uses: new.uses,
            used: 0,
            tags: new.tags,
        };
        let connection = transaction.connection().await?;
        let hash = self.token_hash(&text);
        self.store.add_token(connection, &token, &hash).await?;
        Ok((token, text))
    }

    /// Returns all enrolment tokens, the newest first.
    pub async fn tokens(&self) -> Result<Vec<EnrolmentToken>> {
        self.store.tokens().await
    }

    /// Revokes an enrolment token; machines that have joined with it stay. Returns what it was.
    pub async fn revoke_token(
        &self,
        transaction: &mut Transaction,
        id: EnrolmentTokenId,
    ) -> Result<EnrolmentToken> {
        let id = id.to_string();
        let connection = transaction.connection().await?;
        let held = self.store.hold_token(connection, "id", &id).await?;
        let token = held.ok_or_else(|| not_found("enrolment token", &id))?;
        self.store.delete(connection, Kept::Token, &id).await?;
        Ok(token)
    }

    /// Lets a machine join that has an enrolment token: gives it a name and a key. A machine that has
    /// joined before gets a new key in the place of the old one.
    pub async fn enrol(
        &self,
        transaction: &mut Transaction,
        token: &Secret,
        machine: Machine,
        names: &Names,
    ) -> Result<Enrolled> {
        machine.check()?;
        let now_ms = self.clock.now_ms();
        let connection = transaction.connection().await?;
        let hash = self.token_hash(token);
        let held = self.store.hold_token(connection, "token_hash", &hash);
        let mut token = held.await?.ok_or(Error::UnknownToken)?;
        token.require_open(now_ms)?;
        token.used += 1;
        self.store.change_token(connection, &token).await?;
        let (same, others): (Vec<Agent>, Vec<Agent>) = self
            .store
            .agents(connection)
            .await?
            .into_iter()
            .partition(|agent| agent.is_of(&machine));
        let before = same.into_iter().next();
        let held: BTreeSet<&str> = others.iter().map(|agent| agent.name.as_str()).collect();
        let name = name::choose(
            &machine,
            names.in_cloud.as_deref(),
            before.as_ref().map(|agent| agent.name.as_str()),
            |name| held.contains(name) || names.taken.contains(name),
        );
        let agent = Agent {
            id: before.as_ref().map_or_else(AgentId::new, |agent| agent.id),
            name,
            host_name: machine.host_name,
            machine_id: machine.machine_id,
            version: machine.version,
            cloud: machine.cloud,
            tags: token.tags,
            enrolled_with: token.id,
            enrolled_at_ms: now_ms,
            seen: None,
        };
        let key = Secret::new(format!("{KEY_PREFIX}{}", random_token().expose()));
        let hash = self.key_hash(&key);
        self.store.put_agent(connection, &agent, &hash).await?;
        Ok(Enrolled { agent, key, before })
    }

    /// Finds out which agent has a key.
    pub async fn authenticate(&self, key: &Secret) -> Result<Agent> {
        let found = self.store.agent_by_key(&self.key_hash(key)).await?;
        found.ok_or(Error::UnknownKey)
    }

    /// Notes that an agent was seen: when, from where, in which version, with which clock. Not more
    /// often than once a minute, unless something has changed.
    pub async fn note_seen(
        &self,
        key: &Secret,
        mut agent: Agent,
        version: Option<&str>,
        seen: Seen,
    ) -> Result<()> {
        let has_changed = version.is_some_and(|version| version != agent.version);
        let is_due = agent.seen.as_ref().is_none_or(|before| {
            let skews = before.clock_skew_ms.zip(seen.clock_skew_ms);
            seen.at_ms - before.at_ms >= SEEN_MS
                || before.address != seen.address
                || skews.is_some_and(|(before, now)| (before - now).abs() >= MOVED_MS)
        });
        if !has_changed && !is_due {
            return Ok(());
        }
        if let Some(version) = version {
            agent.version = version.chars().take(100).collect();
        }
        agent.seen = Some(seen);
        self.store.note(&agent, &self.key_hash(key)).await
    }

    /// Returns all agents, by name.
    pub async fn agents(&self) -> Result<Vec<Agent>> {
        self.store.agents(self.store.0.connection()).await
    }

    /// Returns the agents on a provider's machines.
    pub async fn agents_in(&self, provider: Provider) -> Result<Vec<Agent>> {
        let mut agents = self.agents().await?;
        agents.retain(|agent| {
            let cloud = agent.cloud.as_ref();
            cloud.is_some_and(|cloud| cloud.provider == provider)
        });
        Ok(agents)
    }

    /// Revokes an agent's key; returns what the agent was. What it has measured stays.
    pub async fn revoke(&self, transaction: &mut Transaction, id: AgentId) -> Result<Agent> {
        let id = id.to_string();
        let connection = transaction.connection().await?;
        let held = self.store.hold_agent(connection, &id).await?;
        let agent = held.ok_or_else(|| not_found("agent", &id))?;
        self.store.delete(connection, Kept::Agent, &id).await?;
        Ok(agent)
    }

    /// Returns what the time is to the tokens.
    pub fn now_ms(&self) -> TimestampMs {
        self.clock.now_ms()
    }

    fn token_hash(&self, token: &Secret) -> String {
        self.hasher.hash("enrolment token", token.expose().trim())
    }

    fn key_hash(&self, key: &Secret) -> String {
        self.hasher.hash("agent key", key.expose())
    }
}

fn not_found(kind: &'static str, id: &str) -> Error {
    let id = id.to_owned();
    Error::NotFound { kind, id }
}
