//! Tries a rule on stored data.

use std::sync::Arc;

use axum::extract::State;
use serde_json::json;
use yunhai_api_types::{Backtest, BacktestInterval, BacktestRequest, Fault, Problem, ProblemCode};
use yunhai_identity::Permission;
use yunhai_monitor::{AlertRule, Rule, RuleFile};

use crate::app::App;
use crate::caller::Caller;
use crate::error::{ApiError, ApiResult, Json, Refused};
use crate::routes::alerts::label_map;

/// How many evaluations a back-test makes at most; beyond, its step grows.
const MAX_BACKTEST_STEPS: i64 = 5_000;

/// Tries a rule on stored data: when would it have been pending or firing?
#[utoipa::path(post, path = "/rules/backtest", tag = "rules", request_body = BacktestRequest,
    responses((status = OK, body = Backtest), Refused))]
pub(super) async fn backtest(
    State(app): State<Arc<App>>,
    caller: Caller,
    Json(body): Json<BacktestRequest>,
) -> ApiResult<Json<Backtest>> {
    caller.require(Permission::ServersRead)?;
    if body.to_ms <= body.from_ms || body.to_ms.checked_sub(body.from_ms).is_none() {
        return Err(ApiError::new(
            ProblemCode::ValidationFailed,
            "to_ms must lie after from_ms",
        ));
    }
    let rule = rule_of(&body)?;
    let interval_ms = app.monitor.config().evaluation_interval.as_millis();
    let step_ms = interval_ms.max((body.to_ms - body.from_ms) / MAX_BACKTEST_STEPS);
    let series = app
        .monitor
        .backtest(&rule, body.from_ms, body.to_ms, step_ms)
        .await?;
    let intervals = series
        .into_iter()
        .flat_map(|series| {
            let labels = label_map(&series.labels);
            series
                .intervals
                .into_iter()
                .map(move |interval| BacktestInterval {
                    labels: labels.clone(),
                    from_ms: interval.from_ms,
                    to_ms: interval.until_ms.unwrap_or(body.to_ms),
                    state: interval.state.as_str().to_owned(),
                })
        })
        .collect();
    Ok(Json(Backtest { intervals }))
}

/// Makes the rule that a back-test runs.
fn rule_of(body: &BacktestRequest) -> ApiResult<AlertRule> {
    if let Err(error) = yunhai_promql::parse(&body.expr) {
        let fault = Fault {
            pointer: Some("/expr".to_owned()),
            line: u32::try_from(error.position.line).ok(),
            column: u32::try_from(error.position.column).ok(),
            detail: error.message.clone(),
            ..Fault::default()
        };
        return Err(Problem::new(ProblemCode::InvalidQuery, error.to_string())
            .with_errors(vec![fault])
            .into());
    }
    // JSON is YAML: the expression needs no other quoting.
    let source = json!({"groups": [{"name": "backtest", "rules": [
        {"alert": "Backtest", "expr": body.expr, "for": format!("{}s", body.for_secs)},
    ]}]});
    let file = RuleFile::parse(&source.to_string()).map_err(yunhai_monitor::Error::from)?;
    match file.groups.into_iter().flat_map(|group| group.rules).next() {
        Some(Rule::Alerting(rule)) => Ok(rule),
        _ => unreachable!("a file of one alerting rule was parsed"),
    }
}
