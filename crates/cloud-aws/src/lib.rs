//! Servers and their metrics on AWS, by Amazon's own clients, which appear nowhere else.
//!
//! One client for each service and region is kept, so that each learns by itself how fast it may
//! ask. Everything works against an emulator by [`AwsSettings::endpoint`].

mod account;
mod clients;
mod cloudwatch_agent;
mod error;
mod inventory;
mod lifecycle;
mod metrics;
mod policy;
mod settings;
mod table;

pub use account::AwsAccount;
pub use policy::policy;
pub use settings::{AwsCredentials, AwsRole, AwsSettings, SECRET_FIELDS};
pub use table::{AGENT_METRICS, AgentMetric, EC2_METRICS, Ec2Metric, Normalised};
