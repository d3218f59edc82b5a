//! The channels against strict simulators of the providers and a real SMTP server.
// Helpers of tests may unwrap as tests do.
#![allow(clippy::unwrap_used)]

mod it {
    mod config;
    mod email;
    mod limits;
    mod robots;
    mod sms;
    mod support;
    mod texts;
    mod webhook;
}
