//! Keys, sealing of secrets, signatures.
