//! Says in words why a series has the state that it has.

use yunhai_model::{TimestampMs, format_rfc3339};

use super::Followed;
use crate::alert::{Alert, AlertKind};
use crate::duration::format_duration_ms;
use crate::rule_file::AlertRule;
use crate::state_machine::{AlertState, Observation};
use crate::template::format_value;

/// Says why a series has the state that it has.
pub(super) fn reason(
    rule: &AlertRule,
    one: &Followed,
    alert: Option<&Alert>,
    now_ms: TimestampMs,
) -> String {
    let comparison = match (one.value, &rule.threshold) {
        (None, _) if one.kind == AlertKind::NoData => "no data come".to_owned(),
        (None, _) => "no data come any more".to_owned(),
        (Some(value), None) => format!("the expression yields {}", format_value(value)),
        (Some(value), Some(threshold)) => {
            let not = if threshold.comparison.holds(value, threshold.number) {
                ""
            } else {
                "not "
            };
            let (value, number) = (format_value(value), format_value(threshold.number));
            format!("{value} is {not}{} {number}", threshold.comparison)
        }
    };
    let Some(alert) = alert else {
        return comparison;
    };
    let instance = &alert.instance;
    match (instance.state, one.observation) {
        (AlertState::Pending, _) => {
            let hold_ms = match one.kind {
                AlertKind::Expression => rule.hold_ms,
                AlertKind::NoData => rule.options.no_data_for_ms,
            };
            format!(
                "{comparison}; pending since {}, fires after {} (in {})",
                format_rfc3339(instance.active_since_ms),
                format_duration_ms(hold_ms),
                format_duration_ms((hold_ms - (now_ms - instance.active_since_ms)).max(0))
            )
        }
        (_, Observation::Recovering { .. }) => {
            let threshold = rule.options.recovery_threshold.unwrap_or_default();
            format!(
                "{comparison}, but not past the recovery threshold {}",
                format_value(threshold)
            )
        }
        (_, Observation::Unknown) => format!("{comparison}; the alert stays as it was"),
        (_, Observation::Quiet) => {
            let kept_until = instance.last_active_ms + rule.keep_firing_for_ms;
            format!(
                "{comparison}; kept firing until {}",
                format_rfc3339(kept_until)
            )
        }
        _ => format!(
            "{comparison} since {}",
            format_rfc3339(instance.active_since_ms)
        ),
    }
}
