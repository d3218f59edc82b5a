//! The routes from alerts to channels, and where an alert with some labels would go.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A node of the tree of routes. What is not set is inherited from the node above.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Route {
    /// Which alerts come here, such as `severity="critical"` or `server=~"web-.*"`; none for all.
    pub matchers: Vec<String>,
    /// The ids of the channels where they are told; none for those of the node above.
    pub channels: Vec<String>,
    /// The labels that make a group; `...` for every label, which makes each alert its own group.
    pub group_by: Option<Vec<String>>,
    /// How long a new group waits for more alerts, such as `30s`.
    pub group_wait: Option<String>,
    /// How long a group waits before it tells of changes.
    pub group_interval: Option<String>,
    /// After how long an unchanged group is told again.
    pub repeat_interval: Option<String>,
    /// Whether the routes after this one are tried as well.
    #[serde(rename = "continue")]
    pub is_continued: bool,
    /// Who is told when nobody acknowledges; none for those of the node above.
    pub escalations: Vec<Escalation>,
    /// The routes below, tried in order.
    #[schema(no_recursion)]
    pub routes: Vec<Route>,
}

/// Who is told when an alert has fired for some time and nobody has acknowledged it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Escalation {
    /// How long after the alert fired, such as `15m`.
    pub after: String,
    /// The ids of the channels where it is told then.
    pub channels: Vec<String>,
}

/// Asks where an alert would go.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RoutePreviewRequest {
    /// The alert's labels, `alertname` among them.
    pub labels: BTreeMap<String, String>,
}

/// Where an alert would go now.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct RoutePreview {
    /// The routes that it would take, in the order of the tree.
    pub routes: Vec<RouteTaken>,
    /// What would keep it from being told as long as it lasts.
    pub muted_by: Vec<RouteMuting>,
}

/// A route that an alert would take, with everything that it inherits.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct RouteTaken {
    /// The route's place in the tree, counted from one at each branch, such as `2.1`; `root` for the
    /// root.
    pub route: String,
    /// Where the alert is told; nowhere if there are none.
    pub channels: Vec<RouteChannel>,
    /// The labels by which alerts are grouped; `...` for all.
    pub group_by: Vec<String>,
    /// The labels of the alert's group.
    pub group: BTreeMap<String, String>,
    /// How long a new group waits for more alerts.
    pub group_wait_secs: f64,
    /// How long a group waits before it tells of changes.
    pub group_interval_secs: f64,
    /// After how long an unchanged group is told again.
    pub repeat_interval_secs: f64,
    /// Who is told when nobody acknowledges.
    pub escalations: Vec<RouteEscalation>,
}

/// A channel that a route leads to.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct RouteChannel {
    /// The channel's id.
    pub id: String,
    /// The channel's name.
    pub name: String,
    /// Whether it is used; if not, it is told nothing.
    pub enabled: bool,
}

/// Who is told when nobody acknowledges.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct RouteEscalation {
    /// How long after the alert fired.
    pub after_secs: f64,
    /// Where it is told then.
    pub channels: Vec<RouteChannel>,
}

/// Something that would keep an alert from being told.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct RouteMuting {
    /// `silence`, `maintenance` or `inhibition`.
    pub kind: String,
    /// The id of the silence or the maintenance window, or of the alert that inhibits.
    pub id: String,
    /// The silence's comment, the window's name, or the name of the alert that inhibits.
    pub name: String,
}
