//! The interface is complete in both languages.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use serde_json::Value;

use super::Fault;

const FOLDER: &str = "web/src/locales";
const LANGUAGES: [&str; 2] = ["en", "zh-CN"];

/// Checks that both languages have the same texts, that none is empty, and that each names the
/// same `{{placeholders}}`.
pub(super) fn check(root: &Path) -> Result<Vec<Fault>> {
    let [english, chinese] = LANGUAGES.map(|language| read(root, language));
    Ok(compare(&english?, &chinese?))
}

fn read(root: &Path, language: &str) -> Result<BTreeMap<String, String>> {
    let path = root.join(FOLDER).join(format!("{language}.json"));
    let text = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
    let value: Value =
        serde_json::from_str(&text).with_context(|| format!("reading {}", path.display()))?;
    let mut texts = BTreeMap::new();
    flatten("", &value, &mut texts);
    Ok(texts)
}

fn flatten(key: &str, value: &Value, texts: &mut BTreeMap<String, String>) {
    match value {
        Value::Object(entries) => {
            for (name, entry) in entries {
                let key = if key.is_empty() {
                    name.clone()
                } else {
                    format!("{key}.{name}")
                };
                flatten(&key, entry, texts);
            }
        }
        Value::String(text) => {
            texts.insert(key.to_owned(), text.clone());
        }
        other => {
            texts.insert(key.to_owned(), other.to_string());
        }
    }
}

fn compare(english: &BTreeMap<String, String>, chinese: &BTreeMap<String, String>) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (language, texts, other) in [("en", english, chinese), ("zh-CN", chinese, english)] {
        let file = format!("{FOLDER}/{language}.json");
        for (key, text) in texts {
            if text.trim().is_empty() {
                faults.push(Fault::new(&file, format!("`{key}` is empty")));
            }
        }
        for key in other.keys().filter(|key| !has(texts, key)) {
            faults.push(Fault::new(&file, format!("`{key}` is missing")));
        }
    }
    for (key, text) in english {
        if let Some(translation) = chinese.get(key)
            && placeholders(text) != placeholders(translation)
        {
            faults.push(Fault::new(
                format!("{FOLDER}/zh-CN.json"),
                format!("`{key}` has other placeholders than in English"),
            ));
        }
    }
    faults
}

/// Whether a language has a text; English has a form for one and for several, Chinese has one
/// form only.
fn has(texts: &BTreeMap<String, String>, key: &str) -> bool {
    texts.contains_key(key)
        || key
            .strip_suffix("_one")
            .is_some_and(|stem| texts.contains_key(&format!("{stem}_other")))
}

fn placeholders(text: &str) -> BTreeSet<&str> {
    text.split("{{")
        .skip(1)
        .filter_map(|rest| rest.split_once("}}"))
        .map(|(name, _)| name.split(',').next().unwrap_or(name).trim())
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn texts(value: &Value) -> BTreeMap<String, String> {
        let mut texts = BTreeMap::new();
        flatten("", value, &mut texts);
        texts
    }

    fn faults(english: &Value, chinese: &Value) -> Vec<String> {
        compare(&texts(english), &texts(chinese))
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    #[test]
    fn equal_languages_have_no_fault() {
        let english = json!({ "alerts": { "title": "Alerts", "n_one": "{{count}} alert", "n_other": "{{count}} alerts" } });
        let chinese = json!({ "alerts": { "title": "告警", "n_other": "{{count}} 条告警" } });
        assert_eq!(faults(&english, &chinese), Vec::<String>::new());
    }

    #[test]
    fn missing_empty_and_differing_texts_are_all_named() {
        let english = json!({ "title": "Alerts", "hello": "Hello {{name}}", "only": "x" });
        let chinese = json!({ "title": " ", "hello": "你好 {{user}}", "extra": "y" });
        assert_eq!(
            faults(&english, &chinese),
            [
                "web/src/locales/en.json: `extra` is missing",
                "web/src/locales/zh-CN.json: `title` is empty",
                "web/src/locales/zh-CN.json: `only` is missing",
                "web/src/locales/zh-CN.json: `hello` has other placeholders than in English",
            ]
        );
    }
}
