//! Accounts with clouds, and the servers in them.

mod orders;
mod servers;

use std::sync::Arc;

use axum::extract::State;
use http::StatusCode;
use serde_json::Value;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use yunhai_api_types::{
    CloudAccess, CloudAccount, CloudAccountCheck, CloudAccountRequest, CloudAccountState,
    CloudAccountTestRequest, CloudPolicy, CloudPolicyQuery, CloudPolicyScope, CloudRound,
    CloudTrouble, Fault, List, ListQuery, Problem, ProblemCode,
};
use yunhai_cloud::{AccountCheck, Missing, PolicyScope, Provider};
use yunhai_identity::{Action, AuditEvent, Outcome, Permission, Target, TargetKind};
use yunhai_inventory::{
    AccountSettings, AccountView, Error as InventoryError, NewAccount, RoundReport,
};
use yunhai_model::{CloudAccountId, Secret};
use yunhai_monitor::version_of;

use crate::app::App;
use crate::caller::Caller;
use crate::changes;
use crate::error::{ApiError, ApiResult, Json, Path, Query, Refused};
use crate::list::{SortField, list, request_for};
use crate::version::{Expectation, IF_MATCH};

const SORT_FIELDS: &[SortField<CloudAccount>] = &[
    ("name", |a, b| a.name.cmp(&b.name)),
    ("provider", |a, b| a.provider.cmp(&b.provider)),
    ("state", |a, b| a.state.cmp(&b.state)),
    ("month_cost_usd", |a, b| {
        a.month_cost_usd.total_cmp(&b.month_cost_usd)
    }),
];

/// More than anybody spends on questions.
const MAX_BUDGET_USD: f64 = 1_000_000.0;

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
        .merge(servers::router())
        .merge(orders::router())
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
    let request = request_for(&query, SORT_FIELDS)?;
    let accounts = app.inventory.accounts().into_iter().map(account_of);
    let accounts = accounts.collect::<ApiResult<Vec<_>>>()?;
    list(accounts, &request, SORT_FIELDS, |account, text| {
        account.name.to_lowercase().contains(text)
    })
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
    let new = new_account(&body, provider)?;
    let mut transaction = app.database.transaction();
    let account = account_of(app.inventory.add(&mut transaction, new).await?)?;
    let event =
        AuditEvent::new(Action::CloudAccountCreated, target(&account)).after(&recorded(&account));
    app.commit(transaction, &caller, [event]).await?;
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
#[utoipa::path(put, path = "/cloud-accounts/{id}", tag = "clouds",
    params(AccountPath, ("If-Match" = Option<String>, Header, description = IF_MATCH)),
    request_body = CloudAccountRequest,
    responses((status = OK, body = CloudAccount), Refused))]
async fn update_cloud_account(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(path): Path<AccountPath>,
    expectation: Expectation,
    Json(body): Json<CloudAccountRequest>,
) -> ApiResult<Json<CloudAccount>> {
    caller.require(Permission::CloudsWrite)?;
    let id = path.id()?;
    let provider = match &body.access {
        Some(access) => provider_of(access),
        None => app.inventory.account(id)?.settings.provider,
    };
    let new = new_account(&body, provider)?;
    let mut transaction = app.database.transaction();
    let (before, account) = app.inventory.change(&mut transaction, id, new).await?;
    let (before, account) = (account_of(before)?, account_of(account)?);
    expectation.check(&before.version)?;
    let event = AuditEvent::new(Action::CloudAccountUpdated, target(&account))
        .before(&recorded(&before))
        .after(&recorded(&account));
    app.commit(transaction, &caller, [event]).await?;
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
    let mut transaction = app.database.transaction();
    let account = account_of(app.inventory.delete(&mut transaction, id).await?)?;
    let event =
        AuditEvent::new(Action::CloudAccountDeleted, target(&account)).before(&recorded(&account));
    app.commit(transaction, &caller, [event]).await?;
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
    let account = account_of(app.inventory.account(path.id()?)?)?;
    let actor = caller.actor();
    // Whoever asked may go away; what was paid for is recorded all the same.
    let asked = tokio::spawn(async move { ask(&app, &actor, &account).await });
    Ok(Json(asked.await.map_err(ApiError::internal)??))
}

async fn ask(
    app: &App,
    actor: &yunhai_identity::Caller,
    account: &CloudAccount,
) -> ApiResult<CloudRound> {
    let id = AccountPath {
        id: account.id.clone(),
    };
    let asked = app.inventory.ask(id.id()?).await;
    let asked = asked.map(|report| (report.is_failed, round_of(report)));
    let event = AuditEvent::new(Action::CloudAccountAsked, target(account));
    let event = match &asked {
        Ok((false, round)) => event.after(round),
        Ok((true, round)) => event.outcome(Outcome::Failure).after(round),
        Err(error) => event.outcome(Outcome::Failure).because(error.to_string()),
    };
    app.identity.audit().record(actor, event).await?;
    Ok(asked?.1)
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
    let tried = match app.inventory.try_out(provider, Some(&access), id).await {
        Ok(check) => Ok(check_of(check)),
        Err(InventoryError::Cloud(error)) => Err(error),
        // It has faults, and was not even tried.
        Err(error) => return Err(error.into()),
    };
    let target = match id {
        Some(id) => target(&account_of(app.inventory.account(id)?)?),
        None => Target::only(TargetKind::CloudAccount),
    };
    let event = AuditEvent::new(Action::CloudAccountTested, target).before(&place(&body.access)?);
    let event = match &tried {
        Ok(check) => event.after(check),
        Err(error) => event.outcome(Outcome::Failure).because(error.to_string()),
    };
    app.identity.audit().record(&caller.actor(), event).await?;
    Ok(Json(tried.map_err(InventoryError::Cloud)?))
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
    let provider: Provider = path
        .provider
        .parse()
        .map_err(|fault: String| ApiError::new(ProblemCode::NotFound, fault))?;
    let policy = crate::clouds::policy(provider, scope);
    Ok(Json(CloudPolicy {
        kind: policy.kind,
        document: policy.document,
        command: policy.command,
    }))
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
        self.id
            .parse()
            .map_err(|_| ApiError::not_found(format_args!("cloud account `{}`", self.id)))
    }
}

/// Whose policy.
#[derive(serde::Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Path)]
struct ProviderPath {
    /// The provider: `aws`, `azure` or `gcp`.
    provider: String,
}

fn target(account: &CloudAccount) -> Target {
    Target::new(TargetKind::CloudAccount, &account.id, account.name.clone())
}

/// An account as the audit log has it: without what changes by itself.
fn recorded(account: &CloudAccount) -> Value {
    let mut recorded = changes::recorded(
        account,
        &["state", "last_round", "month_cost_usd", "version"],
    );
    // The log hides whatever is called credentials. Whose they are is to be seen in it, and what is
    // secret of them is not here.
    if let Some(access) = recorded.get_mut("access").and_then(Value::as_object_mut)
        && let Some(credentials) = access.remove("credentials")
    {
        access.insert("signs_in_with".to_owned(), credentials);
    }
    recorded
}

/// Where access leads that is tried, without what opens it.
fn place(access: &CloudAccess) -> ApiResult<Value> {
    let mut place = serde_json::to_value(access).map_err(ApiError::internal)?;
    if let Some(fields) = place.as_object_mut() {
        fields.remove("credentials");
    }
    Ok(place)
}

fn provider_of(access: &CloudAccess) -> Provider {
    match access {
        CloudAccess::Aws { .. } => Provider::Aws,
        CloudAccess::Azure { .. } => Provider::Azure,
        CloudAccess::Gcp { .. } => Provider::Gcp,
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

fn new_account(body: &CloudAccountRequest, provider: Provider) -> ApiResult<NewAccount> {
    Ok(NewAccount {
        access: body.access.as_ref().map(secret).transpose()?,
        settings: AccountSettings {
            name: body.name.trim().to_owned(),
            provider,
            interval_secs: body.interval_secs,
            monthly_budget_micro_usd: body.monthly_budget_usd.map(micro_usd).transpose()?,
            is_paused: !body.enabled,
        },
    })
}

fn micro_usd(usd: f64) -> ApiResult<u64> {
    if (0.0..=MAX_BUDGET_USD).contains(&usd) {
        return Ok((usd * 1e6).round() as u64);
    }
    let fault = Fault {
        pointer: Some("/monthly_budget_usd".to_owned()),
        detail: format!("from 0 to {MAX_BUDGET_USD}"),
        ..Fault::default()
    };
    let problem = Problem::new(
        ProblemCode::ValidationFailed,
        "the monthly budget is no sum that can be spent",
    );
    Err(problem.with_errors(vec![fault]).into())
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
        updated_at_ms,
    } = view;
    let check = check.map(check_of);
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
        account: check.as_ref().map(|check| check.account.clone()),
        regions: check
            .as_ref()
            .map(|check| check.regions.clone())
            .unwrap_or_default(),
        problems: check.map(|check| check.problems).unwrap_or_default(),
        last_round: last_round.map(round_of),
        created_at_ms,
        version: version_of(&updated_at_ms),
    })
}

fn state_of(view: &AccountView) -> CloudAccountState {
    match &view.last_round {
        _ if view.settings.is_paused => CloudAccountState::Paused,
        None => CloudAccountState::Pending,
        Some(round) if round.is_failed => CloudAccountState::Failing,
        Some(round) if !round.missing.is_empty() => CloudAccountState::Incomplete,
        Some(round) if round.is_over_budget => CloudAccountState::OverBudget,
        Some(_) => CloudAccountState::Ok,
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
        is_over_budget: report.is_over_budget,
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
