//! Where to ask, in each of Microsoft's clouds and elsewhere.
//!
//! Sources: `AzureClouds` and `get_arm_endpoints` of azure-mgmt-core, `AzureAuthorityHosts` of
//! azure-identity, and the audiences of azure-monitor-query (`metrics.monitor.azure.cn` and others).

use url::Url;
use yunhai_cloud::{Error, ErrorKind};

use crate::settings::{AzureCloud, AzureSettings};

/// Where a machine on Azure learns of itself.
const METADATA: &str = "http://169.254.169.254";

/// What a token is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Audience {
    /// The Resource Manager.
    Manager,
    /// The metrics of Monitor.
    Metrics,
}

/// Where to ask for what.
#[derive(Clone, Debug)]
pub(crate) struct Endpoints {
    manager: String,
    login: String,
    metadata: String,
    metrics: String,
    manager_audience: String,
    metrics_audience: String,
}

impl Endpoints {
    pub(crate) fn of(settings: &AzureSettings) -> Self {
        let (manager, login, manager_audience, metrics) = match settings.cloud {
            AzureCloud::Public => (
                "https://management.azure.com",
                "https://login.microsoftonline.com",
                "https://management.azure.com",
                "metrics.monitor.azure.com",
            ),
            AzureCloud::China => (
                "https://management.chinacloudapi.cn",
                "https://login.chinacloudapi.cn",
                "https://management.chinacloudapi.cn",
                "metrics.monitor.azure.cn",
            ),
            AzureCloud::UsGovernment => (
                "https://management.usgovcloudapi.net",
                "https://login.microsoftonline.us",
                "https://management.core.usgovcloudapi.net",
                "metrics.monitor.azure.us",
            ),
        };
        let own = settings.endpoint.as_deref().map(without_slash);
        let beside =
            |set: &Option<String>| set.as_deref().map(without_slash).or_else(|| own.clone());
        Self {
            manager: own.clone().unwrap_or_else(|| manager.to_owned()),
            login: beside(&settings.login_endpoint).unwrap_or_else(|| login.to_owned()),
            metadata: beside(&settings.login_endpoint).unwrap_or_else(|| METADATA.to_owned()),
            metrics: beside(&settings.metrics_endpoint)
                .unwrap_or_else(|| format!("https://{{region}}.{metrics}")),
            manager_audience: settings
                .audience
                .as_deref()
                .map_or_else(|| manager_audience.to_owned(), without_slash),
            metrics_audience: format!("https://{metrics}"),
        }
    }

    /// The address of something of the Resource Manager: a path with its question.
    pub(crate) fn manager(&self, path: &str) -> String {
        format!("{}{path}", self.manager)
    }

    /// The address of something of the metrics of a location.
    pub(crate) fn metrics(&self, region: &str, path: &str) -> String {
        format!("{}{path}", self.metrics.replace("{region}", region))
    }

    /// Where the tokens of a directory come from.
    pub(crate) fn token(&self, tenant: &str) -> String {
        format!("{}/{tenant}/oauth2/v2.0/token", self.login)
    }

    /// Where the tokens of the machine come from.
    pub(crate) fn machine_token(&self) -> String {
        format!("{}/metadata/identity/oauth2/token", self.metadata)
    }

    /// What a token is asked for.
    pub(crate) fn audience(&self, audience: Audience) -> &str {
        match audience {
            Audience::Manager => &self.manager_audience,
            Audience::Metrics => &self.metrics_audience,
        }
    }

    /// Takes an address that an answer gave. Another host would get our token.
    pub(crate) fn trusted(&self, address: &str, attempted: &str) -> Result<String, Error> {
        let origin = |text: &str| Url::parse(text).ok().map(|url| url.origin());
        if origin(address).is_some() && origin(address) == origin(&self.manager) {
            return Ok(address.to_owned());
        }
        Err(Error::new(
            ErrorKind::Protocol,
            attempted,
            "the answer goes on at another host, which is not given the token",
        ))
    }
}

fn without_slash(text: &str) -> String {
    text.trim_end_matches('/').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use yunhai_model::Secret;

    fn endpoints(more: &str) -> Endpoints {
        let json = format!(r#"{{"credentials": {{"kind": "managed_identity"}}{more}}}"#);
        Endpoints::of(&AzureSettings::parse(&Secret::new(json)).expect("they are settings"))
    }

    #[test]
    fn each_cloud_has_its_own_addresses() {
        let china = endpoints(r#", "cloud": "china""#);
        assert_eq!(
            china.manager("/subscriptions"),
            "https://management.chinacloudapi.cn/subscriptions"
        );
        assert_eq!(
            china.metrics("chinanorth3", "/x"),
            "https://chinanorth3.metrics.monitor.azure.cn/x"
        );
        assert_eq!(
            china.audience(Audience::Metrics),
            "https://metrics.monitor.azure.cn"
        );
        assert_eq!(
            china.token("contoso.com"),
            "https://login.chinacloudapi.cn/contoso.com/oauth2/v2.0/token"
        );
    }

    #[test]
    fn one_endpoint_stands_for_all() {
        let private = endpoints(r#", "endpoint": "https://arm.example/""#);
        assert_eq!(private.metrics("local", "/x"), "https://arm.example/x");
        assert_eq!(
            private.token("t"),
            "https://arm.example/t/oauth2/v2.0/token"
        );
        assert_eq!(
            private.audience(Audience::Manager),
            "https://management.azure.com"
        );
    }

    #[test]
    fn an_answer_does_not_lead_elsewhere() {
        let endpoints = endpoints("");
        let next = "https://management.azure.com/subscriptions?$skiptoken=2";
        assert_eq!(endpoints.trusted(next, "list").as_deref(), Ok(next));
        for address in [
            "https://management.azure.com.evil.example/subscriptions",
            "http://management.azure.com/subscriptions",
            "/subscriptions",
        ] {
            let error = endpoints.trusted(address, "list").expect_err(address);
            assert_eq!(error.kind, ErrorKind::Protocol);
        }
    }
}
