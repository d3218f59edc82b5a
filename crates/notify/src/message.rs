//! A notification in words: English or Chinese, in each provider's dialect, within its limits.
//!
//! What does not fit is left out in whole alerts, and the message says how many.

pub(crate) mod dialect;
mod html;
pub(crate) mod short;
mod words;

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use yunhai_model::TimestampMs;

use crate::notification::ALERT_NAME;
use crate::{AlertStatus, Notification, NotifiedAlert};
use dialect::{Dialect, safe_url};
use words::Words;

/// The language of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Language {
    /// English.
    #[default]
    #[serde(rename = "en")]
    English,
    /// Chinese as written in mainland China.
    #[serde(rename = "zh-CN")]
    SimplifiedChinese,
}

/// Labels that a message names elsewhere.
const NAMED_ELSEWHERE: [&str; 2] = [ALERT_NAME, "severity"];
/// How many labels of an alert are told.
const MAX_LABELS: usize = 8;
/// How many characters of a name or a label's value are told.
const MAX_NAME_CHARS: usize = 64;
/// How many characters a title has at most.
const MAX_TITLE_CHARS: usize = 100;
/// How many characters of a summary or description are told.
const MAX_SUMMARY_CHARS: usize = 300;

/// A notification about to be put into words.
#[derive(Clone, Copy)]
pub(crate) struct Message<'a> {
    pub(crate) notification: &'a Notification,
    pub(crate) language: Language,
    pub(crate) time_zone: &'a TimeZone,
}

/// How much a message may hold.
#[derive(Clone, Copy)]
pub(crate) struct Space {
    /// Bytes in UTF-8, separators included.
    pub(crate) bytes: usize,
    /// Bytes of one alert.
    pub(crate) bytes_per_alert: usize,
    /// Number of alerts.
    pub(crate) alerts: usize,
}

impl Space {
    /// Room for so many bytes, however they are used.
    pub(crate) const fn of_bytes(bytes: usize) -> Self {
        Self {
            bytes,
            bytes_per_alert: bytes,
            alerts: usize::MAX,
        }
    }
}

/// The parts of a message below its title.
pub(crate) struct Parts {
    /// One text for each alert that found room.
    pub(crate) alerts: Vec<String>,
    /// How many were left out, and where they can be seen.
    pub(crate) footer: Option<String>,
}

impl Parts {
    /// Joins the parts.
    pub(crate) fn join(self, separator: &str) -> String {
        let parts: Vec<String> = self.alerts.into_iter().chain(self.footer).collect();
        parts.join(separator)
    }
}

impl<'a> Message<'a> {
    pub(crate) fn words(&self) -> &'static Words {
        words::of(self.language)
    }

    /// Returns one line that says what it is about: `[Firing 2, resolved 1] HighCpu · db1`.
    pub(crate) fn title(&self) -> String {
        if let Some(title) = &self.notification.title {
            return clip(&one_line(title), MAX_TITLE_CHARS);
        }
        let words = self.words();
        let counts = self.counts();
        let names = self.rule_names();
        let subject = match &names[..] {
            [] => words.no_alerts.to_owned(),
            [name] => (*name).to_owned(),
            names => words.many_rules(names[0], names.len()),
        };
        let place = ["server", "instance", "probe"]
            .iter()
            .find_map(|label| self.notification.common_labels.get(label))
            .map(|place| format!(" · {place}"))
            .unwrap_or_default();
        clip(
            &one_line(&format!("{counts} {subject}{place}")),
            MAX_TITLE_CHARS,
        )
    }

    /// Returns how many fire and how many are over, in brackets.
    pub(crate) fn counts(&self) -> String {
        let (firing, resolved) = self.notification.counts();
        self.words().counts(firing, resolved)
    }

    /// Returns the names of the rules, each once, in the order of the alerts.
    pub(crate) fn rule_names(&self) -> Vec<&'a str> {
        let mut names = Vec::new();
        let mut seen = std::collections::HashSet::new();
        for alert in &self.notification.alerts {
            let name = alert.labels.get(ALERT_NAME).unwrap_or_default();
            if !name.is_empty() && seen.insert(name) {
                names.push(name);
            }
        }
        names
    }

    /// Returns the alerts that fit into `space`, the first ones first, and the footer; firing
    /// ones come before those that are over.
    pub(crate) fn parts(&self, dialect: &dyn Dialect, separator: &str, space: Space) -> Parts {
        if let Some(body) = &self.notification.body {
            return Parts {
                alerts: pieces(body, dialect, separator, space),
                footer: None,
            };
        }
        let all = self.notification.alerts.len();
        let hidden = self.notification.truncated;
        // Room for the largest footer that can become necessary.
        let reserved = self
            .footer(dialect, all as u64 + hidden)
            .map_or(0, |footer| footer.len() + separator.len());
        let mut left = space.bytes.saturating_sub(reserved);
        let mut alerts = Vec::new();
        for alert in self.in_order().take(space.alerts) {
            let room = left.min(space.bytes_per_alert);
            let full = self.alert_in_full(alert, dialect);
            let text = if full.len() <= room {
                full
            } else {
                self.alert_in_brief(alert, dialect)
            };
            if text.len() > room {
                break;
            }
            left = left.saturating_sub(text.len() + separator.len());
            alerts.push(text);
        }
        let left_out = (all - alerts.len()) as u64 + hidden;
        let footer = self
            .footer(dialect, left_out)
            .filter(|footer| footer.len() <= space.bytes);
        Parts { alerts, footer }
    }

    /// Returns the alerts, firing ones first.
    pub(crate) fn in_order(&self) -> impl Iterator<Item = &'a NotifiedAlert> + use<'a> {
        let alerts = &self.notification.alerts;
        let with = move |status| alerts.iter().filter(move |alert| alert.status == status);
        with(AlertStatus::Firing).chain(with(AlertStatus::Resolved))
    }

    fn footer(&self, dialect: &dyn Dialect, left_out: u64) -> Option<String> {
        let words = self.words();
        let link = safe_url(&self.notification.external_url)
            .map(|url| dialect.link(words.open_yunhai, &url));
        let more = (left_out > 0).then(|| dialect.escape(&words.left_out(left_out)));
        match (more, link) {
            (Some(more), Some(link)) => Some(format!("{more} {link}")),
            (more, link) => more.or(link),
        }
    }

    fn alert_in_full(&self, alert: &NotifiedAlert, dialect: &dyn Dialect) -> String {
        let words = self.words();
        let mut lines = vec![self.headline(alert, dialect)];
        for annotation in ["summary", "description"] {
            if let Some(text) = alert.annotations.get(annotation) {
                lines.push(dialect.escape(&clip(&one_line(text), MAX_SUMMARY_CHARS)));
            }
        }
        let labels = labels_of(alert);
        if !labels.is_empty() {
            lines.push(dialect.escape(&words.entry(words.labels, &labels)));
        }
        if let Some(value) = alert.value {
            lines.push(dialect.escape(&words.entry(words.value, &number(value))));
        }
        lines.push(dialect.escape(&self.times(alert)));
        let links: Vec<String> = [
            (words.details, alert.generator_url.as_str()),
            (
                words.runbook,
                alert
                    .annotations
                    .get("runbook_url")
                    .map_or("", String::as_str),
            ),
        ]
        .into_iter()
        .filter_map(|(label, url)| Some(dialect.link(label, &safe_url(url)?)))
        .collect();
        if !links.is_empty() {
            lines.push(links.join(dialect.link_separator()));
        }
        lines.join(dialect.line_break())
    }

    fn alert_in_brief(&self, alert: &NotifiedAlert, dialect: &dyn Dialect) -> String {
        let line = self.headline(alert, dialect);
        match alert.labels.get("server").or(alert.labels.get("instance")) {
            Some(server) => {
                let server = dialect.escape(&clip(&one_line(server), MAX_NAME_CHARS));
                format!("{line} · {server}")
            }
            None => line,
        }
    }

    fn headline(&self, alert: &NotifiedAlert, dialect: &dyn Dialect) -> String {
        let words = self.words();
        let name = alert.labels.get(ALERT_NAME).unwrap_or(words.no_name);
        let name = dialect.bold(&dialect.escape(&clip(&one_line(name), MAX_NAME_CHARS)));
        let state = match alert.status {
            AlertStatus::Firing => words.firing,
            AlertStatus::Resolved => words.resolved,
        };
        let severity = alert
            .labels
            .get("severity")
            .map(|severity| clip(&one_line(severity), MAX_NAME_CHARS))
            .map(|severity| dialect.escape(&words.aside(words.severity(&severity))))
            .unwrap_or_default();
        format!("{} {name} {state}{severity}", icon(alert))
    }

    /// Returns since when an alert holds, or from when till when it did.
    pub(crate) fn times(&self, alert: &NotifiedAlert) -> String {
        let words = self.words();
        let start = words.entry(words.since, &self.time(alert.starts_at_ms));
        match alert.ends_at_ms {
            Some(end) if alert.status == AlertStatus::Resolved => {
                let end = words.entry(words.until, &self.time(end));
                format!("{start}{}{end}", words.comma)
            }
            _ => start,
        }
    }

    fn time(&self, timestamp_ms: TimestampMs) -> String {
        jiff::Timestamp::from_millisecond(timestamp_ms).map_or_else(
            |_| "?".to_owned(),
            |time| {
                time.to_zoned(self.time_zone.clone())
                    .strftime("%Y-%m-%d %H:%M:%S %Z")
                    .to_string()
            },
        )
    }
}

/// Returns a text of several lines in pieces of the size that alerts have; what does not fit is
/// left out, and `…` stands in its place.
fn pieces(text: &str, dialect: &dyn Dialect, separator: &str, space: Space) -> Vec<String> {
    const MORE: &str = "…";
    let line_break = dialect.line_break();
    let reserved = line_break.len() + MORE.len();
    let most = space.bytes_per_alert.saturating_sub(reserved);
    let mut left = space.bytes.saturating_sub(reserved);
    let mut pieces: Vec<String> = Vec::new();
    let mut is_cut = false;
    for line in text.trim().lines() {
        let line = line.replace(char::is_control, " ");
        let (line, room) = fitting(line.trim_end(), dialect, most.min(left));
        is_cut = !room;
        let last = pieces.pop();
        let (mut piece, added) = match last {
            Some(last) if last.len() + line_break.len() + line.len() <= most => {
                (last, line_break.len() + line.len())
            }
            last => {
                pieces.extend(last);
                (String::new(), separator.len() + line.len())
            }
        };
        if added > left || pieces.len() >= space.alerts {
            is_cut = true;
        } else {
            left -= added;
            if !piece.is_empty() {
                piece.push_str(line_break);
            }
            piece.push_str(&line);
        }
        pieces.push(piece);
        if is_cut {
            break;
        }
    }
    // Providers refuse pieces without any text.
    pieces.retain(|piece| !piece.trim().is_empty());
    if let Some(piece) = pieces.last_mut()
        && is_cut
        && !piece.ends_with(MORE)
    {
        piece.push_str(line_break);
        piece.push_str(MORE);
    }
    pieces
}

/// Escapes a line within so many bytes; what escaping adds is only known afterwards. Tells whether
/// all of it has found room.
fn fitting(line: &str, dialect: &dyn Dialect, room: usize) -> (String, bool) {
    let mut escaped = dialect.escape(line);
    let all = escaped.len() <= room;
    let mut kept = line.chars().count();
    while escaped.len() > room && kept > 0 {
        kept = kept * 3 / 4;
        escaped = dialect.escape(&clip(line, kept));
    }
    (
        if kept == 0 && !all {
            String::new()
        } else {
            escaped
        },
        all,
    )
}

/// Returns the sign that tells state and severity at a glance.
pub(crate) fn icon(alert: &NotifiedAlert) -> &'static str {
    match (alert.status, alert.labels.get("severity")) {
        (AlertStatus::Resolved, _) => "✅",
        (_, Some("warning")) => "🟠",
        (_, Some("info" | "none")) => "🔵",
        _ => "🔴",
    }
}

/// Returns an alert's labels in one line, the server first.
pub(crate) fn labels_of(alert: &NotifiedAlert) -> String {
    let mut labels: Vec<(&str, &str)> = alert
        .labels
        .iter()
        .filter(|(name, _)| !NAMED_ELSEWHERE.contains(name))
        .collect();
    labels.sort_by_key(|(name, _)| *name != "server");
    let more = labels.len() > MAX_LABELS;
    let mut texts: Vec<String> = labels
        .into_iter()
        .take(MAX_LABELS)
        .map(|(name, value)| {
            let value = clip(&one_line(value), MAX_NAME_CHARS);
            format!("{}={value}", clip(name, MAX_NAME_CHARS))
        })
        .collect();
    if more {
        texts.push("…".to_owned());
    }
    texts.join(", ")
}

/// Writes a number as people read it: up to four decimals, none where they are zero.
pub(crate) fn number(value: f64) -> String {
    if !value.is_finite() || value.abs() >= 1e15 || (value != 0.0 && value.abs() < 1e-3) {
        return format!("{value:e}").replace("e0", "");
    }
    let text = format!("{value:.4}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Puts a text into one line, without control characters.
pub(crate) fn one_line(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").replace(char::is_control, "")
}

/// Cuts a text to so many characters; the last one is then `…`.
pub(crate) fn clip(text: &str, max_chars: usize) -> String {
    if text.chars().count() <= max_chars {
        return text.to_owned();
    }
    let mut clipped: String = text.chars().take(max_chars.saturating_sub(1)).collect();
    clipped.push('…');
    clipped
}

/// Cuts a text to so many bytes, never inside a character.
pub(crate) fn clip_bytes(text: &str, max_bytes: usize) -> &str {
    &text[..text.floor_char_boundary(max_bytes)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_cut_between_characters() {
        assert_eq!(clip("云海平台", 3), "云海…");
        assert_eq!(clip("云海", 2), "云海");
        assert_eq!(clip_bytes("云海", 4), "云");
        assert_eq!(clip_bytes("云海", 6), "云海");
        assert_eq!(one_line("a\n\u{7}b\t c"), "a b c");
    }

    #[test]
    fn numbers_are_short() {
        let texts = [0.973_456, 90.0, 0.0, 1e-9, 1.5e300, -2.5].map(number);
        assert_eq!(texts, ["0.9735", "90", "0", "1e-9", "1.5e300", "-2.5"]);
        assert_eq!(number(f64::INFINITY), "inf");
    }
}
