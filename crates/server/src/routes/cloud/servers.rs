//! The servers of clouds as their providers describe them.

use std::sync::Arc;

use axum::extract::State;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use yunhai_api_types::{CloudServer, CloudServerFilter, List, ListQuery, ProblemCode};
use yunhai_cloud::PowerState;
use yunhai_identity::Permission;
use yunhai_inventory::KnownServer;

use super::word;
use crate::app::App;
use crate::caller::Caller;
use crate::error::{ApiError, ApiResult, Json, Query, Refused};
use crate::list::{SortField, list, request_for};

const SORT_FIELDS: &[SortField<CloudServer>] = &[
    ("server", |a, b| a.server.cmp(&b.server)),
    ("state", |a, b| a.state.cmp(&b.state)),
    ("account", |a, b| a.account.cmp(&b.account)),
    ("region", |a, b| a.region.cmp(&b.region)),
    ("instance_type", |a, b| {
        a.instance_type.cmp(&b.instance_type)
    }),
    ("launched_at_ms", |a, b| {
        a.launched_at_ms.cmp(&b.launched_at_ms)
    }),
];

pub(super) fn router() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(list_cloud_servers))
}

/// Lists the servers of all accounts as their providers describe them; those that were deleted
/// within the last week too.
#[utoipa::path(get, path = "/cloud-servers", tag = "clouds",
    params(ListQuery, CloudServerFilter),
    responses((status = OK, body = List<CloudServer>), Refused))]
async fn list_cloud_servers(
    State(app): State<Arc<App>>,
    caller: Caller,
    Query(query): Query<ListQuery>,
    Query(filter): Query<CloudServerFilter>,
) -> ApiResult<Json<List<CloudServer>>> {
    caller.require(Permission::ServersRead)?;
    let request = request_for(&query, SORT_FIELDS)?;
    let wanted = Wanted::new(&filter)?;
    let servers = app.inventory.servers();
    let servers = servers.iter().filter(|server| wanted.has(server));
    let servers: Vec<CloudServer> = servers.map(server_of).collect();
    list(servers, &request, SORT_FIELDS, contains_text)
}

fn server_of(known: &KnownServer) -> CloudServer {
    let details = &known.details;
    CloudServer {
        server: known.label.clone(),
        name: details.name.clone(),
        provider: known.provider.to_string(),
        account: known.account.clone(),
        id: details.server.id.clone(),
        state: word(details.state),
        instance_type: details.instance_type.clone(),
        region: details.server.region.clone(),
        zone: details.zone.clone(),
        private_addresses: details.private_addresses.clone(),
        public_addresses: details.public_addresses.clone(),
        image: details.image.clone(),
        launched_at_ms: details.launched_at_ms,
        tags: details.tags.clone(),
        first_seen_ms: known.first_seen_ms,
        last_seen_ms: known.last_seen_ms,
        gone_at_ms: known.gone_at_ms,
    }
}

/// Which servers a request wants.
struct Wanted<'a> {
    state: Option<PowerState>,
    account: Option<&'a str>,
    region: Option<&'a str>,
    tag: Option<(&'a str, &'a str)>,
}

impl<'a> Wanted<'a> {
    fn new(filter: &'a CloudServerFilter) -> ApiResult<Self> {
        let refused = |text: String| ApiError::new(ProblemCode::InvalidRequest, text);
        let state = filter.state.as_deref().map(|text| {
            serde_json::from_value(text.into()).map_err(|_| {
                refused(format!("state: there is no state `{text}`")).hint(
                    "choose starting, running, stopping, stopped, stopped_billed, deleting, \
                     deleted or unknown",
                )
            })
        });
        let tag = filter.tag.as_deref().map(|tag| {
            tag.split_once('=')
                .ok_or_else(|| refused(format!("tag: `{tag}` is not NAME=VALUE")))
        });
        Ok(Self {
            state: state.transpose()?,
            account: filter.account.as_deref(),
            region: filter.region.as_deref(),
            tag: tag.transpose()?,
        })
    }

    fn has(&self, server: &KnownServer) -> bool {
        let is = |wanted: Option<&str>, value: &str| wanted.is_none_or(|wanted| wanted == value);
        let details = &server.details;
        self.state.is_none_or(|state| state == details.state)
            && is(self.account, &server.account)
            && is(self.region, &details.server.region)
            && self.tag.is_none_or(|(name, value)| {
                details.tags.get(name).is_some_and(|found| found == value)
            })
    }
}

fn contains_text(server: &CloudServer, text: &str) -> bool {
    let addresses = server
        .private_addresses
        .iter()
        .chain(&server.public_addresses);
    [
        &server.server,
        &server.name,
        &server.id,
        &server.instance_type,
    ]
    .into_iter()
    .chain(addresses)
    .any(|value| value.to_lowercase().contains(text))
}
