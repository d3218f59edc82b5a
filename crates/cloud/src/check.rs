//! Trying an account: what is the same with every provider.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::{AccountCheck, Error, ErrorKind, Result};

/// How long who asks for a check waits at most.
const CHECK_TIMEOUT: Duration = Duration::from_secs(45);

/// Awaits a check for as long as somebody may be expected to wait for it.
pub async fn check_in_time(
    check: impl Future<Output = Result<AccountCheck>>,
) -> Result<AccountCheck> {
    tokio::time::timeout(CHECK_TIMEOUT, check)
        .await
        .unwrap_or_else(|_| {
            Err(Error::new(
                ErrorKind::Unreachable,
                "try the account",
                format!("no answer within {} seconds", CHECK_TIMEOUT.as_secs()),
            ))
        })
}

/// What went wrong when servers were listed, and when metrics were read, in one region, subscription
/// or project.
pub type Trial = [Option<Error>; 2];

/// Returns what does not work. Where no server can be listed anywhere, nothing would ever be seen of
/// the account: that is an error.
pub fn problems(trials: Vec<Trial>) -> Result<Vec<Error>> {
    let is_of_use = trials.iter().any(|[list, _]| list.is_none());
    let mut refusals = trials.into_iter().flatten().flatten();
    match refusals.next() {
        Some(refusal) if !is_of_use => Err(refusal),
        first => Ok(first.into_iter().chain(refusals).collect()),
    }
}

/// Joins the regions that subscriptions or projects tell. All of one account have nearly the same:
/// one that cannot be asked hides none that another tells.
pub fn all_regions(told: Vec<Result<Vec<String>>>) -> Result<Vec<String>> {
    let mut regions = BTreeSet::new();
    let mut failure = None;
    for told in told {
        match told {
            Ok(told) => regions.extend(told),
            Err(error) => failure = failure.or(Some(error)),
        }
    }
    match failure {
        Some(error) if regions.is_empty() => Err(error),
        _ => Ok(regions.into_iter().collect()),
    }
}
