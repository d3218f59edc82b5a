//! An account: whose rights are used, and whether what is asked regularly works.

use async_trait::async_trait;
use futures::FutureExt as _;
use serde_json::Value;
use yunhai_cloud::{
    Account, AccountCheck, Error, ErrorKind, Lifecycle, Metrics, Pages, Provider, Result,
    SCOPES_AT_ONCE, Servers, Trial, all_regions, check_in_time, concurrently, problems,
};
use yunhai_model::{Clock as _, SystemClock, with_causes};

use crate::client::Client;
use crate::compute::{InstanceAggregatedList, RegionList};
use crate::metrics::{Returned, filter, moment};
use crate::settings::GcpSettings;
use crate::table::GCE_METRICS;

/// How far back a trial of the metrics looks.
const TRIAL_MS: i64 = 300_000;

/// An account of Google Cloud, one project or several, whose credentials are known.
#[derive(Debug)]
pub struct GcpAccount {
    pub(crate) settings: GcpSettings,
    pub(crate) client: Client,
    pub(crate) returned: Returned,
}

impl GcpAccount {
    /// Makes the client. Nothing is asked yet.
    pub fn open(settings: GcpSettings) -> Result<Self> {
        let client = Client::open(&settings).map_err(|error| {
            Error::new(
                ErrorKind::Unreachable,
                "prepare for TLS",
                with_causes(&error),
            )
        })?;
        Ok(Self {
            client,
            returned: Returned::default(),
            settings,
        })
    }

    /// Tries what is asked regularly in one project: to list servers, and to read metrics.
    async fn try_project(&self, project: &str) -> Trial {
        let attempted = format!("list the servers of {project}");
        let address = self
            .client
            .compute(&format!("projects/{project}/aggregated/instances"));
        let query = vec![
            ("maxResults", "1".to_owned()),
            ("returnPartialSuccess", "true".to_owned()),
        ];
        let list = self
            .client
            .get::<InstanceAggregatedList>(&attempted, address, query);

        let now_ms = SystemClock.now_ms();
        let attempted = format!("read the metrics of {project}");
        let address = self
            .client
            .monitoring(&format!("projects/{project}/timeSeries"));
        let query = vec![
            ("filter", filter(&GCE_METRICS[0])),
            ("interval.startTime", moment(now_ms - TRIAL_MS)),
            ("interval.endTime", moment(now_ms)),
            ("view", "HEADERS".to_owned()),
            ("pageSize", "1".to_owned()),
        ];
        let metrics = self.client.get::<Value>(&attempted, address, query);
        let (list, metrics) = tokio::join!(list, metrics);
        [list.err(), metrics.err()]
    }

    /// Returns the regions of a project, all pages of them.
    async fn regions_of(&self, project: &str) -> Result<Vec<String>> {
        let attempted = format!("list the regions of {project}");
        let mut regions = Vec::new();
        let mut pages = Pages::default();
        loop {
            let address = self.client.compute(&format!("projects/{project}/regions"));
            let mut query = vec![("maxResults", "500".to_owned())];
            query.extend(pages.token().map(|token| ("pageToken", token)));
            let page: RegionList = self.client.get(&attempted, address, query).await?;
            regions.extend(page.items.into_iter().map(|region| region.name));
            if !pages.go_on(page.next_page_token, attempted.clone())? {
                return Ok(regions);
            }
        }
    }

    async fn check_whole(&self) -> Result<AccountCheck> {
        self.client.sign_in().await?;
        let projects = &self.settings.projects;
        let trials = projects
            .iter()
            .map(|project| self.try_project(project).boxed())
            .collect();
        let tried = concurrently(trials, SCOPES_AT_ONCE).await;
        let mut problems = problems(tried)?;
        let regions = match self.regions().await {
            Ok(regions) => regions,
            Err(error) => {
                problems.push(error);
                Vec::new()
            }
        };
        Ok(AccountCheck {
            identity: self.settings.credentials.described(),
            account: projects.join(", "),
            regions,
            problems,
        })
    }
}

#[async_trait]
impl Account for GcpAccount {
    fn provider(&self) -> Provider {
        Provider::Gcp
    }

    async fn check(&self) -> Result<AccountCheck> {
        check_in_time(self.check_whole()).await
    }

    async fn regions(&self) -> Result<Vec<String>> {
        if !self.settings.regions.is_empty() {
            return Ok(self.settings.regions.clone());
        }
        let projects = &self.settings.projects;
        let questions = projects
            .iter()
            .map(|project| self.regions_of(project).boxed())
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
