//! The collectors against a recorded machine, this machine, and local servers.

mod it {
    mod host;
    mod metrics_document;
}
