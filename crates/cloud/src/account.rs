//! An account with a provider: whose it is, what it may do, and the way to everything in it.

use std::fmt;
use std::str::FromStr;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::{Lifecycle, Metrics, Result, Servers};

/// Whose cloud it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Provider {
    /// Amazon Web Services.
    Aws,
    /// Microsoft Azure.
    Azure,
    /// Google Cloud.
    Gcp,
}

impl Provider {
    /// The word for it in labels, in addresses of the API and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Aws => "aws",
            Self::Azure => "azure",
            Self::Gcp => "gcp",
        }
    }
}

impl fmt::Display for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Provider {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        [Self::Aws, Self::Azure, Self::Gcp]
            .into_iter()
            .find(|provider| provider.as_str() == text)
            .ok_or_else(|| format!("`{text}` is no provider; use aws, azure or gcp"))
    }
}

/// What an account turned out to be when it was asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountCheck {
    /// Who the credentials are of, in the provider's words.
    pub identity: String,
    /// The provider's number or name of the account, subscription or project.
    pub account: String,
    /// The regions that will be looked at.
    pub regions: Vec<String>,
    /// What does not work; empty if everything does.
    pub problems: Vec<crate::Error>,
}

/// How much of an account is to be allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PolicyScope {
    /// To see servers and their metrics.
    Watch,
    /// To make, start, stop and delete servers besides.
    Manage,
}

/// The least rights that an account needs, ready to be pasted where the provider wants them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// What it is to the provider: `IAM policy`.
    pub kind: String,
    /// The document itself.
    pub document: String,
    /// The command of the provider's own tool that puts it in place, with words in capitals to be
    /// replaced.
    pub command: String,
}

/// An account whose credentials are known.
#[async_trait]
pub trait Account: Send + Sync {
    /// Whose cloud it is.
    fn provider(&self) -> Provider;

    /// Asks the provider who the credentials are of and tries what will be asked regularly.
    ///
    /// An error means that nothing would ever be seen of the account: nobody is known, or no server
    /// can be listed. What works in part is told in the answer.
    async fn check(&self) -> Result<AccountCheck>;

    /// Returns the regions that are looked at: those that were set, or all that are enabled.
    async fn regions(&self) -> Result<Vec<String>>;

    /// The servers in it.
    fn servers(&self) -> &dyn Servers;

    /// What is measured of its servers.
    fn metrics(&self) -> &dyn Metrics;

    /// What can be done with its servers.
    fn lifecycle(&self) -> &dyn Lifecycle;
}
