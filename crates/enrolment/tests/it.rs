//! Tokens and agents over real databases.
#![allow(clippy::unwrap_used)] // Helpers of tests may unwrap as well.

mod it {
    mod enrolment;
}
