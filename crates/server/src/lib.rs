//! The HTTP server: router, authorisation and thin handlers.
