//! An order to a cloud: to make servers, or to do something with one.

mod course;

use serde::{Deserialize, Serialize};
use yunhai_cloud::{NewServer, Operation, Provider, ServerAction, ServerRef};
use yunhai_model::{CloudAccountId, CloudOrderId, TimestampMs};

/// The most servers that one order makes.
const MAX_COUNT: u32 = 100;

const MAX_NAME: usize = 60;

const MAX_TAGS: usize = 40;

/// Room for disks that no provider exceeds.
const MAX_DISK_GIB: u32 = 65_536;

/// What is ordered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Ordered {
    /// Servers are to be made. The user data is kept apart, sealed, until the order has ended.
    Create {
        /// Which.
        new: Box<NewServer>,
    },
    /// Something is to be done with a server.
    Act {
        /// What the server is called here.
        label: String,
        /// Which it is at the provider.
        server: ServerRef,
        /// What is to be done.
        action: ServerAction,
    },
}

impl Ordered {
    /// What it is about, as people call it.
    pub fn subject(&self) -> &str {
        match self {
            Self::Create { new } => &new.name,
            Self::Act { label, .. } => label,
        }
    }

    /// The region that it is about.
    pub fn region(&self) -> &str {
        match self {
            Self::Create { new } => &new.region,
            Self::Act { server, .. } => &server.region,
        }
    }

    /// How many servers it is about.
    pub fn count(&self) -> u32 {
        match self {
            Self::Create { new } => new.count,
            Self::Act { .. } => 1,
        }
    }

    /// The words for it: `make 2 servers web in eu-central-1`, `delete web-1`.
    pub fn sentence(&self) -> String {
        match self {
            Self::Create { new } if new.count == 1 => {
                format!("make the server {} in {}", new.name, new.region)
            }
            Self::Create { new } => {
                format!("make {} servers {} in {}", new.count, new.name, new.region)
            }
            Self::Act { label, action, .. } => format!("{} {label}", action.verb()),
        }
    }
}

/// How far an order is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderState {
    /// The provider has not taken it yet.
    Waiting,
    /// The provider carries it out.
    Running,
    /// It is done.
    Done,
    /// The provider refused it, or failed to carry it out.
    Failed,
    /// It took too long; whether it is still carried out is not known.
    GivenUp,
}

impl OrderState {
    /// Whether nothing more happens to it.
    pub fn is_end(self) -> bool {
        matches!(self, Self::Done | Self::Failed | Self::GivenUp)
    }

    /// The word for it in the database and in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::GivenUp => "given_up",
        }
    }
}

/// How far the provider is with an order that it took.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// How many of its servers are where they should be.
    pub done: u32,
    /// What the others do, in the provider's words.
    pub text: String,
}

/// An order, and how far it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// Its id.
    pub id: CloudOrderId,
    /// The account that it goes to.
    pub account_id: CloudAccountId,
    /// The account's name at the time.
    pub account: String,
    /// Whose cloud it is.
    pub provider: Provider,
    /// What is ordered.
    pub what: Ordered,
    /// Who ordered it.
    pub ordered_by: String,
    /// When it was placed.
    pub placed_at_ms: TimestampMs,
    /// How far it is.
    pub state: OrderState,
    /// How often it was sent to the provider.
    pub attempts: u32,
    /// When it was sent first.
    pub sent_at_ms: Option<TimestampMs>,
    /// What the provider took it as.
    pub operation: Option<Operation>,
    /// When the provider took it.
    pub taken_at_ms: Option<TimestampMs>,
    /// How far the provider is.
    pub progress: Option<Progress>,
    /// What went wrong last, in the provider's words; nothing once it goes on.
    pub error: Option<yunhai_cloud::Error>,
    /// When it ended.
    pub ended_at_ms: Option<TimestampMs>,
    /// When the next step is due.
    pub next_at_ms: TimestampMs,
    /// The token that goes with every attempt, so that the provider carries it out once.
    pub(crate) client_token: String,
    /// Whether an attempt was sent whose answer nobody has read.
    pub(crate) is_unsure: bool,
    /// How many steps in a row have failed.
    pub(crate) failures: u32,
}

/// Who places an order, and how it is told from the same one sent twice.
#[derive(Clone, Debug)]
pub struct OrderBy {
    /// Who.
    pub name: String,
    /// A word of the caller's: the same again is the same order.
    pub request_key: Option<String>,
}

/// An order as it stands after it was placed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placed {
    /// The order.
    pub order: Order,
    /// Whether it is new, and not one that was placed before by the same key.
    pub is_new: bool,
}

/// Which orders are asked for.
#[derive(Clone, Debug, Default)]
pub struct OrderFilter {
    /// Only those that go on, or only those that have ended.
    pub is_open: Option<bool>,
    /// Only those about this server or name.
    pub subject: Option<String>,
    /// Only those of this account.
    pub account: Option<String>,
}

/// Tells everything that is wrong with a server to be made, `field: what`. The regions are those
/// that the account looks at, none where they are not known.
pub(crate) fn faults(new: &NewServer, regions: &[String]) -> Vec<String> {
    let mut faults = Vec::new();
    let is_text = |text: &str| !text.trim().is_empty() && !text.chars().any(char::is_control);
    if !is_text(&new.name) || new.name.trim() != new.name || new.name.chars().count() > MAX_NAME {
        faults.push(format!("name: 1 to {MAX_NAME} characters"));
    }
    if !regions.is_empty() && !regions.contains(&new.region) {
        faults.push(format!(
            "region: the account looks at {}; a server elsewhere would not be seen",
            regions.join(", ")
        ));
    } else if !is_text(&new.region) {
        faults.push("region: is missing".to_owned());
    }
    for (field, value) in [("image", &new.image), ("instance_type", &new.instance_type)] {
        if !is_text(value) {
            faults.push(format!("{field}: is missing"));
        }
    }
    for (field, value) in [
        ("zone", &new.zone),
        ("ssh_key", &new.ssh_key),
        ("subnet", &new.subnet),
    ] {
        if value.as_deref().is_some_and(|value| !is_text(value)) {
            faults.push(format!("{field}: is empty; leave it out instead"));
        }
    }
    if !new.security_groups.iter().all(|group| is_text(group)) {
        faults.push("security_groups: one of them is empty".to_owned());
    }
    if !(1..=MAX_COUNT).contains(&new.count) {
        faults.push(format!("count: from 1 to {MAX_COUNT}"));
    }
    if new
        .disk_gib
        .is_some_and(|size| !(1..=MAX_DISK_GIB).contains(&size))
    {
        faults.push(format!("disk_gib: from 1 to {MAX_DISK_GIB}"));
    }
    if new.tags.len() > MAX_TAGS || !new.tags.keys().all(|name| is_text(name)) {
        faults.push(format!("tags: up to {MAX_TAGS}, each with a name"));
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_is_named_with_its_field() {
        let text =
            r#"{"name": "web", "region": "a", "image": "ami-1", "instance_type": "t3.micro"}"#;
        let mut new: NewServer = serde_json::from_str(text).unwrap();
        let regions = ["a".to_owned()];
        assert_eq!(faults(&new, &regions), [""; 0]);
        assert_eq!(faults(&new, &[]), [""; 0]);
        new.name = " ".to_owned();
        new.region = "b".to_owned();
        new.image = String::new();
        new.zone = Some(String::new());
        new.security_groups = vec![String::new()];
        new.count = 0;
        new.disk_gib = Some(0);
        let faults = faults(&new, &regions);
        let fields: Vec<&str> = faults
            .iter()
            .filter_map(|f| Some(f.split_once(':')?.0))
            .collect();
        let all = [
            "name",
            "region",
            "image",
            "zone",
            "security_groups",
            "count",
            "disk_gib",
        ];
        assert_eq!(fields, all);
    }

    #[test]
    fn what_is_kept_of_a_server_leaves_its_user_data_out() {
        let text = r#"{"name": "web", "region": "a", "image": "i", "instance_type": "t", "user_data": "hush"}"#;
        let new: NewServer = serde_json::from_str(text).unwrap();
        let kept = serde_json::to_string(&Ordered::Create { new: Box::new(new) }).unwrap();
        assert!(!kept.contains("hush"), "{kept}");
        let read: Ordered = serde_json::from_str(&kept).unwrap();
        assert_eq!(read.sentence(), "make the server web in a");
    }
}
