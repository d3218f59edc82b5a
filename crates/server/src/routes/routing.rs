//! The routes from alerts to channels, and which of them an alert would take.

mod tree;

use std::sync::Arc;

use axum::extract::State;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use yunhai_api_types::{
    Route, RouteChannel, RouteEscalation, RouteMuting, RoutePreview, RoutePreviewRequest,
    RouteTaken,
};
use yunhai_identity::{Action, AuditEvent, Permission, Target, TargetKind};
use yunhai_model::{ChannelId, Labels};
use yunhai_monitor::{Channel, Destination};

use self::tree::{route_from, route_of};
use super::alerts::{label_map, muting_of};
use crate::app::App;
use crate::caller::Caller;
use crate::error::{ApiResult, Json, Refused};
use crate::version::{Expectation, IF_MATCH, Versioned};

pub(super) fn router() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(show_routes, put_routes))
        .routes(routes!(preview_route))
}

/// Shows the routes from alerts to channels: a tree, of which the deepest match counts.
#[utoipa::path(get, path = "/routes", tag = "channels",
    responses((status = OK, body = Route,
        headers(("ETag" = String, description = "The version, which is sent back as If-Match"))), Refused))]
async fn show_routes(
    State(app): State<Arc<App>>,
    caller: Caller,
) -> ApiResult<Versioned<Json<Route>>> {
    caller.require(Permission::ServersRead)?;
    let route = app.monitor.route().await?;
    Ok(Versioned(route.version(), Json(route_of(&route))))
}

/// Replaces the routes.
#[utoipa::path(put, path = "/routes", tag = "channels", request_body = Route,
    params(("If-Match" = Option<String>, Header, description = IF_MATCH)),
    responses((status = OK, body = Route), Refused))]
async fn put_routes(
    State(app): State<Arc<App>>,
    caller: Caller,
    expectation: Expectation,
    Json(body): Json<Route>,
) -> ApiResult<Versioned<Json<Route>>> {
    caller.require(Permission::ChannelsWrite)?;
    let route = route_from(&body)?;
    let mut transaction = app.database.transaction();
    let before = app
        .monitor
        .replace_route(&mut transaction, &route, &expectation.0)
        .await?;
    let event = AuditEvent::new(Action::RoutesChanged, Target::only(TargetKind::Routes))
        .before(&before)
        .after(&route);
    app.commit(transaction, &caller, [event]).await?;
    Ok(Versioned(route.version(), Json(route_of(&route))))
}

/// Tells which routes an alert with some labels would take, and what would hold it back now.
#[utoipa::path(post, path = "/routes/preview", tag = "channels",
    request_body = RoutePreviewRequest,
    responses((status = OK, body = RoutePreview), Refused))]
async fn preview_route(
    State(app): State<Arc<App>>,
    caller: Caller,
    Json(body): Json<RoutePreviewRequest>,
) -> ApiResult<Json<RoutePreview>> {
    caller.require(Permission::ServersRead)?;
    let labels = Labels::new(body.labels);
    let preview = app.monitor.preview_route(&labels).await?;
    let channels = app.monitor.channels().await?;
    let taken = |destination| taken_of(destination, &labels, &channels);
    let muted_by = preview.muted_by.into_iter().map(|(muting, name)| {
        let muting = muting_of(muting);
        RouteMuting {
            kind: muting.kind,
            id: muting.id,
            name,
        }
    });
    Ok(Json(RoutePreview {
        routes: preview.destinations.into_iter().map(taken).collect(),
        muted_by: muted_by.collect(),
    }))
}

fn taken_of(destination: Destination, labels: &Labels, channels: &[Channel]) -> RouteTaken {
    let secs = |ms: i64| ms as f64 / 1000.0;
    let escalations = destination.escalations.iter();
    RouteTaken {
        route: place_of(&destination.route),
        channels: channels_of(&destination.channels, channels),
        group: label_map(&destination.group_labels(labels)),
        group_wait_secs: secs(destination.group_wait_ms),
        group_interval_secs: secs(destination.group_interval_ms),
        repeat_interval_secs: secs(destination.repeat_interval_ms),
        escalations: escalations
            .map(|step| RouteEscalation {
                after_secs: secs(step.after.as_millis()),
                channels: channels_of(&step.channels, channels),
            })
            .collect(),
        group_by: destination.group_by,
    }
}

fn channels_of(ids: &[ChannelId], channels: &[Channel]) -> Vec<RouteChannel> {
    let known = |id: &ChannelId| channels.iter().find(|channel| channel.id == *id);
    ids.iter()
        .filter_map(known)
        .map(|channel| RouteChannel {
            id: channel.id.to_string(),
            name: channel.name.clone(),
            enabled: channel.is_enabled,
        })
        .collect()
}

/// A route's place as people count, from one.
fn place_of(route: &str) -> String {
    if route.is_empty() {
        return "root".to_owned();
    }
    let numbers = route.split('.').map(|number| {
        let number: usize = number.parse().expect("places are numbers");
        (number + 1).to_string()
    });
    numbers.collect::<Vec<_>>().join(".")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_counted_from_one() {
        assert_eq!(place_of(""), "root");
        assert_eq!(place_of("0.2"), "1.3");
    }
}
