//! What every handler reaches: the domains and what runs in the background.

use std::sync::Arc;

use metrics_exporter_prometheus::PrometheusHandle;
use tokio::sync::broadcast;
use yunhai_database::Database;
use yunhai_identity::Identity;
use yunhai_model::Clock;
use yunhai_monitor::Monitor;
use yunhai_promql::Engine;
use yunhai_series::Store;

use crate::events::LiveEvent;
use crate::fleet::Fleet;
use crate::settings::SettingsStore;

/// The server's parts.
pub struct App {
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) database: Database,
    pub(crate) identity: Identity,
    pub(crate) monitor: Monitor,
    pub(crate) store: Store,
    pub(crate) engine: Engine,
    pub(crate) fleet: Fleet,
    pub(crate) settings: SettingsStore,
    pub(crate) series_location: String,
    pub(crate) events: broadcast::Sender<LiveEvent>,
    pub(crate) own_metrics: PrometheusHandle,
    /// Whether browsers reach the server over HTTPS, so that cookies may be marked `Secure`.
    pub(crate) encrypted: bool,
}
