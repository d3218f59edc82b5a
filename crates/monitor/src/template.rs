//! The part of Go's text templates that Prometheus's rules use: fields, variables, pipelines, `if`,
//! `range`, `with` and Prometheus's functions. Leaves out what rules never have: `define`,
//! `template`, `block`, method calls and the escaping functions of HTML templates.

mod functions;
mod number;
mod parse;
mod render;

use std::collections::HashMap;
use std::fmt;

use serde::{Serialize, Serializer};
use yunhai_model::Labels;

use parse::Node;

pub(crate) use number::format_value;

/// A parsed template, which remembers its source.
#[derive(Clone)]
pub struct Template {
    source: String,
    nodes: Vec<Node>,
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
    /// Parses a template and checks the functions and variables that it names.
    pub fn parse(source: &str) -> Result<Self, TemplateError> {
        Ok(Self {
            source: source.to_owned(),
            nodes: parse::parse(source)?,
        })
    }

    /// The text as it was written.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Renders the template.
    pub fn render(&self, data: &TemplateData) -> Result<String, RenderError> {
        render::render(&self.nodes, data)
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
            external_url: "http://yunhai.test".into(),
            ..TemplateData::default()
        };
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
            "{{ define \"x\" }}{{ end }}",
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
}
