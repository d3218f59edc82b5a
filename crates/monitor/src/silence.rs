//! What keeps a firing alert from being told: silences that people set, and maintenance windows
//! that come back by a calendar.

use croner::Cron;
use croner::parser::{CronParser, Seconds};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use yunhai_model::{HumanDuration, Labels, MaintenanceWindowId, SilenceId, TimestampMs};

use crate::label_matcher::{LabelMatcher, all_match};

/// A time in which some alerts are not told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Silence {
    /// Its id.
    pub id: SilenceId,
    /// Which alerts.
    pub matchers: Vec<LabelMatcher>,
    /// Why.
    pub comment: String,
    /// Who has set it.
    pub author: String,
    /// From when.
    pub starts_at_ms: TimestampMs,
    /// Until when.
    pub ends_at_ms: TimestampMs,
    /// When it was set.
    pub created_at_ms: TimestampMs,
}

impl Silence {
    /// Tells whether the silence keeps an alert from being told.
    pub fn applies(&self, labels: &Labels, now_ms: TimestampMs) -> bool {
        (self.starts_at_ms..self.ends_at_ms).contains(&now_ms) && all_match(&self.matchers, labels)
    }
}

/// What a new silence is made of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewSilence {
    /// Which alerts; at least one matcher that does not match everything.
    pub matchers: Vec<LabelMatcher>,
    /// Why.
    pub comment: String,
    /// From when; `None` for now.
    #[serde(default)]
    pub starts_at_ms: Option<TimestampMs>,
    /// Until when.
    pub ends_at_ms: TimestampMs,
}

impl NewSilence {
    pub(crate) fn faults(&self, now_ms: TimestampMs) -> Vec<String> {
        let mut faults = matcher_faults(&self.matchers);
        let starts_at_ms = self.starts_at_ms.unwrap_or(now_ms);
        if self.ends_at_ms <= starts_at_ms.max(now_ms) {
            faults.push("ends_at_ms: it must lie in the future and after the start".to_owned());
        }
        if self.comment.trim().is_empty() {
            faults.push("comment: say why, for those who wonder".to_owned());
        }
        faults
    }
}

/// A silence of everything is a mistake, as in Alertmanager.
fn matcher_faults(matchers: &[LabelMatcher]) -> Vec<String> {
    if matchers.is_empty() {
        return vec!["matchers: name at least one".to_owned()];
    }
    if matchers
        .iter()
        .all(|matcher| matcher.matches(&Labels::default()))
    {
        return vec!["matchers: at least one must not match the empty text".to_owned()];
    }
    Vec::new()
}

/// A time that comes back, in which some alerts are not told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MaintenanceWindow {
    /// Its id.
    pub id: MaintenanceWindowId,
    /// What it consists of.
    #[serde(flatten)]
    pub settings: MaintenanceSettings,
    /// Who has made it.
    pub author: String,
    /// When it was made.
    pub created_at_ms: TimestampMs,
}

/// What a maintenance window consists of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MaintenanceSettings {
    /// The window's name.
    pub name: String,
    /// Which alerts; none for all.
    #[serde(default)]
    pub matchers: Vec<LabelMatcher>,
    /// When it begins: minute, hour, day of month, month, day of week.
    pub cron: String,
    /// How long it lasts.
    pub duration: HumanDuration,
    /// The time zone of the calendar, such as `Asia/Shanghai`.
    pub time_zone: String,
    /// Whether it is in force.
    #[serde(default = "enabled")]
    pub is_enabled: bool,
}

fn enabled() -> bool {
    true
}

/// Longest maintenance window.
const MAX_WINDOW_MS: i64 = 31 * 86_400_000;

impl MaintenanceSettings {
    /// Tells whether the window keeps an alert from being told.
    pub fn applies(&self, labels: &Labels, now_ms: TimestampMs) -> bool {
        self.is_enabled && all_match(&self.matchers, labels) && self.is_open(now_ms)
    }

    /// Tells whether the window is open.
    pub fn is_open(&self, now_ms: TimestampMs) -> bool {
        self.opened_before(now_ms)
            .is_some_and(|opened_ms| now_ms < opened_ms + self.duration.as_millis())
    }

    /// When the window opened for the last time, now included.
    fn opened_before(&self, now_ms: TimestampMs) -> Option<TimestampMs> {
        let zone = TimeZone::get(&self.time_zone).ok()?;
        let now = Timestamp::from_millisecond(now_ms).ok()?.to_zoned(zone);
        let opened = parse_cron(&self.cron)
            .ok()?
            .find_previous_occurrence(&now, true)
            .ok()?;
        Some(opened.timestamp().as_millisecond())
    }

    /// When the window opens next.
    pub fn opens_after(&self, now_ms: TimestampMs) -> Option<TimestampMs> {
        let zone = TimeZone::get(&self.time_zone).ok()?;
        let now = Timestamp::from_millisecond(now_ms).ok()?.to_zoned(zone);
        let opens = parse_cron(&self.cron)
            .ok()?
            .find_next_occurrence(&now, false)
            .ok()?;
        Some(opens.timestamp().as_millisecond())
    }

    pub(crate) fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        if self.name.trim().is_empty() {
            faults.push("name: the window needs a name".to_owned());
        }
        if let Err(error) = parse_cron(&self.cron) {
            faults.push(format!(
                "cron: `{}`: {error}; write it like `0 2 * * 6`",
                self.cron
            ));
        }
        if TimeZone::get(&self.time_zone).is_err() {
            faults.push(format!(
                "time_zone: `{}` is not known; write it like `Asia/Shanghai`",
                self.time_zone
            ));
        }
        if !(1..=MAX_WINDOW_MS).contains(&self.duration.as_millis()) {
            faults.push("duration: from 1 ms to 31 days".to_owned());
        }
        faults
    }
}

fn parse_cron(text: &str) -> Result<Cron, croner::errors::CronError> {
    CronParser::builder()
        .seconds(Seconds::Disallowed)
        .build()
        .parse(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> TimestampMs {
        text.parse::<Timestamp>().unwrap().as_millisecond()
    }

    #[test]
    fn a_silence_applies_in_its_time_only() {
        let silence = Silence {
            id: SilenceId::new(),
            matchers: vec!["server=web-1".parse().unwrap()],
            comment: "x".into(),
            author: "a".into(),
            starts_at_ms: 10,
            ends_at_ms: 20,
            created_at_ms: 0,
        };
        let labels = Labels::new([("server", "web-1")]);
        assert_eq!(
            [9, 10, 19, 20].map(|now| silence.applies(&labels, now)),
            [false, true, true, false]
        );
        assert!(!silence.applies(&Labels::default(), 15));
    }

    #[test]
    fn a_window_opens_by_the_calendar_of_its_zone() {
        let window = MaintenanceSettings {
            name: "night".into(),
            matchers: Vec::new(),
            cron: "30 2 * * 6".into(),
            duration: HumanDuration::from_secs(3600),
            time_zone: "Asia/Shanghai".into(),
            is_enabled: true,
        };
        assert!(window.faults().is_empty());
        // Saturday 02:30 in Shanghai is Friday 18:30 UTC.
        for (text, expected) in [
            ("2026-01-02T18:29:59Z", false),
            ("2026-01-02T18:30:00Z", true),
            ("2026-01-02T19:29:59Z", true),
            ("2026-01-02T19:30:00Z", false),
        ] {
            assert_eq!(window.is_open(at(text)), expected, "{text}");
        }
        assert_eq!(
            window.opens_after(at("2026-01-01T00:00:00Z")),
            Some(at("2026-01-02T18:30:00Z"))
        );
    }

    #[test]
    fn every_fault_of_a_window_is_named() {
        let window = MaintenanceSettings {
            name: String::new(),
            matchers: Vec::new(),
            cron: "61 * * * *".into(),
            duration: HumanDuration::from_secs(0),
            time_zone: "Mars/Olympus".into(),
            is_enabled: true,
        };
        assert_eq!(window.faults().len(), 4, "{:?}", window.faults());
        let silence = NewSilence {
            matchers: vec!["a=~\".*\"".parse().unwrap()],
            comment: String::new(),
            starts_at_ms: None,
            ends_at_ms: 5,
        };
        assert_eq!(silence.faults(10).len(), 3);
    }
}
