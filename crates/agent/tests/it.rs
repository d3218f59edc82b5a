//! The agent against a server of the test's own.

// Helpers of tests may unwrap as tests do.
#![allow(clippy::unwrap_used)]

mod it {
    mod joining;
    mod outage;
    mod receiver;
}
