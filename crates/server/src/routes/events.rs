//! Server-sent events: what changed, as it happens.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::response::sse::{Event, KeepAlive};
use axum::response::{IntoResponse, Sse};
use axum::routing::get;
use futures::StreamExt;
use http::HeaderName;
use tokio_stream::wrappers::BroadcastStream;
use yunhai_identity::Permission;

use crate::app::App;
use crate::caller::Caller;
use crate::error::ApiResult;
use crate::events::LiveEvent;

/// Asks nginx to pass each event on at once.
const UNBUFFERED: HeaderName = HeaderName::from_static("x-accel-buffering");

pub(crate) fn router() -> Router<Arc<App>> {
    Router::new().route("/api/v1/events", get(events))
}

async fn events(State(app): State<Arc<App>>, caller: Caller) -> ApiResult<impl IntoResponse> {
    caller.require(Permission::ServersRead)?;
    let stream = BroadcastStream::new(app.events.subscribe()).map(|event| {
        // A reader that fell behind is told to look at everything anew.
        let event = event.unwrap_or(LiveEvent {
            kind: "everything",
            id: None,
        });
        let event = Event::default().event("change").json_data(event);
        Ok::<_, Infallible>(event.unwrap_or_default())
    });
    // An end now and then makes a browser come back with its session checked again. A server that
    // stops does not wait for readers.
    let stop = app.stop.clone().cancelled_owned();
    let end = async move {
        let _ = tokio::time::timeout(Duration::from_mins(10), stop).await;
    };
    let stream = stream.take_until(Box::pin(end));
    let events = Sse::new(stream).keep_alive(KeepAlive::new().interval(Duration::from_secs(15)));
    Ok(([(UNBUFFERED, "no")], events))
}
