//! Accounts with clouds, and the servers in them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Whose rights are used at AWS. Secrets are never shown.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum AwsCredentials {
    /// An access key.
    Keys {
        /// Its id: `AKIA…`.
        access_key_id: String,
        /// Its secret half; `null` keeps the one that is there.
        secret_access_key: Option<String>,
        /// Given with temporary keys; `null` keeps the one that is there.
        session_token: Option<String>,
    },
    /// A profile in `~/.aws` of the machine that Yunhai runs on.
    Profile {
        /// Its name.
        name: String,
    },
    /// The role of the machine that Yunhai runs on.
    InstanceRole,
}

/// A role that is assumed.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AwsRole {
    /// Its name: `arn:aws:iam::123456789012:role/yunhai`.
    pub arn: String,
    /// The word that the role's trust asks for.
    pub external_id: Option<String>,
}

/// Whose rights are used at Azure. Secrets are never shown.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum AzureCredentials {
    /// An application that is registered with Entra.
    ServicePrincipal {
        /// The directory it is registered in: its id, or a domain.
        tenant: String,
        /// The application's id.
        client_id: String,
        /// One of its secrets; `null` keeps the one that is there.
        client_secret: Option<String>,
    },
    /// The identity of the machine that Yunhai runs on.
    ManagedIdentity {
        /// The client id of an identity that was assigned by somebody; the machine's own if absent.
        client_id: Option<String>,
    },
    /// Whoever is signed in to the Azure CLI of the machine that Yunhai runs on.
    Cli {
        /// The directory; the one of the CLI if absent.
        tenant: Option<String>,
    },
}

/// Which of Microsoft's clouds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
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

/// Whose rights are used at Google Cloud. Secrets are never shown.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum GcpCredentials {
    /// The key of a service account.
    ServiceAccountKey {
        /// What stands in the file that Google gives out; `null` keeps the one that is there.
        key: Option<String>,
    },
    /// What the machine has that Yunhai runs on: the file that `GOOGLE_APPLICATION_CREDENTIALS`
    /// names, gcloud's, or the machine's service account.
    ApplicationDefault,
    /// The identity that the machine has elsewhere, which Google trusts.
    WorkloadIdentity {
        /// What stands in the file that `gcloud iam workload-identity-pools create-cred-config`
        /// makes; `null` keeps the one that is there.
        configuration: Option<String>,
    },
}

/// What an account is opened with.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(tag = "provider", rename_all = "snake_case", deny_unknown_fields)]
pub enum CloudAccess {
    /// Amazon Web Services.
    Aws {
        /// Whose rights are used.
        credentials: AwsCredentials,
        /// A role that is assumed with them.
        role: Option<AwsRole>,
        /// The regions that are looked at; all that are enabled where there are none. In China
        /// one is needed.
        #[serde(default)]
        regions: Vec<String>,
        /// Where to ask instead of Amazon: a private cloud, or an emulator.
        endpoint: Option<String>,
    },
    /// Microsoft Azure.
    Azure {
        /// Whose rights are used.
        credentials: AzureCredentials,
        /// The ids of the subscriptions that are looked at; all that are visible where there are
        /// none.
        #[serde(default)]
        subscriptions: Vec<String>,
        /// The locations that are looked at; all where there are none.
        #[serde(default)]
        regions: Vec<String>,
        /// Which of Microsoft's clouds.
        #[serde(default)]
        cloud: AzureCloud,
        /// The resource group that servers are made in; that of their subnet if absent.
        resource_group: Option<String>,
        /// Where the Resource Manager is asked instead of Microsoft's: a private cloud, or a
        /// simulator.
        endpoint: Option<String>,
        /// Where one signs in with such an endpoint; the endpoint itself if absent.
        login_endpoint: Option<String>,
        /// Where metrics are asked with such an endpoint, `{region}` standing for the location;
        /// the endpoint itself if absent.
        metrics_endpoint: Option<String>,
        /// What tokens for such an endpoint are for, if not for Microsoft's own Resource Manager.
        audience: Option<String>,
    },
    /// Google Cloud.
    Gcp {
        /// Whose rights are used.
        credentials: GcpCredentials,
        /// The ids of the projects that are looked at; that of the key where there are none.
        /// Servers are made in the first one.
        #[serde(default)]
        projects: Vec<String>,
        /// The regions that are looked at; all where there are none.
        #[serde(default)]
        regions: Vec<String>,
        /// Where to ask instead of Google: an emulator, or with `{service}` in it for `compute` and
        /// `monitoring`, private endpoints.
        endpoint: Option<String>,
    },
}

/// An account to be kept.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CloudAccountRequest {
    /// The name: the label `account` of what is measured.
    pub name: String,
    /// Whose cloud it is and how it is opened; on a change `null` keeps what is there.
    pub access: Option<CloudAccess>,
    /// How often it is asked, in seconds.
    #[serde(default = "default_interval_secs")]
    #[schema(minimum = 60, maximum = 86400)]
    pub interval_secs: u64,
    /// What the provider may charge for the questions in a month, in US dollars; no limit if
    /// absent.
    #[schema(minimum = 0)]
    pub monthly_budget_usd: Option<f64>,
    /// Whether it is asked.
    #[serde(default = "yes")]
    pub enabled: bool,
}

fn default_interval_secs() -> u64 {
    300
}

fn yes() -> bool {
    true
}

/// Tries access without keeping it. Where it does not work at all, the answer is a problem
/// `cloud_refused` or `cloud_unreachable`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CloudAccountTestRequest {
    /// Whose cloud it is and how it is opened.
    pub access: CloudAccess,
    /// The account whose secrets stand in for those that are `null`.
    pub id: Option<String>,
}

/// Something that could not be had, in the provider's words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CloudTrouble {
    /// Where: a region, or the account's name for all of it.
    pub scope: Option<String>,
    /// What can be done about it: `credentials`, `denied`, `throttled`, `unreachable`, …
    pub kind: String,
    /// What was attempted, and what the provider said.
    pub message: String,
    /// The provider's own code.
    pub code: Option<String>,
    /// The next step.
    pub hint: Option<String>,
}

/// What an account turned out to be when it was tried.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct CloudAccountCheck {
    /// Who the credentials are of.
    pub identity: String,
    /// The provider's number or name of the account.
    pub account: String,
    /// The regions that are looked at.
    pub regions: Vec<String>,
    /// What does not work.
    pub problems: Vec<CloudTrouble>,
}

/// How an account fares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CloudAccountState {
    /// Nothing of the last round could be had, not even which servers there are.
    Failing,
    /// Something of the last round is missing.
    Incomplete,
    /// Metrics are left out until the next month.
    OverBudget,
    /// Everything could be had.
    Ok,
    /// It has not been asked yet.
    Pending,
    /// It is left alone.
    Paused,
}

/// What came of the last round of questions.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct CloudRound {
    /// When it began.
    pub at_ms: i64,
    /// How long it took.
    pub took_ms: i64,
    /// How many servers were found.
    pub servers: u64,
    /// How many measurements were stored.
    pub samples: u64,
    /// How many calls it took.
    pub calls: u64,
    /// What it cost at the list price, in US dollars.
    pub cost_usd: f64,
    /// Whether metrics were left out, as they would have cost more than the month's budget.
    pub is_over_budget: bool,
    /// What could not be had.
    pub missing: Vec<CloudTrouble>,
}

/// An account with a cloud.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct CloudAccount {
    /// The account's id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Whose cloud it is: `aws`.
    pub provider: String,
    /// How it is opened; secrets are `null`.
    pub access: CloudAccess,
    /// How often it is asked, in seconds.
    pub interval_secs: u64,
    /// What the questions may cost in a month, in US dollars.
    pub monthly_budget_usd: Option<f64>,
    /// What they have cost this month (UTC) at the list price, in US dollars.
    pub month_cost_usd: f64,
    /// Whether it is asked.
    pub enabled: bool,
    /// How it fares.
    pub state: CloudAccountState,
    /// Who the credentials are of.
    pub identity: Option<String>,
    /// The provider's number or name of the account.
    pub account: Option<String>,
    /// The regions that were there when its access was tried last.
    pub regions: Vec<String>,
    /// What did not work when its access was tried last.
    pub problems: Vec<CloudTrouble>,
    /// The last round.
    pub last_round: Option<CloudRound>,
    /// When it was made.
    pub created_at_ms: i64,
    /// Names this version of what is edited; a change that sends it as `If-Match` is refused where it is
    /// no longer this.
    pub version: String,
}

/// How much of an account is to be allowed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CloudPolicyScope {
    /// To see servers and their metrics.
    #[default]
    Watch,
    /// To make, start, stop and delete servers besides.
    Manage,
}

/// Which policy is asked for.
#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct CloudPolicyQuery {
    /// How much is to be allowed.
    #[serde(default)]
    #[param(inline)]
    pub scope: CloudPolicyScope,
}

/// The least rights that an account needs.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct CloudPolicy {
    /// What it is to the provider: `IAM policy`.
    pub kind: String,
    /// The document, ready to be pasted.
    pub document: String,
    /// The command of the provider's own tool that puts it in place.
    pub command: String,
}

/// A server of a cloud.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct CloudServer {
    /// What it is called here: the label `server` of what is measured.
    pub server: String,
    /// The name that it has at the provider.
    pub name: String,
    /// Whose cloud it is.
    pub provider: String,
    /// The account that it is in.
    pub account: String,
    /// The provider's id.
    pub id: String,
    /// `starting`, `running`, `stopping`, `stopped`, `stopped_billed`, `deleting`, `deleted` or
    /// `unknown`.
    pub state: String,
    /// The provider's word for its size.
    pub instance_type: String,
    /// Its region.
    pub region: String,
    /// Its zone.
    pub zone: Option<String>,
    /// Its addresses in private networks.
    pub private_addresses: Vec<String>,
    /// Its addresses in the Internet.
    pub public_addresses: Vec<String>,
    /// What it was made from.
    pub image: Option<String>,
    /// When it was started last.
    pub launched_at_ms: Option<i64>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// When it was first listed.
    pub first_seen_ms: i64,
    /// When it was last listed.
    pub last_seen_ms: i64,
    /// Since when it is gone.
    pub gone_at_ms: Option<i64>,
}

/// Which servers are asked for.
#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct CloudServerFilter {
    /// Only servers in this state.
    pub state: Option<String>,
    /// Only servers of this account.
    pub account: Option<String>,
    /// Only servers in this region.
    pub region: Option<String>,
    /// Only servers with this tag: `name=value`.
    pub tag: Option<String>,
}

/// A server to be made.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CloudServerRequest {
    /// The name; of several each gets a number.
    pub name: String,
    /// Where it is to stand: one of the account's regions.
    pub region: String,
    /// The zone within the region; the provider chooses where it is left out.
    pub zone: Option<String>,
    /// What it is made from, in the provider's words: `ami-0abc…`.
    pub image: String,
    /// The provider's word for its size: `t3.micro`.
    pub instance_type: String,
    /// The SSH key: the name of a key pair (AWS), or a public key (Azure, Google).
    pub ssh_key: Option<String>,
    /// The subnet that it stands in.
    pub subnet: Option<String>,
    /// The security groups (AWS), or network tags (Google), that hold for it.
    #[serde(default)]
    pub security_groups: Vec<String>,
    /// Given to cloud-init at the first start. It is sealed, and forgotten once the order has ended.
    pub user_data: Option<String>,
    /// Its tags.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    /// How many.
    #[serde(default = "one")]
    #[schema(minimum = 1, maximum = 100)]
    pub count: u32,
    /// The size of its first disk; the image's own where it is left out.
    #[schema(minimum = 1)]
    pub disk_gib: Option<u32>,
    /// Whether deleting it is refused until the protection is lifted at the provider.
    #[serde(default)]
    pub is_protected: bool,
}

fn one() -> u32 {
    1
}

/// Something that a dry run found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CloudFinding {
    /// Whether making the servers would fail because of this.
    pub is_fatal: bool,
    /// What it is, in the provider's words.
    pub text: String,
}

/// What would happen if servers were made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CloudServerCheck {
    /// Whether nothing was found that would make it fail.
    pub would_succeed: bool,
    /// The list price of all of them while they run, in US dollars an hour, without disks and
    /// traffic; absent where the provider does not tell.
    pub usd_per_hour: Option<f64>,
    /// What was found.
    pub findings: Vec<CloudFinding>,
}

/// What can be done with a server of a cloud.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CloudServerAction {
    /// Starts it.
    Start,
    /// Stops it, so that its processors cost nothing.
    Stop,
    /// Restarts it.
    Restart,
    /// Deletes it, with its first disk.
    Delete,
}

/// Something to be done with a server.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CloudServerActionRequest {
    /// What is to be done.
    pub action: CloudServerAction,
    /// To delete it: the server's name, as typed by whoever deletes it.
    pub confirmation: Option<String>,
}

/// What is ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CloudOrderAction {
    /// Servers are to be made.
    Create,
    /// A server is to be started.
    Start,
    /// A server is to be stopped.
    Stop,
    /// A server is to be restarted.
    Restart,
    /// A server is to be deleted.
    Delete,
}

/// How far an order is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CloudOrderState {
    /// The provider has not taken it yet.
    Waiting,
    /// The provider carries it out.
    Running,
    /// It is done.
    Done,
    /// The provider refused it, or failed to carry it out.
    Failed,
    /// It took too long.
    GivenUp,
}

impl CloudOrderState {
    /// Whether nothing more happens to it.
    pub fn is_end(self) -> bool {
        matches!(self, Self::Done | Self::Failed | Self::GivenUp)
    }
}

/// An order to a cloud.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CloudOrder {
    /// Its id.
    pub id: String,
    /// What is ordered.
    pub action: CloudOrderAction,
    /// What the server is called here, or the name of those to be made.
    pub server: String,
    /// The account's name at the time.
    pub account: String,
    /// Whose cloud it is.
    pub provider: String,
    /// Where.
    pub region: String,
    /// How far it is.
    pub state: CloudOrderState,
    /// How many servers it is about.
    pub total: u32,
    /// How many of them are where they should be.
    pub done: u32,
    /// What the others do, in the provider's words.
    pub progress: Option<String>,
    /// What went wrong last; nothing once it goes on.
    pub problem: Option<CloudTrouble>,
    /// Whether the provider may have carried it out, or may still do so, though nobody knows.
    pub is_outcome_unknown: bool,
    /// The provider's ids of the servers, once it has taken the order.
    pub server_ids: Vec<String>,
    /// How often it was sent.
    pub attempts: u32,
    /// Who ordered it.
    pub ordered_by: String,
    /// When it was placed.
    pub placed_at_ms: i64,
    /// When it was sent first.
    pub sent_at_ms: Option<i64>,
    /// When it ended.
    pub ended_at_ms: Option<i64>,
}

/// Which orders are asked for.
#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct CloudOrderFilter {
    /// Only those that go on (`true`), or only those that have ended (`false`).
    pub open: Option<bool>,
    /// Only those about this server.
    pub server: Option<String>,
    /// Only those of this account.
    pub account: Option<String>,
}
