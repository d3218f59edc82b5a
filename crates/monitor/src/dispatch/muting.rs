//! What keeps alerts from being told: silences, maintenance windows and other alerts.
//!
//! Thousands of alerts may meet thousands of silences at each look, so both silences and the alerts
//! that inhibit are found by labels that they demand.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};
use yunhai_model::Labels;
use yunhai_promql::MatchOp;

use super::DispatchInput;
use crate::inhibition::InhibitionSettings;
use crate::label_matcher::LabelMatcher;
use crate::silence::{Silence, SilenceState};

/// Why a firing alert is not told.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "by", content = "id")]
pub enum Muting {
    /// A silence.
    Silence(String),
    /// A maintenance window.
    Maintenance(String),
    /// Another alert.
    Inhibition(String),
}

/// Everything that keeps an alert with these labels from being told.
pub(crate) fn mutings_of(labels: &Labels, input: &DispatchInput<'_>) -> Vec<Muting> {
    Mutes::new(input).of(labels)
}

/// Everything that keeps the alerts from being told, by their fingerprints.
pub(super) fn mutings(input: &DispatchInput<'_>) -> BTreeMap<String, Vec<Muting>> {
    let mutes = Mutes::new(input);
    let mut mutings = BTreeMap::new();
    for alert in input.alerts {
        let reasons = mutes.of(&alert.labels);
        if !reasons.is_empty() {
            mutings.insert(alert.fingerprint.clone(), reasons);
        }
    }
    mutings
}

/// What holds at a moment.
struct Mutes<'a> {
    input: &'a DispatchInput<'a>,
    silences: Silences<'a>,
    inhibitions: Vec<Inhibiting<'a>>,
}

impl<'a> Mutes<'a> {
    fn new(input: &'a DispatchInput<'a>) -> Self {
        let inhibitions = input.inhibitions.iter();
        Self {
            input,
            silences: Silences::new(input),
            inhibitions: inhibitions
                .map(|inhibition| Inhibiting::new(&inhibition.settings, input))
                .collect(),
        }
    }

    fn of(&self, labels: &Labels) -> Vec<Muting> {
        let silences = self
            .silences
            .applying(labels)
            .into_iter()
            .map(|silence| Muting::Silence(silence.id.to_string()));
        let windows = self
            .input
            .windows
            .iter()
            .filter(|window| window.settings.applies(labels, self.input.now_ms))
            .map(|window| Muting::Maintenance(window.id.to_string()));
        // Of several alerts that hold it back the first is named.
        let source = self.inhibitions.iter().filter_map(|one| one.source(labels));
        let source = source
            .min()
            .map(|place| Muting::Inhibition(self.input.alerts[place].id.to_string()));
        silences.chain(windows).chain(source).collect()
    }
}

/// The silences that hold, each with its place among all. Most demand a value of a label, and only
/// alerts that have it need to be compared with them.
struct Silences<'a> {
    by_label: HashMap<(&'a str, &'a str), Vec<(usize, &'a Silence)>>,
    others: Vec<(usize, &'a Silence)>,
    now_ms: i64,
}

impl<'a> Silences<'a> {
    fn new(input: &'a DispatchInput<'a>) -> Self {
        let mut silences = Self {
            by_label: HashMap::new(),
            others: Vec::new(),
            now_ms: input.now_ms,
        };
        for (place, silence) in input.silences.iter().enumerate() {
            if silence.state(input.now_ms) != SilenceState::Active {
                continue;
            }
            match silence.matchers.iter().find_map(demanded) {
                Some(label) => silences.by_label.entry(label).or_default(),
                None => &mut silences.others,
            }
            .push((place, silence));
        }
        silences
    }

    /// Those that apply, in the order in which they were given.
    fn applying(&self, labels: &Labels) -> Vec<&'a Silence> {
        let demanding = labels
            .iter()
            .filter_map(|label| self.by_label.get(&label))
            .flatten();
        let mut applying: Vec<_> = demanding
            .chain(&self.others)
            .filter(|(_, silence)| silence.applies(labels, self.now_ms))
            .copied()
            .collect();
        applying.sort_unstable_by_key(|(place, _)| *place);
        applying.into_iter().map(|(_, silence)| silence).collect()
    }
}

/// Returns the label that a matcher demands; one of an empty value holds without the label too.
fn demanded(matcher: &LabelMatcher) -> Option<(&str, &str)> {
    (matcher.op() == MatchOp::Equal && !matcher.value().is_empty())
        .then(|| (matcher.name(), matcher.value()))
}

/// An inhibition with the alerts that hold others back by it now.
struct Inhibiting<'a> {
    settings: &'a InhibitionSettings,
    /// The place of the first alert with these values of the labels that must be equal.
    sources: HashMap<Vec<Option<&'a str>>, usize>,
}

impl<'a> Inhibiting<'a> {
    fn new(settings: &'a InhibitionSettings, input: &'a DispatchInput<'a>) -> Self {
        let mut sources = HashMap::new();
        for (place, alert) in input.alerts.iter().enumerate() {
            let is_source = alert.instance.state.is_raised()
                && settings.is_source(&alert.labels)
                && !settings.is_target(&alert.labels);
            if is_source {
                let equal = settings.equal_labels(&alert.labels);
                sources.entry(equal).or_insert(place);
            }
        }
        Self { settings, sources }
    }

    /// Returns the place of the alert that holds one with these labels back.
    fn source(&self, labels: &Labels) -> Option<usize> {
        if self.sources.is_empty() || !self.settings.is_target(labels) {
            return None;
        }
        self.sources
            .get(&self.settings.equal_labels(labels))
            .copied()
    }
}
