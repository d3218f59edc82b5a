//! What a template reckons with, and how Go prints it.

use std::collections::BTreeMap;

use yunhai_model::Labels;

use super::format_value;
use super::time::{Time, duration_text};

/// A value while rendering.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Nil,
    Bool(bool),
    Number(f64),
    Integer(i64),
    Text(String),
    Labels(Labels),
    Sample(Labels, f64),
    List(Vec<Value>),
    /// What `args` makes.
    Map(BTreeMap<String, Value>),
    Time(Time),
    /// Nanoseconds.
    Duration(i64),
    /// A month or a day of the week: a number that is printed by its name.
    Named(i64, &'static str),
    /// The template's data as a whole: `.` outside of `range` and `with`.
    Data,
}

impl Value {
    /// What Go's `if` takes for true.
    pub(super) fn is_true(&self) -> bool {
        match self {
            Self::Nil => false,
            Self::Bool(value) => *value,
            Self::Number(value) => *value != 0.0,
            Self::Integer(value) | Self::Named(value, _) => *value != 0,
            Self::Text(text) => !text.is_empty(),
            Self::Labels(labels) => !labels.is_empty(),
            Self::List(items) => !items.is_empty(),
            Self::Map(items) => !items.is_empty(),
            // Times and durations are pointers there.
            Self::Sample(..) | Self::Time(_) | Self::Duration(_) | Self::Data => true,
        }
    }

    /// What Go's `fmt.Print` writes.
    pub(super) fn to_text(&self) -> String {
        match self {
            Self::Nil => "<no value>".to_owned(),
            Self::Bool(value) => value.to_string(),
            Self::Number(value) => format_value(*value),
            Self::Integer(value) => value.to_string(),
            Self::Text(text) => text.clone(),
            Self::Labels(labels) => {
                let pairs = labels.iter().map(|(name, value)| format!("{name}:{value}"));
                map_text(pairs)
            }
            Self::Sample(labels, value) => format!("{labels} {}", format_value(*value)),
            Self::List(items) => {
                let items: Vec<_> = items.iter().map(Self::to_text).collect();
                format!("[{}]", items.join(" "))
            }
            Self::Map(items) => {
                let pairs = items
                    .iter()
                    .map(|(name, value)| format!("{name}:{}", value.to_text()));
                map_text(pairs)
            }
            Self::Time(time) => time.to_string(),
            Self::Duration(nanos) => duration_text(*nanos),
            Self::Named(_, name) => (*name).to_owned(),
            Self::Data => "<data>".to_owned(),
        }
    }
}

fn map_text(pairs: impl Iterator<Item = String>) -> String {
    format!("map[{}]", pairs.collect::<Vec<_>>().join(" "))
}
