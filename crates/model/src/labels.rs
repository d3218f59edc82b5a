//! Label sets that name a time series, in Prometheus's terms.

use std::fmt;
use std::sync::Arc;

use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The label that holds the metric's name.
pub const METRIC_NAME: &str = "__name__";

/// Why a label set was refused.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum InvalidLabel {
    /// A label's name is not `[a-zA-Z_][a-zA-Z0-9_]*`.
    #[error("`{0}` is not a label name: use letters, digits and _, not starting with a digit")]
    Name(String),
    /// The metric's name is not `[a-zA-Z_:][a-zA-Z0-9_:]*`.
    #[error("`{0}` is not a metric name: use letters, digits, _ and :, not starting with a digit")]
    MetricName(String),
    /// The same label stands twice.
    #[error("label `{0}` is given twice")]
    Duplicate(String),
}

/// A set of labels, sorted by name; empty values are left out, as they mean "no such label".
///
/// Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Labels(Arc<[(Box<str>, Box<str>)]>);

impl Labels {
    /// Makes a label set; of a name given twice the last value holds.
    pub fn new<N: Into<Box<str>>, V: Into<Box<str>>>(
        pairs: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        let mut sorted: Vec<(Box<str>, Box<str>)> = pairs
            .into_iter()
            .map(|(name, value)| (name.into(), value.into()))
            .collect();
        sorted.sort_by(|a, b| a.0.cmp(&b.0));
        // `dedup_by` keeps the first of equals: hand it the last value.
        sorted.dedup_by(|later, earlier| {
            later.0 == earlier.0 && {
                std::mem::swap(&mut later.1, &mut earlier.1);
                true
            }
        });
        sorted.retain(|(_, value)| !value.is_empty());
        Self(sorted.into())
    }

    /// Makes the label set of a metric: its name beside its labels.
    pub fn of_metric<N: Into<Box<str>>, V: Into<Box<str>>>(
        name: &str,
        pairs: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        Self::new(
            pairs
                .into_iter()
                .map(|(name, value)| (name.into(), value.into()))
                .chain([(METRIC_NAME.into(), name.into())]),
        )
    }

    /// Makes a label set of data from outside, refusing names that are not valid and duplicates.
    pub fn parse<N: Into<Box<str>>, V: Into<Box<str>>>(
        pairs: impl IntoIterator<Item = (N, V)>,
    ) -> Result<Self, InvalidLabel> {
        let mut sorted: Vec<(Box<str>, Box<str>)> = Vec::new();
        for (name, value) in pairs {
            let (name, value) = (name.into(), value.into());
            if !is_valid_label_name(&name) {
                return Err(InvalidLabel::Name(name.into()));
            }
            if &*name == METRIC_NAME && !is_valid_metric_name(&value) {
                return Err(InvalidLabel::MetricName(value.into()));
            }
            sorted.push((name, value));
        }
        sorted.sort_by(|a, b| a.0.cmp(&b.0));
        if let Some(twice) = sorted.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            return Err(InvalidLabel::Duplicate(twice[0].0.clone().into()));
        }
        sorted.retain(|(_, value)| !value.is_empty());
        Ok(Self(sorted.into()))
    }

    /// Returns a label's value.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0
            .binary_search_by(|(candidate, _)| (**candidate).cmp(name))
            .ok()
            .map(|at| &*self.0[at].1)
    }

    /// Returns the metric's name, if the set has one.
    pub fn metric_name(&self) -> Option<&str> {
        self.get(METRIC_NAME)
    }

    /// Goes through the labels in the order of their names.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &str)> + Clone {
        self.0.iter().map(|(name, value)| (&**name, &**value))
    }

    /// Returns the number of labels.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Tells whether there are no labels.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the set with one label set, or removed where `value` is empty.
    #[must_use]
    pub fn with(&self, name: &str, value: &str) -> Self {
        Self::new(self.iter().chain([(name, value)]))
    }

    /// Returns the set without the named labels.
    #[must_use]
    pub fn without(&self, names: &[&str]) -> Self {
        Self(
            self.0
                .iter()
                .filter(|(name, _)| !names.contains(&&**name))
                .cloned()
                .collect(),
        )
    }

    /// Returns the set with only the named labels.
    #[must_use]
    pub fn only(&self, names: &[&str]) -> Self {
        Self(
            self.0
                .iter()
                .filter(|(name, _)| names.contains(&&**name))
                .cloned()
                .collect(),
        )
    }
}

/// Prometheus's own notation: `name{label="value"}`.
impl fmt::Display for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(name) = self.metric_name() {
            f.write_str(name)?;
            if self.len() == 1 {
                return Ok(());
            }
        }
        f.write_str("{")?;
        let mut first = true;
        for (name, value) in self.iter().filter(|(name, _)| *name != METRIC_NAME) {
            if !std::mem::take(&mut first) {
                f.write_str(", ")?;
            }
            write!(f, "{name}={value:?}")?;
        }
        f.write_str("}")
    }
}

impl Serialize for Labels {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.len()))?;
        for (name, value) in self.iter() {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Labels {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let map = std::collections::BTreeMap::<String, String>::deserialize(deserializer)?;
        Self::parse(map).map_err(serde::de::Error::custom)
    }
}

/// Tells whether `name` matches `[a-zA-Z_][a-zA-Z0-9_]*`.
pub fn is_valid_label_name(name: &str) -> bool {
    is_identifier(name, |byte| byte == b'_')
}

/// Tells whether `name` matches `[a-zA-Z_:][a-zA-Z0-9_:]*`.
pub fn is_valid_metric_name(name: &str) -> bool {
    is_identifier(name, |byte| byte == b'_' || byte == b':')
}

fn is_identifier(name: &str, is_extra: impl Fn(u8) -> bool) -> bool {
    name.bytes().enumerate().all(|(at, byte)| {
        byte.is_ascii_alphabetic() || is_extra(byte) || (at > 0 && byte.is_ascii_digit())
    }) && !name.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_sorted_and_the_last_value_holds() {
        let labels = Labels::new([("b", "1"), ("a", "2"), ("b", "3"), ("c", "")]);
        assert_eq!(labels.iter().collect::<Vec<_>>(), [("a", "2"), ("b", "3")]);
        assert_eq!(labels.with("a", "").len(), 1);
        assert_eq!(labels.without(&["a"]), labels.only(&["b"]));
    }

    #[test]
    fn labels_print_as_prometheus_writes_them() {
        let labels = Labels::of_metric("up", [("job", "a\"b")]);
        assert_eq!(labels.to_string(), r#"up{job="a\"b"}"#);
        assert_eq!(Labels::of_metric::<&str, &str>("up", []).to_string(), "up");
        assert_eq!(Labels::default().to_string(), "{}");
    }

    #[test]
    fn outside_labels_are_checked() {
        assert_eq!(
            Labels::parse([("0a", "x")]),
            Err(InvalidLabel::Name("0a".into()))
        );
        assert_eq!(
            Labels::parse([("a", "x"), ("a", "y")]),
            Err(InvalidLabel::Duplicate("a".into()))
        );
        assert_eq!(
            Labels::parse([(METRIC_NAME, "a-b")]),
            Err(InvalidLabel::MetricName("a-b".into()))
        );
    }
}
