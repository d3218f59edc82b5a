//! Notification channels and the log of what was sent.

mod wording;

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use http::StatusCode;
use serde_json::{Value, json};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use yunhai_api_types::{
    Channel, ChannelFilter, ChannelPreview, ChannelPreviewRequest, ChannelRequest, ChannelTest,
    Fault, List, ListQuery, NotificationEntry, NotificationFilter, Problem, ProblemCode,
};
use yunhai_identity::{Action, AuditEvent, Outcome, Permission, Target, TargetKind};
use yunhai_model::{ChannelId, PageRequest, TimestampMs};
use yunhai_monitor::{
    Channel as Stored, NewChannel, OutboxEntry, OutboxFilter, OutboxState, version_of,
};

use self::wording::{language_word, message_from, quiet_from, quiet_of};
use crate::app::App;
use crate::caller::Caller;
use crate::changes;
use crate::error::{ApiError, ApiResult, Json, Path, Query, Refused};
use crate::list::{SortField, list, list_of, page_request, request_for};
use crate::version::{Expectation, IF_MATCH};

/// What stands for a secret in an answer, and for "as it was" in a request.
const HIDDEN: &str = "********";

const CHANNEL_FIELDS: &[SortField<Channel>] = &[
    ("name", |a, b| a.name.cmp(&b.name)),
    ("kind", |a, b| a.kind.cmp(&b.kind)),
    ("enabled", |a, b| a.enabled.cmp(&b.enabled)),
    ("last_used_ms", |a, b| a.last_used_ms.cmp(&b.last_used_ms)),
];

const NOTIFICATION_FIELDS: &[(&str, &str)] = &[
    ("created_at_ms", "created_at"),
    ("sent_at_ms", "finished_at"),
    ("next_attempt_ms", "due_at"),
    ("attempts", "attempts"),
    ("state", "state"),
];

pub(super) fn router() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(list_channels, create_channel))
        .routes(routes!(show_channel, update_channel, delete_channel))
        .routes(routes!(test_channel))
        .routes(routes!(preview_channel))
        .routes(routes!(list_notifications))
}

/// Lists channels; their secrets are hidden.
#[utoipa::path(get, path = "/channels", tag = "channels", params(ListQuery, ChannelFilter),
    responses((status = OK, body = List<Channel>), Refused))]
async fn list_channels(
    State(app): State<Arc<App>>,
    caller: Caller,
    Query(query): Query<ListQuery>,
    Query(filter): Query<ChannelFilter>,
) -> ApiResult<Json<List<Channel>>> {
    caller.require(Permission::ServersRead)?;
    let request = request_for(&query, CHANNEL_FIELDS)?;
    let mut channels = Vec::new();
    for channel in app.monitor.channels().await? {
        let is_wanted = filter
            .kind
            .as_ref()
            .is_none_or(|kind| kind == kind_of(&channel))
            && filter
                .enabled
                .is_none_or(|enabled| enabled == channel.is_enabled);
        if is_wanted {
            channels.push(channel_of(&app, channel).await?);
        }
    }
    list(channels, &request, CHANNEL_FIELDS, |channel, text| {
        channel.name.to_lowercase().contains(text) || channel.kind.contains(text)
    })
}

/// Adds a channel.
#[utoipa::path(post, path = "/channels", tag = "channels", request_body = ChannelRequest,
    responses((status = CREATED, body = Channel), Refused))]
async fn create_channel(
    State(app): State<Arc<App>>,
    caller: Caller,
    Json(body): Json<ChannelRequest>,
) -> ApiResult<(StatusCode, Json<Channel>)> {
    caller.require(Permission::ChannelsWrite)?;
    let mut transaction = app.database.transaction();
    let channel = app
        .monitor
        .add_channel(&mut transaction, new_channel(body)?)
        .await?;
    let channel = shown(channel, None);
    let event =
        AuditEvent::new(Action::ChannelCreated, target(&channel)).after(&recorded(&channel));
    app.commit(transaction, &caller, [event]).await?;
    Ok((StatusCode::CREATED, Json(channel)))
}

/// Shows a channel; its secrets are hidden.
#[utoipa::path(get, path = "/channels/{id}", tag = "channels", params(ChannelPath),
    responses((status = OK, body = Channel), Refused))]
async fn show_channel(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(path): Path<ChannelPath>,
) -> ApiResult<Json<Channel>> {
    caller.require(Permission::ServersRead)?;
    let channel = app.monitor.channel(path.id()?).await?;
    Ok(Json(channel_of(&app, channel).await?))
}

/// Changes a channel; secrets that come back hidden stay as they were.
#[utoipa::path(put, path = "/channels/{id}", tag = "channels",
    params(ChannelPath, ("If-Match" = Option<String>, Header, description = IF_MATCH)),
    request_body = ChannelRequest,
    responses((status = OK, body = Channel), Refused))]
async fn update_channel(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(path): Path<ChannelPath>,
    expectation: Expectation,
    Json(mut body): Json<ChannelRequest>,
) -> ApiResult<Json<Channel>> {
    caller.require(Permission::ChannelsWrite)?;
    let id = path.id()?;
    let before = app.monitor.channel(id).await?;
    hide_absent(&mut body.config, &before.config);
    let last = last_use(&app, id).await?;
    let mut transaction = app.database.transaction();
    let (before, channel) = app
        .monitor
        .change_channel(&mut transaction, id, new_channel(body)?)
        .await?;
    let (before, channel) = (shown(before, last.clone()), shown(channel, last));
    expectation.check(&before.version)?;
    let event = AuditEvent::new(Action::ChannelUpdated, target(&channel))
        .before(&recorded(&before))
        .after(&recorded(&channel));
    app.commit(transaction, &caller, [event]).await?;
    Ok(Json(channel))
}

/// Deletes a channel that no route names.
#[utoipa::path(delete, path = "/channels/{id}", tag = "channels", params(ChannelPath),
    responses((status = NO_CONTENT), Refused))]
async fn delete_channel(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(path): Path<ChannelPath>,
) -> ApiResult<StatusCode> {
    caller.require(Permission::ChannelsWrite)?;
    let id = path.id()?;
    let last = last_use(&app, id).await?;
    let mut transaction = app.database.transaction();
    let before = app.monitor.delete_channel(&mut transaction, id).await?;
    let before = shown(before, last);
    let event = AuditEvent::new(Action::ChannelDeleted, target(&before)).before(&recorded(&before));
    app.commit(transaction, &caller, [event]).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Sends a test and shows what the other side really answered.
#[utoipa::path(post, path = "/channels/{id}/test", tag = "channels", params(ChannelPath),
    responses((status = OK, body = ChannelTest), Refused))]
async fn test_channel(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(path): Path<ChannelPath>,
) -> ApiResult<Json<ChannelTest>> {
    caller.require(Permission::ChannelsWrite)?;
    let channel = app.monitor.channel(path.id()?).await?;
    let user = &caller.principal.user.name;
    let test = match app.monitor.test_channel(channel.id, user).await {
        Ok(delivered) => ChannelTest {
            ok: true,
            answer: delivered.answer,
        },
        Err(yunhai_monitor::Error::Notify(error)) => ChannelTest {
            ok: false,
            answer: error.to_string(),
        },
        Err(error) => return Err(error.into()),
    };
    let target = Target::new(TargetKind::Channel, channel.id, channel.name);
    let event = AuditEvent::new(Action::ChannelTested, target)
        .outcome(if test.ok {
            Outcome::Success
        } else {
            Outcome::Failure
        })
        .after(&test);
    app.identity.audit().record(&caller.actor(), event).await?;
    Ok(Json(test))
}

/// Shows how a sample alert would read on a channel, or what is wrong with its templates.
#[utoipa::path(post, path = "/channels/preview", tag = "channels",
    request_body = ChannelPreviewRequest,
    responses((status = OK, body = ChannelPreview), Refused))]
async fn preview_channel(
    State(app): State<Arc<App>>,
    caller: Caller,
    Json(body): Json<ChannelPreviewRequest>,
) -> ApiResult<Json<ChannelPreview>> {
    caller.require(Permission::ServersRead)?;
    let message = message_from(body.language, body.title_template, body.body_template)?;
    let config = json!({ "kind": body.kind });
    let preview = app.monitor.preview_message(&config, &message)?;
    Ok(Json(ChannelPreview {
        title: preview.title,
        body: preview.body,
    }))
}

/// Lists notifications: what was sent, what waits, what failed.
#[utoipa::path(get, path = "/notifications", tag = "channels",
    params(ListQuery, NotificationFilter),
    responses((status = OK, body = List<NotificationEntry>), Refused))]
async fn list_notifications(
    State(app): State<Arc<App>>,
    caller: Caller,
    Query(query): Query<ListQuery>,
    Query(filter): Query<NotificationFilter>,
) -> ApiResult<Json<List<NotificationEntry>>> {
    caller.require(Permission::ServersRead)?;
    let request = page_request(&query, NOTIFICATION_FIELDS)?;
    let filter = OutboxFilter {
        states: filter
            .state
            .map(|text| outbox_state(&text))
            .transpose()?
            .into_iter()
            .collect(),
        channel: filter
            .channel
            .map(|text| {
                text.parse::<ChannelId>()
                    .map_err(|error| ApiError::new(ProblemCode::InvalidRequest, error.to_string()))
            })
            .transpose()?,
    };
    let names: BTreeMap<ChannelId, String> = app
        .monitor
        .channels()
        .await?
        .into_iter()
        .map(|channel| (channel.id, channel.name))
        .collect();
    let page = app.monitor.notifications(&filter, &request).await?;
    Ok(Json(list_of(page, &request, |entry| {
        entry_of(entry, &names)
    })))
}

/// Which channel.
#[derive(serde::Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Path)]
struct ChannelPath {
    /// The channel's id.
    id: String,
}

impl ChannelPath {
    fn id(&self) -> ApiResult<ChannelId> {
        self.id
            .parse()
            .map_err(|_| ApiError::not_found(format_args!("channel {}", self.id)))
    }
}

/// The channel in the audit log, beside which stands what is shown of it: its secrets are hidden.
fn target(channel: &Channel) -> Target {
    Target::new(TargetKind::Channel, &channel.id, channel.name.clone())
}

/// Puts the kind among the settings, as alerting keeps them.
fn new_channel(body: ChannelRequest) -> ApiResult<NewChannel> {
    let Value::Object(mut config) = body.config else {
        let fault = Fault {
            pointer: Some("/config".to_owned()),
            detail: "must be an object".to_owned(),
            ..Fault::default()
        };
        let problem = Problem::new(ProblemCode::ValidationFailed, "config must be an object");
        return Err(problem.with_errors(vec![fault]).into());
    };
    config.insert("kind".to_owned(), json!(body.kind));
    Ok(NewChannel {
        name: body.name,
        config: Value::Object(config),
        is_enabled: body.enabled,
        message: message_from(body.language, body.title_template, body.body_template)?,
        quiet_hours: body.quiet_hours.map(quiet_from),
    })
}

/// Marks secrets that a request leaves out or sends as `null` as unchanged. Deeper down only `null`
/// says so: there a header, or a part of another way to authorise, that is left out is gone.
fn hide_absent(config: &mut Value, before: &Value) {
    if let (Value::Object(config), Value::Object(before)) = (&mut *config, before) {
        for (name, _) in before.iter().filter(|(_, old)| **old == HIDDEN) {
            config.entry(name.clone()).or_insert(Value::Null);
        }
    }
    hide_null(config, before);
}

fn hide_null(config: &mut Value, before: &Value) {
    let (Value::Object(config), Value::Object(before)) = (config, before) else {
        return;
    };
    for (name, old) in before {
        match config.get_mut(name) {
            Some(field) if field.is_null() && *old == HIDDEN => *field = json!(HIDDEN),
            Some(field) => hide_null(field, old),
            None => {}
        }
    }
}

/// When a channel was used last, whether it arrived, and what came back.
type LastUse = (TimestampMs, bool, Option<String>);

async fn last_use(app: &App, channel: ChannelId) -> ApiResult<Option<LastUse>> {
    let last = app
        .monitor
        .notifications(
            &OutboxFilter {
                states: vec![OutboxState::Sent, OutboxState::Failed],
                channel: Some(channel),
            },
            &PageRequest {
                page_size: 1,
                ..PageRequest::default()
            },
        )
        .await?
        .items
        .into_iter()
        .next();
    let last = last.and_then(|entry| {
        let ok = entry.state == OutboxState::Sent;
        Some((entry.attempted_at_ms?, ok, entry.error.or(entry.answer)))
    });
    let test = app.monitor.last_channel_test(channel).await?;
    let test = test.map(|test| (test.at_ms, test.ok, Some(test.result)));
    Ok(last.max(test))
}

async fn channel_of(app: &App, channel: Stored) -> ApiResult<Channel> {
    let last = last_use(app, channel.id).await?;
    Ok(shown(channel, last))
}

/// A channel as the audit log has it.
fn recorded(channel: &Channel) -> Value {
    changes::recorded(
        channel,
        &["last_used_ms", "last_ok", "last_result", "version"],
    )
}

fn shown(channel: Stored, last: Option<LastUse>) -> Channel {
    let kind = kind_of(&channel).to_owned();
    let mut config = channel.config;
    if let Value::Object(fields) = &mut config {
        fields.remove("kind");
    }
    Channel {
        // Secrets are hidden here, so that what is shown does not tell versions apart.
        version: version_of(&channel.updated_at_ms),
        id: channel.id.to_string(),
        name: channel.name,
        kind,
        enabled: channel.is_enabled,
        config,
        language: channel.message.language.map(language_word),
        title_template: channel.message.title,
        body_template: channel.message.body,
        quiet_hours: channel.quiet_hours.map(quiet_of),
        last_used_ms: last.as_ref().map(|(at_ms, ..)| *at_ms),
        last_ok: last.as_ref().map(|(_, ok, _)| *ok),
        last_result: last.and_then(|(.., result)| result),
    }
}

fn kind_of(channel: &Stored) -> &str {
    channel.config["kind"].as_str().unwrap_or_default()
}

fn outbox_state(text: &str) -> ApiResult<OutboxState> {
    [
        OutboxState::Pending,
        OutboxState::Sending,
        OutboxState::Sent,
        OutboxState::Failed,
        OutboxState::Merged,
        OutboxState::Held,
        OutboxState::Dropped,
    ]
    .into_iter()
    .find(|state| state.as_str() == text)
    .ok_or_else(|| {
        ApiError::new(
            ProblemCode::InvalidRequest,
            format!(
                "state: there is no state `{text}`; choose pending, sending, sent, failed, \
                 merged, held or dropped"
            ),
        )
    })
}

fn entry_of(entry: OutboxEntry, names: &BTreeMap<ChannelId, String>) -> NotificationEntry {
    let (firing, resolved) = entry.notification.counts();
    let alerts = firing + resolved;
    let summary = entry
        .notification
        .common_labels
        .get("alertname")
        .or_else(|| {
            entry
                .notification
                .alerts
                .first()
                .and_then(|alert| alert.labels.get("alertname"))
        })
        .unwrap_or_default();
    NotificationEntry {
        summary: format!(
            "{} {summary} ({alerts})",
            entry.notification.status.as_str()
        ),
        channel_id: entry.channel.to_string(),
        channel: names
            .get(&entry.channel)
            .cloned()
            .unwrap_or_else(|| entry.channel.to_string()),
        state: entry.state.as_str().to_owned(),
        attempts: u32::try_from(entry.attempts).unwrap_or_default(),
        created_at_ms: entry.created_at_ms,
        sent_at_ms: entry
            .finished_at_ms
            .filter(|_| entry.state == OutboxState::Sent),
        next_attempt_ms: matches!(
            entry.state,
            OutboxState::Pending | OutboxState::Sending | OutboxState::Held
        )
        .then_some(entry.due_at_ms),
        answer: entry.error.or(entry.answer),
        id: entry.id,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hidden(mut config: Value, before: &Value) -> Value {
        hide_absent(&mut config, before);
        config
    }

    #[test]
    fn a_secret_that_is_left_out_stays() {
        let before = json!({"url": HIDDEN, "name": "a"});
        assert_eq!(hidden(json!({}), &before), json!({"url": HIDDEN}));
        assert_eq!(
            hidden(json!({"url": "new"}), &before),
            json!({"url": "new"})
        );
    }

    #[test]
    fn a_header_and_another_way_to_authorise_that_are_left_out_are_gone() {
        let before = json!({
            "headers": {"X-A": HIDDEN, "X-B": HIDDEN},
            "authorization": {"type": "bearer", "token": HIDDEN},
        });
        let config = json!({
            "headers": {"X-A": null},
            "authorization": {"type": "basic", "username": "u", "password": "p"},
        });
        let expected = json!({
            "headers": {"X-A": HIDDEN},
            "authorization": {"type": "basic", "username": "u", "password": "p"},
        });
        assert_eq!(hidden(config, &before), expected);
    }
}
