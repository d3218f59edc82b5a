//! Tokens, by Google's own library: fetched, kept, and renewed before they expire.

use std::error::Error as StdError;
use std::sync::{Mutex, PoisonError};

use google_cloud_auth::build_errors::Error as BuildError;
use google_cloud_auth::credentials::service_account::{self, AccessSpecifier};
use google_cloud_auth::credentials::{
    self, AccessTokenCredentials, CacheableResource, CredentialsProvider as _, external_account,
};
use google_cloud_auth::errors::CredentialsError;
use http::{Extensions, HeaderMap};
use yunhai_cloud::{Error, ErrorKind};
use yunhai_model::with_causes;

use crate::settings::GcpCredentials;

/// What a token is good for at most; what it may do is said by the roles of its owner.
const SCOPE: &str = "https://www.googleapis.com/auth/cloud-platform";

/// Where tokens come from.
#[derive(Debug)]
pub(crate) struct Tokens {
    of: GcpCredentials,
    known: Mutex<Option<AccessTokenCredentials>>,
}

impl Tokens {
    pub(crate) fn new(of: GcpCredentials) -> Self {
        Self {
            of,
            known: Mutex::default(),
        }
    }

    /// Returns the headers that sign a call: a token that is valid now, and the project that the
    /// rights of a person are charged to.
    pub(crate) async fn headers(&self) -> Result<HeaderMap, Error> {
        let attempted = || format!("sign in with {}", self.of.described());
        let credentials = self.credentials().map_err(|error| {
            Error::new(ErrorKind::Credentials, attempted(), with_causes(&error))
        })?;
        match credentials.headers(Extensions::new()).await {
            Ok(CacheableResource::New { data, .. }) => Ok(data),
            Ok(CacheableResource::NotModified) => {
                unreachable!("headers that nobody named are no older ones")
            }
            Err(error) => {
                // They would repeat this failure until the process ends.
                self.forget();
                Err(told(attempted(), &error))
            }
        }
    }

    /// Has the next token be a new one.
    pub(crate) fn forget(&self) {
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn credentials(&self) -> Result<AccessTokenCredentials, BuildError> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(credentials) = &*known {
            return Ok(credentials.clone());
        }
        let document = self.of.document().unwrap_or_default();
        let made = match self.of {
            GcpCredentials::ServiceAccountKey { .. } => service_account::Builder::new(document)
                .with_access_specifier(AccessSpecifier::from_scopes([SCOPE]))
                .build_access_token_credentials(),
            GcpCredentials::WorkloadIdentity { .. } => external_account::Builder::new(document)
                .with_scopes([SCOPE])
                .build_access_token_credentials(),
            GcpCredentials::ApplicationDefault => credentials::Builder::default()
                .with_scopes([SCOPE])
                .build_access_token_credentials(),
        }?;
        *known = Some(made.clone());
        Ok(made)
    }
}

fn told(attempted: String, error: &CredentialsError) -> Error {
    let mut cause = error.source();
    let mut kind = if error.is_transient() {
        ErrorKind::Unavailable
    } else {
        ErrorKind::Credentials
    };
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<reqwest::Error>() {
            if error.is_connect() || error.is_timeout() {
                kind = ErrorKind::Unreachable;
            }
            break;
        }
        cause = error.source();
    }
    Error::new(kind, attempted, with_causes(error))
}
