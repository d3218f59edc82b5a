//! What an account is opened with.

use serde::Deserialize;
use yunhai_cloud::{InvalidSettings, NO_ENDPOINT, accept, each_once, read_settings};
use yunhai_model::Secret;

/// The region that is asked about the account itself where none is set.
const DEFAULT_REGION: &str = "us-east-1";

/// The fields of [`AwsSettings`] that are secret.
pub const SECRET_FIELDS: &[&str] = &["secret_access_key", "session_token"];

/// Whose rights are used.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum AwsCredentials {
    /// An access key.
    Keys {
        /// Its id: `AKIA…`.
        access_key_id: String,
        /// Its secret half.
        secret_access_key: Option<Secret>,
        /// Given with temporary keys.
        session_token: Option<Secret>,
    },
    /// A profile in the files of this machine, `~/.aws/config` and `~/.aws/credentials`.
    Profile {
        /// Its name.
        name: String,
    },
    /// The role of the machine that Yunhai runs on.
    InstanceRole,
}

/// A role that others may assume, in this account or another.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AwsRole {
    /// Its name: `arn:aws:iam::123456789012:role/yunhai`.
    pub arn: String,
    /// The word that the role's trust asks for.
    pub external_id: Option<String>,
}

/// What an account is opened with.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AwsSettings {
    /// Whose rights are used.
    pub credentials: AwsCredentials,
    /// A role that is assumed with them.
    pub role: Option<AwsRole>,
    /// The regions that are looked at; all that are enabled where there are none. The first one
    /// is asked about the account itself: in China it is needed.
    #[serde(default)]
    pub regions: Vec<String>,
    /// Where to ask instead of Amazon: a private cloud, or an emulator.
    pub endpoint: Option<String>,
}

impl AwsSettings {
    /// Reads settings that are stored as JSON, and checks them.
    pub fn parse(json: &Secret) -> Result<Self, InvalidSettings> {
        let mut settings: Self = read_settings(json)?;
        let mut faults = settings.credentials.faults();
        if let Some(AwsRole { arn, .. }) = &settings.role
            && !(arn.starts_with("arn:") && arn.contains(":role/"))
        {
            faults.push(format!(
                "role.arn: `{arn}` is no role; it looks like arn:aws:iam::123456789012:role/yunhai"
            ));
        }
        for region in &settings.regions {
            if !is_region(region) {
                faults.push(format!(
                    "regions: `{region}` is no region; they look like eu-central-1"
                ));
            }
        }
        if let Some(endpoint) = &settings.endpoint
            && !is_endpoint(endpoint)
        {
            faults.push(format!("endpoint: {NO_ENDPOINT}"));
        }
        settings.regions = each_once(settings.regions);
        accept(settings, faults)
    }

    /// The region that is asked about the account itself.
    pub(crate) fn home_region(&self) -> &str {
        self.regions.first().map_or(DEFAULT_REGION, String::as_str)
    }
}

impl AwsCredentials {
    /// Says whose rights they are, without a secret.
    pub(crate) fn described(&self) -> String {
        match self {
            Self::Keys { access_key_id, .. } => format!("the access key {access_key_id}"),
            Self::Profile { name } => format!("the profile `{name}` of this machine"),
            Self::InstanceRole => "the role of this machine".to_owned(),
        }
    }

    fn faults(&self) -> Vec<String> {
        let needed = match self {
            Self::Keys {
                access_key_id,
                secret_access_key,
                ..
            } => vec![
                ("access_key_id", !access_key_id.trim().is_empty()),
                (
                    "secret_access_key",
                    secret_access_key
                        .as_ref()
                        .is_some_and(|secret| !secret.is_empty()),
                ),
            ],
            Self::Profile { name } => vec![("name", !name.trim().is_empty())],
            Self::InstanceRole => Vec::new(),
        };
        needed
            .into_iter()
            .filter(|(_, is_given)| !is_given)
            .map(|(name, _)| format!("credentials.{name}: is missing"))
            .collect()
    }
}

fn is_endpoint(text: &str) -> bool {
    let rest = text
        .strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"));
    // What stands before an @ would be shown with the account.
    rest.is_some_and(|rest| !rest.is_empty() && !rest.contains('@'))
}

fn is_region(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    parts.len() >= 3
        && parts
            .last()
            .is_some_and(|number| number.parse::<u8>().is_ok())
        && text
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(json: &str) -> Vec<String> {
        AwsSettings::parse(&Secret::new(json))
            .expect_err("it is refused")
            .0
    }

    #[test]
    fn every_fault_is_named_with_its_field() {
        let found = faults(
            r#"{"credentials": {"kind": "keys", "access_key_id": "", "secret_access_key": ""},
                "role": {"arn": "yunhai"},
                "regions": ["Frankfurt", "eu-central-1", "us-gov-west-1"], "endpoint": "moto:5000"}"#,
        );
        assert_eq!(found.len(), 5, "{found:?}");
        assert!(found[1].starts_with("credentials.secret_access_key"));
        assert!(found[2].starts_with("role.arn"));
        assert!(found[3].contains("Frankfurt"));
    }

    #[test]
    fn a_fault_of_form_does_not_repeat_what_was_read() {
        let found =
            faults(r#"{"credentials": {"kind": "keys", "secret_access_key": ["hunter2"]}}"#);
        assert!(!found[0].contains("hunter2"), "{found:?}");
    }
}
