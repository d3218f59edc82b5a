//! The API over real HTTP, as browsers and programs use it.
#![allow(clippy::unwrap_used)]

#[path = "it/access.rs"]
mod access;
#[path = "it/accounts.rs"]
mod accounts;
#[path = "it/agents.rs"]
mod agents;
#[path = "it/alerting.rs"]
mod alerting;
#[path = "it/changes.rs"]
mod changes;
#[path = "it/clouds.rs"]
mod clouds;
#[path = "it/delivery.rs"]
mod delivery;
#[path = "it/grafana.rs"]
mod grafana;
#[path = "it/harness.rs"]
mod harness;
#[path = "it/health.rs"]
mod health;
#[path = "it/meanwhile.rs"]
mod meanwhile;
#[path = "it/muting.rs"]
mod muting;
#[path = "it/own_metrics.rs"]
mod own_metrics;
#[path = "it/probes.rs"]
mod probes;
#[path = "it/prometheus.rs"]
mod prometheus;
#[path = "it/reauthentication.rs"]
mod reauthentication;
#[path = "it/refusals.rs"]
mod refusals;
#[path = "it/routing.rs"]
mod routing;
#[path = "it/security_events.rs"]
mod security_events;
#[path = "it/session.rs"]
mod session;
#[path = "it/three_clouds.rs"]
mod three_clouds;
#[path = "it/tokens.rs"]
mod tokens;
