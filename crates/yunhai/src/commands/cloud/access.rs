//! How an account of each provider is opened, as the command line takes it.

use std::path::PathBuf;

use anyhow::{Context, bail};
use yunhai_api_types::{
    AwsCredentials, AwsRole, AzureCloud, AzureCredentials, CloudAccess, GcpCredentials,
};

/// A provider and how an account of it is opened, beside what else a command takes.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Access<Rest: clap::Args> {
    /// An account of Amazon Web Services
    #[command(after_help = "\
Examples:
  yunhai cloud add aws prod --access-key-id AKIA123 --secret-stdin < secret.txt
  yunhai cloud add aws prod --instance-role \\
      --role arn:aws:iam::123456789012:role/yunhai --external-id yunhai-17
  yunhai cloud add aws china --profile ningxia --region cn-northwest-1
  yunhai cloud set-access aws prod --profile new-key")]
    Aws {
        #[command(flatten)]
        rest: Rest,
        #[command(flatten)]
        access: AwsArgs,
    },
    /// An account of Microsoft Azure
    #[command(after_help = "\
Examples:
  yunhai cloud add azure prod --tenant contoso.com \\
      --client-id 0b1f6471-… --secret-stdin < secret.txt
  yunhai cloud add azure prod --managed-identity
  yunhai cloud add azure china --azure-cli --cloud china")]
    Azure {
        #[command(flatten)]
        rest: Rest,
        #[command(flatten)]
        access: AzureArgs,
    },
    /// An account of Google Cloud
    #[command(after_help = "\
Examples:
  yunhai cloud add gcp prod --key-file yunhai-key.json
  yunhai cloud add gcp prod --application-default --project shop-123456
  yunhai cloud set-access gcp prod --key-file new-key.json")]
    Gcp {
        #[command(flatten)]
        rest: Rest,
        #[command(flatten)]
        access: GcpArgs,
    },
}

impl<Rest: clap::Args> Access<Rest> {
    /// Returns what is opened, asking for a secret that is missing, and the rest.
    pub(crate) fn parts(self) -> anyhow::Result<(Rest, CloudAccess)> {
        Ok(match self {
            Self::Aws { rest, access } => (rest, access.access()?),
            Self::Azure { rest, access } => (rest, access.access()?),
            Self::Gcp { rest, access } => (rest, access.access()?),
        })
    }
}

/// How an account at AWS is opened.
#[derive(Debug, clap::Args)]
pub(crate) struct AwsArgs {
    #[command(flatten)]
    whose: AwsIdentity,
    /// Read the secret half of the access key from the standard input
    #[arg(long, requires = "access_key_id")]
    secret_stdin: bool,
    /// A role to assume with these rights
    #[arg(long, value_name = "ARN")]
    role: Option<String>,
    /// The word that the role's trust asks for
    #[arg(long, value_name = "WORD", requires = "role")]
    external_id: Option<String>,
    /// A region to look at; may be given several times; all that are enabled if absent
    #[arg(long = "region", value_name = "REGION")]
    regions: Vec<String>,
    /// Where to ask instead of Amazon: a private cloud, or an emulator
    #[arg(long, value_name = "URL")]
    endpoint: Option<String>,
}

/// Whose rights are used at AWS.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct AwsIdentity {
    /// The id of an access key; its secret half comes by --secret-stdin
    #[arg(long, value_name = "AKIA…")]
    access_key_id: Option<String>,
    /// A profile in ~/.aws of the machine that Yunhai runs on
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,
    /// Use the role of the machine that Yunhai runs on
    #[arg(long)]
    instance_role: bool,
}

impl AwsArgs {
    fn access(self) -> anyhow::Result<CloudAccess> {
        let credentials = match (self.whose.access_key_id, self.whose.profile) {
            (Some(access_key_id), _) => AwsCredentials::Keys {
                access_key_id,
                secret_access_key: Some(secret("Secret access key", self.secret_stdin)?),
                session_token: None,
            },
            (None, Some(name)) => AwsCredentials::Profile { name },
            (None, None) => AwsCredentials::InstanceRole,
        };
        let external_id = self.external_id;
        Ok(CloudAccess::Aws {
            credentials,
            role: self.role.map(|arn| AwsRole { arn, external_id }),
            regions: self.regions,
            endpoint: self.endpoint,
        })
    }
}

/// How an account at Azure is opened.
#[derive(Debug, clap::Args)]
pub(crate) struct AzureArgs {
    #[command(flatten)]
    whose: AzureIdentity,
    /// The directory: its id, or a domain
    #[arg(long, value_name = "TENANT", conflicts_with = "managed_identity")]
    tenant: Option<String>,
    /// Read the application's secret from the standard input
    #[arg(long, requires = "client_id")]
    secret_stdin: bool,
    /// The client id of the managed identity, if it is not the machine's own
    #[arg(long, value_name = "ID", requires = "managed_identity")]
    identity_client_id: Option<String>,
    /// A subscription to look at; may be given several times; all that are visible if absent
    #[arg(long = "subscription", value_name = "ID")]
    subscriptions: Vec<String>,
    /// A location to look at; may be given several times; all if absent
    #[arg(long = "region", value_name = "LOCATION")]
    regions: Vec<String>,
    /// Which of Microsoft's clouds
    #[arg(long, value_enum, default_value = "public")]
    cloud: AzureCloudWord,
    /// The resource group that servers are made in; that of their subnet if absent
    #[arg(long, value_name = "NAME")]
    resource_group: Option<String>,
    /// Where the Resource Manager is asked instead of Microsoft's
    #[arg(long, value_name = "URL")]
    endpoint: Option<String>,
    /// Where one signs in with such an endpoint
    #[arg(long, value_name = "URL", requires = "endpoint")]
    login_endpoint: Option<String>,
    /// Where metrics are asked with such an endpoint, {region} standing for the location
    #[arg(long, value_name = "URL", requires = "endpoint")]
    metrics_endpoint: Option<String>,
    /// What tokens for such an endpoint are for
    #[arg(long, value_name = "URL", requires = "endpoint")]
    audience: Option<String>,
}

/// Whose rights are used at Azure.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct AzureIdentity {
    /// The id of an application that is registered with Entra; its secret comes by --secret-stdin
    #[arg(long, value_name = "ID", requires = "tenant")]
    client_id: Option<String>,
    /// Use the identity of the machine that Yunhai runs on
    #[arg(long)]
    managed_identity: bool,
    /// Use whoever is signed in to the Azure CLI of the machine that Yunhai runs on
    #[arg(long)]
    azure_cli: bool,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum AzureCloudWord {
    Public,
    China,
    UsGovernment,
}

impl AzureArgs {
    fn access(self) -> anyhow::Result<CloudAccess> {
        let credentials = match self.whose.client_id {
            Some(client_id) => AzureCredentials::ServicePrincipal {
                tenant: self.tenant.unwrap_or_default(),
                client_id,
                client_secret: Some(secret("Client secret", self.secret_stdin)?),
            },
            None if self.whose.managed_identity => AzureCredentials::ManagedIdentity {
                client_id: self.identity_client_id,
            },
            None => AzureCredentials::Cli {
                tenant: self.tenant,
            },
        };
        Ok(CloudAccess::Azure {
            credentials,
            subscriptions: self.subscriptions,
            regions: self.regions,
            cloud: match self.cloud {
                AzureCloudWord::Public => AzureCloud::Public,
                AzureCloudWord::China => AzureCloud::China,
                AzureCloudWord::UsGovernment => AzureCloud::UsGovernment,
            },
            resource_group: self.resource_group,
            endpoint: self.endpoint,
            login_endpoint: self.login_endpoint,
            metrics_endpoint: self.metrics_endpoint,
            audience: self.audience,
        })
    }
}

/// How an account at Google Cloud is opened.
#[derive(Debug, clap::Args)]
pub(crate) struct GcpArgs {
    #[command(flatten)]
    whose: GcpIdentity,
    /// The id of a project to look at; may be given several times; that of the key if absent
    #[arg(long = "project", value_name = "ID")]
    projects: Vec<String>,
    /// A region to look at; may be given several times; all if absent
    #[arg(long = "region", value_name = "REGION")]
    regions: Vec<String>,
    /// Where to ask instead of Google, with {service} in it for compute and monitoring
    #[arg(long, value_name = "URL")]
    endpoint: Option<String>,
}

/// Whose rights are used at Google Cloud.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct GcpIdentity {
    /// The file with the key of a service account
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// Use the application default credentials of the machine that Yunhai runs on
    #[arg(long)]
    application_default: bool,
    /// The file that `gcloud iam workload-identity-pools create-cred-config` made
    #[arg(long, value_name = "FILE")]
    workload_identity_file: Option<PathBuf>,
}

impl GcpArgs {
    fn access(self) -> anyhow::Result<CloudAccess> {
        let credentials = match (self.whose.key_file, self.whose.workload_identity_file) {
            (Some(file), _) => GcpCredentials::ServiceAccountKey {
                key: Some(content(&file)?),
            },
            (None, Some(file)) => GcpCredentials::WorkloadIdentity {
                configuration: Some(content(&file)?),
            },
            (None, None) => GcpCredentials::ApplicationDefault,
        };
        Ok(CloudAccess::Gcp {
            credentials,
            projects: self.projects,
            regions: self.regions,
            endpoint: self.endpoint,
        })
    }
}

fn content(file: &std::path::Path) -> anyhow::Result<String> {
    std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))
}

fn secret(what: &str, from_stdin: bool) -> anyhow::Result<String> {
    if from_stdin {
        let mut line = String::new();
        std::io::stdin().read_line(&mut line)?;
        let line = line.trim();
        if line.is_empty() {
            bail!("the standard input has no {}", what.to_lowercase());
        }
        return Ok(line.to_owned());
    }
    dialoguer::Password::new()
        .with_prompt(what)
        .interact()
        .with_context(|| {
            format!(
                "give the {} by --secret-stdin where there is no terminal",
                what.to_lowercase()
            )
        })
}
