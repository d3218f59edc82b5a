//! Choices that have a stable name in the database, the API and the audit log.

/// Defines an enum whose variants have names: `as_str`, `FromStr`, `Display`, serde, `ALL`.
macro_rules! named {
    (
        $(#[$meta:meta])*
        pub enum $name:ident($kind:literal) {
            $($(#[$variant_meta:meta])* $variant:ident = $text:literal,)*
        }
    ) => {
        $(#[$meta])*
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize,
            serde::Deserialize,
        )]
        #[serde(try_from = "String", into = "String")]
        pub enum $name {
            $($(#[$variant_meta])* $variant,)*
        }

        impl $name {
            /// All values, in the order of their declaration.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// Returns the stable name.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)*
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::names::UnknownName;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match text {
                    $($text => Ok(Self::$variant),)*
                    _ => Err($crate::names::UnknownName {
                        kind: $kind,
                        text: text.to_owned(),
                        known: Self::ALL.iter().map(|value| value.as_str()).collect(),
                    }),
                }
            }
        }

        impl TryFrom<String> for $name {
            type Error = $crate::names::UnknownName;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.as_str().to_owned()
            }
        }
    };
}
pub(crate) use named;

/// A name that stands for nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a {kind}; choose one of {}", known.join(", "))]
pub struct UnknownName {
    pub(crate) kind: &'static str,
    pub(crate) text: String,
    pub(crate) known: Vec<&'static str>,
}

/// Reads what the database holds as text.
pub(crate) fn stored<T: std::str::FromStr>(
    kind: &'static str,
    text: &str,
) -> Result<T, crate::Error> {
    text.parse().map_err(|_| crate::Error::UnknownValue {
        kind,
        value: text.to_owned(),
    })
}

impl From<UnknownName> for crate::Error {
    fn from(unknown: UnknownName) -> Self {
        Self::UnknownValue {
            kind: unknown.kind,
            value: unknown.text,
        }
    }
}
