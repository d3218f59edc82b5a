//! Quiet hours of a channel: times of the week in which only what is severe is told at once.

use jiff::civil::{Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use serde::{Deserialize, Serialize};
use yunhai_model::TimestampMs;

use crate::notification::{AlertStatus, Notification, NotifiedAlert};
use crate::rule_file::SEVERITY;

/// When a channel is quiet, and for what not.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QuietHours {
    /// The time zone, such as `Asia/Shanghai`.
    pub time_zone: String,
    /// The days on which it begins, from 1 for Monday to 7 for Sunday; none for every day.
    #[serde(default)]
    pub weekdays: Vec<i8>,
    /// When it begins, such as `22:00`.
    pub from: String,
    /// When it ends, such as `08:00`; on the next day if that is not after the beginning.
    pub until: String,
    /// The severities of alerts that come through all the same.
    #[serde(default = "critical")]
    pub let_through: Vec<String>,
}

fn critical() -> Vec<String> {
    vec!["critical".to_owned()]
}

/// A stretch of quiet hours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stretch {
    pub(crate) began_ms: TimestampMs,
    pub(crate) ends_ms: TimestampMs,
}

impl QuietHours {
    /// Tells what is wrong, each with its field.
    pub(crate) fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        if TimeZone::get(&self.time_zone).is_err() {
            faults.push(format!(
                "quiet_hours.time_zone: `{}` is not known; write it like `Asia/Shanghai`",
                self.time_zone
            ));
        }
        if self.weekdays.iter().any(|day| !(1..=7).contains(day)) {
            faults.push("quiet_hours.weekdays: from 1 for Monday to 7 for Sunday".to_owned());
        }
        for (field, text) in [("from", &self.from), ("until", &self.until)] {
            if time_of(text).is_none() {
                faults.push(format!(
                    "quiet_hours.{field}: `{text}` is no time; write it like `22:00`"
                ));
            }
        }
        if self
            .let_through
            .iter()
            .any(|severity| severity.trim().is_empty())
        {
            faults.push("quiet_hours.let_through: a severity cannot be empty".to_owned());
        }
        faults
    }

    /// The stretch that holds at a moment, `None` outside of quiet hours. It follows from the moment
    /// alone, so that no jump of a clock leaves it open or shut.
    pub(crate) fn stretch_at(&self, now_ms: TimestampMs) -> Option<Stretch> {
        let zone = TimeZone::get(&self.time_zone).ok()?;
        let (from, until) = (time_of(&self.from)?, time_of(&self.until)?);
        let now = Timestamp::from_millisecond(now_ms).ok()?;
        let today = now.to_zoned(zone.clone()).date();
        let days = [today.yesterday().ok()?, today];
        days.into_iter().find_map(|day| {
            if !self.is_on(day.weekday()) {
                return None;
            }
            let last_day = if until > from {
                day
            } else {
                day.checked_add(1.day()).ok()?
            };
            // What a change to summer time leaves out is taken for the time after it.
            let moment = |day: jiff::civil::Date, time: Time| -> Option<TimestampMs> {
                let zoned = day.to_datetime(time).to_zoned(zone.clone()).ok()?;
                Some(zoned.timestamp().as_millisecond())
            };
            let stretch = Stretch {
                began_ms: moment(day, from)?,
                ends_ms: moment(last_day, until)?,
            };
            (stretch.began_ms <= now_ms && now_ms < stretch.ends_ms).then_some(stretch)
        })
    }

    fn is_on(&self, day: Weekday) -> bool {
        self.weekdays.is_empty() || self.weekdays.contains(&day.to_monday_one_offset())
    }

    /// Whether a notification is told at once all the same.
    pub(crate) fn lets_through(&self, notification: &Notification) -> bool {
        let is_severe = |alert: &NotifiedAlert| {
            let severity = alert.labels.get(SEVERITY).unwrap_or_default();
            self.let_through.iter().any(|one| one == severity)
        };
        notification.alerts.iter().any(is_severe)
    }
}

fn time_of(text: &str) -> Option<Time> {
    let (hour, minute) = text.split_once(':')?;
    let is_number = |text: &str| text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number(hour) || !is_number(minute) {
        return None;
    }
    Time::new(hour.parse().ok()?, minute.parse().ok()?, 0, 0).ok()
}

/// What there is to tell at the end of quiet hours, of what was held back in them.
#[derive(Debug, PartialEq)]
pub(crate) struct Summary {
    /// What is told; `None` if everything is over.
    pub(crate) notification: Option<Notification>,
    /// The fingerprints of the alerts that came and went, of which nobody is told.
    pub(crate) dropped: Vec<String>,
}

/// Sums up what was held back since `began_ms`: alerts that still fire, as they are now, and the end
/// of those that people knew of. `current` finds an alert that fires now by its fingerprint.
pub(crate) fn sum_up(
    held: Vec<Notification>,
    began_ms: TimestampMs,
    current: impl Fn(&str) -> Option<NotifiedAlert>,
) -> Summary {
    let mut dropped = Vec::new();
    let Some(merged) = Notification::merge(held) else {
        return Summary {
            notification: None,
            dropped,
        };
    };
    let mut alerts = Vec::new();
    for alert in merged.alerts {
        if let Some(now) = current(&alert.fingerprint) {
            alerts.push(now);
        } else if alert.starts_at_ms >= began_ms {
            dropped.push(alert.fingerprint);
        } else if alert.status == AlertStatus::Resolved {
            alerts.push(alert);
        }
        // Of the others the end is told in its own time.
    }
    alerts.sort_by(|a, b| {
        let key = |alert: &NotifiedAlert| alert.starts_at_ms;
        key(a).cmp(&key(b)).then_with(|| a.labels.cmp(&b.labels))
    });
    let summary = Notification::new(
        merged.receiver,
        merged.group_key,
        merged.group_labels,
        merged.external_url,
        alerts,
    );
    // Of what was left out it is only known how much there was.
    let summary = Notification {
        truncated: merged.truncated,
        truncated_resolved: merged.truncated_resolved,
        ..summary
    };
    let is_told = !summary.alerts.is_empty() || summary.truncated > 0;
    Summary {
        notification: is_told.then_some(summary),
        dropped,
    }
}

#[cfg(test)]
mod tests {
    use yunhai_model::Labels;

    use super::*;

    fn at(text: &str) -> TimestampMs {
        text.parse::<Timestamp>().unwrap().as_millisecond()
    }

    fn nights(zone: &str) -> QuietHours {
        QuietHours {
            time_zone: zone.into(),
            weekdays: Vec::new(),
            from: "22:00".into(),
            until: "08:00".into(),
            let_through: critical(),
        }
    }

    #[test]
    fn a_night_goes_over_midnight_in_its_zone() {
        let quiet = nights("Asia/Shanghai");
        for (text, expected) in [
            ("2026-01-05T13:59:59Z", false),
            ("2026-01-05T14:00:00Z", true),
            ("2026-01-05T23:59:59Z", true),
            ("2026-01-06T00:00:00Z", false),
        ] {
            assert_eq!(quiet.stretch_at(at(text)).is_some(), expected, "{text}");
        }
        let stretch = quiet.stretch_at(at("2026-01-05T20:00:00Z")).unwrap();
        assert_eq!(stretch.began_ms, at("2026-01-05T14:00:00Z"));
        assert_eq!(stretch.ends_ms, at("2026-01-06T00:00:00Z"));
    }

    #[test]
    fn weekdays_are_those_on_which_it_begins() {
        // The 9th of January 2026 is a Friday.
        let quiet = QuietHours {
            weekdays: vec![5],
            ..nights("UTC")
        };
        assert!(quiet.stretch_at(at("2026-01-09T23:00:00Z")).is_some());
        assert!(quiet.stretch_at(at("2026-01-10T07:59:00Z")).is_some());
        assert!(quiet.stretch_at(at("2026-01-10T23:00:00Z")).is_none());
        assert!(quiet.stretch_at(at("2026-01-09T07:00:00Z")).is_none());
        let weekend = QuietHours {
            weekdays: vec![6, 7],
            from: "00:00".into(),
            until: "00:00".into(),
            ..nights("UTC")
        };
        assert!(weekend.stretch_at(at("2026-01-10T00:00:00Z")).is_some());
        assert!(weekend.stretch_at(at("2026-01-11T23:59:59Z")).is_some());
        assert!(weekend.stretch_at(at("2026-01-12T00:00:00Z")).is_none());
    }

    #[test]
    fn summer_time_makes_a_night_shorter_or_longer_and_leaves_no_gap() {
        let quiet = QuietHours {
            from: "01:30".into(),
            until: "02:30".into(),
            ..nights("Europe/Berlin")
        };
        // On the 29th of March 2026 there is no 02:30 in Berlin: 01:59 is followed by 03:00.
        let spring = quiet.stretch_at(at("2026-03-29T00:45:00Z")).unwrap();
        assert_eq!(spring.ends_ms, at("2026-03-29T01:30:00Z"));
        assert!(quiet.stretch_at(at("2026-03-29T01:30:00Z")).is_none());
        // On the 25th of October there are two; the first one ends it.
        let autumn = quiet.stretch_at(at("2026-10-24T23:45:00Z")).unwrap();
        assert_eq!(autumn.ends_ms, at("2026-10-25T00:30:00Z"));
        let night = nights("Europe/Berlin");
        let hours = |text: &str| {
            let stretch = night.stretch_at(at(text)).unwrap();
            (stretch.ends_ms - stretch.began_ms) / 3_600_000
        };
        assert_eq!(hours("2026-03-28T23:00:00Z"), 9);
        assert_eq!(hours("2026-10-24T23:00:00Z"), 11);
        assert_eq!(hours("2026-06-01T23:00:00Z"), 10);
    }

    #[test]
    fn every_fault_is_named() {
        let quiet = QuietHours {
            time_zone: "Mars/Olympus".into(),
            weekdays: vec![0],
            from: "24:00".into(),
            until: "8".into(),
            let_through: vec![String::new()],
        };
        let faults = quiet.faults();
        assert_eq!(faults.len(), 5, "{faults:?}");
        assert!(nights("Asia/Shanghai").faults().is_empty());
    }

    fn alert(name: &str, starts_at_ms: i64, status: AlertStatus) -> NotifiedAlert {
        NotifiedAlert {
            status,
            labels: Labels::new([("alertname", name), (SEVERITY, "warning")]),
            annotations: std::collections::BTreeMap::new(),
            starts_at_ms,
            ends_at_ms: None,
            generator_url: String::new(),
            fingerprint: name.to_owned(),
            value: None,
        }
    }

    fn told(alerts: Vec<NotifiedAlert>) -> Notification {
        Notification::new("ops", "g", Labels::default(), "", alerts)
    }

    #[test]
    fn a_summary_tells_what_still_fires_and_the_end_of_what_was_known() {
        use AlertStatus::{Firing, Resolved};
        let held = vec![
            told(vec![alert("a", 100, Firing), alert("b", 100, Firing)]),
            told(vec![alert("b", 100, Resolved), alert("old", 10, Resolved)]),
            told(vec![alert("later", 10, Firing)]),
        ];
        let summary = sum_up(held, 50, |fingerprint| {
            (fingerprint == "a").then(|| alert("a", 100, Firing))
        });
        let alerts = summary.notification.unwrap().alerts;
        let names: Vec<_> = alerts
            .iter()
            .map(|alert| (alert.fingerprint.as_str(), alert.status))
            .collect();
        assert_eq!(names, [("old", Resolved), ("a", Firing)]);
        assert_eq!(summary.dropped, ["b"]);
        let nothing = sum_up(vec![told(vec![alert("b", 100, Firing)])], 50, |_| None);
        assert_eq!(nothing.notification, None);
    }

    #[test]
    fn one_severe_alert_lets_the_whole_notification_through() {
        let quiet = nights("UTC");
        let mut severe = alert("c", 0, AlertStatus::Firing);
        assert!(!quiet.lets_through(&told(vec![severe.clone()])));
        severe.labels = severe.labels.with(SEVERITY, "critical");
        let both = vec![alert("a", 0, AlertStatus::Firing), severe];
        assert!(quiet.lets_through(&told(both)));
    }
}
