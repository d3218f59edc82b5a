//! What every handler reaches: the domains and what runs in the background.

use std::sync::Arc;

use metrics_exporter_prometheus::PrometheusHandle;
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;
use yunhai_database::Database;
use yunhai_enrolment::Enrolment;
use yunhai_identity::Identity;
use yunhai_inventory::Inventory;
use yunhai_model::Clock;
use yunhai_monitor::{Monitor, Probes, ServerDirectory};
use yunhai_promql::Engine;
use yunhai_series::Store;

use crate::arrivals::Arrivals;
use crate::audit_watch::AuditVerdict;
use crate::collect::LocalHost;
use crate::events::LiveEvent;
use crate::fleet::Fleet;
use crate::health::Health;
use crate::queries::Queries;

/// The server's parts.
pub struct App {
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) database: Database,
    pub(crate) health: Health,
    pub(crate) identity: Identity,
    pub(crate) monitor: Monitor,
    pub(crate) store: Store,
    pub(crate) engine: Engine,
    /// Queries of people.
    pub(crate) queries: Queries,
    pub(crate) fleet: Fleet,
    /// The machine that the server runs on.
    pub(crate) host: LocalHost,
    /// What people set for servers.
    pub(crate) directory: ServerDirectory,
    pub(crate) probes: Probes,
    /// Accounts with clouds and the servers in them.
    pub(crate) inventory: Inventory,
    /// Agents on machines, and the tokens with which machines join.
    pub(crate) enrolment: Enrolment,
    /// When the measurements of other servers arrive.
    pub(crate) arrivals: Arrivals,
    /// What the last verification of the audit log found.
    pub(crate) audit_verdict: AuditVerdict,
    pub(crate) series_location: String,
    pub(crate) events: broadcast::Sender<LiveEvent>,
    pub(crate) own_metrics: PrometheusHandle,
    /// Cancelled when the server is asked to stop.
    pub(crate) stop: CancellationToken,
    /// Whether browsers reach the server over HTTPS, so that cookies may be marked `Secure`.
    pub(crate) encrypted: bool,
}
