//! An account: who it is of, and whether what is asked regularly works.

use async_trait::async_trait;
use futures::FutureExt as _;
use serde::Deserialize;
use serde_json::json;
use yunhai_cloud::{
    Account, AccountCheck, Error, ErrorKind, Lifecycle, Metrics, Provider, Result, SCOPES_AT_ONCE,
    Servers, Trial, all_regions, check_in_time, concurrently, problems,
};

use crate::client::{Client, Question};
use crate::endpoints::Audience;
use crate::metrics::METRICS_VERSION;
use crate::operation::Polled;
use crate::settings::AzureSettings;

/// Versions of the Resource Manager's interfaces, from azure-rest-api-specs:
/// `resources/…/stable/2022-12-01/subscriptions.json`.
const SUBSCRIPTIONS_VERSION: &str = "2022-12-01";
/// `compute/…/ComputeRP/stable/2024-07-01/virtualMachine.json`.
pub(crate) const COMPUTE_VERSION: &str = "2024-07-01";
/// `network/…/stable/2024-05-01/networkInterface.json` and `publicIpAddress.json`.
pub(crate) const NETWORK_VERSION: &str = "2024-05-01";

/// An account with Azure: the subscriptions that somebody may see.
#[derive(Debug)]
pub struct AzureAccount {
    pub(crate) settings: AzureSettings,
    pub(crate) client: Client,
    pub(crate) polled: Polled,
}

/// A subscription, from `Subscription` of `subscriptions.json`.
#[derive(Clone, Debug, Deserialize)]
struct Subscription {
    #[serde(rename = "subscriptionId")]
    id: String,
    #[serde(default, rename = "displayName")]
    name: Option<String>,
    #[serde(default)]
    state: Option<String>,
}

/// A location, from `Location` of the same.
#[derive(Debug, Deserialize)]
struct Location {
    name: String,
    #[serde(default)]
    metadata: Option<LocationMetadata>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct LocationMetadata {
    #[serde(default)]
    region_type: Option<String>,
}

impl AzureAccount {
    /// Makes a client. Nothing is asked yet. It fails only where there is no TLS to be had.
    pub fn open(settings: AzureSettings) -> Result<Self> {
        Ok(Self {
            client: Client::open(&settings)?,
            settings,
            polled: Polled::default(),
        })
    }

    /// Returns the subscriptions that are looked at: those that were set, or all that are visible.
    pub(crate) async fn subscriptions(&self) -> Result<Vec<String>> {
        if !self.settings.subscriptions.is_empty() {
            return Ok(self.settings.subscriptions.clone());
        }
        let visible = self.visible_subscriptions().await?;
        Ok(visible.into_iter().map(|s| s.id).collect())
    }

    async fn visible_subscriptions(&self) -> Result<Vec<Subscription>> {
        let attempted = "list the subscriptions of the account";
        let path = format!("/subscriptions?api-version={SUBSCRIPTIONS_VERSION}");
        let (found, _, failure) = self.client.list::<Subscription>(&path, attempted).await;
        if let Some(error) = failure {
            return Err(error);
        }
        let mut usable: Vec<Subscription> = found
            .into_iter()
            // Those that were disabled or deleted answer no questions.
            .filter(|s| !matches!(s.state.as_deref(), Some("Disabled" | "Deleted")))
            .collect();
        for subscription in &mut usable {
            subscription.id.make_ascii_lowercase();
        }
        usable.sort_by(|one, other| one.id.cmp(&other.id));
        if usable.is_empty() {
            // Whoever has no right anywhere gets an empty list instead of a refusal.
            return Err(Error::new(
                ErrorKind::Denied,
                attempted,
                "it sees no subscription; a role is to be assigned to it",
            ));
        }
        Ok(usable)
    }

    async fn locations_of(&self, subscription: &str) -> Result<Vec<String>> {
        let path =
            format!("/subscriptions/{subscription}/locations?api-version={SUBSCRIPTIONS_VERSION}");
        let attempted = format!("list the locations of the subscription {subscription}");
        let (found, _, failure) = self.client.list::<Location>(&path, &attempted).await;
        match failure {
            Some(error) => Err(error),
            None => Ok(found
                .into_iter()
                // Others are groups of locations.
                .filter(|location| {
                    let kind = location.metadata.as_ref();
                    let kind = kind.and_then(|metadata| metadata.region_type.as_deref());
                    kind.is_none_or(|kind| kind == "Physical")
                })
                .map(|location| location.name.to_ascii_lowercase())
                .collect()),
        }
    }

    /// Tries what is asked regularly of a subscription: to list servers, and what is measured.
    async fn try_subscription(&self, subscription: &str, region: &str) -> Trial {
        let path = format!(
            "/subscriptions/{subscription}/providers/Microsoft.Compute/virtualMachines\
             ?statusOnly=true&api-version={COMPUTE_VERSION}"
        );
        let attempted = format!("list the servers of the subscription {subscription}");
        let servers = self.client.get(&path, attempted);
        let metrics = self.try_metrics(subscription, region);
        let (servers, metrics) = tokio::join!(servers, metrics);
        [servers.err(), metrics.err()]
    }

    /// Asks for the metrics of no server: the right is checked first, and nothing is charged.
    async fn try_metrics(&self, subscription: &str, region: &str) -> Result<()> {
        let path = format!(
            "/subscriptions/{subscription}/metrics:getBatch\
             ?metricnamespace=Microsoft.Compute/virtualMachines&metricnames=Percentage%20CPU\
             &api-version={METRICS_VERSION}"
        );
        let nothing = json!({ "resourceids": [] });
        let question = Question {
            address: self.client.endpoints.metrics(region, &path),
            audience: Audience::Metrics,
            limit: format!("{subscription}/metrics/{region}"),
            ..self.client.manager(
                reqwest::Method::POST,
                &path,
                Some(&nothing),
                format!("read the metrics of {region} in the subscription {subscription}"),
            )
        };
        match self.client.ask(&question).await {
            Ok(_) => Ok(()),
            // That nothing was asked for is noticed last.
            Err(error) if error.kind == ErrorKind::Invalid => Ok(()),
            Err(error) => Err(error),
        }
    }

    async fn check_whole(&self) -> Result<AccountCheck> {
        let visible = self.visible_subscriptions().await?;
        let asked = self.subscriptions_among(&visible);
        let (regions, mut failures) = match self.regions().await {
            Ok(regions) => (regions, Vec::new()),
            Err(error) => (self.settings.regions.clone(), vec![error]),
        };
        let region = self.settings.regions.first().or(regions.first()).cloned();
        let region = region.unwrap_or_else(|| "global".to_owned());
        let trials = asked
            .iter()
            .map(|subscription| self.try_subscription(subscription, &region).boxed())
            .collect();
        let tried = concurrently(trials, SCOPES_AT_ONCE).await;
        failures.extend(problems(tried)?);
        let names: Vec<String> = asked
            .iter()
            .map(|id| {
                let known = visible.iter().find(|s| s.id == *id);
                match known.and_then(|subscription| subscription.name.as_deref()) {
                    Some(name) => format!("{name} ({id})"),
                    None => id.clone(),
                }
            })
            .collect();
        Ok(AccountCheck {
            identity: self.settings.credentials.described(),
            account: names.join(", "),
            regions,
            problems: failures,
        })
    }

    fn subscriptions_among(&self, visible: &[Subscription]) -> Vec<String> {
        if self.settings.subscriptions.is_empty() {
            visible.iter().map(|s| s.id.clone()).collect()
        } else {
            self.settings.subscriptions.clone()
        }
    }
}

#[async_trait]
impl Account for AzureAccount {
    fn provider(&self) -> Provider {
        Provider::Azure
    }

    async fn check(&self) -> Result<AccountCheck> {
        check_in_time(self.check_whole()).await
    }

    async fn regions(&self) -> Result<Vec<String>> {
        if !self.settings.regions.is_empty() {
            return Ok(self.settings.regions.clone());
        }
        let subscriptions = self.subscriptions().await?;
        let questions = subscriptions
            .iter()
            .map(|subscription| self.locations_of(subscription).boxed())
            .collect();
        all_regions(concurrently(questions, SCOPES_AT_ONCE).await)
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
