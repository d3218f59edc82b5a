//! Failures of alerting as problems of the API.

use yunhai_api_types::{Fault, Problem, ProblemCode};
use yunhai_monitor::{Error, RuleFault};

use crate::error::ApiError;

impl From<Error> for ApiError {
    fn from(error: Error) -> Self {
        let text = error.to_string();
        match error {
            Error::RuleFile(faults) => Problem::new(
                ProblemCode::MalformedRule,
                format!("the rule file has {} fault(s)", faults.0.len()),
            )
            .with_errors(faults.0.iter().map(rule_fault).collect())
            .into(),
            Error::Form(faults) => {
                let errors = faults
                    .into_iter()
                    .map(|fault| field_fault(fault.field, fault.message))
                    .collect();
                Problem::new(ProblemCode::ValidationFailed, text)
                    .with_errors(errors)
                    .into()
            }
            Error::Invalid { faults, .. } => {
                let errors = faults
                    .iter()
                    .map(|fault| match fault.split_once(": ") {
                        Some((field, message)) => field_fault(field, message.to_owned()),
                        None => Fault {
                            detail: fault.clone(),
                            ..Fault::default()
                        },
                    })
                    .collect();
                Problem::new(ProblemCode::ValidationFailed, text)
                    .with_errors(errors)
                    .into()
            }
            Error::NotFound { .. } => Self::new(ProblemCode::NotFound, text),
            Error::ChangedMeanwhile { .. } => Self::new(ProblemCode::ChangedMeanwhile, text)
                .hint("read it again and carry your change over to what is there now"),
            Error::Conflict(_) => Self::new(ProblemCode::Conflict, text),
            Error::Page(_) => Self::new(ProblemCode::InvalidRequest, text),
            Error::Evaluate { source, .. } => {
                Self::new(ProblemCode::QueryFailed, format!("{text}: {source}"))
            }
            Error::Limit { .. } => Self::new(ProblemCode::QueryFailed, text),
            error => Self::internal(error),
        }
    }
}

/// Turns a fault of a rule file into what travels.
pub(crate) fn rule_fault(fault: &RuleFault) -> Fault {
    Fault {
        line: u32::try_from(fault.line).ok(),
        column: u32::try_from(fault.column).ok(),
        detail: if fault.place.is_empty() {
            fault.message.clone()
        } else {
            format!("{}: {}", fault.place, fault.message)
        },
        ..Fault::default()
    }
}

fn field_fault(field: &str, detail: String) -> Fault {
    Fault {
        pointer: Some(format!("/{}", field.replace('.', "/"))),
        detail,
        ..Fault::default()
    }
}
