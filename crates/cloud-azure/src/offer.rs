//! Whether an order can be carried out: what a location offers, and what quotas leave.

use serde_json::Value;
use yunhai_cloud::{Error, ErrorKind, NewServer, Result};

use crate::account::{AzureAccount, COMPUTE_VERSION, NETWORK_VERSION};
use crate::lifecycle::name_of;
use crate::order::{Image, Order, user_data_fits};

/// `compute/…/Skus/stable/2021-07-01/skus.json` of azure-rest-api-specs.
const SKUS_VERSION: &str = "2021-07-01";
/// `compute/…/GalleryRP/stable/2023-07-03/gallery.json`.
const GALLERY_VERSION: &str = "2023-07-03";

impl AzureAccount {
    /// Returns everything that is wrong with an order.
    pub(crate) async fn findings(&self, new: &NewServer) -> Vec<String> {
        let mut findings = Vec::new();
        if !user_data_fits(new.user_data.as_ref()) {
            findings.push("user_data: Azure takes 48 KiB at most".to_owned());
        }
        match Order::read(new, self.settings.resource_group.as_deref()) {
            Err(faults) => findings.extend(faults),
            Ok(order) => {
                let (size, image, subnet, names) = tokio::join!(
                    self.size(&order),
                    self.image(&order),
                    self.subnet(&order),
                    self.taken_names(&order),
                );
                findings.extend([subnet, names].into_iter().flatten().map(told));
                match (size, image) {
                    (Ok(size), Ok(image)) => {
                        findings.extend(size.unfit(&order, image.as_deref()));
                        findings.extend(self.quota(&order, &size).await);
                    }
                    (size, image) => findings.extend(
                        size.err()
                            .into_iter()
                            .chain(image.err())
                            .map(|error| error.to_string()),
                    ),
                }
            }
        }
        findings
    }

    async fn subnet(&self, order: &Order<'_>) -> Option<Error> {
        let path = format!("{}?api-version={NETWORK_VERSION}", order.subnet);
        let attempted = format!("find the subnet {}", name_of(order.subnet));
        self.client.get(&path, attempted).await.err()
    }

    async fn taken_names(&self, order: &Order<'_>) -> Option<Error> {
        for name in order.names() {
            let attempted = format!("make the server {name} in {}", order.new.region);
            let path = format!("{}?api-version={COMPUTE_VERSION}", order.server_id(&name));
            // A mark that no order has: whoever has the name is in the way.
            if let Err(error) = self.is_made(&path, &name, "", &attempted).await {
                return Some(error);
            }
        }
        None
    }

    /// Finds the image, and returns for which processors it is made.
    async fn image(&self, order: &Order<'_>) -> Result<Option<String>> {
        let region = &order.new.region;
        let attempted = format!("find the image {} in {region}", order.new.image);
        let path = match &order.image {
            Image::Id(id) => {
                let is_gallery = id.to_ascii_lowercase().contains("/galleries/");
                let version = if is_gallery {
                    GALLERY_VERSION
                } else {
                    COMPUTE_VERSION
                };
                format!("{id}?api-version={version}")
            }
            Image::Named([publisher, offer, sku, version]) => {
                let versions = format!(
                    "/subscriptions/{}/providers/Microsoft.Compute/locations/{region}/publishers/\
                     {publisher}/artifacttypes/vmimage/offers/{offer}/skus/{sku}/versions",
                    order.subscription
                );
                let version = if version == "latest" {
                    let newest = format!(
                        "{versions}?$top=1&$orderby=name%20desc&api-version={COMPUTE_VERSION}"
                    );
                    let found = self.client.get(&newest, attempted.as_str()).await?;
                    let newest = found[0]["name"].as_str().map(str::to_owned);
                    newest.ok_or_else(|| {
                        let said = "there is no such image here";
                        Error::new(ErrorKind::NotFound, attempted.as_str(), said)
                    })?
                } else {
                    version.clone()
                };
                format!("{versions}/{version}?api-version={COMPUTE_VERSION}")
            }
        };
        let image = self.client.get(&path, attempted).await?;
        let architecture = image["properties"]["architecture"].as_str();
        Ok(architecture.map(str::to_owned))
    }

    async fn size(&self, order: &Order<'_>) -> Result<Size> {
        let (wanted, region) = (&order.new.instance_type, &order.new.region);
        let attempted = format!("use the type {wanted} in {region}");
        let path = format!(
            "/subscriptions/{}/providers/Microsoft.Compute/skus\
             ?$filter=location%20eq%20%27{region}%27&api-version={SKUS_VERSION}",
            order.subscription
        );
        let (found, _, failure) = self.client.list::<Value>(&path, &attempted).await;
        let is_it = |sku: &&Value| {
            sku["resourceType"] == "virtualMachines"
                && sku["name"]
                    .as_str()
                    .is_some_and(|n| n.eq_ignore_ascii_case(wanted))
        };
        match (found.iter().find(is_it), failure) {
            (Some(sku), _) => Ok(Size(sku.clone())),
            (None, Some(error)) => Err(error),
            (None, None) => {
                let said = "there is no such type in this location";
                Err(Error::new(ErrorKind::NotFound, attempted, said))
            }
        }
    }

    /// Tells which quota is not enough: of the family, and of the location.
    async fn quota(&self, order: &Order<'_>, size: &Size) -> Vec<String> {
        let region = &order.new.region;
        let attempted = format!("see what is used of the quotas of {region}");
        let path = format!(
            "/subscriptions/{}/providers/Microsoft.Compute/locations/{region}/usages\
             ?api-version={COMPUTE_VERSION}",
            order.subscription
        );
        let (found, _, failure) = self.client.list::<Value>(&path, &attempted).await;
        let needed = size.processors() * i64::from(order.new.count.max(1));
        let mut findings: Vec<String> = failure.map(told).into_iter().collect();
        for usage in found {
            let name = usage["name"]["value"].as_str().unwrap_or_default();
            let is_ours = name.eq_ignore_ascii_case("cores")
                || size.0["family"]
                    .as_str()
                    .is_some_and(|f| f.eq_ignore_ascii_case(name));
            let limit = usage["limit"].as_i64().unwrap_or(i64::MAX);
            let used = usage["currentValue"].as_i64().unwrap_or(0);
            if is_ours && limit.saturating_sub(used) < needed {
                let label = usage["name"]["localizedValue"].as_str().unwrap_or(name);
                findings.push(format!(
                    "the quota `{label}` of {region} is {limit} with {used} in use, and {needed} \
                     are needed"
                ));
            }
        }
        findings
    }
}

/// A size of virtual machines, `ResourceSku` of `skus.json`.
struct Size(Value);

impl Size {
    fn capability(&self, wanted: &str) -> Option<&str> {
        let capabilities = self.0["capabilities"].as_array()?;
        let found = capabilities.iter().find(|c| c["name"] == wanted)?;
        found["value"].as_str()
    }

    fn processors(&self) -> i64 {
        let count = self
            .capability("vCPUs")
            .and_then(|count| count.parse().ok());
        count.unwrap_or(0)
    }

    /// Tells why it is not to be had, or does not go with an image.
    fn unfit(&self, order: &Order<'_>, architecture: Option<&str>) -> Vec<String> {
        let (wanted, region) = (&order.new.instance_type, &order.new.region);
        let mut findings = Vec::new();
        let restrictions = self.0["restrictions"].as_array();
        for restriction in restrictions.into_iter().flatten() {
            let reason = restriction["reasonCode"].as_str().unwrap_or("restricted");
            let zones = restriction["restrictionInfo"]["zones"].as_array();
            let of_zone = |zone: &String| zones.into_iter().flatten().any(|z| z == zone);
            match restriction["type"].as_str() {
                Some("Zone") => {
                    if let Some(zone) = order.zone.as_ref().filter(|zone| of_zone(zone)) {
                        findings.push(format!(
                            "the type {wanted} is not to be had in zone {zone} of {region} \
                             ({reason})"
                        ));
                    }
                }
                _ => findings.push(format!(
                    "the type {wanted} is not to be had in {region} ({reason})"
                )),
            }
        }
        let own = self.capability("CpuArchitectureType");
        if let (Some(own), Some(image)) = (own, architecture)
            && !own.eq_ignore_ascii_case(image)
        {
            findings.push(format!(
                "the type {wanted} has {own} processors, and the image {} is made for {image}",
                order.new.image
            ));
        }
        findings
    }
}

#[allow(clippy::needless_pass_by_value)] // Used where errors are mapped.
fn told(error: Error) -> String {
    error.to_string()
}
