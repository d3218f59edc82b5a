//! The audit log.

use serde::{Deserialize, Serialize};
use utoipa::openapi::Ref;
use utoipa::{IntoParams, ToSchema};

/// One entry of the audit log.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct AuditEntry {
    /// Its place in the chain, from 1.
    pub seq: i64,
    /// When it happened.
    pub time_ms: i64,
    /// Who did it.
    pub actor: String,
    /// What was done.
    #[schema(schema_with = action)]
    pub action: String,
    /// On what: the kind of thing, and its name where it has one.
    pub target: String,
    /// From where.
    pub address: String,
    /// How it ended: `ok`, `denied` or `failed`.
    pub outcome: String,
    /// Why it went as it did, where there is something to say: `wrong password`.
    pub reason: Option<String>,
    /// What it was before, where something changed.
    pub before: Option<serde_json::Value>,
    /// What it is after, where something changed.
    pub after: Option<serde_json::Value>,
    /// The entry's hash, which covers the hash before it.
    pub hash: String,
}

/// Which entries are asked for.
#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct AuditFilter {
    /// Who did it.
    pub actor: Option<String>,
    /// What was done.
    #[param(schema_with = action)]
    pub action: Option<String>,
    /// On what kind of thing.
    #[param(schema_with = target_kind)]
    pub target: Option<String>,
    /// How it ended.
    pub outcome: Option<String>,
    /// From this moment on.
    pub from_ms: Option<i64>,
    /// Until before this moment.
    pub to_ms: Option<i64>,
}

/// Whether the audit log is as it was written.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct AuditVerification {
    /// True where nothing was changed, deleted, inserted or cut off.
    pub ok: bool,
    /// How many entries were checked.
    pub entries: u64,
    /// The first bad entry.
    pub first_bad: Option<AuditFault>,
}

/// What is wrong with the audit log, and where.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct AuditFault {
    /// The entry's place in the chain.
    pub seq: i64,
    /// What happened to it.
    pub problem: String,
}

/// Every action has a name, which the crate that keeps the log knows; the server describes them.
fn action() -> Ref {
    Ref::from_schema_name("AuditAction")
}

/// So has every kind of thing that something is done on.
fn target_kind() -> Ref {
    Ref::from_schema_name("AuditTargetKind")
}
