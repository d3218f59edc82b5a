//! Wires the providers of clouds and the series store into the inventory.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use async_trait::async_trait;
use serde_json::{Value, json};
use yunhai_api_types::{Fault, Problem, ProblemCode};
use yunhai_cloud::{Account, ErrorKind, Policy, PolicyScope, Provider};
use yunhai_cloud_aws::{AwsAccount, AwsSettings};
use yunhai_cloud_azure::{AzureAccount, AzureSettings};
use yunhai_cloud_gcp::{GcpAccount, GcpSettings};
use yunhai_database::Transaction;
use yunhai_enrolment::Enrolment;
use yunhai_identity::{Action, AuditEvent, Caller, Identity, Outcome, Target, TargetKind};
use yunhai_inventory::{Error, Opener, Order, OrderLog, SampleSink, Stored};
use yunhai_model::{Labels, METRIC_NAME, Secret, TimeSeries, TimestampMs, with_causes};
use yunhai_promql::{MatchOp, Matcher};
use yunhai_series::{MetricKind, MetricMetadata, RejectReason, Store};

use crate::collect::end_of;
use crate::error::ApiError;
use crate::samples::SampleSource;

/// How far back series are looked for that are to be ended, and servers that have their names
/// already: longer than the longest interval.
const LOOK_BACK_MS: i64 = 2 * 86_400_000;

/// The labels that say of which server or account a series is.
const PLACE: [&str; 4] = ["server", "provider", "account", "region"];

/// Metrics that only clouds have: name, unit, and what each says.
const METRICS: [(&str, &str, &str); 8] = [
    (
        "server_network_receive_bytes_per_second",
        "bytes",
        "Data received by all network devices, a second on average over the period",
    ),
    (
        "server_network_transmit_bytes_per_second",
        "bytes",
        "Data sent by all network devices, a second on average over the period",
    ),
    (
        "server_disk_read_bytes_per_second",
        "bytes",
        "Data read from all disks, a second on average over the period",
    ),
    (
        "server_disk_written_bytes_per_second",
        "bytes",
        "Data written to all disks, a second on average over the period",
    ),
    (
        "cloud_account_up",
        "",
        "1 when everything of the last round could be had, 0 when something is missing",
    ),
    (
        "cloud_account_servers",
        "",
        "How many servers the account has",
    ),
    (
        "cloud_account_month_cost_usd",
        "",
        "What the questions of this month (UTC) cost at the list price, in US dollars",
    ),
    (
        "cloud_account_over_budget",
        "",
        "1 while metrics are left out, as they would cost more than the budget",
    ),
];

/// What the metrics mean that only clouds have, for the Prometheus API.
pub(crate) fn metadata() -> impl Iterator<Item = (String, MetricMetadata)> {
    METRICS.iter().map(|(name, unit, help)| {
        let told = MetricMetadata {
            kind: MetricKind::Gauge,
            help: (*help).to_owned(),
            unit: (*unit).to_owned(),
        };
        ((*name).to_owned(), told)
    })
}

/// Opens accounts of every provider there is.
pub(crate) struct Providers;

#[async_trait]
impl Opener for Providers {
    fn secret_fields(&self, provider: Provider) -> &'static [&'static str] {
        match provider {
            Provider::Aws => yunhai_cloud_aws::SECRET_FIELDS,
            Provider::Azure => yunhai_cloud_azure::SECRET_FIELDS,
            Provider::Gcp => yunhai_cloud_gcp::SECRET_FIELDS,
        }
    }

    async fn open(
        &self,
        provider: Provider,
        access: &Secret,
    ) -> Result<Arc<dyn Account>, Vec<String>> {
        match provider {
            Provider::Aws => {
                let settings = AwsSettings::parse(access).map_err(|invalid| invalid.0)?;
                Ok(Arc::new(AwsAccount::open(settings).await))
            }
            Provider::Azure => {
                let settings = AzureSettings::parse(access).map_err(|invalid| invalid.0)?;
                Ok(Arc::new(
                    AzureAccount::open(settings).map_err(|error| vec![error.to_string()])?,
                ))
            }
            Provider::Gcp => {
                let settings = GcpSettings::parse(access).map_err(|invalid| invalid.0)?;
                Ok(Arc::new(
                    GcpAccount::open(settings).map_err(|error| vec![error.to_string()])?,
                ))
            }
        }
    }
}

/// Returns the rights that a provider's account needs.
pub(crate) fn policy(provider: Provider, scope: PolicyScope) -> Policy {
    match provider {
        Provider::Aws => yunhai_cloud_aws::policy(scope),
        Provider::Azure => yunhai_cloud_azure::policy(scope),
        Provider::Gcp => yunhai_cloud_gcp::policy(scope),
    }
}

/// Appends what providers measured to the series store. Windows overlap and providers correct what
/// they said, so what is refused as known already is no trouble.
pub(crate) struct CloudSink(pub(crate) Store, pub(crate) Enrolment);

#[async_trait]
impl SampleSink for CloudSink {
    async fn append(&self, series: Vec<TimeSeries>) -> Result<Stored, String> {
        let outcome = self.0.append(series).await;
        let outcome = outcome.map_err(|error| with_causes(&error))?;
        SampleSource::Cloud.count(&outcome);
        let refusal = outcome.rejected.iter().find(|rejection| {
            !matches!(
                rejection.reason,
                RejectReason::Conflict | RejectReason::TooOld { .. }
            )
        });
        Ok(Stored {
            accepted: outcome.accepted as u64,
            refusal: refusal.map(ToString::to_string),
        })
    }

    async fn end(&self, known_by: Vec<Labels>, at_ms: TimestampMs) -> Result<(), String> {
        let mut ends = Vec::new();
        for labels in &known_by {
            let matchers = labels
                .iter()
                .map(|(name, value)| matcher(name, MatchOp::Equal, value))
                .collect::<Result<Vec<_>, _>>()?;
            let found = self.series(&matchers, at_ms)?;
            ends.extend(
                found
                    .iter()
                    .filter(|series| is_known_by(series, labels))
                    .map(|series| end_of(series, at_ms)),
            );
        }
        let outcome = self.0.append(ends).await;
        outcome.map(drop).map_err(|error| with_causes(&error))
    }

    async fn agents(&self, provider: Provider) -> Result<BTreeMap<String, String>, String> {
        crate::agents::names_in_cloud(&self.1, provider).await
    }

    fn other_servers(&self, now_ms: TimestampMs) -> Result<BTreeSet<String>, String> {
        let by_clouds = [Provider::Aws, Provider::Azure, Provider::Gcp].map(Provider::as_str);
        let matchers = [
            matcher(METRIC_NAME, MatchOp::Equal, "server_up")?,
            matcher("provider", MatchOp::NotRegex, &by_clouds.join("|"))?,
        ];
        let found = self.series(&matchers, now_ms)?;
        let names = found.iter().filter_map(|series| series.get("server"));
        Ok(names.map(str::to_owned).collect())
    }
}

impl CloudSink {
    fn series(&self, matchers: &[Matcher], now_ms: TimestampMs) -> Result<Vec<Labels>, String> {
        let found = self.0.series(matchers, now_ms - LOOK_BACK_MS, now_ms);
        found.map_err(|error| with_causes(&error))
    }
}

fn matcher(name: &str, op: MatchOp, value: &str) -> Result<Matcher, String> {
    Matcher::new(name, op, value).map_err(|error| error.to_string())
}

/// Records the ends of orders in the audit log. Whoever placed an order is named in it: the server
/// carries it out.
pub(crate) struct AuditedOrders(pub(crate) Identity);

#[async_trait]
impl OrderLog for AuditedOrders {
    async fn commit_end(&self, transaction: Transaction, order: &Order) -> Result<(), String> {
        let event = AuditEvent::new(Action::CloudOrderEnded, order_target(order))
            .after(&recorded_order(order));
        let event = match &order.error {
            Some(error) => event.outcome(Outcome::Failure).because(error.to_string()),
            None => event,
        };
        let audit = self.0.audit();
        let committed = audit
            .commit_change(transaction, &Caller::system(), vec![event])
            .await;
        committed.map_err(|error| with_causes(&error))
    }
}

/// An order as what the audit log has an entry about.
pub(crate) fn order_target(order: &Order) -> Target {
    Target::new(TargetKind::CloudOrder, order.id, order.what.sentence())
}

/// An order as the audit log has it. User data is not in it.
pub(crate) fn recorded_order(order: &Order) -> Value {
    let operation = order.operation.as_ref();
    json!({
        "what": order.what,
        "account": order.account,
        "provider": order.provider,
        "ordered_by": order.ordered_by,
        "state": order.state,
        "attempts": order.attempts,
        "servers": operation.map(|operation| &operation.servers),
    })
}

/// Whether a series belongs to what is known by these labels, all of which it has: it has no other
/// place and no other tag.
fn is_known_by(series: &Labels, labels: &Labels) -> bool {
    series
        .iter()
        .filter(|(name, _)| PLACE.contains(name) || name.starts_with("tag_"))
        .all(|(name, _)| labels.get(name).is_some())
}

impl From<Error> for ApiError {
    fn from(error: Error) -> Self {
        let text = error.to_string();
        match error {
            Error::Invalid(faults) | Error::InvalidOrder(faults) => Problem::new(ProblemCode::ValidationFailed, text)
                .with_errors(
                    faults
                        .iter()
                        .map(|fault| {
                            let (field, detail) = fault.split_once(": ").unwrap_or(("", fault));
                            Fault {
                                pointer: Some(format!("/{}", field.replace('.', "/"))),
                                detail: detail.to_owned(),
                                ..Fault::default()
                            }
                        })
                        .collect(),
                )
                .into(),
            Error::NotFound(_) | Error::NoSuchOrder(_) => Self::new(ProblemCode::NotFound, text),
            Error::NoSuchServer(_) => Self::new(ProblemCode::NotFound, text)
                .hint("`yunhai cloud servers` lists the servers of all accounts; ask the account again where it is new"),
            Error::OrderUnderWay { .. } => Self::new(ProblemCode::Conflict, text)
                .hint("wait for its end; `yunhai server orders` shows how far it is"),
            Error::KeyTaken => Self::new(ProblemCode::Conflict, text)
                .hint("send another Idempotency-Key with another order"),
            Error::NameTaken(_) | Error::ServerDeleted(_) => Self::new(ProblemCode::Conflict, text),
            Error::ChangedMeanwhile(_) => Self::new(ProblemCode::ChangedMeanwhile, text)
                .hint("read it again and carry your change over to what is there now"),
            Error::Cloud(error) => {
                let code = match error.kind {
                    ErrorKind::Unreachable | ErrorKind::Unavailable | ErrorKind::Throttled => {
                        ProblemCode::CloudUnreachable
                    }
                    _ => ProblemCode::CloudRefused,
                };
                match error.hint() {
                    Some(hint) => Self::new(code, text).hint(hint),
                    None => Self::new(code, text),
                }
            }
            error => Self::internal(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_series_with_another_tag_or_of_a_server_is_another() {
        let of = |pairs: &[(&str, &str)]| Labels::new(pairs.iter().copied());
        let server = [("server", "web"), ("account", "prod"), ("tag_team", "a")];
        let cpu = |more: &[(&str, &str)]| {
            let pairs = [
                &[("__name__", "up"), ("device", "eth0")][..],
                &server[..],
                more,
            ]
            .concat();
            of(&pairs)
        };
        assert!(is_known_by(&cpu(&[]), &of(&server)));
        assert!(!is_known_by(&cpu(&[("tag_tier", "1")]), &of(&server)));
        assert!(!is_known_by(&cpu(&[]), &of(&[("account", "prod")])));
    }
}
