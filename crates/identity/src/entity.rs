//! The rows of this crate's tables, as SeaORM reads and writes them, and the migrations that
//! make the tables. Rows become the types of the domain before they leave the crate.
#![allow(
    unreachable_pub,
    missing_docs,
    reason = "SeaORM's derives make public items; the module is private"
)]

pub mod api_token;
pub mod audit_checkpoint;
pub mod audit_entry;
pub mod audit_head;
pub mod invitation;
pub mod key_ring;
pub mod login_failure;
pub mod recovery_code;
pub mod session;
pub mod setting;
pub mod user;

use yunhai_database::{Migration, Table};

/// The tables of users, their proofs of identity, and the audit log, for
/// [`yunhai_database::Database::migrate`].
pub const MIGRATIONS: &[Migration] = &[
    Migration {
        domain: "vault",
        version: 1,
        name: "the key ring",
        statements: |backend| {
            Table::new("key_ring")
                .string("id")
                .text("content")
                .integer("revision")
                .primary_key(&["id"])
                .statements(backend)
        },
    },
    Migration {
        domain: "identity",
        version: 1,
        name: "users, sessions, tokens and the audit log",
        statements: |backend| {
            tables()
                .iter()
                .flat_map(|table| table.statements(backend))
                .collect()
        },
    },
    Migration {
        domain: "identity",
        version: 2,
        name: "since when a second factor is on",
        statements: |backend| {
            Table::new("users")
                .integer("totp_enabled_at_ms")
                .nullable()
                .additions(backend)
        },
    },
    Migration {
        domain: "identity",
        version: 3,
        name: "which token a token was made with",
        statements: |backend| {
            Table::new("api_tokens")
                .id("made_by")
                .nullable()
                .index(&["made_by"])
                .additions(backend)
        },
    },
];

fn tables() -> [Table; 10] {
    [
        Table::new("users")
            .id("id")
            .string("name")
            .string("name_key")
            .string("display_name")
            .string("email")
            .nullable()
            .string("role")
            .string("state")
            .string("language")
            .nullable()
            .text("password_hash")
            .nullable()
            .text("totp_secret")
            .nullable()
            .boolean("totp_enabled")
            .integer("totp_last_step")
            .integer("created_at_ms")
            .integer("updated_at_ms")
            .integer("last_login_at_ms")
            .nullable()
            .primary_key(&["id"])
            .unique(&["name_key"])
            .index(&["role", "state"]),
        Table::new("recovery_codes")
            .id("user_id")
            .string("code_hash")
            .integer("used_at_ms")
            .nullable()
            .primary_key(&["user_id", "code_hash"])
            .belongs_to("user_id", "users"),
        Table::new("sessions")
            .id("id")
            .id("user_id")
            .string("token_hash")
            .string("previous_hash")
            .nullable()
            .integer("previous_until_ms")
            .string("address")
            .nullable()
            .text("device")
            .nullable()
            .integer("created_at_ms")
            .integer("last_seen_at_ms")
            .integer("authenticated_at_ms")
            .integer("expires_at_ms")
            .boolean("rotate")
            .primary_key(&["id"])
            .unique(&["token_hash"])
            .index(&["previous_hash"])
            .index(&["user_id"])
            .belongs_to("user_id", "users"),
        Table::new("api_tokens")
            .id("id")
            .id("user_id")
            .string("name")
            .string("token_hash")
            .text("scopes")
            .integer("created_at_ms")
            .integer("expires_at_ms")
            .nullable()
            .integer("last_used_at_ms")
            .nullable()
            .string("last_used_address")
            .nullable()
            .primary_key(&["id"])
            .unique(&["token_hash"])
            .index(&["user_id"])
            .belongs_to("user_id", "users"),
        Table::new("invitations")
            .id("id")
            .string("code_hash")
            .string("email")
            .nullable()
            .string("role")
            .string("created_by")
            .integer("created_at_ms")
            .integer("expires_at_ms")
            .integer("used_at_ms")
            .nullable()
            .string("used_by")
            .nullable()
            .primary_key(&["id"])
            .unique(&["code_hash"]),
        Table::new("login_failures")
            .string("kind")
            .string("subject")
            .integer("failures")
            .integer("last_at_ms")
            .integer("locked_until_ms")
            .primary_key(&["kind", "subject"]),
        Table::new("identity_settings")
            .string("id")
            .text("content")
            .primary_key(&["id"]),
        Table::new("audit_entries")
            .integer("sequence")
            .integer("at_ms")
            .string("actor_kind")
            .string("actor_id")
            .nullable()
            .string("actor_name")
            .string("via")
            .nullable()
            .string("action")
            .string("target_kind")
            .string("target_id")
            .nullable()
            .string("target_name")
            .string("address")
            .nullable()
            .string("outcome")
            .text("reason")
            .nullable()
            .text("before_state")
            .nullable()
            .text("after_state")
            .nullable()
            .string("previous_hash")
            .string("hash")
            .primary_key(&["sequence"])
            .index(&["at_ms"])
            .index(&["actor_name"])
            .index(&["action"]),
        Table::new("audit_head")
            .string("id")
            .integer("sequence")
            .string("hash")
            .primary_key(&["id"]),
        Table::new("audit_checkpoints")
            .integer("sequence")
            .string("hash")
            .integer("at_ms")
            .string("public_key")
            .string("signature")
            .primary_key(&["sequence"]),
    ]
}
