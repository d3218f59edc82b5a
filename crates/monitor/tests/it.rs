//! Alerting over real databases.
#![allow(clippy::unwrap_used)] // Helpers of tests may unwrap as well.

mod it {
    mod alerting;
    mod channels;
    mod kill;
    mod leadership;
    mod muting;
    mod probes;
    mod quiet_hours;
    mod retention;
    mod rules;
    mod support;
}
