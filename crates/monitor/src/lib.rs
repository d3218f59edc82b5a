//! Alert rules, the alert state machine and its notifications.
