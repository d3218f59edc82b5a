//! Asks the metadata services of the clouds which instance this machine is.
//!
//! - AWS: [IMDSv2](https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html),
//!   the instance identity document;
//! - Azure: [IMDS](https://learn.microsoft.com/azure/virtual-machines/instance-metadata-service);
//! - Google: [the metadata server](https://cloud.google.com/compute/docs/metadata/querying-metadata).
//!
//! All three stand at the same link-local address, and tell each other's requests from their own by
//! headers. A machine that is in no cloud finds nobody there, and does not wait for long.

use std::time::Duration;

use reqwest::{Client, RequestBuilder};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use url::Url;
use yunhai_api_types::AgentCloud;

/// Where clouds answer their machines.
pub const METADATA_ENDPOINT: &str = "http://169.254.169.254";

/// How long a service may take for all that is asked of it.
const TIMEOUT: Duration = Duration::from_secs(1);

/// Returns what this machine is in a cloud, where it is in one.
pub async fn identify(endpoint: &Url) -> Option<AgentCloud> {
    let http = Client::builder()
        // What answers there is the machine's host, never somebody beyond a proxy.
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .ok()?;
    let service = Service {
        http,
        endpoint: endpoint.as_str().trim_end_matches('/'),
    };
    let (aws, azure, gcp) = tokio::join!(
        tokio::time::timeout(TIMEOUT, service.aws()),
        tokio::time::timeout(TIMEOUT, service.azure()),
        tokio::time::timeout(TIMEOUT, service.gcp()),
    );
    [aws, azure, gcp].into_iter().find_map(|found| found.ok()?)
}

struct Service<'a> {
    http: Client,
    endpoint: &'a str,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AwsDocument {
    instance_id: String,
    region: Option<String>,
    account_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AzureCompute {
    vm_id: String,
    resource_id: String,
    location: Option<String>,
    subscription_id: Option<String>,
}

impl Service<'_> {
    fn get(&self, path: &str) -> RequestBuilder {
        self.http.get(format!("{}{path}", self.endpoint))
    }

    async fn aws(&self) -> Option<AgentCloud> {
        let token = self
            .http
            .put(format!("{}/latest/api/token", self.endpoint))
            .header("X-aws-ec2-metadata-token-ttl-seconds", "60");
        let token = text(token).await?;
        let document = self
            .get("/latest/dynamic/instance-identity/document")
            .header("X-aws-ec2-metadata-token", token);
        let document: AwsDocument = json(document).await?;
        Some(AgentCloud {
            provider: "aws".to_owned(),
            ids: vec![document.instance_id],
            region: document.region,
            account: document.account_id,
        })
    }

    async fn azure(&self) -> Option<AgentCloud> {
        let compute = self
            .get("/metadata/instance/compute?api-version=2021-02-01")
            .header("Metadata", "true");
        let compute: AzureCompute = json(compute).await?;
        Some(AgentCloud {
            provider: "azure".to_owned(),
            ids: vec![compute.resource_id, compute.vm_id],
            region: compute.location,
            account: compute.subscription_id,
        })
    }

    async fn gcp(&self) -> Option<AgentCloud> {
        let ask = |path: &str| {
            let request = self.get(&format!("/computeMetadata/v1/{path}"));
            text(request.header("Metadata-Flavor", "Google"))
        };
        let (id, name, zone, project) = tokio::join!(
            ask("instance/id"),
            ask("instance/name"),
            ask("instance/zone"),
            ask("project/project-id"),
        );
        // projects/123456789/zones/europe-west3-a
        let zone = zone?.rsplit('/').next().map(str::to_owned)?;
        let (id, project) = (id?, project?);
        let mut ids = vec![id];
        if let Some(name) = name {
            ids.push(format!("projects/{project}/zones/{zone}/instances/{name}"));
        }
        Some(AgentCloud {
            provider: "gcp".to_owned(),
            ids,
            region: zone.rsplit_once('-').map(|(region, _)| region.to_owned()),
            account: Some(project),
        })
    }
}

async fn text(request: RequestBuilder) -> Option<String> {
    let answer = request.send().await.ok()?.error_for_status().ok()?;
    let text = answer.text().await.ok()?;
    let text = text.trim();
    (!text.is_empty() && text.len() < 4096).then(|| text.to_owned())
}

async fn json<T: DeserializeOwned>(request: RequestBuilder) -> Option<T> {
    let answer = request.send().await.ok()?.error_for_status().ok()?;
    answer.json().await.ok()
}
