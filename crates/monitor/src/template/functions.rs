//! The functions of Go's templates and of Prometheus (`template/template.go`, 3.x).

mod humanize;
mod printf;
mod text;

use std::cmp::Ordering;

use super::number::format_general;
use super::time::{Time, nanos};
use super::value::Value;
use super::{RenderError, TemplateData, TemplateError};
use crate::duration::parse_duration_ms;
use humanize::{humanize, humanize_1024, humanize_duration, humanize_timestamp};
use printf::{print, printf};
use text::{html_escape, js_escape, slice, strip_domain, strip_port, title, url_escape};

const KNOWN: &[&str] = &[
    "and",
    "args",
    "eq",
    "externalURL",
    "first",
    "ge",
    "graphLink",
    "gt",
    "html",
    "humanize",
    "humanize1024",
    "humanizeDuration",
    "humanizePercentage",
    "humanizeTimestamp",
    "index",
    "js",
    "label",
    "le",
    "len",
    "lt",
    "match",
    "ne",
    "not",
    "now",
    "or",
    "parseDuration",
    "pathPrefix",
    "print",
    "printf",
    "println",
    "query",
    "reReplaceAll",
    "safeHtml",
    "slice",
    "sortByLabel",
    "stripDomain",
    "stripPort",
    "strvalue",
    "tableLink",
    "title",
    "toDuration",
    "toLower",
    "toTime",
    "toUpper",
    "urlQueryEscape",
    "urlquery",
    "value",
];

pub(super) fn is_known(name: &str) -> bool {
    KNOWN.contains(&name)
}

pub(super) fn call(
    name: &str,
    arguments: &[Value],
    data: &TemplateData,
    offset: usize,
) -> Result<Value, RenderError> {
    if name == "query" {
        let [Value::Text(expression)] = arguments else {
            return Err(failed(name, offset, "it needs one text, the expression"));
        };
        return match data.queries.get(expression) {
            Some(samples) => Ok(Value::List(
                samples
                    .iter()
                    .map(|(labels, value)| Value::Sample(labels.clone(), *value))
                    .collect(),
            )),
            None => Err(RenderError::NeedsQuery(expression.clone())),
        };
    }
    plain(name, arguments, data).map_err(|message| failed(name, offset, &message))
}

fn failed(name: &str, offset: usize, message: &str) -> RenderError {
    TemplateError {
        offset,
        message: format!("{name}: {message}"),
    }
    .into()
}

fn plain(name: &str, arguments: &[Value], data: &TemplateData) -> Result<Value, String> {
    let text = |text: String| Ok(Value::Text(text));
    match (name, arguments) {
        ("humanize", [value]) => text(humanize(number(value)?)),
        ("humanize1024", [value]) => text(humanize_1024(number(value)?)),
        ("humanizeDuration", [value]) => text(humanize_duration(number(value)?)),
        ("humanizePercentage", [value]) => {
            text(format!("{}%", format_general(number(value)? * 100.0, 4)))
        }
        ("humanizeTimestamp", [value]) => text(humanize_timestamp(number(value)?)),
        ("toUpper", [value]) => text(value.to_text().to_uppercase()),
        ("toLower", [value]) => text(value.to_text().to_lowercase()),
        ("title", [value]) => text(title(&value.to_text())),
        ("safeHtml", [value]) => text(value.to_text()),
        ("stripPort", [value]) => text(strip_port(&value.to_text()).to_owned()),
        ("stripDomain", [value]) => text(strip_domain(&value.to_text())),
        ("urlquery", values) => text(url_escape(&print(values))),
        ("urlQueryEscape", [value]) => text(url_escape(&value.to_text())),
        ("html", values) => text(html_escape(&print(values))),
        ("js", values) => text(js_escape(&print(values))),
        ("slice", [Value::Text(value)]) => text(value.clone()),
        ("slice", [Value::Text(value), from]) => text(slice(value, position(from)?, None)?),
        ("slice", [Value::Text(value), from, to]) => {
            text(slice(value, position(from)?, Some(position(to)?))?)
        }
        ("slice", [Value::List(items), places @ ..]) => slice_list(items, places),
        ("toTime", [value]) => Ok(Value::Time(Time::from_secs(number(value)?)?)),
        ("toDuration", [value]) => Ok(Value::Duration(nanos(number(value)?)?)),
        ("now", []) => Ok(Value::Number(data.at_ms as f64 / 1000.0)),
        ("match", [pattern, value]) => Ok(Value::Bool(regex(pattern)?.is_match(&value.to_text()))),
        ("reReplaceAll", [pattern, replacement, value]) => {
            let value = value.to_text();
            text(
                regex(pattern)?
                    .replace_all(&value, replacement.to_text().as_str())
                    .into_owned(),
            )
        }
        ("parseDuration", [value]) => Ok(Value::Number(
            parse_duration_ms(&value.to_text())? as f64 / 1000.0,
        )),
        ("externalURL", []) => text(data.external_url.clone()),
        ("pathPrefix", []) => {
            let path = data
                .external_url
                .split_once("://")
                .map_or("", |(_, rest)| rest);
            text(
                path.find('/')
                    .map_or(String::new(), |at| path[at..].to_owned()),
            )
        }
        ("tableLink" | "graphLink", [value]) => {
            let tab = u8::from(name == "tableLink");
            text(format!(
                "/graph?g0.expr={}&g0.tab={tab}",
                url_escape(&value.to_text())
            ))
        }
        ("first", [Value::List(items)]) => items
            .first()
            .cloned()
            .ok_or_else(|| "the list is empty".to_owned()),
        ("value", [Value::Sample(_, value)]) => Ok(Value::Number(*value)),
        ("label", [label, Value::Sample(labels, _)]) => {
            text(labels.get(&label.to_text()).unwrap_or_default().to_owned())
        }
        ("strvalue", [Value::Sample(labels, _)]) => {
            text(labels.get("__value__").unwrap_or_default().to_owned())
        }
        ("sortByLabel", [label, Value::List(items)]) => Ok(sort_by_label(&label.to_text(), items)),
        ("printf", [format, values @ ..]) => text(printf(&format.to_text(), values)),
        ("print", values) => text(print(values)),
        ("println", values) => text(
            values
                .iter()
                .map(Value::to_text)
                .collect::<Vec<_>>()
                .join(" ")
                + "\n",
        ),
        ("len", [value]) => Ok(Value::Integer(match value {
            Value::Text(text) => text.len(),
            Value::List(items) => items.len(),
            Value::Labels(labels) => labels.len(),
            Value::Map(items) => items.len(),
            _ => return Err("this has no length".to_owned()),
        } as i64)),
        ("index", [Value::Labels(labels), key]) => {
            text(labels.get(&key.to_text()).unwrap_or_default().to_owned())
        }
        ("index", [Value::List(items), at]) => {
            let at = number(at)?;
            let found = (at >= 0.0).then(|| items.get(at as usize)).flatten();
            found
                .cloned()
                .ok_or_else(|| format!("there is no item {at}"))
        }
        ("index", [Value::Map(items), key]) => {
            Ok(items.get(&key.to_text()).cloned().unwrap_or(Value::Nil))
        }
        ("args", values) => Ok(Value::Map(
            values
                .iter()
                .enumerate()
                .map(|(at, value)| (format!("arg{at}"), value.clone()))
                .collect(),
        )),
        ("not", [value]) => Ok(Value::Bool(!value.is_true())),
        ("and", [.., _]) => Ok(arguments
            .iter()
            .find(|value| !value.is_true())
            .unwrap_or(&arguments[arguments.len() - 1])
            .clone()),
        ("or", [.., _]) => Ok(arguments
            .iter()
            .find(|value| value.is_true())
            .unwrap_or(&arguments[arguments.len() - 1])
            .clone()),
        ("eq", [value, others @ ..]) if !others.is_empty() => {
            Ok(Value::Bool(others.iter().any(|other| {
                compare(value, other) == Some(Ordering::Equal)
            })))
        }
        ("ne", [a, b]) => Ok(Value::Bool(compare(a, b) != Some(Ordering::Equal))),
        ("lt", [a, b]) => Ok(Value::Bool(compare(a, b) == Some(Ordering::Less))),
        ("le", [a, b]) => Ok(Value::Bool(matches!(
            compare(a, b),
            Some(Ordering::Less | Ordering::Equal)
        ))),
        ("gt", [a, b]) => Ok(Value::Bool(compare(a, b) == Some(Ordering::Greater))),
        ("ge", [a, b]) => Ok(Value::Bool(matches!(
            compare(a, b),
            Some(Ordering::Greater | Ordering::Equal)
        ))),
        _ => Err("wrong number or kind of arguments".to_owned()),
    }
}

fn number(value: &Value) -> Result<f64, String> {
    match value {
        Value::Number(number) => Ok(*number),
        Value::Integer(number) | Value::Named(number, _) => Ok(*number as f64),
        Value::Duration(nanos) => Ok(*nanos as f64 / 1e9),
        Value::Text(text) => text
            .parse()
            .map_err(|_| format!("`{text}` is not a number")),
        other => Err(format!("`{}` is not a number", other.to_text())),
    }
}

/// A place in a text or list.
fn position(value: &Value) -> Result<i64, String> {
    match value {
        Value::Integer(number) | Value::Named(number, _) => Ok(*number),
        other => Err(format!("`{}` is not a whole number", other.to_text())),
    }
}

fn slice_list(items: &[Value], places: &[Value]) -> Result<Value, String> {
    let length = items.len() as i64;
    let (from, to) = match places {
        [] => (0, length),
        [from] => (position(from)?, length),
        [from, to] => (position(from)?, position(to)?),
        _ => return Err("it takes two places at most".to_owned()),
    };
    if from < 0 || from > to || to > length {
        return Err(format!("{from} to {to} is out of range"));
    }
    Ok(Value::List(items[from as usize..to as usize].to_vec()))
}

fn compare(a: &Value, b: &Value) -> Option<Ordering> {
    match (a, b) {
        (Value::Text(a), Value::Text(b)) => Some(a.cmp(b)),
        (Value::Bool(a), Value::Bool(b)) => Some(a.cmp(b)),
        (
            Value::Number(_) | Value::Integer(_) | Value::Named(..),
            Value::Number(_) | Value::Integer(_) | Value::Named(..),
        ) => number(a).ok()?.partial_cmp(&number(b).ok()?),
        _ => (a == b).then_some(Ordering::Equal),
    }
}

fn regex(pattern: &Value) -> Result<regex::Regex, String> {
    regex::Regex::new(&pattern.to_text()).map_err(|error| error.to_string())
}

fn sort_by_label(label: &str, items: &[Value]) -> Value {
    let mut items = items.to_vec();
    items.sort_by_key(|item| match item {
        Value::Sample(labels, _) => labels.get(label).unwrap_or_default().to_owned(),
        _ => String::new(),
    });
    Value::List(items)
}
