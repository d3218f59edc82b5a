//! Conditions on an alert's labels, as routes, silences and windows write them:
//! `severity="critical"`, `server=~"web-.*"`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use yunhai_model::{Labels, is_valid_label_name};
use yunhai_promql::{MatchOp, Matcher};

/// One condition on a label; a missing label has the empty value.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct LabelMatcher(Matcher);

/// A text that is not a matcher.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "`{text}` is not a label matcher: {reason}; write it like `severity=\"critical\"` or `server=~\"web-.*\"`"
)]
pub struct ParseMatcherError {
    text: String,
    reason: String,
}

impl LabelMatcher {
    /// Makes a matcher; fails where the name or the regular expression is malformed.
    pub fn new(name: &str, op: MatchOp, value: &str) -> Result<Self, ParseMatcherError> {
        let wrong = |reason: String| ParseMatcherError {
            text: format!("{name}{}{value:?}", symbol(op)),
            reason,
        };
        if !is_valid_label_name(name) {
            return Err(wrong(format!("`{name}` is not a label name")));
        }
        Matcher::new(name, op, value)
            .map(Self)
            .map_err(|error| wrong(error.to_string()))
    }

    /// The label's name.
    pub fn name(&self) -> &str {
        self.0.name()
    }

    /// How it compares.
    pub fn op(&self) -> MatchOp {
        self.0.op()
    }

    /// What it compares with.
    pub fn value(&self) -> &str {
        self.0.value()
    }

    /// Tells whether labels satisfy the condition.
    pub fn matches(&self, labels: &Labels) -> bool {
        self.0.matches(labels.get(self.name()).unwrap_or_default())
    }
}

/// Tells whether labels satisfy every condition.
pub(crate) fn all_match(matchers: &[LabelMatcher], labels: &Labels) -> bool {
    matchers.iter().all(|matcher| matcher.matches(labels))
}

fn symbol(op: MatchOp) -> &'static str {
    match op {
        MatchOp::Equal => "=",
        MatchOp::NotEqual => "!=",
        MatchOp::Regex => "=~",
        MatchOp::NotRegex => "!~",
    }
}

impl PartialEq for LabelMatcher {
    fn eq(&self, other: &Self) -> bool {
        (self.name(), self.op(), self.value()) == (other.name(), other.op(), other.value())
    }
}

impl fmt::Display for LabelMatcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = self
            .value()
            .replace('\\', "\\\\")
            .replace('"', "\\\"")
            .replace('\n', "\\n");
        write!(f, "{}{}\"{value}\"", self.name(), symbol(self.op()))
    }
}

impl FromStr for LabelMatcher {
    type Err = ParseMatcherError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = |reason: &str| ParseMatcherError {
            text: text.to_owned(),
            reason: reason.to_owned(),
        };
        let at = text
            .find(['=', '!'])
            .ok_or_else(|| wrong("an operator is missing"))?;
        let (name, rest) = text.split_at(at);
        let (op, value) = [
            ("=~", MatchOp::Regex),
            ("!~", MatchOp::NotRegex),
            ("!=", MatchOp::NotEqual),
            ("=", MatchOp::Equal),
        ]
        .into_iter()
        .find_map(|(symbol, op)| rest.strip_prefix(symbol).map(|value| (op, value.trim())))
        .ok_or_else(|| wrong("the operator is one of =, !=, =~ and !~"))?;
        let value = match value.strip_prefix('"') {
            Some(quoted) => {
                unescape(quoted).ok_or_else(|| wrong("the quotes do not fit together"))?
            }
            None => value.to_owned(),
        };
        Self::new(name.trim(), op, &value)
    }
}

fn unescape(quoted: &str) -> Option<String> {
    let mut text = String::new();
    let mut chars = quoted.chars();
    loop {
        match chars.next()? {
            '"' => return chars.as_str().is_empty().then_some(text),
            '\\' => match chars.next()? {
                'n' => text.push('\n'),
                other => text.push(other),
            },
            other => text.push(other),
        }
    }
}

impl TryFrom<String> for LabelMatcher {
    type Error = ParseMatcherError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<LabelMatcher> for String {
    fn from(matcher: LabelMatcher) -> Self {
        matcher.to_string()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn matchers_compare_labels() {
        let labels = Labels::new([("server", "web-1"), ("severity", "critical")]);
        for (text, expected) in [
            ("server=web-1", true),
            ("server=~\"web-.*\"", true),
            ("server=~web", false),
            ("server!=\"web-1\"", false),
            ("missing=\"\"", true),
            ("severity!~\"warning|info\"", true),
        ] {
            assert_eq!(
                text.parse::<LabelMatcher>().unwrap().matches(&labels),
                expected,
                "{text}"
            );
        }
    }

    #[test]
    fn a_wrong_matcher_says_how_to_write_one() {
        for text in ["server", "0x=1", "a=~\"(\"", "a=\"b", "a!b"] {
            let error = text.parse::<LabelMatcher>().unwrap_err().to_string();
            assert!(error.contains("severity=\"critical\""), "{error}");
        }
    }

    proptest! {
        #[test]
        fn a_written_matcher_reads_back(value in "[^\\r]*") {
            let matcher = LabelMatcher::new("a", MatchOp::NotEqual, &value).unwrap();
            prop_assert_eq!(matcher.to_string().parse::<LabelMatcher>().unwrap(), matcher);
        }
    }
}
