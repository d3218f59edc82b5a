//! An account: who it is of, and whether what is asked regularly works.

use async_trait::async_trait;
use futures::FutureExt as _;
use yunhai_cloud::{
    Account, AccountCheck, ErrorKind, Lifecycle, Metrics, Provider, Result, SCOPES_AT_ONCE,
    Servers, Trial, check_in_time, concurrently, problems,
};

use crate::clients::Clients;
use crate::cloudwatch_agent::AgentSeries;
use crate::error::told;
use crate::settings::AwsSettings;

/// An account of AWS whose credentials are known.
#[derive(Debug)]
pub struct AwsAccount {
    pub(crate) settings: AwsSettings,
    pub(crate) clients: Clients,
    pub(crate) agent_series: AgentSeries,
}

impl AwsAccount {
    /// Makes the clients. Nothing is asked yet.
    pub async fn open(settings: AwsSettings) -> Self {
        Self {
            clients: Clients::open(&settings).await,
            agent_series: AgentSeries::default(),
            settings,
        }
    }

    /// Tries what is asked regularly in one region: to list servers, and to list metrics.
    async fn try_region(&self, region: &str) -> Trial {
        let clients = self.clients.of(region);
        let list = clients.ec2.describe_instances().max_results(5);
        let list = async { list.send().await };
        let metrics = clients.cloudwatch.list_metrics().namespace("AWS/EC2");
        let metrics = async { metrics.send().await };
        let (list, metrics) = tokio::join!(list, metrics);
        let list = list
            .err()
            .map(|error| told(format!("list the servers of {region}"), &error));
        let metrics = metrics
            .err()
            .map(|error| told(format!("list the metrics of {region}"), &error));
        [list, metrics]
    }

    async fn check_whole(&self) -> Result<AccountCheck> {
        let identity = self.clients.sts().get_caller_identity().send().await;
        let mut attempted = format!("sign in with {}", self.settings.credentials.described());
        if let Some(role) = &self.settings.role {
            attempted = format!("{attempted} as the role {}", role.arn);
        }
        let identity = identity.map_err(|error| {
            let mut error = told(attempted, &error);
            // It needs no right, so that whoever is denied it is not known at all.
            if error.kind == ErrorKind::Denied {
                error.kind = ErrorKind::Credentials;
            }
            error
        })?;
        let (regions, mut failures) = match self.regions().await {
            Ok(regions) => (regions, Vec::new()),
            // What the credentials may do elsewhere shows in the region that is always there.
            Err(error) => (vec![self.settings.home_region().to_owned()], vec![error]),
        };
        let trials = regions
            .iter()
            .map(|region| self.try_region(region).boxed())
            .collect();
        let tried = concurrently(trials, SCOPES_AT_ONCE).await;
        failures.extend(problems(tried)?);
        Ok(AccountCheck {
            identity: identity.arn().unwrap_or_default().to_owned(),
            account: identity.account().unwrap_or_default().to_owned(),
            regions,
            problems: failures,
        })
    }
}

#[async_trait]
impl Account for AwsAccount {
    fn provider(&self) -> Provider {
        Provider::Aws
    }

    async fn check(&self) -> Result<AccountCheck> {
        check_in_time(self.check_whole()).await
    }

    async fn regions(&self) -> Result<Vec<String>> {
        if !self.settings.regions.is_empty() {
            return Ok(self.settings.regions.clone());
        }
        let client = self.clients.of(self.settings.home_region()).ec2;
        let answer = client.describe_regions().send().await;
        let answer = answer.map_err(|error| told("list the regions of the account", &error))?;
        let mut regions: Vec<String> = answer
            .regions()
            .iter()
            .filter_map(|region| region.region_name().map(str::to_owned))
            .collect();
        regions.sort();
        Ok(regions)
    }

    fn servers(&self) -> &dyn Servers {
        self
    }

    fn metrics(&self) -> &dyn Metrics {
        self
    }

    fn lifecycle(&self) -> &dyn Lifecycle {
        self
    }
}
