//! Orders to clouds: to make servers, and to do something with one.

use std::sync::Arc;

use axum::extract::{FromRequestParts, State};
use http::StatusCode;
use http::request::Parts;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use yunhai_api_types::{
    CloudFinding, CloudOrder, CloudOrderAction, CloudOrderFilter, CloudOrderState,
    CloudServerAction, CloudServerActionRequest, CloudServerCheck, CloudServerRequest, List,
    ListQuery, ProblemCode,
};
use yunhai_cloud::{CreateCheck, NewServer, ServerAction};
use yunhai_database::Transaction;
use yunhai_identity::{Action, AuditEvent, Permission};
use yunhai_inventory::{Order, OrderBy, OrderFilter, OrderState, Ordered, Placed};
use yunhai_model::{CloudOrderId, Secret};

use super::{AccountPath, trouble_of, usd};
use crate::app::App;
use crate::caller::Caller;
use crate::clouds::{order_target, recorded_order};
use crate::error::{ApiError, ApiResult, Json, Path, Query, Refused};
use crate::list::{list_of, page_request};

const SORT_FIELDS: &[(&str, &str)] = &[("placed_at_ms", "placed_at_ms")];

const KEY: &str = "A word of the caller's choice: the same again places no second order, but shows \
                   the first";

pub(super) fn router() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(check_cloud_servers))
        .routes(routes!(order_cloud_servers))
        .routes(routes!(order_cloud_server_action))
        .routes(routes!(list_cloud_orders))
        .routes(routes!(show_cloud_order))
}

/// Checks what would happen if servers were made, and tells what they would cost; nothing is made.
#[utoipa::path(post, path = "/cloud-accounts/{id}/server-checks", tag = "clouds",
    params(AccountPath), request_body = CloudServerRequest,
    responses((status = OK, body = CloudServerCheck), Refused))]
async fn check_cloud_servers(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(path): Path<AccountPath>,
    Json(body): Json<CloudServerRequest>,
) -> ApiResult<Json<CloudServerCheck>> {
    caller.require(Permission::ServersManage)?;
    let check = app
        .inventory
        .check_create(path.id()?, &new_server(body))
        .await?;
    Ok(Json(check_of(check)))
}

/// Orders servers. The answer comes before they are there: the order tells how far they are.
#[utoipa::path(post, path = "/cloud-accounts/{id}/servers", tag = "clouds",
    params(AccountPath, ("Idempotency-Key" = Option<String>, Header, description = KEY)),
    request_body = CloudServerRequest,
    responses((status = ACCEPTED, body = CloudOrder), Refused))]
async fn order_cloud_servers(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(path): Path<AccountPath>,
    key: RequestKey,
    Json(body): Json<CloudServerRequest>,
) -> ApiResult<(StatusCode, Json<CloudOrder>)> {
    caller.require(Permission::ServersManage)?;
    let mut transaction = app.database.transaction();
    let placed = app
        .inventory
        .order_servers(
            &mut transaction,
            path.id()?,
            new_server(body),
            key.by(&caller),
        )
        .await;
    end(&app, &caller, transaction, placed).await
}

/// Orders something for a server: start, stop, restart or delete. The answer comes before it is done:
/// the order tells how far it is.
#[utoipa::path(post, path = "/cloud-servers/{server}/actions", tag = "clouds",
    params(ServerPath, ("Idempotency-Key" = Option<String>, Header, description = KEY)),
    request_body = CloudServerActionRequest,
    responses((status = ACCEPTED, body = CloudOrder), Refused))]
async fn order_cloud_server_action(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(path): Path<ServerPath>,
    key: RequestKey,
    Json(body): Json<CloudServerActionRequest>,
) -> ApiResult<(StatusCode, Json<CloudOrder>)> {
    caller.require(Permission::ServersManage)?;
    let action = match body.action {
        CloudServerAction::Start => ServerAction::Start,
        CloudServerAction::Stop => ServerAction::Stop,
        CloudServerAction::Restart => ServerAction::Restart,
        CloudServerAction::Delete => ServerAction::Delete,
    };
    let (typed, by) = (body.confirmation.as_deref(), key.by(&caller));
    let mut transaction = app.database.transaction();
    let placed = app
        .inventory
        .order_action(&mut transaction, &path.server, action, typed, by)
        .await;
    end(&app, &caller, transaction, placed).await
}

/// Lists the orders of the last half year, the newest first.
#[utoipa::path(get, path = "/cloud-orders", tag = "clouds", params(ListQuery, CloudOrderFilter),
    responses((status = OK, body = List<CloudOrder>), Refused))]
async fn list_cloud_orders(
    State(app): State<Arc<App>>,
    caller: Caller,
    Query(query): Query<ListQuery>,
    Query(filter): Query<CloudOrderFilter>,
) -> ApiResult<Json<List<CloudOrder>>> {
    caller.require(Permission::ServersRead)?;
    let mut request = page_request(&query, SORT_FIELDS)?;
    let filter = OrderFilter {
        is_open: filter.open,
        // The text that is looked for in other lists is the server's whole name here.
        subject: filter.server.or_else(|| request.query.take()),
        account: filter.account,
    };
    let page = app.inventory.orders(&filter, &request).await?;
    Ok(Json(list_of(page, &request, order_of)))
}

/// Shows an order and how far it is.
#[utoipa::path(get, path = "/cloud-orders/{id}", tag = "clouds", params(OrderPath),
    responses((status = OK, body = CloudOrder), Refused))]
async fn show_cloud_order(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(path): Path<OrderPath>,
) -> ApiResult<Json<CloudOrder>> {
    caller.require(Permission::ServersRead)?;
    Ok(Json(order_of(app.inventory.order(path.id()?).await?)))
}

/// Records an order in its transaction and commits; one that was there before is only shown.
async fn end(
    app: &App,
    caller: &Caller,
    transaction: Transaction,
    placed: yunhai_inventory::Result<Placed>,
) -> ApiResult<(StatusCode, Json<CloudOrder>)> {
    let placed = match placed {
        Ok(placed) if placed.is_new => placed,
        other => {
            transaction.roll_back().await;
            return Ok((StatusCode::ACCEPTED, Json(order_of(other?.order))));
        }
    };
    let event = AuditEvent::new(Action::CloudOrderPlaced, order_target(&placed.order))
        .after(&recorded_order(&placed.order));
    app.commit(transaction, caller, [event]).await?;
    Ok((StatusCode::ACCEPTED, Json(order_of(placed.order))))
}

/// The word by which a caller tells the same order from another one.
struct RequestKey(Option<String>);

impl RequestKey {
    fn by(self, caller: &Caller) -> OrderBy {
        OrderBy {
            name: caller.principal.user.name.clone(),
            request_key: self.0,
        }
    }
}

impl<S: Sync> FromRequestParts<S> for RequestKey {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        let Some(key) = parts.headers.get("idempotency-key") else {
            return Ok(Self(None));
        };
        let key = key.to_str().map_err(|_| {
            ApiError::new(
                ProblemCode::InvalidRequest,
                "the header Idempotency-Key has other characters than ASCII",
            )
        })?;
        Ok(Self(Some(key.to_owned())))
    }
}

/// Which order.
#[derive(serde::Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Path)]
struct OrderPath {
    /// The order's id.
    id: String,
}

impl OrderPath {
    fn id(&self) -> ApiResult<CloudOrderId> {
        self.id
            .parse()
            .map_err(|_| ApiError::not_found(format_args!("order to a cloud `{}`", self.id)))
    }
}

/// Which server.
#[derive(serde::Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Path)]
struct ServerPath {
    /// What the server is called here.
    server: String,
}

fn new_server(body: CloudServerRequest) -> NewServer {
    NewServer {
        name: body.name,
        region: body.region,
        zone: body.zone,
        image: body.image,
        instance_type: body.instance_type,
        ssh_key: body.ssh_key,
        subnet: body.subnet,
        security_groups: body.security_groups,
        user_data: body.user_data.map(Secret::new),
        tags: body.tags,
        count: body.count,
        disk_gib: body.disk_gib,
        is_protected: body.is_protected,
    }
}

fn check_of(check: CreateCheck) -> CloudServerCheck {
    CloudServerCheck {
        would_succeed: !check.findings.iter().any(|finding| finding.is_fatal),
        usd_per_hour: check.micro_usd_per_hour.map(usd),
        findings: check
            .findings
            .into_iter()
            .map(|finding| CloudFinding {
                is_fatal: finding.is_fatal,
                text: finding.text,
            })
            .collect(),
    }
}

fn order_of(order: Order) -> CloudOrder {
    let is_outcome_unknown = order.is_outcome_unknown();
    let action = match &order.what {
        Ordered::Create { .. } => CloudOrderAction::Create,
        Ordered::Act { action, .. } => match action {
            ServerAction::Start => CloudOrderAction::Start,
            ServerAction::Stop => CloudOrderAction::Stop,
            ServerAction::Restart => CloudOrderAction::Restart,
            ServerAction::Delete => CloudOrderAction::Delete,
        },
    };
    let progress = order.progress.unwrap_or_default();
    let operation = order.operation.into_iter();
    CloudOrder {
        id: order.id.to_string(),
        action,
        server: order.what.subject().to_owned(),
        region: order.what.region().to_owned(),
        total: order.what.count(),
        account: order.account,
        provider: order.provider.to_string(),
        state: state_of(order.state),
        done: progress.done,
        progress: Some(progress.text).filter(|text| !text.is_empty()),
        problem: order.error.as_ref().map(trouble_of),
        is_outcome_unknown,
        server_ids: operation
            .flat_map(|operation| operation.servers)
            .map(|server| server.id)
            .collect(),
        attempts: order.attempts,
        ordered_by: order.ordered_by,
        placed_at_ms: order.placed_at_ms,
        sent_at_ms: order.sent_at_ms,
        ended_at_ms: order.ended_at_ms,
    }
}

fn state_of(state: OrderState) -> CloudOrderState {
    match state {
        OrderState::Waiting => CloudOrderState::Waiting,
        OrderState::Running => CloudOrderState::Running,
        OrderState::Done => CloudOrderState::Done,
        OrderState::Failed => CloudOrderState::Failed,
        OrderState::GivenUp => CloudOrderState::GivenUp,
    }
}
