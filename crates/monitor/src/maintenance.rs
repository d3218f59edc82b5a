//! Maintenance windows: times that come back by a calendar, in which some alerts are not told.

use croner::Cron;
use croner::parser::{CronParser, Seconds};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use yunhai_model::{HumanDuration, Labels, MaintenanceWindowId, TimestampMs};

use crate::label_matcher::{LabelMatcher, all_match};

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
    /// Why.
    #[serde(default)]
    pub comment: String,
    /// Whether it is in force.
    #[serde(default = "enabled")]
    pub is_enabled: bool,
    /// When it stops coming back; `None` for never.
    #[serde(default)]
    pub ends_at_ms: Option<TimestampMs>,
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

    /// Tells whether the window is over for good.
    pub fn is_over(&self, now_ms: TimestampMs) -> bool {
        self.ends_at_ms.is_some_and(|ends_ms| ends_ms <= now_ms)
    }

    /// Tells whether the window is open.
    pub fn is_open(&self, now_ms: TimestampMs) -> bool {
        !self.is_over(now_ms)
            && self
                .opened_before(now_ms)
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

    /// When the window opens next; `None` where it does not.
    pub fn opens_after(&self, now_ms: TimestampMs) -> Option<TimestampMs> {
        let zone = TimeZone::get(&self.time_zone).ok()?;
        let now = Timestamp::from_millisecond(now_ms).ok()?.to_zoned(zone);
        let opens = parse_cron(&self.cron)
            .ok()?
            .find_next_occurrence(&now, false)
            .ok()?;
        let opens_ms = opens.timestamp().as_millisecond();
        (!self.is_over(opens_ms)).then_some(opens_ms)
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
    fn a_window_opens_by_the_calendar_of_its_zone() {
        let window = MaintenanceSettings {
            name: "night".into(),
            matchers: Vec::new(),
            cron: "30 2 * * 6".into(),
            duration: HumanDuration::from_secs(3600),
            time_zone: "Asia/Shanghai".into(),
            comment: String::new(),
            is_enabled: true,
            ends_at_ms: None,
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
            comment: String::new(),
            is_enabled: true,
            ends_at_ms: None,
        };
        assert_eq!(window.faults().len(), 4, "{:?}", window.faults());
    }

    #[test]
    fn a_window_that_is_over_does_not_come_back() {
        let window = MaintenanceSettings {
            name: "move".into(),
            matchers: Vec::new(),
            cron: "0 0 * * *".into(),
            duration: HumanDuration::from_secs(3600),
            time_zone: "UTC".into(),
            comment: String::new(),
            is_enabled: true,
            ends_at_ms: Some(at("2026-01-02T00:30:00Z")),
        };
        assert!(window.is_open(at("2026-01-02T00:29:59Z")));
        assert!(!window.is_open(at("2026-01-02T00:30:00Z")), "cut short");
        assert_eq!(window.opens_after(at("2026-01-02T00:10:00Z")), None);
        assert!(window.is_over(at("2026-01-02T00:30:00Z")));
    }
}
