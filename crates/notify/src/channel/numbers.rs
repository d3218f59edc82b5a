//! What all channels to telephones share: the shape of a number, and that each number is told once,
//! whatever happens to the others.

use super::Context;
use crate::SendError;
use crate::config::Faults;

pub(super) fn default_max_segments() -> usize {
    3
}

/// Tells whether a text is a number with its country's code.
pub(super) fn is_e164(number: &str) -> bool {
    number.strip_prefix('+').is_some_and(|digits| {
        (7..=15).contains(&digits.len())
            && !digits.starts_with('0')
            && digits.bytes().all(|byte| byte.is_ascii_digit())
    })
}

/// Checks the numbers to send to.
pub(super) fn check(faults: &mut Faults, to: &[String]) {
    faults.require(!to.is_empty(), "to", "must name at least one number");
    for number in to.iter().filter(|number| !is_e164(number)) {
        faults.add(
            "to",
            format!("`{number}` is not a number with its country's code, as +8613800000000"),
        );
    }
}

pub(super) fn check_segments(faults: &mut Faults, max_segments: usize) {
    faults.require(
        (1..=10).contains(&max_segments),
        "max_segments",
        "must be between 1 and 10",
    );
}

/// What came of telling several numbers.
pub(super) struct Outcomes<'a> {
    context: &'a Context<'a>,
    all: usize,
    accepted: Vec<String>,
    failure: Option<SendError>,
}

impl<'a> Outcomes<'a> {
    pub(super) fn new(context: &'a Context<'a>, all: usize) -> Self {
        Self {
            context,
            all,
            accepted: Vec::new(),
            failure: None,
        }
    }

    /// Tells whether a number has the message from an earlier attempt.
    pub(super) fn is_told(&mut self, number: &str) -> bool {
        let is_told = self.context.delivered.contains(self.context.id, number);
        if is_told {
            self.accepted.push(format!("{number}: sent before"));
        }
        is_told
    }

    /// Notes what the provider answered for a number.
    pub(super) fn add(&mut self, number: &str, outcome: Result<String, SendError>) {
        match outcome {
            Ok(id) => {
                self.context.delivered.insert(self.context.id, number);
                self.accepted.push(format!("{number}: {id}"));
            }
            Err(mut error) => {
                error.message = format!("{number}: {}", error.message);
                // What can still go well decides whether it is tried again.
                let keep = self
                    .failure
                    .as_ref()
                    .is_some_and(|first| first.is_retryable);
                if !keep {
                    self.failure = Some(error);
                }
            }
        }
    }

    /// Returns the answers, or the failure with how many were told all the same.
    pub(super) fn finish(self) -> Result<String, SendError> {
        let Some(mut error) = self.failure else {
            return Ok(self.accepted.join(", "));
        };
        if !self.accepted.is_empty() {
            let (sent, all) = (self.accepted.len(), self.all);
            error.message = format!("{} (sent to {sent} of {all})", error.message);
        }
        Err(error)
    }
}
