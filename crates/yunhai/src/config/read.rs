//! Reads the configuration file and tells every fault of it at once: what a key is called, where
//! it stands, and which known key was probably meant.

use std::borrow::Cow;
use std::ops::Range;

use serde::Deserialize;
use toml::de::{DeTable, DeValue};

use super::Config;

/// How many faults are told at most.
const MOST_FAULTS: usize = 20;

/// Reads a configuration, or returns its faults in the order of the file.
pub(super) fn read(text: &str) -> Result<Config, Vec<String>> {
    let mut document = DeTable::parse(text).map_err(|error| vec![syntax_fault(text, &error)])?;
    let mut faults: Vec<(usize, String)> = Vec::new();
    // What is wrong is taken out and the rest read again, until nothing is wrong any more.
    while faults.len() < MOST_FAULTS {
        let deserializer = toml::Deserializer::from(document.clone());
        let error = match Config::deserialize(deserializer) {
            Ok(config) if faults.is_empty() => return Ok(config),
            Ok(_) => break,
            Err(error) => error,
        };
        let Some(span) = error.span() else {
            faults.push((0, without_value(error.message()).into_owned()));
            break;
        };
        let place = place(text, span.start);
        let Some(key) = take_out(document.get_mut(), &span) else {
            faults.push((
                span.start,
                format!("{place}: {}", without_value(error.message())),
            ));
            break;
        };
        let fault = match unknown_key(&key, error.message()) {
            Some(told) => format!("{place}: {told}"),
            None => format!(
                "{place}: {}: {}",
                key.join("."),
                without_value(error.message())
            ),
        };
        faults.push((span.start, fault));
    }
    faults.sort();
    Err(faults.into_iter().map(|(_, fault)| fault).collect())
}

fn syntax_fault(text: &str, error: &toml::de::Error) -> String {
    let start = error.span().map_or(0, |span| span.start);
    format!("{}: {}", place(text, start), error.message())
}

/// Writes where a byte of the text stands.
fn place(text: &str, at: usize) -> String {
    let before = text.get(..at).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
    format!("line {line}, column {column}")
}

/// Takes the value out of what is said of one of the wrong type: it may be a secret, such as the
/// keys of a bucket that were written as one text.
fn without_value(message: &str) -> Cow<'_, str> {
    let Some((found, expected)) = message
        .strip_prefix("invalid type: ")
        .and_then(|rest| rest.rsplit_once(", expected "))
    else {
        return message.into();
    };
    let kind = found
        .split(['`', '"'])
        .next()
        .unwrap_or_default()
        .trim_end();
    format!("invalid type: {kind}, expected {expected}").into()
}

/// Takes the innermost entry out that a fault concerns, and returns the path of its key.
fn take_out(table: &mut DeTable<'_>, fault: &Range<usize>) -> Option<Vec<String>> {
    let covers = |span: Range<usize>| span.start <= fault.start && fault.end <= span.end;
    let mut here = None;
    for (key, value) in table.iter_mut() {
        if let DeValue::Table(inner) = value.get_mut()
            && let Some(mut path) = take_out(inner, fault)
        {
            path.insert(0, key.get_ref().to_string());
            return Some(path);
        }
        if covers(key.span()) || covers(value.span()) {
            here = Some(key.get_ref().to_string());
            break;
        }
    }
    let name = here?;
    table.remove(name.as_str());
    Some(vec![name])
}

/// Tells of a key that does not exist, where that is the fault.
fn unknown_key(path: &[String], message: &str) -> Option<String> {
    let rest = message.strip_prefix("unknown field `")?;
    let (name, rest) = rest.split_once('`')?;
    let known = rest
        .split('`')
        .skip(1)
        .step_by(2)
        .max_by(|a, b| likeness(name, a).total_cmp(&likeness(name, b)))
        .filter(|known| likeness(name, known) > 0.7);
    let parent = match path.split_last() {
        Some((last, parent)) if last == name => parent,
        _ => path,
    };
    let full = |name: &str| {
        parent
            .iter()
            .map(String::as_str)
            .chain([name])
            .collect::<Vec<_>>()
            .join(".")
    };
    let hint = known.map_or(String::new(), |known| {
        format!("; did you mean `{}`?", full(known))
    });
    Some(format!("there is no key `{}`{hint}", full(name)))
}

fn likeness(a: &str, b: &str) -> f64 {
    strsim::jaro_winkler(a, b)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(text: &str) -> Vec<String> {
        read(text).unwrap_err()
    }

    #[test]
    fn an_unknown_key_is_named_with_its_place_and_the_nearest_known_one() {
        assert_eq!(
            faults("[server]\nlissten = \"x\"\n"),
            ["line 2, column 1: there is no key `server.lissten`; did you mean `server.listen`?"]
        );
        assert_eq!(
            faults("databse = \"x\"\n"),
            ["line 1, column 1: there is no key `databse`; did you mean `database`?"]
        );
        assert_eq!(
            faults("[servers]\nlisten = \"x\"\n"),
            ["line 1, column 2: there is no key `servers`; did you mean `server`?"]
        );
        assert_eq!(
            faults("zzz = 1"),
            ["line 1, column 1: there is no key `zzz`"]
        );
    }

    #[test]
    fn every_fault_is_told_at_once() {
        let told = faults(
            "[server]\nmax_body = \"lots\"\nlissten = \"x\"\n[collect]\ninterval = 5\n\
             [identity]\nregistration = \"all\"\n",
        );
        assert_eq!(told.len(), 4, "{told:#?}");
        assert!(told[0].starts_with("line 2, column 12: server.max_body: `lots` is not a size"));
        assert!(told[1].starts_with("line 3, column 1: there is no key `server.lissten`"));
        assert!(told[2].starts_with("line 5, column 12: collect.interval: "));
        assert!(told[3].starts_with("line 7, column 16: identity.registration: "));
    }

    #[test]
    fn a_value_of_the_wrong_type_is_not_shown() {
        let told = faults(
            "database = 4711\n[series]\nblocks_settings = \"aws_secret=geheim, expected x\"\n\
             [collect]\ntags = [\"geheim\"]\n[identity]\npassword_min_length = \"geheim\"\n",
        );
        assert_eq!(
            told,
            [
                "line 1, column 12: database: invalid type: integer, expected a string",
                "line 3, column 19: series.blocks_settings: invalid type: string, expected a map",
                "line 5, column 8: collect.tags: invalid type: sequence, expected a map",
                "line 7, column 23: identity.password_min_length: invalid type: string, expected usize",
            ]
        );
        let told = faults("[series]\nblocks_settings = { aws_secret_access_key = 4711 }\n");
        assert!(
            told[0].ends_with("invalid type: integer, expected a string"),
            "{told:?}"
        );
    }

    #[test]
    fn broken_toml_is_told_with_its_place() {
        assert_eq!(
            faults("a = 1\n[server\n"),
            ["line 2, column 8: unclosed table, expected `]`"]
        );
    }
}
