//! Accounts and their servers over real databases, with a cloud that does as it is told.
#![allow(clippy::unwrap_used)] // Helpers of tests may unwrap as well.

mod it {
    mod accounts;
    mod orders;
    mod rounds;
    mod schedule;
    mod support;
}
