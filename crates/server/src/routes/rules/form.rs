//! The simple form of a rule: preview, storing, and reading it back.

use std::sync::Arc;

use axum::extract::State;
use serde::de::DeserializeOwned;
use serde_json::json;
use yunhai_api_types::{Fault, FormRule, Problem, ProblemCode, RuleForm, RuleGroup};
use yunhai_identity::{Action, AuditEvent, Permission};
use yunhai_monitor::{Comparison, FORM_RULES_NAME, NoData, Rule, RuleFile, RuleKey, SimpleForm};

use super::{find_group, target};
use crate::app::App;
use crate::caller::Caller;
use crate::error::{ApiError, ApiResult, Json, Path, Refused};
use crate::routes::matchers::{matchers_from, matchers_of};

/// Shows the rule that a form makes, without storing it.
#[utoipa::path(post, path = "/rules/from-form", tag = "rules", request_body = RuleForm,
    responses((status = OK, body = FormRule), Refused))]
pub(super) async fn rule_from_form(
    caller: Caller,
    Json(body): Json<RuleForm>,
) -> ApiResult<Json<FormRule>> {
    caller.require(Permission::ServersRead)?;
    let form = form_from(body)?;
    let rule = form.to_rule().map_err(yunhai_monitor::Error::Form)?;
    let file = RuleFile {
        groups: vec![yunhai_monitor::RuleGroup {
            name: FORM_RULES_NAME.to_owned(),
            interval_ms: None,
            query_offset_ms: None,
            limit: 0,
            rules: vec![Rule::Alerting(rule)],
        }],
    };
    Ok(Json(FormRule {
        expr: form.expr(),
        source: file.to_yaml(),
    }))
}

/// Makes or replaces the rule of a form.
#[utoipa::path(put, path = "/rules/form/{name}", tag = "rules",
    params(("name" = String, Path, description = "The rule's name until now")),
    request_body = RuleForm,
    responses((status = OK, body = RuleGroup), Refused))]
pub(super) async fn put_form(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(name): Path<String>,
    Json(body): Json<RuleForm>,
) -> ApiResult<Json<RuleGroup>> {
    caller.require(Permission::RulesWrite)?;
    let after = json!(body);
    let form = form_from(body)?;
    let key = RuleKey {
        file: FORM_RULES_NAME.to_owned(),
        group: FORM_RULES_NAME.to_owned(),
        rule: name.clone(),
    };
    let exists = app.monitor.find_rule(&key).is_ok();
    let user = &caller.principal.user.name;
    let previous = exists.then_some(name.as_str());
    let action = if exists {
        Action::RuleUpdated
    } else {
        Action::RuleCreated
    };
    let mut transaction = app.database.transaction();
    app.monitor
        .put_form(&mut transaction, &form, previous, user)
        .await?;
    let event = AuditEvent::new(action, target(&form.name)).after(&after);
    app.commit(transaction, &caller, [event]).await?;
    Ok(Json(find_group(&app, FORM_RULES_NAME).await?))
}

fn form_from(form: RuleForm) -> ApiResult<SimpleForm> {
    let comparison = choice::<Comparison>(
        "comparison",
        &form.comparison,
        "choose >, >=, <, <=, == or !=",
    )?;
    let no_data = match form.no_data.as_deref() {
        None | Some("") => NoData::default(),
        Some(word) => choice("no_data", word, "choose ok, keep or alert")?,
    };
    let no_data_for_ms = form.no_data_for_secs.map_or_else(
        || Ok(yunhai_monitor::RuleOptions::default().no_data_for_ms),
        |secs| millis("no_data_for_secs", secs),
    )?;
    Ok(SimpleForm {
        name: form.name,
        metric: form.metric,
        comparison,
        threshold: form.threshold,
        hold_ms: millis("for_secs", form.for_secs)?,
        keep_firing_for_ms: millis("keep_firing_for_secs", form.keep_firing_for_secs)?,
        recovery_threshold: form.recovery_threshold,
        severity: form.severity,
        matchers: matchers_from("matchers", &form.matchers)?,
        no_data,
        no_data_for_ms,
        summary: form.summary.unwrap_or_default(),
        description: form.description.unwrap_or_default(),
        runbook_url: form.runbook_url.unwrap_or_default(),
        is_enabled: form.enabled,
    })
}

/// Reads a word that stands for one of several choices.
fn choice<T: DeserializeOwned>(field: &str, word: &str, choices: &str) -> ApiResult<T> {
    serde_json::from_value(json!(word)).map_err(|_| {
        let fault = Fault {
            pointer: Some(format!("/{field}")),
            detail: choices.to_owned(),
            ..Fault::default()
        };
        let detail = format!("{field}: `{word}` is none of the choices");
        ApiError::from(Problem::new(ProblemCode::ValidationFailed, detail).with_errors(vec![fault]))
    })
}

fn millis(field: &str, secs: u64) -> ApiResult<i64> {
    i64::try_from(secs)
        .ok()
        .and_then(|secs| secs.checked_mul(1000))
        .ok_or_else(|| {
            let detail = format!("{field}: that is too long");
            ApiError::new(ProblemCode::ValidationFailed, detail)
        })
}

pub(super) fn form_of(form: SimpleForm) -> RuleForm {
    let text = |text: String| (!text.is_empty()).then_some(text);
    let secs = |length_ms: i64| (length_ms / 1000).unsigned_abs();
    RuleForm {
        name: form.name,
        metric: form.metric,
        comparison: form.comparison.symbol().to_owned(),
        threshold: form.threshold,
        recovery_threshold: form.recovery_threshold,
        for_secs: secs(form.hold_ms),
        keep_firing_for_secs: secs(form.keep_firing_for_ms),
        no_data: json!(form.no_data).as_str().map(str::to_owned),
        no_data_for_secs: Some(secs(form.no_data_for_ms)),
        severity: form.severity,
        matchers: matchers_of(&form.matchers),
        summary: text(form.summary),
        description: text(form.description),
        runbook_url: text(form.runbook_url),
        enabled: form.is_enabled,
    }
}
