//! One entry of the audit log, and the hash that ties it to the one before.

use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};
use yunhai_model::TimestampMs;

use super::{Action, Outcome, TargetKind};
use crate::entity::audit_entry;
use crate::{Actor, Caller};

/// The hash before the first entry.
pub(crate) const GENESIS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// How much of a name is kept: what a column holds.
const MAX_NAME: usize = 191;

/// On what something was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// What it is.
    pub kind: TargetKind,
    /// Its id, where it has one.
    pub id: Option<String>,
    /// Its name for people.
    pub name: String,
}

impl Target {
    /// Names a thing.
    #[allow(
        clippy::needless_pass_by_value,
        reason = "ids are small, and callers hold them in many forms"
    )]
    pub fn new(kind: TargetKind, id: impl ToString, name: impl Into<String>) -> Self {
        Self {
            kind,
            id: Some(id.to_string()),
            name: name.into(),
        }
    }

    /// Names a thing of which there is one.
    pub fn only(kind: TargetKind) -> Self {
        Self {
            kind,
            id: None,
            name: String::new(),
        }
    }
}

/// Something to record.
#[derive(Clone, Debug, PartialEq)]
pub struct AuditEvent {
    action: Action,
    target: Target,
    outcome: Outcome,
    reason: Option<String>,
    before: Option<Value>,
    after: Option<Value>,
}

impl AuditEvent {
    /// Records that something was done.
    pub fn new(action: Action, target: Target) -> Self {
        Self {
            action,
            target,
            outcome: Outcome::Success,
            reason: None,
            before: None,
            after: None,
        }
    }

    /// Records the state before. Fields that look like secrets are hidden.
    #[must_use]
    pub fn before(mut self, state: &impl Serialize) -> Self {
        self.before = hidden(state);
        self
    }

    /// Records the state after. Fields that look like secrets are hidden.
    #[must_use]
    pub fn after(mut self, state: &impl Serialize) -> Self {
        self.after = hidden(state);
        self
    }

    /// Records why it went as it did.
    #[must_use]
    pub fn because(mut self, reason: impl Into<String>) -> Self {
        self.reason = Some(reason.into());
        self
    }

    /// Records another outcome than success.
    #[must_use]
    pub fn outcome(mut self, outcome: Outcome) -> Self {
        self.outcome = outcome;
        self
    }

    /// Makes the row that follows `previous`.
    pub(crate) fn into_row(
        self,
        caller: &Caller,
        at_ms: TimestampMs,
        (sequence, previous_hash): (i64, String),
    ) -> audit_entry::Model {
        let (actor_kind, actor_id, actor_name, via) = match &caller.actor {
            Actor::System => ("system", None, "yunhai".to_owned(), None),
            Actor::Local { name } => ("local", None, name.clone(), None),
            Actor::Anonymous { name } => ("anonymous", None, name.clone(), None),
            Actor::User { id, name, token } => (
                "user",
                Some(id.to_string()),
                name.clone(),
                token.map(|token| format!("token:{token}")),
            ),
        };
        let mut row = audit_entry::Model {
            sequence,
            at_ms,
            actor_kind: actor_kind.to_owned(),
            actor_id,
            actor_name: shortened(&actor_name),
            via,
            action: self.action.as_str().to_owned(),
            target_kind: self.target.kind.as_str().to_owned(),
            target_id: self.target.id.as_deref().map(shortened),
            target_name: shortened(&self.target.name),
            address: caller.origin.address.map(|address| address.to_string()),
            outcome: self.outcome.as_str().to_owned(),
            reason: self.reason.map(|text| text.replace('\0', "\u{fffd}")),
            before_state: self.before.map(|state| state.to_string()),
            after_state: self.after.map(|state| state.to_string()),
            previous_hash,
            hash: String::new(),
        };
        row.hash = hash(&row, row.sequence, &row.previous_hash);
        row
    }
}

/// Cuts a name to what a column holds. PostgreSQL knows no NUL in texts.
fn shortened(text: &str) -> String {
    text.chars()
        .map(|c| if c == '\0' { '\u{fffd}' } else { c })
        .take(MAX_NAME)
        .collect()
}

/// Turns a state into JSON without its secrets: a last guard, as states should hold none.
fn hidden(state: &impl Serialize) -> Option<Value> {
    const SECRET: [&str; 6] = [
        "password",
        "secret",
        "token",
        "hash",
        "credential",
        "api_key",
    ];
    fn hide(value: &mut Value) {
        match value {
            Value::Object(fields) => {
                for (name, field) in fields {
                    let name = name.to_lowercase();
                    if SECRET.iter().any(|secret| name.contains(secret))
                        && (field.is_string() || field.is_object() || field.is_array())
                    {
                        *field = Value::from("[secret]");
                    } else {
                        hide(field);
                    }
                }
            }
            Value::Array(values) => values.iter_mut().for_each(hide),
            // PostgreSQL takes no NUL, not even escaped, should the column ever become JSON.
            Value::String(text) if text.contains('\0') => *text = text.replace('\0', "\u{fffd}"),
            _ => {}
        }
    }
    let mut value = serde_json::to_value(state).ok()?;
    hide(&mut value);
    Some(value)
}

/// Computes the hash of an entry as if it had another sequence number and predecessor.
///
/// SHA-256 over `yunhai audit v1` and the fields in order, each a presence byte and, when
/// present, its length as 8 bytes big-endian and its bytes.
pub(crate) fn hash(row: &audit_entry::Model, sequence: i64, previous_hash: &str) -> String {
    let mut digest = Sha256::new();
    digest.update(b"yunhai audit v1");
    let mut field = |value: Option<&str>| match value {
        Some(text) => {
            digest.update([1]);
            digest.update((text.len() as u64).to_be_bytes());
            digest.update(text.as_bytes());
        }
        None => digest.update([0]),
    };
    field(Some(previous_hash));
    field(Some(&sequence.to_string()));
    field(Some(&row.at_ms.to_string()));
    field(Some(&row.actor_kind));
    field(row.actor_id.as_deref());
    field(Some(&row.actor_name));
    field(row.via.as_deref());
    field(Some(&row.action));
    field(Some(&row.target_kind));
    field(row.target_id.as_deref());
    field(Some(&row.target_name));
    field(row.address.as_deref());
    field(Some(&row.outcome));
    field(row.reason.as_deref());
    field(row.before_state.as_deref());
    field(row.after_state.as_deref());
    hex::encode(digest.finalize())
}

/// An entry as it is shown.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AuditEntry {
    /// Its number; they count from 1 without gaps.
    pub sequence: i64,
    /// When it happened.
    pub at_ms: TimestampMs,
    /// `system`, `local`, `anonymous` or `user`.
    pub actor_kind: String,
    /// The user's id.
    pub actor_id: Option<String>,
    /// The user's name at the time, or the name that someone gave.
    pub actor_name: String,
    /// `token:<id>` when an API token was used.
    pub via: Option<String>,
    /// The name of an [`Action`]; a newer release may have written one that is not known here.
    pub action: String,
    /// What kind of thing it was done to.
    pub target_kind: String,
    /// The thing's id.
    pub target_id: Option<String>,
    /// The thing's name at the time.
    pub target_name: String,
    /// The network address of the request.
    pub address: Option<String>,
    /// The name of an [`Outcome`].
    pub outcome: String,
    /// Why it went as it did.
    pub reason: Option<String>,
    /// The state before.
    pub before: Option<Value>,
    /// The state after.
    pub after: Option<Value>,
    /// The entry's hash.
    pub hash: String,
}

impl From<audit_entry::Model> for AuditEntry {
    fn from(row: audit_entry::Model) -> Self {
        // What does not parse was tampered with, and is shown as it stands.
        let parse = |text: String| serde_json::from_str(&text).unwrap_or(Value::String(text));
        Self {
            sequence: row.sequence,
            at_ms: row.at_ms,
            actor_kind: row.actor_kind,
            actor_id: row.actor_id,
            actor_name: row.actor_name,
            via: row.via,
            action: row.action,
            target_kind: row.target_kind,
            target_id: row.target_id,
            target_name: row.target_name,
            address: row.address,
            outcome: row.outcome,
            reason: row.reason,
            before: row.before_state.map(parse),
            after: row.after_state.map(parse),
            hash: row.hash,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_hashes_as_documented() {
        let event = AuditEvent::new(
            Action::UserCreated,
            Target::new(TargetKind::User, "1", "ann"),
        );
        let row = event.into_row(&Caller::local("root"), 5, (1, GENESIS.to_owned()));
        // Computed by the Python program in docs/formats/audit.md.
        assert_eq!(
            row.hash,
            "d848b236b56465519e26a33ea60189c667cf012e9433f5fa05926e149ed5444e"
        );
    }

    #[test]
    fn secrets_are_hidden_at_any_depth() {
        let state = serde_json::json!({
            "name": "mail", "smtp": {"password": "geheim", "port": 25},
            "tokens": ["geheim"], "has_password": true,
        });
        let shown = hidden(&state).unwrap();
        assert!(!shown.to_string().contains("geheim"), "{shown}");
        assert_eq!(shown["smtp"]["port"], 25);
        assert_eq!(shown["has_password"], true);
    }
}
