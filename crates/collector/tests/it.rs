//! The collectors against a recorded machine, this machine, and local servers.

// Helpers of tests may unwrap as tests do.
#![allow(clippy::unwrap_used)]

mod it {
    mod host;
    mod metrics_document;
    mod probe;
}
