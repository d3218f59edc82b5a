//! Alert rules, the alert state machine and its notifications.

mod alert;
mod backtest;
mod channel_message;
mod config;
mod default_rules;
mod dispatch;
mod duration;
mod error;
mod evaluate;
mod expression;
mod inhibition;
mod label_matcher;
mod leadership;
mod maintenance;
mod monitor;
mod notification;
mod probe;
mod probes;
mod quiet_hours;
mod routing;
mod rule_file;
mod rule_test;
mod secrets;
mod servers;
mod silence;
mod simple_form;
mod state_machine;
mod store;
mod template;
mod version;
mod yaml;

pub use alert::{ALERT_NAME, Alert, AlertKind, RuleKey};
pub use backtest::{BacktestInterval, BacktestSeries, backtest};
pub use channel_message::MessageSettings;
pub use config::MonitorConfig;
pub use default_rules::{DEFAULT_RULES, DEFAULT_RULES_NAME};
pub use dispatch::Muting;
pub use error::{Error, Result};
pub use evaluate::SeriesExplanation;
pub use expression::{Comparison, Threshold};
pub use inhibition::{Inhibition, InhibitionSettings};
pub use label_matcher::{LabelMatcher, ParseMatcherError};
pub use leadership::{Leadership, Node, Role};
pub use maintenance::{MaintenanceSettings, MaintenanceWindow};
pub use monitor::{
    AlertDetail, AppliedGroup, ChannelTest, EvaluationSummary, FORM_RULES_NAME, GroupStatus,
    GroupView, InhibitionEffect, Monitor, MonitorParts, Pruned, RoutePreview, RuleStatus,
    SampleSink, StateChange,
};
pub use notification::{
    AlertStatus, Delivered, Language, Notification, NotifiedAlert, Notifier, NotifyError, Occasion,
    Preview, RateLimit, RateLimits, SecretSealer,
};
pub use probe::{NewProbe, Probe, ProbeRun, ProbeSettings};
pub use probes::{Probes, ProbesParts};
pub use quiet_hours::QuietHours;
pub use routing::{Destination, Escalation, Route};
pub use rule_file::{
    AlertRule, ENABLED, NO_DATA, NO_DATA_FOR, NoData, RECOVERY_THRESHOLD, RUNBOOK_URL,
    RecordingRule, Rule, RuleFault, RuleFaults, RuleFile, RuleGroup, RuleOptions, SEVERITY,
};
pub use rule_test::{RuleTestError, RuleTestOutcome, run_rule_tests};
pub use secrets::{SealedSecrets, place_of};
pub use servers::{SERVER_INTERVAL_SECS, ServerDirectory, ServerSettings};
pub use silence::{NewSilence, Silence, SilenceChange, SilenceFilter, SilenceState};
pub use simple_form::{FormFault, SimpleForm};
pub use state_machine::{
    Acknowledgement, AlertState, Change, Instance, Observation, Timing, transition,
};
pub use store::{
    ActiveAlerts, AlertEvent, AlertFilter, Channel, EventKind, MIGRATIONS, NewChannel, OutboxEntry,
    OutboxFilter, OutboxState, StoredRuleFile, leading_server,
};
pub use template::{RenderError, Template, TemplateData, TemplateError};
pub use version::{Expected, version_of};
