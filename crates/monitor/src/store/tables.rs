//! The tables and how they came to be.

use sea_orm::{DbBackend, Statement};
use yunhai_database::{Migration, Table};

/// The tables of alerting, for [`yunhai_database::Database::migrate`].
pub const MIGRATIONS: &[Migration] = &[
    Migration {
        domain: "monitor",
        version: 1,
        name: "rules, alerts, silences, routes, channels, outbox",
        statements: first,
    },
    Migration {
        domain: "monitor",
        version: 2,
        name: "inhibitions, versions of alerts, the lease of the leader",
        statements: second,
    },
    Migration {
        domain: "monitor",
        version: 3,
        name: "the files that rules came from, how urgent alerts are",
        statements: third,
    },
    Migration {
        domain: "probe",
        version: 1,
        name: "probes, and what people set for servers",
        statements: super::probes::tables,
    },
];

fn third(backend: DbBackend) -> Vec<Statement> {
    [
        Table::new("monitor_rule_file").string("origin").nullable(),
        Table::new("monitor_alert").integer("urgency").nullable(),
    ]
    .iter()
    .flat_map(|table| table.additions(backend))
    .collect()
}

fn second(backend: DbBackend) -> Vec<Statement> {
    let mut statements = Table::new("monitor_inhibition")
        .id("id")
        .text("body")
        .primary_key(&["id"])
        .statements(backend);
    statements.extend(
        Table::new("monitor_lease")
            .string("name")
            .string("node")
            .string("server")
            .integer("term")
            .integer("beat")
            .integer("since")
            .primary_key(&["name"])
            .statements(backend),
    );
    for table in [
        Table::new("monitor_alert")
            .integer("version")
            .nullable()
            .index(&["ended_at"]),
        Table::new("monitor_alert_event").index(&["at"]),
        Table::new("monitor_outbox").index(&["finished_at"]),
    ] {
        statements.extend(table.additions(backend));
    }
    statements
}

fn first(backend: DbBackend) -> Vec<Statement> {
    [
        Table::new("monitor_rule_file")
            .string("name")
            .text("source")
            .string("updated_by")
            .integer("updated_at")
            .primary_key(&["name"]),
        Table::new("monitor_alert")
            .id("id")
            .string("rule_file")
            .string("rule_group")
            .string("name")
            .string("fingerprint")
            .string("state")
            .string("severity")
            .string("server")
            .integer("active_since")
            .integer("fired_at")
            .nullable()
            .integer("ended_at")
            .nullable()
            .boolean("is_settled")
            .text("search")
            .text("body")
            .primary_key(&["id"])
            .index(&["rule_file", "rule_group"])
            .index(&["is_settled"])
            .index(&["state", "active_since"]),
        Table::new("monitor_alert_event")
            .id("id")
            .id("alert_id")
            .integer("at")
            .text("body")
            .primary_key(&["id"])
            .index(&["alert_id"]),
        Table::new("monitor_known_series")
            .string("rule")
            .text("body")
            .primary_key(&["rule"]),
        Table::new("monitor_silence")
            .id("id")
            .integer("starts_at")
            .integer("ends_at")
            .string("author")
            .text("search")
            .text("body")
            .primary_key(&["id"])
            .index(&["ends_at"]),
        Table::new("monitor_window")
            .id("id")
            .text("body")
            .primary_key(&["id"]),
        Table::new("monitor_setting")
            .string("name")
            .text("body")
            .primary_key(&["name"]),
        Table::new("monitor_channel")
            .id("id")
            .string("name")
            .text("body")
            .primary_key(&["id"])
            .unique(&["name"]),
        Table::new("monitor_group")
            .string("key")
            .integer("version")
            .text("body")
            .primary_key(&["key"]),
        Table::new("monitor_outbox")
            .string("id")
            .id("channel_id")
            .string("group_key")
            .integer("sequence")
            .string("state")
            .integer("created_at")
            .integer("due_at")
            .integer("attempts")
            .integer("attempted_at")
            .nullable()
            .integer("finished_at")
            .nullable()
            .text("body")
            .primary_key(&["id"])
            .index(&["state", "due_at"])
            .index(&["channel_id", "attempted_at"])
            .index(&["created_at"]),
    ]
    .iter()
    .flat_map(|table| table.statements(backend))
    .collect()
}
