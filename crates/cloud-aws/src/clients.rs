//! Amazon's clients, one for each service and region.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::sts::AssumeRoleProvider;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_ec2::config::retry::RetryPartition;
use aws_smithy_http_client::tls;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::AfterDeserializationInterceptorContextRef;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;

use yunhai_model::Secret;

use crate::settings::{AwsCredentials, AwsRole, AwsSettings};

/// How often a call is made at most: throttling and failures of a moment pass unnoticed.
const ATTEMPTS: u32 = 5;

/// How long a connection may take, an attempt, and all attempts of a call.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(30);
const CALL_TIMEOUT: Duration = Duration::from_mins(2);

/// The clients of a region.
#[derive(Clone, Debug)]
pub(crate) struct RegionClients {
    pub(crate) ec2: aws_sdk_ec2::Client,
    pub(crate) cloudwatch: aws_sdk_cloudwatch::Client,
}

/// All clients of an account.
#[derive(Debug)]
pub(crate) struct Clients {
    config: SdkConfig,
    by_region: Mutex<BTreeMap<String, RegionClients>>,
}

impl Clients {
    pub(crate) async fn open(settings: &AwsSettings) -> Self {
        let http = aws_smithy_http_client::Builder::new()
            .tls_provider(tls::Provider::Rustls(
                tls::rustls_provider::CryptoMode::AwsLc,
            ))
            .build_https();
        let mut loader = aws_config::defaults(BehaviorVersion::latest())
            .http_client(http)
            .region(Region::new(settings.home_region().to_owned()))
            .no_credentials()
            // The adaptive mode slows down before it is told to.
            .retry_config(RetryConfig::adaptive().with_max_attempts(ATTEMPTS))
            .timeout_config(
                TimeoutConfig::builder()
                    .connect_timeout(CONNECT_TIMEOUT)
                    .operation_attempt_timeout(ATTEMPT_TIMEOUT)
                    .operation_timeout(CALL_TIMEOUT)
                    .build(),
            );
        if let Some(endpoint) = &settings.endpoint {
            loader = loader.endpoint_url(endpoint);
        }
        let without = loader.load().await;
        let mut provider = credentials(&settings.credentials, &without);
        if let Some(AwsRole { arn, external_id }) = &settings.role {
            let mut role = AssumeRoleProvider::builder(arn)
                .session_name("yunhai")
                .configure(&without);
            if let Some(external_id) = external_id {
                role = role.external_id(external_id);
            }
            provider = SharedCredentialsProvider::new(role.build_from_provider(provider).await);
        }
        Self {
            config: without
                .into_builder()
                .credentials_provider(provider)
                .build(),
            by_region: Mutex::default(),
        }
    }

    /// Returns the clients of a region.
    pub(crate) fn of(&self, region: &str) -> RegionClients {
        let mut known = self
            .by_region
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        known
            .entry(region.to_owned())
            .or_insert_with(|| {
                let config = self.in_region(region);
                let ec2 = aws_sdk_ec2::config::Builder::from(&config)
                    .retry_partition(own_patience(region))
                    .interceptor(WholeAnswer);
                let cloudwatch = aws_sdk_cloudwatch::config::Builder::from(&config)
                    .retry_partition(own_patience(region));
                RegionClients {
                    ec2: aws_sdk_ec2::Client::from_conf(ec2.build()),
                    cloudwatch: aws_sdk_cloudwatch::Client::from_conf(cloudwatch.build()),
                }
            })
            .clone()
    }

    /// Returns a client that tells who the credentials are of.
    pub(crate) fn sts(&self) -> aws_sdk_sts::Client {
        let config =
            aws_sdk_sts::config::Builder::from(&self.config).retry_partition(own_patience("sts"));
        aws_sdk_sts::Client::from_conf(config.build())
    }

    fn in_region(&self, region: &str) -> SdkConfig {
        self.config
            .to_builder()
            .region(Region::new(region.to_owned()))
            .build()
    }
}

/// What is counted against one client: how often it may repeat, and how fast it may ask. Amazon
/// throttles each account in each region by itself; left to themselves all clients of the process
/// would slow down together.
fn own_patience(name: &str) -> RetryPartition {
    RetryPartition::custom(name.to_owned()).build()
}

fn credentials(of: &AwsCredentials, config: &SdkConfig) -> SharedCredentialsProvider {
    match of {
        AwsCredentials::Keys {
            access_key_id,
            secret_access_key,
            session_token,
        } => SharedCredentialsProvider::new(Credentials::new(
            access_key_id,
            secret_access_key.as_ref().map_or("", Secret::expose),
            session_token
                .as_ref()
                .map(|token| token.expose().to_owned()),
            None,
            "yunhai",
        )),
        AwsCredentials::Profile { name } => SharedCredentialsProvider::new(
            aws_config::profile::ProfileFileCredentialsProvider::builder()
                .configure(&provider_config(config))
                .profile_name(name)
                .build(),
        ),
        AwsCredentials::InstanceRole => SharedCredentialsProvider::new(
            aws_config::imds::credentials::ImdsCredentialsProvider::builder()
                .configure(&provider_config(config))
                .build(),
        ),
    }
}

fn provider_config(config: &SdkConfig) -> aws_config::provider_config::ProviderConfig {
    let mut provider = aws_config::provider_config::ProviderConfig::without_region();
    if let Some(http) = config.http_client() {
        provider = provider.with_http_client(http);
    }
    provider.with_region(config.region().cloned())
}

/// Refuses an answer of EC2 that breaks off. The client's reader of XML takes what is there for all
/// there is, and servers that were cut off would count as deleted.
#[derive(Debug)]
struct WholeAnswer;

impl Intercept for WholeAnswer {
    fn name(&self) -> &'static str {
        "WholeAnswer"
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        // It is in memory by now.
        let body = context.response().body().bytes().unwrap_or_default();
        if is_whole(body) {
            Ok(())
        } else {
            Err("the answer breaks off".into())
        }
    }
}

/// Tells whether the last element that is closed is the one that was opened first. An empty body
/// has nothing to break off.
fn is_whole(xml: &[u8]) -> bool {
    let text = xml.trim_ascii();
    if text.is_empty() {
        return true;
    }
    let mut tags = text
        .split(|&c| c == b'<')
        .filter(|tag| tag.first().is_some_and(u8::is_ascii_alphabetic));
    let root = tags.next();
    let is_single = tags.next().is_none();
    let name = root
        .and_then(|tag| {
            tag.split(|c| matches!(c, b' ' | b'>' | b'/' | b'\n'))
                .next()
        })
        .unwrap_or_default();
    let end = [b"</", name, b">"].concat();
    text.ends_with(&end) || (is_single && text.ends_with(b"/>"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_that_breaks_off_is_not_whole() {
        let whole = b"<?xml version=\"1.0\"?>\n<Answer xmlns=\"x\"><a>1</a><b/></Answer>\n";
        assert!(is_whole(whole));
        assert!(is_whole(b""));
        assert!(is_whole(b"<Answer/>"));
        for length in 1..whole.len() - 2 {
            assert!(!is_whole(&whole[..length]), "{length} bytes of it");
        }
    }
}
