//! The page of the configuration says what the code says: its keys are known, its defaults those
//! of the code.

use super::{Config, read};

const PAGE: &str = include_str!("../../../../docs/configuration.md");

/// A row of the page: table of the file, key, and what stands as the default.
fn rows() -> Vec<(&'static str, &'static str, &'static str)> {
    let mut table = None;
    let mut rows = Vec::new();
    for line in PAGE.lines() {
        if let Some(title) = line.strip_prefix("## ") {
            table = title
                .strip_prefix("`[")
                .and_then(|rest| rest.split_once("]`"))
                .map(|(name, _)| name)
                .or_else(|| (title == "At the top").then_some(""));
        }
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        if let (Some(table), [_, key, default, _, ..]) = (table, cells.as_slice())
            && let Some(key) = code(key)
        {
            rows.push((table, key, *default));
        }
    }
    rows
}

/// What stands between back-ticks, where nothing stands beside them.
fn code(cell: &str) -> Option<&str> {
    let inner = cell.strip_prefix('`')?.strip_suffix('`')?;
    (!inner.contains('`')).then_some(inner)
}

fn file(table: &str, key: &str, value: &str) -> String {
    if table.is_empty() {
        return format!("{key} = {value}");
    }
    format!("[{table}]\n{key} = {value}")
}

#[test]
fn documented_keys_are_known() {
    for (table, key, _) in rows() {
        // Hardly any key takes a number below zero: what counts is what else is told.
        if let Err(faults) = read::read(&file(table, key, "-1")) {
            assert!(!faults[0].contains("there is no key"), "{faults:?}");
        }
    }
}

#[test]
fn documented_defaults_are_those_of_the_code() {
    let expected = format!("{:?}", Config::default());
    let mut checked = 0;
    for (table, key, default) in rows() {
        let Some(default) = code(default) else {
            continue;
        };
        let bare = default.parse::<u64>().is_ok() || ["true", "false"].contains(&default);
        let value = if bare || default.starts_with('{') {
            default.to_owned()
        } else {
            format!("\"{default}\"")
        };
        let config = read::read(&file(table, key, &value))
            .unwrap_or_else(|faults| panic!("{table}.{key}: {faults:?}"));
        assert_eq!(format!("{config:?}"), expected, "{table}.{key}");
        checked += 1;
    }
    assert!(checked >= 40, "only {checked} defaults were found");
}
