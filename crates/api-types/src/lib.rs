//! Request and response types of the API and its table of error codes.
