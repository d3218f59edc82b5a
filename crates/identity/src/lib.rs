//! Users, sessions, tokens, roles, second factors and the audit log.
