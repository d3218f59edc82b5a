//! Typed identifiers: ULIDs, so that they sort by creation time and need no database to make one.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use ulid::Ulid;

/// A text that is not an identifier.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{text}` is not a {kind} id (26 characters of Crockford base 32)")]
pub struct ParseIdError {
    kind: &'static str,
    text: String,
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident $kind:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Ulid);

        impl $name {
            /// Makes a new id from the current time and randomness.
            #[allow(clippy::new_without_default)]
            pub fn new() -> Self {
                Self(Ulid::generate())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Ulid::from_string(text)
                    .map(Self)
                    .map_err(|_| ParseIdError { kind: $kind, text: text.to_owned() })
            }
        }

        impl TryFrom<String> for $name {
            type Error = ParseIdError;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.to_string()
            }
        }
    )*};
}

ids! {
    /// A user.
    UserId "user";
    /// A browser session of a user.
    SessionId "session";
    /// An API token.
    TokenId "token";
    /// An invitation to register.
    InvitationId "invitation";
    /// An alert instance: one rule firing for one set of labels.
    AlertId "alert";
    /// A silence.
    SilenceId "silence";
    /// A maintenance window.
    MaintenanceWindowId "maintenance window";
    /// An inhibition.
    InhibitionId "inhibition";
    /// A notification channel.
    ChannelId "channel";
    /// A probe: an address that is asked again and again.
    ProbeId "probe";
    /// An account with a cloud.
    CloudAccountId "cloud account";
    /// A machine that has joined with its agent.
    AgentId "agent";
    /// A token with which machines join.
    EnrolmentTokenId "enrolment token";
    /// An order to a cloud: to make servers, or to do something with one.
    CloudOrderId "cloud order";
}

impl CloudOrderId {
    /// Writes the id as a UUID (version 7, RFC 9562): the only kind of token that all providers take.
    pub fn to_uuid(self) -> String {
        let version_and_variant = 0x7000_8000_0000_0000_0000_u128;
        let bits = (self.0.0 & !0xf000_c000_0000_0000_0000) | version_and_variant;
        let text = format!("{bits:032x}");
        [
            &text[..8],
            &text[8..12],
            &text[12..16],
            &text[16..20],
            &text[20..],
        ]
        .join("-")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_survive_text_and_json() {
        let id = UserId::new();
        assert_eq!(id.to_string().parse::<UserId>().unwrap(), id);
        let json = serde_json::to_string(&id).unwrap();
        assert_eq!(serde_json::from_str::<UserId>(&json).unwrap(), id);
    }

    #[test]
    fn an_order_is_known_to_providers_by_a_uuid_of_its_own() {
        let [one, other] = [CloudOrderId::new(), CloudOrderId::new()].map(CloudOrderId::to_uuid);
        let parts: Vec<usize> = one.split('-').map(str::len).collect();
        assert_eq!(parts, [8, 4, 4, 4, 12]);
        assert_eq!(&one[14..15], "7");
        assert!(matches!(&one[19..20], "8" | "9" | "a" | "b"), "{one}");
        assert_ne!(one, other);
    }

    #[test]
    fn a_wrong_id_names_what_was_expected() {
        let error = "nope".parse::<ChannelId>().unwrap_err();
        assert!(error.to_string().contains("`nope` is not a channel id"));
    }
}
