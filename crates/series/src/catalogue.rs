//! Every series that the head or a block holds: its labels once, and an index over them.

use std::collections::BTreeMap;
use std::hash::Hasher;

use rustc_hash::{FxHashMap, FxHasher};
use yunhai_model::Labels;
use yunhai_promql::{MatchOp, Matcher};

/// A series of this process's catalogue; never used again for another series.
pub(crate) type SeriesId = u32;

/// Labels by id, ids by labels, and the inverted index label name → value → sorted ids.
#[derive(Debug, Default)]
pub(crate) struct Catalogue {
    labels: Vec<Option<Labels>>,
    by_hash: FxHashMap<u64, Vec<SeriesId>>,
    postings: BTreeMap<Box<str>, BTreeMap<Box<str>, Vec<SeriesId>>>,
    live: usize,
}

impl Catalogue {
    /// Returns the number of series.
    pub(crate) fn len(&self) -> usize {
        self.live
    }

    /// Returns a series's labels.
    pub(crate) fn labels(&self, id: SeriesId) -> &Labels {
        self.labels[id as usize]
            .as_ref()
            .expect("ids are handed out for live series only")
    }

    /// Finds a series by its sorted labels without copying them.
    pub(crate) fn find<'a>(
        &self,
        pairs: &(impl ExactSizeIterator<Item = (&'a str, &'a str)> + Clone),
    ) -> Option<SeriesId> {
        let candidates = self.by_hash.get(&hash(pairs.clone()))?;
        candidates.iter().copied().find(|id| {
            let labels = self.labels(*id);
            labels.len() == pairs.len()
                && labels
                    .iter()
                    .zip(pairs.clone())
                    .all(|(ours, theirs)| ours.0 == theirs.0 && ours.1 == theirs.1)
        })
    }

    /// Finds a series or adds it.
    pub(crate) fn intern(&mut self, labels: &Labels) -> SeriesId {
        if let Some(id) = self.find(&labels.iter()) {
            return id;
        }
        let id =
            SeriesId::try_from(self.labels.len()).expect("fewer than 2^32 series in a process");
        self.by_hash
            .entry(hash(labels.iter()))
            .or_default()
            .push(id);
        for (name, value) in labels.iter() {
            if !self.postings.contains_key(name) {
                self.postings.insert(name.into(), BTreeMap::new());
            }
            let values = self.postings.get_mut(name).expect("inserted above");
            match values.get_mut(value) {
                // Ids grow, so the list stays sorted.
                Some(ids) => ids.push(id),
                None => {
                    values.insert(value.into(), vec![id]);
                }
            }
        }
        self.labels.push(Some(labels.clone()));
        self.live += 1;
        id
    }

    /// Drops the series that nothing holds any more.
    pub(crate) fn retain(&mut self, is_used: impl Fn(SeriesId) -> bool) {
        let before = self.live;
        let mut touched: FxHashMap<Box<str>, Vec<Box<str>>> = FxHashMap::default();
        for id in 0..self.labels.len() as SeriesId {
            let Some(labels) = &self.labels[id as usize] else {
                continue;
            };
            if is_used(id) {
                continue;
            }
            let key = hash(labels.iter());
            for (name, value) in labels.iter() {
                touched.entry(name.into()).or_default().push(value.into());
            }
            if let Some(ids) = self.by_hash.get_mut(&key) {
                ids.retain(|other| *other != id);
                if ids.is_empty() {
                    self.by_hash.remove(&key);
                }
            }
            self.labels[id as usize] = None;
            self.live -= 1;
        }
        if before == self.live {
            return;
        }
        for (name, mut values) in touched {
            values.sort_unstable();
            values.dedup();
            let Some(known) = self.postings.get_mut(&name) else {
                continue;
            };
            for value in values {
                if let Some(ids) = known.get_mut(&value) {
                    ids.retain(|id| self.labels[*id as usize].is_some());
                    if ids.is_empty() {
                        known.remove(&value);
                    }
                }
            }
            if known.is_empty() {
                self.postings.remove(&name);
            }
        }
    }

    /// Returns the sorted ids of the series that satisfy all matchers.
    pub(crate) fn select(&self, matchers: &[Matcher]) -> Vec<SeriesId> {
        // A matcher that accepts the empty value also accepts series without the label, which no
        // posting list holds: those conditions are checked on the labels of what is left.
        let (checked, indexed): (Vec<&Matcher>, Vec<&Matcher>) =
            matchers.iter().partition(|matcher| matcher.matches(""));
        let mut lists: Vec<Vec<SeriesId>> = Vec::with_capacity(indexed.len());
        for matcher in indexed {
            let list = self.postings_of(matcher);
            if list.is_empty() {
                return Vec::new();
            }
            lists.push(list);
        }
        lists.sort_by_key(Vec::len);
        let mut lists = lists.into_iter();
        let mut ids = match lists.next() {
            Some(first) => first,
            None => (0..self.labels.len() as SeriesId)
                .filter(|id| self.labels[*id as usize].is_some())
                .collect(),
        };
        for list in lists {
            ids.retain(|id| list.binary_search(id).is_ok());
        }
        ids.retain(|id| {
            let labels = self.labels(*id);
            checked
                .iter()
                .all(|matcher| matcher.matches(labels.get(matcher.name()).unwrap_or("")))
        });
        ids
    }

    fn postings_of(&self, matcher: &Matcher) -> Vec<SeriesId> {
        let Some(values) = self.postings.get(matcher.name()) else {
            return Vec::new();
        };
        if matcher.op() == MatchOp::Equal {
            return values.get(matcher.value()).cloned().unwrap_or_default();
        }
        let mut ids: Vec<SeriesId> = values
            .iter()
            .filter(|(value, _)| matcher.matches(value))
            .flat_map(|(_, ids)| ids.iter().copied())
            .collect();
        ids.sort_unstable();
        ids
    }
}

fn hash<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> u64 {
    let mut hasher = FxHasher::default();
    for (name, value) in pairs {
        hasher.write(name.as_bytes());
        hasher.write_u8(0xff);
        hasher.write(value.as_bytes());
        hasher.write_u8(0xfe);
    }
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matcher(name: &str, op: MatchOp, value: &str) -> Matcher {
        Matcher::new(name, op, value).unwrap()
    }

    fn catalogue() -> Catalogue {
        let mut catalogue = Catalogue::default();
        for (server, device) in [("a", "eth0"), ("a", ""), ("b", "eth0"), ("c", "eth1")] {
            catalogue.intern(&Labels::of_metric(
                "bytes",
                [("server", server), ("device", device)],
            ));
        }
        catalogue
    }

    #[test]
    fn matchers_find_what_prometheus_would() {
        let catalogue = catalogue();
        let select = |name, op, value| catalogue.select(&[matcher(name, op, value)]);
        assert_eq!(select("server", MatchOp::Equal, "a"), [0, 1]);
        assert_eq!(select("server", MatchOp::NotEqual, "a"), [2, 3]);
        assert_eq!(select("device", MatchOp::Equal, ""), [1]);
        assert_eq!(select("device", MatchOp::NotEqual, ""), [0, 2, 3]);
        assert_eq!(select("server", MatchOp::Regex, "a|c"), [0, 1, 3]);
        assert_eq!(select("device", MatchOp::NotRegex, "eth.*"), [1]);
        assert_eq!(
            select("nothing", MatchOp::Equal, "x"),
            Vec::<SeriesId>::new()
        );
        assert_eq!(
            catalogue.select(&[
                matcher("server", MatchOp::Regex, "a|b"),
                matcher("device", MatchOp::Equal, "eth0"),
            ]),
            [0, 2]
        );
    }

    #[test]
    fn dropped_series_leave_the_index() {
        let mut catalogue = catalogue();
        catalogue.retain(|id| id != 3);
        assert_eq!(catalogue.len(), 3);
        assert_eq!(
            catalogue.select(&[matcher("device", MatchOp::Equal, "eth1")]),
            Vec::<SeriesId>::new()
        );
        assert_eq!(catalogue.select(&[]), [0, 1, 2]);
        let again = catalogue.intern(&Labels::of_metric(
            "bytes",
            [("server", "c"), ("device", "eth1")],
        ));
        assert_eq!(again, 4);
    }
}
