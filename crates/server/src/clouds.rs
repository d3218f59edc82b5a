//! Wires the providers of clouds and the series store into the inventory.

use std::sync::Arc;

use async_trait::async_trait;
use yunhai_api_types::{Fault, Problem, ProblemCode};
use yunhai_cloud::{Account, ErrorKind, Policy, PolicyScope, Provider};
use yunhai_cloud_aws::{AwsAccount, AwsSettings};
use yunhai_inventory::{Error, Opener, SampleSink, Stored};
use yunhai_model::{Secret, TimeSeries};
use yunhai_series::{RejectReason, Store};

use crate::error::ApiError;

/// Opens accounts of every provider there is.
pub(crate) struct Providers;

#[async_trait]
impl Opener for Providers {
    fn secret_fields(&self, provider: Provider) -> &'static [&'static str] {
        match provider {
            Provider::Aws => yunhai_cloud_aws::SECRET_FIELDS,
            Provider::Azure | Provider::Gcp => &[],
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
            Provider::Azure | Provider::Gcp => {
                Err(vec![format!("provider: `{provider}` is not supported yet")])
            }
        }
    }
}

/// Returns the rights that a provider's account needs.
pub(crate) fn policy(provider: &str, scope: PolicyScope) -> Option<Policy> {
    (provider == Provider::Aws.as_str()).then(|| yunhai_cloud_aws::policy(scope))
}

/// Appends what providers measured to the series store. Windows overlap and providers correct what
/// they said, so what is refused as known already is no trouble.
pub(crate) struct CloudSink(pub(crate) Store);

#[async_trait]
impl SampleSink for CloudSink {
    async fn append(&self, series: Vec<TimeSeries>) -> Result<Stored, String> {
        let outcome = self.0.append(series).await;
        let outcome = outcome.map_err(|error| yunhai_model::with_causes(&error))?;
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
}

impl From<Error> for ApiError {
    fn from(error: Error) -> Self {
        let text = error.to_string();
        match error {
            Error::Invalid(faults) => Problem::new(ProblemCode::ValidationFailed, text)
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
            Error::NotFound(_) => Self::new(ProblemCode::NotFound, text),
            Error::NameTaken(_) => Self::new(ProblemCode::Conflict, text),
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
