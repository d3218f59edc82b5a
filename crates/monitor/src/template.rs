//! Go's text templates as Prometheus's rules use them, with Prometheus's functions and the methods
//! of times and durations; [`MessageTemplate`] speaks of a notification instead, as Alertmanager's do. Leaves out `call` and other methods, as rules know nothing to call them on.

mod check;
mod functions;
mod lex;
mod number;
mod parse;
mod render;
mod time;
mod tree;
mod value;

use std::collections::HashMap;
use std::fmt;

use serde::{Serialize, Serializer};
use yunhai_model::{Labels, TimestampMs};

use tree::{Definitions, Node};
use yunhai_notify::Notification;

pub(crate) use number::format_value;

/// A parsed template, which remembers its source.
#[derive(Clone)]
pub struct Template {
    source: String,
    nodes: Vec<Node>,
    definitions: Definitions,
}

/// What is wrong with a template, and where in it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("at character {}: {message}", .offset + 1)]
pub struct TemplateError {
    /// Bytes from the template's start.
    pub offset: usize,
    /// What is wrong.
    pub message: String,
}

/// What a template can speak of.
#[derive(Clone, Debug, Default)]
pub struct TemplateData {
    /// The alert's labels, without the metric's name.
    pub labels: Labels,
    /// The value of the expression.
    pub value: f64,
    /// The time of the evaluation.
    pub at_ms: TimestampMs,
    /// Labels of this installation.
    pub external_labels: Labels,
    /// Where people reach this installation, without a slash at the end.
    pub external_url: String,
    /// The answers to `query` so far.
    pub queries: HashMap<String, Vec<(Labels, f64)>>,
}

/// Why a template yielded no text.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum RenderError {
    /// The answer to a query is missing in [`TemplateData::queries`]: add it and render again.
    #[error("the template asks for the result of `{0}`")]
    NeedsQuery(String),
    /// The template cannot be rendered with these data.
    #[error(transparent)]
    Failed(#[from] TemplateError),
}

impl Template {
    /// Parses a template and checks the functions, variables and fields that it names.
    pub fn parse(source: &str) -> Result<Self, TemplateError> {
        let (nodes, definitions) = parse::parse(source)?;
        check::check(&nodes, check::Subject::Alert)?;
        Ok(Self {
            source: source.to_owned(),
            nodes,
            definitions,
        })
    }

    /// The text as it was written.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Renders the template.
    pub fn render(&self, data: &TemplateData) -> Result<String, RenderError> {
        render::render(&self.nodes, &self.definitions, data)
    }
}

/// A parsed template of a message, whose data are a notification.
#[derive(Clone, Debug)]
pub(crate) struct MessageTemplate {
    nodes: Vec<Node>,
    definitions: Definitions,
}

impl MessageTemplate {
    /// Parses a template and checks the functions, variables and fields that it names.
    pub(crate) fn parse(source: &str) -> Result<Self, TemplateError> {
        let (nodes, definitions) = parse::parse(source)?;
        check::check(&nodes, check::Subject::Notification)?;
        Ok(Self { nodes, definitions })
    }

    /// Renders the template.
    pub(crate) fn render(&self, notification: &Notification) -> Result<String, TemplateError> {
        let rendered = render::render_message(&self.nodes, &self.definitions, notification);
        rendered.map_err(|error| match error {
            RenderError::Failed(error) => error,
            RenderError::NeedsQuery(_) => TemplateError {
                offset: 0,
                message: check::NO_QUERY.to_owned(),
            },
        })
    }
}

impl PartialEq for Template {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source
    }
}

impl fmt::Debug for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Template({:?})", self.source)
    }
}

impl Serialize for Template {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.source)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn render(source: &str, value: f64) -> String {
        let mut data = TemplateData {
            labels: Labels::new([("server", "web-1"), ("instance", "10.0.0.1:9100")]),
            value,
            at_ms: 1_435_065_584_128,
            external_url: "http://yunhai.test".into(),
            ..TemplateData::default()
        };
        data.queries.insert("none".into(), Vec::new());
        data.queries.insert(
            "up".into(),
            vec![
                (Labels::of_metric("up", [("job", "b")]), 1.0),
                (Labels::of_metric("up", [("job", "a")]), 0.0),
            ],
        );
        match Template::parse(source)
            .map_err(RenderError::from)
            .and_then(|t| t.render(&data))
        {
            Ok(text) => text,
            Err(error) => format!("ERROR {error}"),
        }
    }

    #[test]
    fn labels_and_values_are_filled_in() {
        for (source, expected) in [
            ("{{ $labels.server }} has {{ $value }}", "web-1 has 0.25"),
            ("{{.Labels.server}}/{{ .Value }}", "web-1/0.25"),
            ("[{{ $labels.missing }}]", "[]"),
            ("a {{- /* gone */ -}} b", "ab"),
            ("{{ \"{{\" }} `x`", "{{ `x`"),
            ("{{ index $labels \"server\" }}", "web-1"),
            (
                "{{ $externalURL }}{{ externalURL }}",
                "http://yunhai.testhttp://yunhai.test",
            ),
            (
                "{{ $labels.server | toUpper | printf \"<%s>\" }}",
                "<WEB-1>",
            ),
            ("{{ title \"disk full\" }}", "Disk Full"),
            ("{{ $x := $value }}{{ $x | humanizePercentage }}", "25%"),
            ("{{ stripPort $labels.instance }}", "10.0.0.1"),
            (
                "{{ reReplaceAll \"web-(.*)\" \"$1!\" $labels.server }}",
                "1!",
            ),
        ] {
            assert_eq!(render(source, 0.25), expected, "{source}");
        }
    }

    #[test]
    fn numbers_are_formatted_as_go_does() {
        for (source, value, expected) in [
            ("{{ $value }}", 123_456_789.0, "1.23456789e+08"),
            ("{{ $value }}", 100_000.0, "100000"),
            ("{{ $value }}", 0.000_01, "1e-05"),
            ("{{ $value | humanize }}", 1_234_567.0, "1.235M"),
            ("{{ $value | humanize }}", 0.012, "12m"),
            ("{{ $value | humanize1024 }}", 1_048_576.0, "1Mi"),
            ("{{ $value | humanizeDuration }}", 90_061.0, "1d 1h 1m 1s"),
            ("{{ $value | humanizeDuration }}", 0.0123, "12.3ms"),
            ("{{ $value | humanizePercentage }}", 0.912_345, "91.23%"),
            (
                "{{ $value | humanizeTimestamp }}",
                1_435_065_584.128,
                "2015-06-23 13:19:44.128 +0000 UTC",
            ),
            (
                "{{ printf \"%.2f|%5.1f|%-4d|%q|%v%%\" $value $value 7 \"a\" true }}",
                1.239,
                "1.24|  1.2|7   |\"a\"|true%",
            ),
            ("{{ $value }}", f64::INFINITY, "+Inf"),
        ] {
            assert_eq!(render(source, value), expected, "{source} of {value}");
        }
    }

    #[test]
    fn conditions_and_loops_work() {
        for (source, value, expected) in [
            (
                "{{ if gt $value 1.0 }}high{{ else if eq $value 1.0 }}one{{ else }}low{{ end }}",
                1.0,
                "one",
            ),
            (
                "{{ if gt $value 1.0 }}high{{ else }}low{{ end }}",
                3.0,
                "high",
            ),
            (
                "{{ if and $labels.server (not $labels.none) }}yes{{ end }}",
                0.0,
                "yes",
            ),
            (
                "{{ with $labels.none }}{{ . }}{{ else }}none{{ end }}",
                0.0,
                "none",
            ),
            (
                "{{ range query \"up\" }}{{ .Labels.job }}={{ .Value }};{{ end }}",
                0.0,
                "b=1;a=0;",
            ),
            (
                "{{ range query \"up\" | sortByLabel \"job\" }}{{ .Labels.job }}{{ end }}",
                0.0,
                "ab",
            ),
            ("{{ query \"up\" | first | value }}", 0.0, "1"),
            (
                "{{ with query \"up\" }}{{ . | first | label \"job\" }}{{ end }}",
                0.0,
                "b",
            ),
        ] {
            assert_eq!(render(source, value), expected, "{source}");
        }
        assert!(render("{{ query \"other\" }}", 0.0).contains("asks for the result of `other`"));
    }

    #[test]
    fn a_wrong_template_is_refused_with_its_place() {
        let refusals = [
            "x {{ $labels.a",
            "{{ $nope }}",
            "{{ shout $value }}",
            "{{ if $value }}x",
            "{{ end }}",
            "{{ printf \"a }}",
            "{{ call $value }}",
            "a {{ template \"x\" }}",
            "{{ define x }}{{ end }}",
            "{{ define \"x\" }}{{ $labels.server }}{{ end }}",
            "{{ define \"x\" }}a{{ end }}{{ define \"x\" }}b{{ end }}",
            "{{ if $value }}{{ define \"x\" }}{{ end }}{{ end }}",
            "{{ break }}",
            "{{ range query \"up\" }}{{ else }}{{ continue }}{{ end }}",
            "{{ range query \"up\" }}{{ define \"x\" }}{{ break }}{{ end }}{{ end }}",
            "{{ $x = 1 }}",
            "{{ if true }}{{ $x := 1 }}{{ end }}{{ $x }}",
            "{{ $x, $y := 1 }}",
            "{{ $value.Year 5 }}",
            "{{ if true }}{{ else with 1 }}{{ end }}",
            "{{ $labels. }}",
            "{{ ( $value }}",
            "{{ }}",
        ]
        .map(|source| {
            let error = Template::parse(source).unwrap_err();
            format!("{source} => {error}")
        });
        insta::assert_snapshot!(refusals.join("\n"));
    }

    /// What promtool 2.42 made of the same texts.
    #[test]
    fn words_that_are_rare_in_rules_do_what_they_do_in_go() {
        for (source, expected) in [
            (
                "{{ toTime 1435065584.128 }}",
                "2015-06-23 13:19:44.128 +0000 UTC",
            ),
            ("{{ (toTime $value).Year }}", "1970"),
            ("{{ (toTime 1435065584).Weekday }}", "Tuesday"),
            ("{{ eq (toTime 0).Weekday 4 }}", "true"),
            (
                "{{ printf \"%d-%02d\" (toTime 0).Year (toTime 0).Month }}",
                "1970-01",
            ),
            (
                "{{ (toTime 1435065584.5).Unix }} {{ (toTime 1435065584.5).UnixNano }} {{ (toTime 1435065584.5).YearDay }}",
                "1435065584 1435065584500000000 174",
            ),
            (
                "{{ $t := toTime 1435065584 }}{{ $t.Hour }}:{{ $t.Minute }}:{{ $t.Second }} {{ $t.Day }}",
                "13:19:44 23",
            ),
            (
                "{{ (toTime 1435065584.128).Format \"Mon Jan _2 3:04PM 06 1/2 Monday January 02 002 pm Z07:00 -0700 .999 ,000 05.000000\" }}",
                "Tue Jun 23 1:19PM 15 6/23 Tuesday June 23 174 pm Z +0000 .128 ,128 44.128000",
            ),
            (
                "{{ (toTime 0).Format \"2006-01-02T15:04:05Z07:00\" }}",
                "1970-01-01T00:00:00Z",
            ),
            (
                "{{ html \"<a href='x'>&\\\"\" }}",
                "&lt;a href=&#39;x&#39;&gt;&amp;&#34;",
            ),
            (
                "{{ js \"it's \\\"<a>\\\" & \\\\ = \\n x\" }}",
                r#"it\'s \"\u003Ca\u003E\" \u0026 \\ \u003D \u000A x"#,
            ),
            ("{{ html 1 \"a\" }}{{ js 1 2 }}", "1a1 2"),
            (
                "{{ slice \"abcdef\" 1 3 }}{{ slice \"abc\" 1 }}{{ slice \"abc\" }}",
                "bcbcabc",
            ),
            ("{{ slice \"héllo\" 1 3 }}", "é"),
            ("{{ print \"a\" 1 2 \"b\" 3 }}", "a1 2b3"),
            ("{{ args 1 2 }}{{ len (args 1 2) }}", "map[arg0:1 arg1:2]2"),
            (
                "{{ range $k, $v := args 1 \"b\" }}{{ $k }}={{ $v }};{{ end }}",
                "arg0=1;arg1=b;",
            ),
            (
                "{{ index (args \"a\" \"b\") \"arg1\" }}{{ (args 1).arg7 }}",
                "b<no value>",
            ),
        ] {
            assert_eq!(render(source, 0.0), expected, "{source}");
        }
    }

    /// What promtool 2.42 made of the same texts.
    #[test]
    fn templates_call_templates_and_set_variables() {
        for (source, expected) in [
            (
                "{{ define \"T\" }}[{{ . }}]{{ end }}{{ template \"T\" \"x\" }}",
                "[x]",
            ),
            (
                "{{ define \"T\" }}{{ .arg0 }}-{{ .arg1 }}{{ end }}{{ template \"T\" (args 1 \"b\") }}",
                "1-b",
            ),
            (
                "{{ range query \"up\" }}{{ template \"T\" . }}{{ end }}{{ define \"T\" }}{{ .Labels.job }}{{ end }}",
                "ba",
            ),
            (
                "{{ define \"T\" }}{{ $ }}{{ end }}{{ template \"T\" 5 }}",
                "5",
            ),
            (
                "{{ template \"T\" }}{{ define \"T\" }}{{ . }}{{ end }}",
                "<no value>",
            ),
            ("{{ block \"B\" $value }}<{{ . }}>{{ end }}", "<0>"),
            (
                "{{ define \"T\" }}a{{ end }}{{ define \"T\" }} {{ end }}{{ template \"T\" }}",
                "a",
            ),
            (
                "{{ define \"T\" }}{{ end }}{{ block \"T\" . }}x{{ end }}",
                "x",
            ),
            ("{{ $x := 1 }}{{ $x = 2 }}{{ $x }}", "2"),
            (
                "{{ $x := \"a\" }}{{ range query \"up\" }}{{ $x = .Labels.job }}{{ end }}{{ $x }}",
                "a",
            ),
            (
                "{{ $x := 1 }}{{ if true }}{{ $x := 2 }}{{ $x = 3 }}{{ end }}{{ $x }}",
                "1",
            ),
            (
                "{{ $x := 1 }}{{ with $x = 5 }}{{ . }}{{ end }}{{ $x }}",
                "55",
            ),
            (
                "{{ range $i, $x := query \"up\" }}{{ $i = 5 }}{{ $i }}{{ end }}",
                "55",
            ),
            (
                "{{ $a := 0 }}{{ range $a = query \"up\" }}{{ end }}{{ $a.Value }}",
                "0",
            ),
            ("{{ if $x := \"y\" }}{{ $x }}{{ end }}", "y"),
            (
                "{{ range query \"up\" }}{{ if eq .Value 0.0 }}{{ continue }}{{ end }}{{ .Labels.job }}{{ end }}",
                "b",
            ),
            (
                "{{ range query \"up\" }}{{ .Labels.job }}{{ if eq .Labels.job \"b\" }}{{ break }}{{ end }}{{ end }}",
                "b",
            ),
            (
                "{{ range query \"up\" }}{{ range query \"up\" }}{{ break }}{{ end }}{{ .Labels.job }}{{ end }}",
                "ba",
            ),
            (
                "{{ range query \"none\" }}a{{ break }}{{ else }}b{{ end }}",
                "b",
            ),
        ] {
            assert_eq!(render(source, 0.0), expected, "{source}");
        }
    }

    /// What newer releases know, as Go and Prometheus document it.
    #[test]
    fn words_of_newer_releases_work() {
        for (source, expected) in [
            (
                "{{ now }}|{{ (toTime now).Format \"15:04\" }}",
                "1.435065584128e+09|13:19",
            ),
            (
                "{{ toDuration 3723.5 }} {{ toDuration 0.012 }} {{ toDuration 0 }}",
                "1h2m3.5s 12ms 0s",
            ),
            (
                "{{ (toDuration 90).Minutes }} {{ toDuration -61 }}",
                "1.5 -1m1s",
            ),
            ("{{ urlQueryEscape \"a b&c\" }}", "a+b%26c"),
            ("{{ range 3 }}{{ . }}{{ end }}", "012"),
            (
                "{{ with \"\" }}a{{ else with \"b\" }}{{ . }}{{ else }}c{{ end }}",
                "b",
            ),
        ] {
            assert_eq!(render(source, 0.0), expected, "{source}");
        }
    }

    #[test]
    fn a_template_that_fails_or_does_not_end_says_why() {
        for (source, reason) in [
            ("{{ slice \"abc\" 0 5 }}", "5 is out of range"),
            ("{{ slice $value 1 }}", "wrong number or kind"),
            ("{{ slice \"abc\" 2 1 }}", "2 is behind 1"),
            ("{{ toTime 1e30 }}", "out of range"),
            ("{{ (toTime 0).Format }}", "needs one text"),
            ("{{ (toTime 0).Nope }}", "no field `Nope`"),
            ("{{ $labels.Format \"x\" }}", "takes no arguments"),
            ("{{ range $value }}{{ end }}", "cannot go over"),
            (
                "{{ define \"T\" }}{{ template \"T\" }}{{ end }}{{ template \"T\" }}",
                "too deep",
            ),
            (
                "{{ range 9999 }}{{ range 9999 }}{{ end }}{{ range 9999 }}{{ if true }}{{ end }}{{ end }}{{ end }}",
                "does not come to an end",
            ),
        ] {
            let text = render(source, 0.5);
            assert!(
                text.contains(reason) && text.starts_with("ERROR"),
                "{source}: {text}"
            );
        }
    }
}
