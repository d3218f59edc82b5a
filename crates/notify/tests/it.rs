//! The channels against strict simulators of the providers a real SMTP server, and emulators of AWS.
// Helpers of tests may unwrap as tests do.
#![allow(clippy::unwrap_used)]

mod it {
    mod aws;
    mod azure_and_google;
    mod config;
    mod email;
    mod limits;
    mod robots;
    mod sms;
    mod support;
    mod texts;
    mod webhook;
}
