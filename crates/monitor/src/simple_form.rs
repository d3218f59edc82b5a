//! The simple form of a rule: a metric, a comparison and a few words, which become an ordinary
//! rule and can be read back from it.

use std::collections::BTreeMap;

use promql_parser::label::MatchOp as ParserMatchOp;
use promql_parser::parser::{self, Expr};
use serde::{Deserialize, Serialize};
use yunhai_model::is_valid_metric_name;
use yunhai_promql::MatchOp;

use crate::expression::{self, Comparison};
use crate::label_matcher::LabelMatcher;
use crate::rule_file::{AlertRule, NoData, RUNBOOK_URL, RuleOptions, SEVERITY};
use crate::template::Template;

/// What the form asks for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SimpleForm {
    /// The alert's name.
    pub name: String,
    /// The metric's name.
    pub metric: String,
    /// How it is compared.
    pub comparison: Comparison,
    /// With what.
    pub threshold: f64,
    /// For how long the comparison must hold.
    #[serde(default)]
    pub hold_ms: i64,
    /// For how long an alert still fires after the comparison held last.
    #[serde(default)]
    pub keep_firing_for_ms: i64,
    /// The value past which a firing alert ends.
    #[serde(default)]
    pub recovery_threshold: Option<f64>,
    /// How bad it is: `critical`, `warning`, `info` or a word of one's own.
    #[serde(default)]
    pub severity: String,
    /// Which series: the server, a tag (`tag_team="db"`), any label.
    #[serde(default)]
    pub matchers: Vec<LabelMatcher>,
    /// What missing data mean.
    #[serde(default)]
    pub no_data: NoData,
    /// For how long data must be missing.
    #[serde(default = "default_no_data_for_ms")]
    pub no_data_for_ms: i64,
    /// One line for people; a template.
    #[serde(default)]
    pub summary: String,
    /// More for people; a template.
    #[serde(default)]
    pub description: String,
    /// The link to the instructions; a template.
    #[serde(default)]
    pub runbook_url: String,
    /// Whether the rule is evaluated.
    #[serde(default = "default_is_enabled")]
    pub is_enabled: bool,
}

fn default_no_data_for_ms() -> i64 {
    RuleOptions::default().no_data_for_ms
}

fn default_is_enabled() -> bool {
    true
}

/// A field of the form that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {message}")]
pub struct FormFault {
    /// The field.
    pub field: &'static str,
    /// What is wrong with it.
    pub message: String,
}

impl SimpleForm {
    /// The expression that the form stands for.
    pub fn expr(&self) -> String {
        let matchers: Vec<_> = self.matchers.iter().map(ToString::to_string).collect();
        let braces = if matchers.is_empty() {
            String::new()
        } else {
            format!("{{{}}}", matchers.join(","))
        };
        format!(
            "{}{braces} {} {}",
            self.metric, self.comparison, self.threshold
        )
    }

    /// Makes the rule, or tells every field that is wrong.
    pub fn to_rule(&self) -> Result<AlertRule, Vec<FormFault>> {
        let mut faults = Vec::new();
        let mut fault = |field, message: &str| {
            faults.push(FormFault {
                field,
                message: message.to_owned(),
            });
        };
        if self.name.trim().is_empty() {
            fault("name", "the alert needs a name");
        }
        if !is_valid_metric_name(&self.metric) {
            fault(
                "metric",
                "use letters, digits, _ and :, not starting with a digit",
            );
        }
        if !self.threshold.is_finite() {
            fault("threshold", "a number is needed");
        }
        if self.hold_ms < 0 {
            fault("hold_ms", "a duration cannot be negative");
        }
        if self.keep_firing_for_ms < 0 {
            fault("keep_firing_for_ms", "a duration cannot be negative");
        }
        if self.no_data_for_ms < 0 {
            fault("no_data_for_ms", "a duration cannot be negative");
        }
        if let Some(recovery) = self.recovery_threshold
            && !(recovery.is_finite() && self.comparison.accepts_recovery(self.threshold, recovery))
        {
            fault(
                "recovery_threshold",
                "it must lie on the quiet side of the threshold",
            );
        }
        let mut annotations = BTreeMap::new();
        for (field, name, text) in [
            ("summary", "summary", &self.summary),
            ("description", "description", &self.description),
            ("runbook_url", RUNBOOK_URL, &self.runbook_url),
        ] {
            match Template::parse(text) {
                Ok(_) if text.is_empty() => {}
                Ok(template) => drop(annotations.insert(name.to_owned(), template)),
                Err(error) => fault(field, &error.to_string()),
            }
        }
        let mut labels = BTreeMap::new();
        match Template::parse(&self.severity) {
            Ok(_) if self.severity.is_empty() => {}
            Ok(template) => drop(labels.insert(SEVERITY.to_owned(), template)),
            Err(error) => fault("severity", &error.to_string()),
        }
        let expr = self.expr();
        if is_valid_metric_name(&self.metric)
            && self.threshold.is_finite()
            && let Err(error) = expression::check(&expr)
        {
            fault("matchers", &error.message);
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        Ok(AlertRule {
            name: self.name.clone(),
            threshold: expression::threshold_of(&expr),
            expr,
            hold_ms: self.hold_ms,
            keep_firing_for_ms: self.keep_firing_for_ms,
            labels,
            annotations,
            options: RuleOptions {
                recovery_threshold: self.recovery_threshold,
                no_data: self.no_data,
                no_data_for_ms: self.no_data_for_ms,
                is_enabled: self.is_enabled,
            },
        })
    }

    /// Reads the form back; `None` where the rule says more than the form can.
    pub fn from_rule(rule: &AlertRule) -> Option<Self> {
        let threshold = rule.threshold.as_ref()?;
        let Expr::VectorSelector(selector) = parser::parse(&threshold.measured).ok()? else {
            return None;
        };
        let is_plain = selector.offset.is_none()
            && selector.at.is_none()
            && selector.matchers.or_matchers.is_empty()
            && rule.labels.keys().all(|name| name == SEVERITY)
            && rule
                .annotations
                .keys()
                .all(|name| matches!(name.as_str(), "summary" | "description" | RUNBOOK_URL));
        if !is_plain {
            return None;
        }
        let matchers = selector
            .matchers
            .matchers
            .iter()
            .map(|matcher| {
                let op = match matcher.op {
                    ParserMatchOp::Equal => MatchOp::Equal,
                    ParserMatchOp::NotEqual => MatchOp::NotEqual,
                    ParserMatchOp::Re(_) => MatchOp::Regex,
                    ParserMatchOp::NotRe(_) => MatchOp::NotRegex,
                };
                LabelMatcher::new(&matcher.name, op, &matcher.value).ok()
            })
            .collect::<Option<Vec<_>>>()?;
        let text = |name: &str| {
            rule.annotations
                .get(name)
                .map_or(String::new(), |text| text.source().to_owned())
        };
        let form = Self {
            name: rule.name.clone(),
            metric: selector.name?,
            comparison: threshold.comparison,
            threshold: threshold.number,
            hold_ms: rule.hold_ms,
            keep_firing_for_ms: rule.keep_firing_for_ms,
            recovery_threshold: rule.options.recovery_threshold,
            severity: rule
                .labels
                .get(SEVERITY)
                .map_or(String::new(), |text| text.source().to_owned()),
            matchers,
            no_data: rule.options.no_data,
            no_data_for_ms: rule.options.no_data_for_ms,
            summary: text("summary"),
            description: text("description"),
            runbook_url: text(RUNBOOK_URL),
            is_enabled: rule.options.is_enabled,
        };
        Some(form)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn form() -> SimpleForm {
        SimpleForm {
            name: "HighCpu".into(),
            metric: "server_cpu_utilization_ratio".into(),
            comparison: Comparison::Greater,
            threshold: 0.9,
            hold_ms: 600_000,
            keep_firing_for_ms: 300_000,
            recovery_threshold: Some(0.8),
            severity: "warning".into(),
            matchers: vec![
                "server=~\"web-\\\\d+\"".parse().unwrap(),
                "tag_team=\"db\"".parse().unwrap(),
            ],
            no_data: NoData::Alert,
            no_data_for_ms: 60_000,
            summary: "CPU of {{ $labels.server }} at {{ $value | humanizePercentage }}".into(),
            description: String::new(),
            runbook_url: "https://wiki.test/cpu".into(),
            is_enabled: true,
        }
    }

    #[test]
    fn a_form_becomes_a_rule_and_is_read_back() {
        let rule = form().to_rule().unwrap();
        insta::assert_snapshot!(rule.expr, @r#"server_cpu_utilization_ratio{server=~"web-\\d+",tag_team="db"} > 0.9"#);
        assert_eq!(SimpleForm::from_rule(&rule), Some(form()));
    }

    #[test]
    fn every_wrong_field_is_named() {
        let wrong = SimpleForm {
            name: " ".into(),
            metric: "a-b".into(),
            threshold: f64::NAN,
            summary: "{{ $nope }}".into(),
            ..form()
        };
        let faults = wrong.to_rule().unwrap_err();
        let fields: Vec<_> = faults.iter().map(|fault| fault.field).collect();
        assert_eq!(
            fields,
            [
                "name",
                "metric",
                "threshold",
                "recovery_threshold",
                "summary"
            ]
        );
    }

    #[test]
    fn a_rule_that_says_more_is_not_a_form() {
        let mut rule = form().to_rule().unwrap();
        rule.labels
            .insert("team".into(), Template::parse("db").unwrap());
        assert_eq!(SimpleForm::from_rule(&rule), None);
        let mut rule = form().to_rule().unwrap();
        rule.expr = "rate(x[5m]) > 1".into();
        rule.threshold = expression::threshold_of(&rule.expr);
        assert_eq!(SimpleForm::from_rule(&rule), None);
    }

    proptest! {
        #[test]
        fn any_form_is_read_back(
            threshold in -1e15..1e15_f64,
            value in "[ -~]{0,20}",
            hold_ms in 0..10_000_000_i64,
        ) {
            let matchers = vec![LabelMatcher::new("server", MatchOp::Equal, &value).unwrap()];
            let form = SimpleForm { threshold, matchers, hold_ms, recovery_threshold: None, ..form() };
            let rule = form.to_rule().unwrap();
            prop_assert_eq!(SimpleForm::from_rule(&rule), Some(form));
        }
    }
}
