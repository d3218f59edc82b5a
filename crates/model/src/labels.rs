//! Label sets that name a time series, in Prometheus's terms.

use std::cmp::Ordering;
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
/// Cheap to clone. The whole set is one piece of memory, since a server holds and makes hundreds of
/// thousands of them: the number of labels, then for each the lengths of its name and its value
/// and these two themselves. See [`put_number`] for how numbers stand in text.
#[derive(Clone, PartialEq, Eq, Hash, Default)]
pub struct Labels(Arc<str>);

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
        Self::of_sorted(sorted.iter().map(|(name, value)| (&**name, &**value)))
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
        Ok(Self::of_sorted(
            sorted.iter().map(|(name, value)| (&**name, &**value)),
        ))
    }

    /// Writes pairs that are sorted and have different names; those without a value are left out.
    fn of_sorted<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)> + Clone) -> Self {
        let pairs = pairs.filter(|(_, value)| !value.is_empty());
        let (mut number, mut size) = (0, 0);
        for (name, value) in pairs.clone() {
            number += 1;
            // Lengths of more than 63 bytes take a second byte, which is rare.
            size += 4 + name.len() + value.len();
        }
        if number == 0 {
            return Self::default();
        }
        let mut text = String::with_capacity(2 + size);
        put_number(&mut text, number);
        for (name, value) in pairs {
            put_number(&mut text, name.len());
            put_number(&mut text, value.len());
            text.push_str(name);
            text.push_str(value);
        }
        Self(text.into())
    }

    /// Returns a label's value.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter()
            .find(|(candidate, _)| *candidate == name)
            .map(|(_, value)| value)
    }

    /// Returns the metric's name, if the set has one.
    pub fn metric_name(&self) -> Option<&str> {
        self.get(METRIC_NAME)
    }

    /// Goes through the labels in the order of their names.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &str)> + Clone {
        self.pairs()
    }

    fn pairs(&self) -> Pairs<'_> {
        let mut rest = &*self.0;
        let number = take_number(&mut rest);
        Pairs { number, rest }
    }

    /// Returns the number of labels.
    pub fn len(&self) -> usize {
        self.iter().len()
    }

    /// Tells whether there are no labels.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the set with one label set, or removed where `value` is empty.
    #[must_use]
    pub fn with(&self, name: &str, value: &str) -> Self {
        let before = self.iter().take_while(|(other, _)| *other < name);
        let after = self.iter().skip_while(|(other, _)| *other <= name);
        Self::of_sorted(before.chain([(name, value)]).chain(after))
    }

    /// Returns the set without the named labels.
    #[must_use]
    pub fn without(&self, names: &[&str]) -> Self {
        Self::of_sorted(self.iter().filter(|(name, _)| !names.contains(name)))
    }

    /// Returns the set with only the named labels.
    #[must_use]
    pub fn only(&self, names: &[&str]) -> Self {
        Self::of_sorted(self.iter().filter(|(name, _)| names.contains(name)))
    }
}

/// Goes through the pairs of a label set.
#[derive(Clone)]
struct Pairs<'a> {
    number: usize,
    rest: &'a str,
}

impl<'a> Iterator for Pairs<'a> {
    type Item = (&'a str, &'a str);

    fn next(&mut self) -> Option<Self::Item> {
        self.number = self.number.checked_sub(1)?;
        let name_len = take_number(&mut self.rest);
        let value_len = take_number(&mut self.rest);
        let (name, rest) = self.rest.split_at(name_len);
        let (value, rest) = rest.split_at(value_len);
        self.rest = rest;
        Some((name, value))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.number, Some(self.number))
    }
}

impl ExactSizeIterator for Pairs<'_> {}

/// How many bits of a number a byte of text holds; the bit above them tells that more follow, and
/// the topmost one stays free, so that every byte is an ASCII character.
const NUMBER_BITS: u32 = 6;
const MORE: u8 = 1 << NUMBER_BITS;

/// Writes a number as text: most take one byte.
fn put_number(text: &mut String, mut number: usize) {
    while number >= usize::from(MORE) {
        text.push(char::from((number as u8 & (MORE - 1)) | MORE));
        number >>= NUMBER_BITS;
    }
    text.push(char::from(number as u8));
}

/// Takes a number from the front of a text; 0 where there is none.
fn take_number(text: &mut &str) -> usize {
    let mut number = 0;
    for (at, byte) in text.bytes().enumerate() {
        number |= usize::from(byte & (MORE - 1)) << (NUMBER_BITS * at as u32);
        if byte & MORE == 0 {
            *text = &text[at + 1..];
            break;
        }
    }
    number
}

impl Ord for Labels {
    /// Label by label: first the names, then the values.
    fn cmp(&self, other: &Self) -> Ordering {
        let (mut ours, mut theirs) = (self.pairs(), other.pairs());
        if ours.number == theirs.number {
            // Series that are sorted mostly begin with the same labels: those are passed over.
            let same = common_prefix(self.0.as_bytes(), other.0.as_bytes());
            loop {
                let mut next = ours.clone();
                let at = |pairs: &Pairs<'_>| self.0.len() - pairs.rest.len();
                if next.next().is_none() || at(&next) > same {
                    break;
                }
                theirs = Pairs {
                    number: next.number,
                    rest: &other.0[at(&next)..],
                };
                ours = next;
            }
        }
        ours.cmp(theirs)
    }
}

/// How many bytes at least two texts begin with alike, in whole words.
fn common_prefix(one: &[u8], other: &[u8]) -> usize {
    const WORD: usize = size_of::<u64>();
    let words = one.chunks_exact(WORD).zip(other.chunks_exact(WORD));
    words.take_while(|(one, other)| one == other).count() * WORD
}

impl PartialOrd for Labels {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Debug for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
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
    fn the_order_is_that_of_the_pairs() {
        let values = [
            "a",
            "b",
            "ab",
            "节点",
            "abcdefghijklmnop",
            "abcdefghijklmnoq",
        ];
        let mut all = vec![Labels::default()];
        for first in values {
            all.push(Labels::new([("region", first)]));
            for second in values {
                all.push(Labels::new([("region", first), ("server", second)]));
                all.push(Labels::new([
                    ("region", first),
                    (second, "1"),
                    ("zone", second),
                ]));
            }
        }
        for one in &all {
            for other in &all {
                let expected = one.iter().cmp(other.iter());
                assert_eq!(one.cmp(other), expected, "{one} and {other}");
            }
        }
    }

    #[test]
    fn labels_are_sorted_and_the_last_value_holds() {
        let labels = Labels::new([("b", "1"), ("a", "2"), ("b", "3"), ("c", "")]);
        assert_eq!(labels.iter().collect::<Vec<_>>(), [("a", "2"), ("b", "3")]);
        assert_eq!(labels.with("a", "").len(), 1);
        assert_eq!(labels.without(&["a"]), labels.only(&["b"]));
    }

    #[test]
    fn long_and_foreign_texts_stay_whole() {
        for length in [1, 63, 64, 4095, 4096, 300_000] {
            let value = "\u{4e91}\u{0}".repeat(length / 2 + 1);
            let labels = Labels::new([("a", value.as_str()), ("b", "\n")]);
            let pairs: Vec<_> = labels.iter().collect();
            assert_eq!(pairs, [("a", value.as_str()), ("b", "\n")]);
        }
        let many: Vec<(String, String)> = (100..300)
            .map(|number| (format!("label_{number}"), number.to_string()))
            .collect();
        let labels = Labels::new(many.clone());
        assert_eq!(labels.len(), 200);
        assert_eq!(labels.get("label_299"), Some("299"));
        let pairs = many.iter().map(|(name, value)| (&**name, &**value));
        assert!(labels.iter().eq(pairs));
    }

    #[test]
    fn label_sets_are_ordered_label_by_label() {
        let labels = |pairs: &[(&str, &str)]| Labels::new(pairs.iter().copied());
        let sorted = [
            labels(&[]),
            labels(&[("a", "1")]),
            labels(&[("a", "1"), ("b", "1")]),
            labels(&[("a", "10")]),
            labels(&[("a", "2")]),
            labels(&[("ab", "1")]),
            labels(&[("b", "1")]),
        ];
        assert!(sorted.is_sorted());
        assert_eq!(labels(&[("a", "")]), Labels::default());
        assert_eq!(sorted[1].with("b", "1"), sorted[2]);
        assert_eq!(sorted[2].with("b", "").with("a", "2"), sorted[4]);
        assert_eq!(sorted[6].with("a", "1"), sorted[2]);
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
