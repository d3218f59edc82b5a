//! Go's `printf` and `print`.

use std::fmt::Write;

use super::super::number::{format_fixed, format_general, format_scientific};
use super::super::value::Value;
use super::number;

/// Go's `Sprintf` for the verbs that rules use: `%s %v %d %f %e %g %q %x %t %c %%` with flags,
/// width and precision.
pub(super) fn printf(format: &str, arguments: &[Value]) -> String {
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
        ('d', Value::Integer(number) | Value::Named(number, _)) => number.to_string(),
        ('x', Value::Integer(number)) => format!("{number:x}"),
        ('c', Value::Integer(number)) => u32::try_from(*number)
            .ok()
            .and_then(char::from_u32)
            .map_or_else(wrong, String::from),
        ('t', Value::Bool(value)) => value.to_string(),
        _ => wrong(),
    }
}

/// Go's `Sprint`: a space stands between two values of which none is a text.
pub(super) fn print(values: &[Value]) -> String {
    let mut output = String::new();
    for (at, value) in values.iter().enumerate() {
        let is_text = |value: &Value| matches!(value, Value::Text(_));
        if at > 0 && !is_text(value) && !is_text(&values[at - 1]) {
            output.push(' ');
        }
        output.push_str(&value.to_text());
    }
    output
}
