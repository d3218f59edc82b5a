//! What stops a query that asks for too much or takes too long.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::engine::Error;

#[derive(Clone, Debug)]
pub(crate) struct Limits {
    timeout: Duration,
    deadline: Option<Instant>,
    cancelled: Arc<AtomicBool>,
    max_samples: usize,
}

impl Limits {
    pub(crate) fn new(timeout: Duration, max_samples: usize) -> Self {
        Self {
            timeout,
            deadline: Instant::now().checked_add(timeout),
            cancelled: Arc::default(),
            max_samples,
        }
    }

    /// Stops the evaluation when the returned guard is dropped: nobody waits for it any more.
    pub(crate) fn cancel_on_drop(&self) -> CancelOnDrop {
        CancelOnDrop(self.cancelled.clone())
    }

    pub(crate) fn remaining(&self) -> Duration {
        self.deadline.map_or(self.timeout, |deadline| {
            deadline.saturating_duration_since(Instant::now())
        })
    }

    pub(crate) fn timed_out(&self) -> Error {
        Error::Timeout(self.timeout)
    }

    pub(crate) fn check_time(&self) -> Result<(), Error> {
        if self.cancelled.load(Ordering::Relaxed) {
            Err(Error::Cancelled)
        } else if self
            .deadline
            .is_some_and(|deadline| Instant::now() >= deadline)
        {
            Err(self.timed_out())
        } else {
            Ok(())
        }
    }

    pub(crate) fn check_samples(&self, samples: usize) -> Result<(), Error> {
        if samples > self.max_samples {
            Err(Error::TooManySamples(self.max_samples))
        } else {
            Ok(())
        }
    }
}

pub(crate) struct CancelOnDrop(Arc<AtomicBool>);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
