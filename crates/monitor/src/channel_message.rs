//! What a channel's messages say instead of the usual texts: a language of its own, and templates
//! for title and body, in the language of the templates of rules.

use serde::{Deserialize, Serialize};
use yunhai_model::Labels;
use yunhai_notify::Language;

use crate::alert::{ALERT_NAME, digest};
use crate::notification::{AlertStatus, Notification, NotifiedAlert};
use crate::template::{MessageTemplate, TemplateError};
use yunhai_model::TimestampMs;

/// Longest template: a message is read by people.
const MAX_TEMPLATE_BYTES: usize = 16 * 1024;

/// What a channel's messages say. What is not set stays as it is for all channels.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MessageSettings {
    /// The language of the fixed words.
    pub language: Option<Language>,
    /// The template of the title.
    pub title: Option<String>,
    /// The template of everything below the title.
    pub body: Option<String>,
}

impl MessageSettings {
    /// Tells what is wrong with the templates, each with its place.
    pub(crate) fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        for (field, source) in self.templates() {
            if source.len() > MAX_TEMPLATE_BYTES {
                faults.push(format!("{field}: at most {MAX_TEMPLATE_BYTES} bytes"));
                continue;
            }
            let rendered = MessageTemplate::parse(source)
                .and_then(|template| template.render(&sample("sample", 0, "")));
            if let Err(error) = rendered {
                faults.push(format!("{field}: {}", placed(source, &error)));
            }
        }
        faults
    }

    /// Whether there is a template at all.
    pub(crate) fn has_texts(&self) -> bool {
        self.templates().next().is_some()
    }

    fn templates(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let title = self.title.as_deref().map(|text| ("title_template", text));
        let body = self.body.as_deref().map(|text| ("body_template", text));
        title.into_iter().chain(body)
    }

    /// Puts a notification into the channel's words. A template that fails leaves the usual text,
    /// as an alert that is told plainly is better than one that is not told.
    pub(crate) fn word(&self, notification: &mut Notification) {
        notification.language = self.language;
        let render = |source: &Option<String>, field: &str| {
            let source = source.as_ref()?;
            let template = MessageTemplate::parse(source);
            match template.and_then(|template| template.render(notification)) {
                Ok(text) if !text.trim().is_empty() => Some(text),
                Ok(_) => None,
                Err(error) => {
                    tracing::warn!(channel = notification.receiver, field, %error, "a template cannot be rendered; the usual text is sent");
                    None
                }
            }
        };
        let (title, body) = (render(&self.title, "title"), render(&self.body, "body"));
        notification.title = title;
        notification.body = body;
    }
}

/// Says where in a text of several lines a fault is.
fn placed(source: &str, error: &TemplateError) -> String {
    let before = &source[..source.floor_char_boundary(error.offset)];
    let line = before.matches('\n').count() + 1;
    let column = before
        .rsplit('\n')
        .next()
        .unwrap_or_default()
        .chars()
        .count()
        + 1;
    format!("line {line}, column {column}: {}", error.message)
}

/// A notification to try templates on: two alerts that fire, and one that is over.
pub(crate) fn sample(receiver: &str, now_ms: TimestampMs, external_url: &str) -> Notification {
    let alert = |server: &str, status: AlertStatus, value: f64| NotifiedAlert {
        status,
        labels: Labels::new([
            (ALERT_NAME, "CpuHigh"),
            ("severity", "critical"),
            ("server", server),
            ("region", "eu-central-1"),
        ]),
        annotations: [
            (
                "summary".to_owned(),
                format!("CPU of {server} is at {:.0} %", value * 100.0),
            ),
            (
                "runbook_url".to_owned(),
                "https://wiki.example.com/cpu".to_owned(),
            ),
        ]
        .into(),
        starts_at_ms: now_ms - 600_000,
        ends_at_ms: (status == AlertStatus::Resolved).then_some(now_ms),
        generator_url: format!("{external_url}/alerts"),
        fingerprint: digest(server),
        value: Some(value),
    };
    Notification::new(
        receiver,
        "sample",
        Labels::new([(ALERT_NAME, "CpuHigh")]),
        external_url,
        vec![
            alert("web-1", AlertStatus::Firing, 0.97),
            alert("web-2", AlertStatus::Firing, 0.93),
            alert("db-1", AlertStatus::Resolved, 0.41),
        ],
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(title: &str, body: &str) -> MessageSettings {
        MessageSettings {
            language: None,
            title: Some(title.to_owned()),
            body: Some(body.to_owned()),
        }
    }

    #[test]
    fn templates_speak_of_the_notification() {
        let settings = settings(
            "{{ .Status | toUpper }} {{ .CommonLabels.alertname }} ({{ len .Alerts.Firing }}/{{ len .Alerts }})",
            "{{ range .Alerts }}{{ .Labels.server }} {{ .Status }} {{ .Annotations.summary }} \
             {{ .Value | humanizePercentage }} {{ .StartsAt.Format \"15:04\" }}\n{{ end }}{{ .ExternalURL }}",
        );
        assert_eq!(settings.faults(), [""; 0]);
        let mut notification = sample("ops", 1_700_000_000_000, "http://yunhai");
        settings.word(&mut notification);
        assert_eq!(notification.title.as_deref(), Some("FIRING CpuHigh (2/3)"));
        let body = notification.body.unwrap();
        assert!(
            body.starts_with("web-1 firing CPU of web-1 is at 97 % 97% 22:03\n"),
            "{body}"
        );
        assert!(body.ends_with("\nhttp://yunhai"), "{body}");
    }

    #[test]
    fn faults_have_their_field_line_and_column() {
        for (source, expected) in [
            (
                "a\nb {{ .Foo }}",
                "line 2, column 6: there is no field `Foo`",
            ),
            (
                "{{ range .Alerts }}{{ .Server }}{{ end }}",
                "there is no field `Server`",
            ),
            ("{{ query \"up\" }}", "`query` cannot be used here"),
            ("{{ if }}", "line 1"),
            ("{{ .Alerts.Fired }}", "there is no field `Fired`"),
            ("{{ index .Alerts 7 }}", "line 1"),
        ] {
            let faults = settings("fine", source).faults();
            assert_eq!(faults.len(), 1, "{source}: {faults:?}");
            assert!(
                faults[0].starts_with("body_template: line ") && faults[0].contains(expected),
                "{source}: {faults:?}"
            );
        }
    }

    #[test]
    fn a_template_that_fails_or_says_nothing_leaves_the_usual_text() {
        let settings = settings("{{ index .Alerts 2 }}", "  ");
        let mut notification = sample("ops", 0, "");
        notification.alerts.truncate(1);
        settings.word(&mut notification);
        assert_eq!((notification.title, notification.body), (None, None));
    }
}
