//! Accounts with clouds, and the servers in them.

use std::sync::Arc;

use axum::extract::State;
use http::StatusCode;
use serde_json::json;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use yunhai_api_types::{
    CloudAccess, CloudAccount, CloudAccountCheck, CloudAccountRequest, CloudAccountState,
    CloudAccountTestRequest, CloudPolicy, CloudPolicyQuery, CloudPolicyScope, CloudRound,
    CloudServer, CloudServerFilter, CloudTrouble, List, ListQuery, ProblemCode,
};
use yunhai_cloud::{AccountCheck, Missing, PolicyScope, Provider};
use yunhai_identity::{Action, AuditEvent, Permission, Target, TargetKind};
use yunhai_inventory::{AccountSettings, AccountView, KnownServer, NewAccount, RoundReport};
use yunhai_model::{CloudAccountId, Secret};
use yunhai_monitor::ServerSettings;

use crate::app::App;
use crate::caller::Caller;
use crate::error::{ApiError, ApiResult, Json, Path, Query, Refused};
use crate::list::{SortField, list_of, page_of, page_request, sort_by};

const ACCOUNT_SORT_FIELDS: &[SortField<CloudAccount>] = &[
    ("name", |a, b| a.name.cmp(&b.name)),
    ("provider", |a, b| a.provider.cmp(&b.provider)),
    ("state", |a, b| a.state.cmp(&b.state)),
    ("month_cost_usd", |a, b| {
        a.month_cost_usd.total_cmp(&b.month_cost_usd)
    }),
];

const SERVER_SORT_FIELDS: &[SortField<CloudServer>] = &[
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
    OpenApiRouter::new()
        .routes(routes!(list_cloud_accounts, create_cloud_account))
        .routes(routes!(
            show_cloud_account,
            update_cloud_account,
            delete_cloud_account
        ))
        .routes(routes!(ask_cloud_account))
        .routes(routes!(test_cloud_account))
        .routes(routes!(show_cloud_policy))
        .routes(routes!(list_cloud_servers))
}

/// Lists the accounts with clouds and how they fare.
#[utoipa::path(get, path = "/cloud-accounts", tag = "clouds", params(ListQuery),
    responses((status = OK, body = List<CloudAccount>), Refused))]
async fn list_cloud_accounts(
    State(app): State<Arc<App>>,
    caller: Caller,
    Query(query): Query<ListQuery>,
) -> ApiResult<Json<List<CloudAccount>>> {
    caller.require(Permission::ServersRead)?;
    let request = page_request(&query, &names(ACCOUNT_SORT_FIELDS))?;
    let text = request.query.clone().unwrap_or_default().to_lowercase();
    let accounts = app.inventory.accounts().into_iter().map(account_of);
    let mut accounts: Vec<CloudAccount> = accounts
        .collect::<ApiResult<Vec<_>>>()?
        .into_iter()
        .filter(|account| account.name.to_lowercase().contains(&text))
        .collect();
    sort_by(&mut accounts, &request, ACCOUNT_SORT_FIELDS)?;
    let page = page_of(accounts, &request);
    Ok(Json(list_of(page, &request, |account| account)))
}

/// Adds an account whose credentials the provider knows; it is asked at once.
#[utoipa::path(post, path = "/cloud-accounts", tag = "clouds",
    request_body = CloudAccountRequest,
    responses((status = CREATED, body = CloudAccount), Refused))]
async fn create_cloud_account(
    State(app): State<Arc<App>>,
    caller: Caller,
    Json(body): Json<CloudAccountRequest>,
) -> ApiResult<(StatusCode, Json<CloudAccount>)> {
    caller.require(Permission::CloudsWrite)?;
    let provider = body.access.as_ref().map(provider_of);
    let provider = provider.unwrap_or(Provider::Aws);
    let account = app.inventory.add(new_account(body, provider)?).await?;
    let account = account_of(account)?;
    let event =
        AuditEvent::new(Action::CloudAccountCreated, target(&account)).after(&recorded(&account));
    app.identity.audit().record(&caller.actor(), event).await?;
    Ok((StatusCode::CREATED, Json(account)))
}

/// Shows an account and how it fares.
#[utoipa::path(get, path = "/cloud-accounts/{id}", tag = "clouds", params(AccountPath),
    responses((status = OK, body = CloudAccount), Refused))]
async fn show_cloud_account(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(path): Path<AccountPath>,
) -> ApiResult<Json<CloudAccount>> {
    caller.require(Permission::ServersRead)?;
    Ok(Json(account_of(app.inventory.account(path.id()?)?)?))
}

/// Changes an account. Secrets that are `null` stay as they were.
#[utoipa::path(put, path = "/cloud-accounts/{id}", tag = "clouds", params(AccountPath),
    request_body = CloudAccountRequest,
    responses((status = OK, body = CloudAccount), Refused))]
async fn update_cloud_account(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(path): Path<AccountPath>,
    Json(body): Json<CloudAccountRequest>,
) -> ApiResult<Json<CloudAccount>> {
    caller.require(Permission::CloudsWrite)?;
    let id = path.id()?;
    let before = app.inventory.account(id)?;
    let provider = body.access.as_ref().map(provider_of);
    let provider = provider.unwrap_or(before.settings.provider);
    let account = app
        .inventory
        .change(id, new_account(body, provider)?)
        .await?;
    let (before, account) = (account_of(before)?, account_of(account)?);
    let event = AuditEvent::new(Action::CloudAccountUpdated, target(&account))
        .before(&recorded(&before))
        .after(&recorded(&account));
    app.identity.audit().record(&caller.actor(), event).await?;
    Ok(Json(account))
}

/// Deletes an account and forgets its servers; what was measured stays, and so does everything at
/// the provider.
#[utoipa::path(delete, path = "/cloud-accounts/{id}", tag = "clouds", params(AccountPath),
    responses((status = NO_CONTENT), Refused))]
async fn delete_cloud_account(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(path): Path<AccountPath>,
) -> ApiResult<StatusCode> {
    caller.require(Permission::CloudsWrite)?;
    let id = path.id()?;
    let account = account_of(app.inventory.account(id)?)?;
    let servers = app.inventory.servers();
    app.inventory.delete(id).await?;
    // Nobody asks about them any more, so that they are not down.
    for server in servers.iter().filter(|server| server.account_id == id) {
        let settings = ServerSettings {
            forgotten_at_ms: Some(app.clock.now_ms()),
            ..app.directory.get(&server.label)
        };
        app.directory.put(&server.label, settings).await?;
    }
    let event =
        AuditEvent::new(Action::CloudAccountDeleted, target(&account)).before(&recorded(&account));
    app.identity.audit().record(&caller.actor(), event).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Asks an account now, and shows what came of it.
#[utoipa::path(post, path = "/cloud-accounts/{id}/ask", tag = "clouds", params(AccountPath),
    responses((status = OK, body = CloudRound), Refused))]
async fn ask_cloud_account(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(path): Path<AccountPath>,
) -> ApiResult<Json<CloudRound>> {
    caller.require(Permission::CloudsWrite)?;
    let report = app.inventory.ask(path.id()?).await?;
    Ok(Json(round_of(report)))
}

/// Tries access without keeping it, and shows what the provider says.
#[utoipa::path(post, path = "/cloud-account-tests", tag = "clouds",
    request_body = CloudAccountTestRequest,
    responses((status = OK, body = CloudAccountCheck), Refused))]
async fn test_cloud_account(
    State(app): State<Arc<App>>,
    caller: Caller,
    Json(body): Json<CloudAccountTestRequest>,
) -> ApiResult<Json<CloudAccountCheck>> {
    caller.require(Permission::CloudsWrite)?;
    let id = body.id.map(|id| AccountPath { id }.id()).transpose()?;
    let provider = provider_of(&body.access);
    let access = secret(&body.access)?;
    let check = app.inventory.try_out(provider, Some(&access), id).await?;
    Ok(Json(check_of(check)))
}

/// Shows the least rights that an account needs, ready to be pasted.
#[utoipa::path(get, path = "/cloud-policies/{provider}", tag = "clouds",
    params(ProviderPath, CloudPolicyQuery),
    responses((status = OK, body = CloudPolicy), Refused))]
async fn show_cloud_policy(
    caller: Caller,
    Path(path): Path<ProviderPath>,
    Query(query): Query<CloudPolicyQuery>,
) -> ApiResult<Json<CloudPolicy>> {
    caller.require(Permission::ServersRead)?;
    let scope = match query.scope {
        CloudPolicyScope::Watch => PolicyScope::Watch,
        CloudPolicyScope::Manage => PolicyScope::Manage,
    };
    let policy = crate::clouds::policy(&path.provider, scope).ok_or_else(|| {
        ApiError::new(
            ProblemCode::NotFound,
            format!("there is no policy for `{}`", path.provider),
        )
        .hint("the providers are: aws")
    })?;
    Ok(Json(CloudPolicy {
        kind: policy.kind,
        document: policy.document,
        command: policy.command,
    }))
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
    let request = page_request(&query, &names(SERVER_SORT_FIELDS))?;
    let text = request.query.clone().unwrap_or_default().to_lowercase();
    let mut servers: Vec<CloudServer> = app
        .inventory
        .servers()
        .iter()
        .map(server_of)
        .filter(|server| is_wanted(server, &filter) && contains_text(server, &text))
        .collect();
    sort_by(&mut servers, &request, SERVER_SORT_FIELDS)?;
    let page = page_of(servers, &request);
    Ok(Json(list_of(page, &request, |server| server)))
}

/// Which account.
#[derive(serde::Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Path)]
struct AccountPath {
    /// The account's id.
    id: String,
}

impl AccountPath {
    fn id(&self) -> ApiResult<CloudAccountId> {
        self.id.parse().map_err(|_| {
            ApiError::new(
                ProblemCode::NotFound,
                format!("there is no cloud account `{}`", self.id),
            )
        })
    }
}

/// Whose policy.
#[derive(serde::Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Path)]
struct ProviderPath {
    /// The provider: `aws`.
    provider: String,
}

fn names<T>(fields: &[SortField<T>]) -> Vec<(&'static str, &'static str)> {
    fields.iter().map(|(name, _)| (*name, *name)).collect()
}

fn target(account: &CloudAccount) -> Target {
    Target::new(TargetKind::CloudAccount, &account.id, account.name.clone())
}

/// An account as the audit log has it: without what changes by itself.
fn recorded(account: &CloudAccount) -> serde_json::Value {
    let mut recorded = json!(account);
    if let Some(fields) = recorded.as_object_mut() {
        for field in ["state", "last_round", "month_cost_usd"] {
            fields.remove(field);
        }
    }
    recorded
}

fn provider_of(access: &CloudAccess) -> Provider {
    match access {
        CloudAccess::Aws { .. } => Provider::Aws,
    }
}

/// Access as the provider's crate reads it: who the provider is stands beside it.
fn secret(access: &CloudAccess) -> ApiResult<Secret> {
    let mut value = serde_json::to_value(access).map_err(ApiError::internal)?;
    if let Some(fields) = value.as_object_mut() {
        fields.remove("provider");
    }
    Ok(Secret::new(value.to_string()))
}

fn new_account(body: CloudAccountRequest, provider: Provider) -> ApiResult<NewAccount> {
    Ok(NewAccount {
        access: body.access.as_ref().map(secret).transpose()?,
        settings: AccountSettings {
            name: body.name.trim().to_owned(),
            provider,
            interval_secs: body.interval_secs,
            monthly_budget_micro_usd: body
                .monthly_budget_usd
                .map(|usd| (usd.max(0.0) * 1e6).round() as u64),
            is_paused: !body.enabled,
        },
    })
}

fn account_of(view: AccountView) -> ApiResult<CloudAccount> {
    let state = state_of(&view);
    let AccountView {
        id,
        settings,
        mut access,
        check,
        last_round,
        budget,
        created_at_ms,
    } = view;
    if let Some(fields) = access.as_object_mut() {
        fields.insert("provider".to_owned(), settings.provider.as_str().into());
    }
    Ok(CloudAccount {
        id: id.to_string(),
        name: settings.name,
        provider: settings.provider.to_string(),
        access: serde_json::from_value(access).map_err(ApiError::internal)?,
        interval_secs: settings.interval_secs,
        monthly_budget_usd: settings.monthly_budget_micro_usd.map(usd),
        month_cost_usd: usd(budget.spent_micro_usd),
        enabled: !settings.is_paused,
        state,
        identity: check.as_ref().map(|check| check.identity.clone()),
        account: check.map(|check| check.account),
        last_round: last_round.map(round_of),
        created_at_ms,
    })
}

fn state_of(view: &AccountView) -> CloudAccountState {
    match &view.last_round {
        _ if view.settings.is_paused => CloudAccountState::Paused,
        None => CloudAccountState::Pending,
        Some(round) if round.missing.is_empty() && round.is_over_budget => {
            CloudAccountState::OverBudget
        }
        Some(round) if round.missing.is_empty() => CloudAccountState::Ok,
        Some(round) if round.samples == 0 && round.servers == 0 => CloudAccountState::Failing,
        Some(_) => CloudAccountState::Incomplete,
    }
}

fn round_of(report: RoundReport) -> CloudRound {
    CloudRound {
        at_ms: report.at_ms,
        took_ms: report.took_ms,
        servers: report.servers,
        samples: report.samples,
        calls: report.usage.calls,
        cost_usd: usd(report.usage.cost_micro_usd),
        missing: report.missing.into_iter().map(missing_of).collect(),
    }
}

fn missing_of(missing: Missing) -> CloudTrouble {
    CloudTrouble {
        scope: Some(missing.scope),
        ..trouble_of(&missing.error)
    }
}

fn trouble_of(error: &yunhai_cloud::Error) -> CloudTrouble {
    CloudTrouble {
        scope: None,
        kind: word(error.kind),
        message: format!("cannot {}: {}", error.attempted, error.said),
        code: error.code.clone(),
        hint: error.hint().map(str::to_owned),
    }
}

fn check_of(check: AccountCheck) -> CloudAccountCheck {
    CloudAccountCheck {
        identity: check.identity,
        account: check.account,
        regions: check.regions,
        problems: check.problems.iter().map(trouble_of).collect(),
    }
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

fn is_wanted(server: &CloudServer, filter: &CloudServerFilter) -> bool {
    let is = |wanted: &Option<String>, value: &str| wanted.as_ref().is_none_or(|w| w == value);
    let has_tag = |tag: &String| match tag.split_once('=') {
        Some((name, value)) => server.tags.get(name).is_some_and(|found| found == value),
        None => server.tags.contains_key(tag),
    };
    is(&filter.state, &server.state)
        && is(&filter.account, &server.account)
        && is(&filter.region, &server.region)
        && filter.tag.as_ref().is_none_or(has_tag)
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

/// The word for a variant, as it is written in JSON.
fn word(variant: impl serde::Serialize) -> String {
    match serde_json::to_value(variant) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}

fn usd(micro_usd: u64) -> f64 {
    micro_usd as f64 / 1e6
}
