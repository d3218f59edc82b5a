//! The short text of an SMS, counted in the segments that a provider charges for.

use super::{Message, clip, one_line};
use crate::AlertStatus;

/// The GSM 03.38 basic alphabet: one unit each.
const GSM_BASIC: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?\
    ¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";
/// The GSM 03.38 extension: two units each.
const GSM_EXTENDED: &str = "^{}\\[~]|€\u{c}";

/// Returns how many segments a text takes: 160 units alone or 153 in a chain in the GSM alphabet,
/// 70 or 67 UTF-16 units in any other.
pub(crate) fn segments(text: &str) -> usize {
    let gsm_units: Option<usize> = text
        .chars()
        .map(|c| {
            if GSM_BASIC.contains(c) {
                Some(1)
            } else if GSM_EXTENDED.contains(c) {
                Some(2)
            } else {
                None
            }
        })
        .sum();
    let (units, alone, chained) = match gsm_units {
        Some(units) => (units, 160, 153),
        None => (text.encode_utf16().count(), 70, 67),
    };
    if units <= alone {
        units.div_ceil(alone)
    } else {
        units.div_ceil(chained)
    }
}

impl Message<'_> {
    /// Returns a text of at most so many segments and characters: the title, what the first
    /// alert says, and where to look.
    pub(crate) fn short(&self, max_segments: usize, max_chars: usize) -> String {
        let fits = |text: &str| segments(text) <= max_segments && text.chars().count() <= max_chars;
        let title = self.sms_title();
        let url = &self.notification.external_url;
        let link = if url.is_empty() || url.len() > 120 {
            String::new()
        } else {
            format!(" {url}")
        };
        let body = self.notification.body.as_ref();
        let link = if body.is_some() { String::new() } else { link };
        let summary = body.or_else(|| {
            let alert = self.in_order().next()?;
            let text = alert.annotations.get("summary");
            text.or(alert.annotations.get("description"))
        });
        if let Some(summary) = summary {
            let summary = sms_signs(&one_line(summary));
            let mut length = summary.chars().count().min(max_chars);
            // Too long: the summary shrinks, and goes when little of it would be left.
            while length >= 12 || length == summary.chars().count() {
                let text = format!("{title}: {}{link}", sms_signs(&clip(&summary, length)));
                if fits(&text) {
                    return text;
                }
                if length == 0 {
                    break;
                }
                length -= 1;
            }
        }
        let with_link = format!("{title}{link}");
        if fits(&with_link) {
            return with_link;
        }
        let mut length = title.chars().count();
        loop {
            let text = sms_signs(&clip(&title, length));
            if fits(&text) || length == 0 {
                return text;
            }
            length -= 1;
        }
    }

    /// The title, with how the group stands in one word, as an SMS shows no colours.
    fn sms_title(&self) -> String {
        let mark = match self.notification.status {
            AlertStatus::Resolved if self.notification.title.is_none() => "OK ",
            _ => "",
        };
        sms_signs(&format!("{mark}{}", self.title()))
    }
}

/// Replaces signs that would turn a text of the GSM alphabet into one of more than twice the
/// price.
fn sms_signs(text: &str) -> String {
    text.replace(" · ", " ")
        .replace('…', "...")
        .replace(['–', '—'], "-")
        .replace(['‘', '’'], "'")
        .replace(['“', '”'], "\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_are_counted_as_they_are_charged() {
        assert_eq!(segments(&"a".repeat(160)), 1);
        assert_eq!(segments(&"a".repeat(161)), 2);
        assert_eq!(segments(&"a".repeat(306)), 2);
        assert_eq!(segments(&"[".repeat(80)), 1);
        assert_eq!(segments(&"[".repeat(81)), 2);
        assert_eq!(segments(&"云".repeat(70)), 1);
        assert_eq!(segments(&"云".repeat(71)), 2);
        assert_eq!(segments(&"😀".repeat(35)), 1);
        assert_eq!(segments(""), 0);
    }
}
