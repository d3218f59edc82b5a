//! What an account is opened with.

use serde::Deserialize;
use yunhai_cloud::{InvalidSettings, NO_ENDPOINT, accept, each_once, endpoint, read_settings};
use yunhai_model::Secret;

/// The fields of [`AzureSettings`] that are secret.
pub const SECRET_FIELDS: &[&str] = &["client_secret"];

/// Whose rights are used.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum AzureCredentials {
    /// An application that is registered with Entra.
    ServicePrincipal {
        /// The directory it is registered in: its id, or a domain.
        tenant: String,
        /// The application's id.
        client_id: String,
        /// One of its secrets.
        client_secret: Option<Secret>,
    },
    /// The identity of the machine that Yunhai runs on.
    ManagedIdentity {
        /// The client id of an identity that was assigned by somebody; the machine's own where it
        /// is left out.
        client_id: Option<String>,
    },
    /// Whoever is signed in to the Azure CLI of this machine.
    Cli {
        /// The directory; the one of the CLI where it is left out.
        tenant: Option<String>,
    },
}

/// Which of Microsoft's clouds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AzureCloud {
    /// The one that everybody can use.
    #[default]
    Public,
    /// The one in China, operated by 21Vianet.
    China,
    /// The one of the government of the United States.
    UsGovernment,
}

/// What an account is opened with.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AzureSettings {
    /// Whose rights are used.
    pub credentials: AzureCredentials,
    /// The ids of the subscriptions that are looked at; all that are visible where there are none.
    #[serde(default)]
    pub subscriptions: Vec<String>,
    /// The locations that are looked at; all where there are none.
    #[serde(default)]
    pub regions: Vec<String>,
    /// Which of Microsoft's clouds.
    #[serde(default)]
    pub cloud: AzureCloud,
    /// The resource group that servers are made in; that of their subnet where it is left out.
    pub resource_group: Option<String>,
    /// Where the Resource Manager is asked instead of Microsoft's: a private cloud, or a simulator.
    pub endpoint: Option<String>,
    /// Where one signs in with such an endpoint; the endpoint itself where it is left out.
    pub login_endpoint: Option<String>,
    /// Where metrics are asked with such an endpoint, `{region}` standing for the location; the
    /// endpoint itself where it is left out.
    pub metrics_endpoint: Option<String>,
    /// What tokens for such an endpoint are for, if not for Microsoft's own Resource Manager.
    pub audience: Option<String>,
}

impl AzureSettings {
    /// Reads settings that are stored as JSON, and checks them.
    pub fn parse(json: &Secret) -> Result<Self, InvalidSettings> {
        let mut settings: Self = read_settings(json)?;
        let mut faults = settings.credentials.faults();
        for subscription in &mut settings.subscriptions {
            *subscription = subscription.trim().to_ascii_lowercase();
            if !is_uuid(subscription) {
                faults.push(format!(
                    "subscriptions: `{subscription}` is no id of a subscription; they look like \
                     0b1f6471-1bf0-4dda-aec3-111122223333"
                ));
            }
        }
        for region in &settings.regions {
            if !is_region(region) {
                faults.push(format!(
                    "regions: `{region}` is no location; they look like westeurope"
                ));
            }
        }
        if let Some(group) = &settings.resource_group
            && !is_resource_group(group)
        {
            faults.push(format!(
                "resource_group: `{group}` is no name of a resource group"
            ));
        }
        faults.extend(settings.endpoint_faults());
        settings.subscriptions = each_once(settings.subscriptions);
        settings.regions = each_once(settings.regions);
        accept(settings, faults)
    }

    fn endpoint_faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        for (name, value) in [
            ("endpoint", &self.endpoint),
            ("login_endpoint", &self.login_endpoint),
            ("metrics_endpoint", &self.metrics_endpoint),
        ] {
            let Some(value) = value else { continue };
            if endpoint(&value.replace("{region}", "region")).is_none() {
                faults.push(format!("{name}: {NO_ENDPOINT}"));
            }
            if name != "endpoint" && self.endpoint.is_none() {
                faults.push(format!(
                    "{name}: goes with `endpoint`, which is missing; Microsoft's own clouds are \
                     chosen by `cloud`"
                ));
            }
        }
        if self.audience.is_some() && self.endpoint.is_none() {
            faults.push("audience: goes with `endpoint`, which is missing".to_owned());
        }
        faults
    }
}

impl AzureCredentials {
    /// Says whose rights they are, without a secret.
    pub(crate) fn described(&self) -> String {
        match self {
            Self::ServicePrincipal {
                tenant, client_id, ..
            } => format!("the application {client_id} of the directory {tenant}"),
            Self::ManagedIdentity { client_id: None } => "the identity of this machine".to_owned(),
            Self::ManagedIdentity {
                client_id: Some(client_id),
            } => format!("the identity {client_id} of this machine"),
            Self::Cli { tenant: None } => "the Azure CLI of this machine".to_owned(),
            Self::Cli {
                tenant: Some(tenant),
            } => format!("the Azure CLI of this machine in the directory {tenant}"),
        }
    }

    fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let mut check = |name: &str, value: &str, is_fine: bool| {
            if value.trim().is_empty() {
                faults.push(format!("credentials.{name}: is missing"));
            } else if !is_fine {
                faults.push(format!(
                    "credentials.{name}: `{value}` is neither an id nor a name"
                ));
            }
        };
        match self {
            Self::ServicePrincipal {
                tenant,
                client_id,
                client_secret,
            } => {
                check("tenant", tenant, is_name(tenant));
                check("client_id", client_id, is_uuid(client_id));
                let secret = client_secret.as_ref().is_some_and(|s| !s.is_empty());
                check("client_secret", if secret { "given" } else { "" }, true);
            }
            Self::ManagedIdentity {
                client_id: Some(client_id),
            } => check("client_id", client_id, is_uuid(client_id)),
            Self::Cli {
                tenant: Some(tenant),
            } => check("tenant", tenant, is_name(tenant)),
            Self::ManagedIdentity { client_id: None } | Self::Cli { tenant: None } => {}
        }
        faults
    }
}

/// Ids become parts of addresses.
fn is_uuid(text: &str) -> bool {
    let lengths: Vec<usize> = text.split('-').map(str::len).collect();
    lengths == [8, 4, 4, 4, 12] && text.chars().all(|c| c.is_ascii_hexdigit() || c == '-')
}

fn is_name(text: &str) -> bool {
    !text.starts_with(['-', '.'])
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.'))
}

fn is_region(text: &str) -> bool {
    !text.is_empty()
        && text
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
}

pub(crate) fn is_resource_group(text: &str) -> bool {
    (1..=90).contains(&text.chars().count())
        && !text.ends_with('.')
        && text
            .chars()
            .all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '(' | ')'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(json: &str) -> Vec<String> {
        AzureSettings::parse(&Secret::new(json))
            .expect_err("it is refused")
            .0
    }

    #[test]
    fn every_fault_is_named_with_its_field() {
        let found = faults(
            r#"{"credentials": {"kind": "service_principal", "tenant": "", "client_id": "yunhai",
                                "client_secret": ""},
                "subscriptions": ["production"], "regions": ["West Europe", "westeurope"],
                "resource_group": "a/b", "metrics_endpoint": "ftp://here"}"#,
        );
        let fields: Vec<&str> = found
            .iter()
            .filter_map(|fault| fault.split(':').next())
            .collect();
        assert_eq!(
            fields,
            [
                "credentials.tenant",
                "credentials.client_id",
                "credentials.client_secret",
                "subscriptions",
                "regions",
                "resource_group",
                "metrics_endpoint",
                "metrics_endpoint",
            ]
        );
    }

    #[test]
    fn a_fault_of_form_does_not_repeat_what_was_read() {
        let found = faults(
            r#"{"credentials": {"kind": "service_principal", "client_secret": ["hunter2"]}}"#,
        );
        assert!(!found[0].contains("hunter2"), "{found:?}");
    }

    #[test]
    fn a_tenant_is_no_way_to_another_address() {
        let found = faults(r#"{"credentials": {"kind": "cli", "tenant": "contoso.com/../x?y"}}"#);
        assert!(found[0].starts_with("credentials.tenant"), "{found:?}");
        let found = faults(r#"{"credentials": {"kind": "cli", "tenant": "--verbose"}}"#);
        assert!(found[0].starts_with("credentials.tenant"), "{found:?}");
    }

    #[test]
    fn little_is_needed() {
        let settings = r#"{"credentials": {"kind": "managed_identity"},
            "subscriptions": ["0B1F6471-1bf0-4dda-aec3-111122223333",
                              "0b1f6471-1bf0-4dda-aec3-111122223333"]}"#;
        let settings = AzureSettings::parse(&Secret::new(settings)).expect("it is enough");
        assert_eq!(settings.cloud, AzureCloud::Public);
        assert_eq!(
            settings.subscriptions,
            ["0b1f6471-1bf0-4dda-aec3-111122223333"]
        );
    }
}
