//! The audit log.

use std::sync::Arc;

use axum::extract::State;
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{OpenApi, PartialSchema, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use yunhai_api_types::{
    AuditEntry, AuditFault, AuditFilter, AuditVerification, List, ListQuery, ProblemCode,
};
use yunhai_identity::{Action, Outcome, Permission, TargetKind};

use crate::app::App;
use crate::caller::Caller;
use crate::error::{ApiError, ApiResult, Json, Query, Refused};
use crate::list::{list_of, page_request};

const SORT_FIELDS: &[(&str, &str)] = &[
    ("seq", "time"),
    ("time_ms", "time"),
    ("actor", "actor"),
    ("action", "action"),
    ("target", "target"),
    ("outcome", "outcome"),
];

pub(super) fn router() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::with_openapi(Description::openapi())
        .routes(routes!(list_audit))
        .routes(routes!(verify_audit))
}

#[derive(OpenApi)]
#[openapi(components(schemas(AuditAction, AuditTargetKind)))]
struct Description;

/// What the description of the API says of an action: all that there are.
struct AuditAction;

impl PartialSchema for AuditAction {
    fn schema() -> RefOr<Schema> {
        let names = Action::ALL.iter().map(|action| action.as_str());
        ObjectBuilder::new()
            .schema_type(Type::String)
            .description(Some("What the audit log records."))
            .enum_values(Some(names))
            .into()
    }
}

impl ToSchema for AuditAction {}

/// What the description of the API says of the things that entries are about: all kinds.
struct AuditTargetKind;

impl PartialSchema for AuditTargetKind {
    fn schema() -> RefOr<Schema> {
        let names = TargetKind::ALL.iter().map(|kind| kind.as_str());
        ObjectBuilder::new()
            .schema_type(Type::String)
            .description(Some(
                "On what kind of thing something was done; it stands before the thing's name.",
            ))
            .enum_values(Some(names))
            .into()
    }
}

impl ToSchema for AuditTargetKind {}

/// Lists what was done, newest first unless sorted otherwise.
#[utoipa::path(get, path = "/audit", tag = "audit", params(ListQuery, AuditFilter),
    responses((status = OK, body = List<AuditEntry>), Refused))]
async fn list_audit(
    State(app): State<Arc<App>>,
    caller: Caller,
    Query(query): Query<ListQuery>,
    Query(filter): Query<AuditFilter>,
) -> ApiResult<Json<List<AuditEntry>>> {
    caller.require(Permission::AuditRead)?;
    let request = page_request(&query, SORT_FIELDS)?;
    let invalid = |name: &str, error: &dyn std::fmt::Display| {
        ApiError::new(ProblemCode::InvalidRequest, format!("{name}: {error}"))
    };
    let filter = yunhai_identity::AuditFilter {
        actor: filter.actor,
        action: filter
            .action
            .map(|text| {
                text.parse::<Action>()
                    .map_err(|error| invalid("action", &error))
            })
            .transpose()?,
        target_kind: filter
            .target
            .map(|text| {
                text.parse::<TargetKind>()
                    .map_err(|error| invalid("target", &error))
            })
            .transpose()?,
        target_id: None,
        outcome: filter
            .outcome
            .map(|text| match text.as_str() {
                "ok" => Ok(Outcome::Success),
                "failed" => Ok(Outcome::Failure),
                "denied" => Ok(Outcome::Denied),
                _ => Err(invalid("outcome", &"choose ok, failed or denied")),
            })
            .transpose()?,
        from_ms: filter.from_ms,
        until_ms: filter.to_ms,
    };
    let entries = app.identity.audit().list(&request, &filter).await?;
    Ok(Json(list_of(entries, &request, entry_of)))
}

/// Checks that nothing was changed, deleted, inserted or cut off.
#[utoipa::path(post, path = "/audit/verify", tag = "audit",
    responses((status = OK, body = AuditVerification), Refused))]
async fn verify_audit(
    State(app): State<Arc<App>>,
    caller: Caller,
) -> ApiResult<Json<AuditVerification>> {
    caller.require(Permission::AuditRead)?;
    let audit = app.identity.audit();
    let verification = audit.verify_for(&caller.actor()).await?;
    app.audit_verdict.note(&verification);
    Ok(Json(verification_of(verification)))
}

/// Turns the outcome of a verification into what travels.
pub fn verification_of(verification: yunhai_identity::AuditVerification) -> AuditVerification {
    AuditVerification {
        ok: verification.is_whole(),
        entries: verification.entries,
        first_bad: verification.fault.map(|fault| AuditFault {
            seq: fault.sequence,
            problem: fault.explanation,
        }),
    }
}

fn entry_of(entry: yunhai_identity::AuditEntry) -> AuditEntry {
    AuditEntry {
        seq: entry.sequence,
        time_ms: entry.at_ms,
        actor: entry.actor_name,
        action: entry.action,
        target: if entry.target_name.is_empty() {
            entry.target_kind
        } else {
            format!("{} {}", entry.target_kind, entry.target_name)
        },
        address: entry.address.unwrap_or_default(),
        outcome: match entry.outcome.as_str() {
            "success" => "ok".to_owned(),
            "failure" => "failed".to_owned(),
            _ => entry.outcome,
        },
        reason: entry.reason,
        before: entry.before,
        after: entry.after,
        hash: entry.hash,
    }
}
