//! Prints tables for people and JSON for programs.

use comfy_table::presets::UTF8_BORDERS_ONLY;
use comfy_table::{ContentArrangement, Table};
use serde::Serialize;

/// How to print.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// A table for people
    #[default]
    Table,
    /// JSON for programs
    Json,
}

/// Prints things as a table with a row each, or as they are in JSON. A table without rows would
/// look like one that lacks something.
pub(crate) fn print_rows<T: Serialize, const N: usize>(
    format: Format,
    items: &[T],
    header: [&str; N],
    row: impl Fn(&T) -> [String; N],
) {
    match format {
        Format::Json => print_json(&items),
        Format::Table if items.is_empty() => print_text("There is nothing to show."),
        Format::Table => {
            let mut table = new_table();
            table.set_header(header);
            for item in items {
                table.add_row(row(item));
            }
            print_text(&table.to_string());
        }
    }
}

/// Prints one thing as a list of its fields, or as it is in JSON.
pub(crate) fn print_fields<T: Serialize>(format: Format, item: &T, fields: &[(&str, String)]) {
    match format {
        Format::Json => print_json(item),
        Format::Table => {
            let mut table = new_table();
            for (name, value) in fields {
                table.add_row([*name, value]);
            }
            print_text(&table.to_string());
        }
    }
}

/// Prints what was done, or the thing itself in JSON.
pub(crate) fn print_done<T: Serialize>(format: Format, item: &T, sentence: &str) {
    match format {
        Format::Json => print_json(item),
        Format::Table => print_text(sentence),
    }
}

/// Prints JSON.
pub(crate) fn print_json(value: &impl Serialize) {
    print_text(&serde_json::to_string_pretty(value).expect("plain data is JSON"));
}

/// Prints a text to the standard output; a reader that has gone, as in `| head`, is no error.
pub(crate) fn print_text(text: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}

const PIPE_WIDTH: u16 = 160;

fn new_table() -> Table {
    let mut table = Table::new();
    *table.style_mut() = UTF8_BORDERS_ONLY;
    table.set_content_arrangement(ContentArrangement::Dynamic);
    if !table.is_tty() {
        // A file or a pipe has no width of its own.
        table.set_width(PIPE_WIDTH);
    }
    table
}

/// Writes a time in the user's zone.
pub(crate) fn time(timestamp_ms: impl Into<Option<i64>>) -> String {
    timestamp_ms
        .into()
        .and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok())
        .map_or("–".to_owned(), |timestamp| {
            timestamp
                .to_zoned(jiff::tz::TimeZone::system())
                .strftime("%Y-%m-%d %H:%M:%S")
                .to_string()
        })
}

/// Writes a ratio as a percentage.
pub(crate) fn percent(ratio: Option<f64>) -> String {
    ratio.map_or("–".to_owned(), |ratio| format!("{:.1} %", ratio * 100.0))
}

/// Writes bytes with a binary unit.
pub(crate) fn bytes(value: Option<f64>) -> String {
    let Some(mut value) = value else {
        return "–".to_owned();
    };
    let mut unit = "B";
    for next in ["KiB", "MiB", "GiB", "TiB"] {
        if value.abs() < 1024.0 {
            break;
        }
        value /= 1024.0;
        unit = next;
    }
    format!("{value:.1} {unit}")
}

/// Writes a value of the API by its name there.
pub(crate) fn word(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(name)) => name,
        Ok(other) => other.to_string(),
        Err(_) => String::new(),
    }
}

/// Writes an optional text.
pub(crate) fn optional(text: Option<&str>) -> String {
    text.unwrap_or("–").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_read_well() {
        assert_eq!(bytes(Some(1536.0)), "1.5 KiB");
        assert_eq!(percent(Some(0.256)), "25.6 %");
        assert_eq!(percent(None), "–");
    }
}
