//! What is done with texts: parts of addresses, pieces, and escaping.

use std::fmt::Write;

pub(super) fn title(text: &str) -> String {
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
pub(super) fn strip_port(text: &str) -> &str {
    if let Some(rest) = text.strip_prefix('[') {
        return rest.split_once("]:").map_or(text, |(host, _)| host);
    }
    match text.split_once(':') {
        Some((host, port)) if !port.contains(':') => host,
        _ => text,
    }
}

pub(super) fn strip_domain(text: &str) -> String {
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

pub(super) fn url_escape(text: &str) -> String {
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

/// Escapes for HTML, as Go does.
pub(super) fn html_escape(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        match c {
            '\0' => escaped.push('\u{fffd}'),
            '"' => escaped.push_str("&#34;"),
            '\'' => escaped.push_str("&#39;"),
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            other => escaped.push(other),
        }
    }
    escaped
}

/// Escapes for a text in JavaScript, as Go does.
pub(super) fn js_escape(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        match c {
            '\\' | '\'' | '"' => {
                escaped.push('\\');
                escaped.push(c);
            }
            '<'
            | '>'
            | '&'
            | '='
            | '\0'..='\u{1f}'
            | '\u{80}'..='\u{9f}'
            | '\u{2028}'
            | '\u{2029}' => {
                let _ = write!(escaped, "\\u{:04X}", c as u32);
            }
            other => escaped.push(other),
        }
    }
    escaped
}

/// The bytes of a text from `from` up to `to`.
pub(super) fn slice(text: &str, from: i64, to: Option<i64>) -> Result<String, String> {
    let length = text.len() as i64;
    let to = to.unwrap_or(length);
    for at in [from, to] {
        if !(0..=length).contains(&at) {
            return Err(format!("{at} is out of range"));
        }
    }
    if from > to {
        return Err(format!("{from} is behind {to}"));
    }
    let piece = &text.as_bytes()[from as usize..to as usize];
    Ok(String::from_utf8_lossy(piece).into_owned())
}
