//! The functions of Go's templates and of Prometheus (`template/template.go`, 2.42).

use std::cmp::Ordering;
use std::fmt::Write;

use super::number::{format_fixed, format_general, format_scientific};
use super::render::Value;
use super::{RenderError, TemplateData, TemplateError};
use crate::duration::parse_duration_ms;

const KNOWN: &[&str] = &[
    "and",
    "args",
    "eq",
    "externalURL",
    "first",
    "ge",
    "graphLink",
    "gt",
    "humanize",
    "humanize1024",
    "humanizeDuration",
    "humanizePercentage",
    "humanizeTimestamp",
    "index",
    "label",
    "le",
    "len",
    "lt",
    "match",
    "ne",
    "not",
    "or",
    "parseDuration",
    "pathPrefix",
    "print",
    "printf",
    "println",
    "query",
    "reReplaceAll",
    "safeHtml",
    "sortByLabel",
    "stripDomain",
    "stripPort",
    "strvalue",
    "tableLink",
    "title",
    "toLower",
    "toUpper",
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
        ("urlquery", values) => {
            let joined: String = values.iter().map(Value::to_text).collect();
            text(url_escape(&joined))
        }
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
        ("print", values) => text(values.iter().map(Value::to_text).collect()),
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
        ("args", values) => Ok(Value::List(values.to_vec())),
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
        Value::Integer(number) => Ok(*number as f64),
        Value::Text(text) => text
            .parse()
            .map_err(|_| format!("`{text}` is not a number")),
        other => Err(format!("`{}` is not a number", other.to_text())),
    }
}

fn compare(a: &Value, b: &Value) -> Option<Ordering> {
    match (a, b) {
        (Value::Text(a), Value::Text(b)) => Some(a.cmp(b)),
        (Value::Bool(a), Value::Bool(b)) => Some(a.cmp(b)),
        (Value::Number(_) | Value::Integer(_), Value::Number(_) | Value::Integer(_)) => {
            number(a).ok()?.partial_cmp(&number(b).ok()?)
        }
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

fn scaled(mut value: f64, prefixes: &[&str], factor: f64, is_done: impl Fn(f64) -> bool) -> String {
    let mut prefix = "";
    for next in prefixes {
        if is_done(value.abs()) {
            break;
        }
        prefix = next;
        value *= factor;
    }
    format!("{}{prefix}", format_general(value, 4))
}

const SMALL_PREFIXES: [&str; 8] = ["m", "u", "n", "p", "f", "a", "z", "y"];

fn humanize(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        format_general(value, 4)
    } else if value.abs() >= 1.0 {
        scaled(
            value,
            &["k", "M", "G", "T", "P", "E", "Z", "Y"],
            1e-3,
            |value| value < 1000.0,
        )
    } else {
        scaled(value, &SMALL_PREFIXES, 1000.0, |value| value >= 1.0)
    }
}

fn humanize_1024(value: f64) -> String {
    if value.abs() <= 1.0 || !value.is_finite() {
        return format_general(value, 4);
    }
    let prefixes = ["ki", "Mi", "Gi", "Ti", "Pi", "Ei", "Zi", "Yi"];
    scaled(value, &prefixes, 1.0 / 1024.0, |value| value < 1024.0)
}

fn humanize_duration(value: f64) -> String {
    if !value.is_finite() {
        return format_general(value, 4);
    }
    if value == 0.0 {
        return "0s".to_owned();
    }
    if value.abs() < 1.0 {
        return scaled(value, &SMALL_PREFIXES, 1000.0, |value| value >= 1.0) + "s";
    }
    let sign = if value < 0.0 { "-" } else { "" };
    let whole = value.abs() as i64;
    let (days, hours, minutes, secs) = (
        whole / 86_400,
        whole / 3600 % 24,
        whole / 60 % 60,
        whole % 60,
    );
    if days != 0 {
        format!("{sign}{days}d {hours}h {minutes}m {secs}s")
    } else if hours != 0 {
        format!("{sign}{hours}h {minutes}m {secs}s")
    } else if minutes != 0 {
        format!("{sign}{minutes}m {secs}s")
    } else {
        format!("{sign}{}s", format_general(value.abs(), 4))
    }
}

fn humanize_timestamp(secs: f64) -> String {
    if !secs.is_finite() {
        return format_general(secs, 4);
    }
    let Ok(timestamp) = jiff::Timestamp::from_millisecond((secs * 1000.0) as i64) else {
        return format_general(secs, 4);
    };
    let zoned = timestamp.to_zoned(jiff::tz::TimeZone::UTC);
    format!("{} +0000 UTC", zoned.strftime("%Y-%m-%d %H:%M:%S%.f"))
}

fn title(text: &str) -> String {
    let mut is_start = true;
    text.chars()
        .flat_map(|c| {
            let upper = std::mem::replace(&mut is_start, c.is_whitespace()) && !c.is_whitespace();
            if upper {
                c.to_uppercase().collect::<Vec<_>>()
            } else {
                vec![c]
            }
        })
        .collect()
}

/// The host of `host:port` or `[v6]:port`; anything else stays as it is.
fn strip_port(text: &str) -> &str {
    if let Some(rest) = text.strip_prefix('[') {
        return rest.split_once("]:").map_or(text, |(host, _)| host);
    }
    match text.split_once(':') {
        Some((host, port)) if !port.contains(':') => host,
        _ => text,
    }
}

fn strip_domain(text: &str) -> String {
    let host = strip_port(text);
    if host.parse::<std::net::IpAddr>().is_ok() {
        return text.to_owned();
    }
    let port = &text[host.len().min(text.len())..];
    let short = host.split('.').next().unwrap_or_default();
    if text.starts_with(host) {
        format!("{short}{port}")
    } else {
        text.to_owned()
    }
}

fn url_escape(text: &str) -> String {
    let mut escaped = String::new();
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                escaped.push(char::from(byte));
            }
            b' ' => escaped.push('+'),
            other => {
                let _ = write!(escaped, "%{other:02X}");
            }
        }
    }
    escaped
}

/// Go's `Sprintf` for the verbs that rules use: `%s %v %d %f %e %g %q %x %t %c %%` with flags,
/// width and precision.
fn printf(format: &str, arguments: &[Value]) -> String {
    let mut output = String::new();
    let mut arguments = arguments.iter();
    let mut rest = format;
    while let Some(at) = rest.find('%') {
        output.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let flags = rest.len() - rest.trim_start_matches(['-', '+', '0', ' ', '#']).len();
        let (flags, after) = rest.split_at(flags);
        let digits = after.len() - after.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (width, mut after) = after.split_at(digits);
        let mut precision = None;
        if let Some(fraction) = after.strip_prefix('.') {
            let digits = fraction.len()
                - fraction
                    .trim_start_matches(|c: char| c.is_ascii_digit())
                    .len();
            precision = Some(fraction[..digits].parse::<usize>().unwrap_or(0).min(64));
            after = &fraction[digits..];
        }
        let Some(verb) = after.chars().next() else {
            output.push_str("%!(NOVERB)");
            return output;
        };
        rest = &after[verb.len_utf8()..];
        if verb == '%' {
            output.push('%');
            continue;
        }
        let Some(argument) = arguments.next() else {
            write!(output, "%!{verb}(MISSING)").expect("writing to a text does not fail");
            continue;
        };
        let mut text = verb_text(verb, precision, argument);
        if flags.contains('+') && !text.starts_with(['-', '+']) && number(argument).is_ok() {
            text.insert(0, '+');
        }
        let width = width.parse::<usize>().unwrap_or(0).min(1024);
        let padding = width.saturating_sub(text.chars().count());
        if flags.contains('-') {
            output.push_str(&text);
            output.push_str(&" ".repeat(padding));
        } else if flags.contains('0') && number(argument).is_ok() {
            let sign = text.len() - text.trim_start_matches(['-', '+']).len();
            output.push_str(&text[..sign]);
            output.push_str(&"0".repeat(padding));
            output.push_str(&text[sign..]);
        } else {
            output.push_str(&" ".repeat(padding));
            output.push_str(&text);
        }
    }
    output.push_str(rest);
    output
}

fn verb_text(verb: char, precision: Option<usize>, argument: &Value) -> String {
    let wrong = || format!("%!{verb}({})", argument.to_text());
    match (verb, argument) {
        ('v', value) => match (precision, value) {
            (Some(precision), Value::Number(number)) => format_general(*number, precision),
            _ => value.to_text(),
        },
        ('s', Value::Number(_) | Value::Integer(_) | Value::Bool(_)) => wrong(),
        ('s', value) => {
            let text = value.to_text();
            precision.map_or_else(
                || text.clone(),
                |length| text.chars().take(length).collect(),
            )
        }
        ('q', Value::Text(text)) => format!("{text:?}"),
        ('f' | 'F', Value::Number(number)) => format_fixed(*number, precision.unwrap_or(6)),
        ('e', Value::Number(number)) => format_scientific(*number, precision.unwrap_or(6)),
        ('g', Value::Number(number)) => precision.map_or_else(
            || argument.to_text(),
            |precision| format_general(*number, precision),
        ),
        ('d', Value::Integer(number)) => number.to_string(),
        ('x', Value::Integer(number)) => format!("{number:x}"),
        ('c', Value::Integer(number)) => u32::try_from(*number)
            .ok()
            .and_then(char::from_u32)
            .map_or_else(wrong, String::from),
        ('t', Value::Bool(value)) => value.to_string(),
        _ => wrong(),
    }
}
