//! Google's own description of its interfaces, and what does not agree with it.

use std::collections::BTreeMap;

use anyhow::Context as _;
use axum::body::Bytes;
use axum::http::{Method, Uri};
use regex::Regex;
use serde_json::{Map, Value};

use crate::python::installed;

/// The parameter that descriptions name and no list of parameters has.
const PARTIAL: &str = "returnPartialSuccess";

/// A request, taken apart.
pub(super) struct Question {
    pub(super) method: String,
    /// The parts of the path.
    pub(super) path: Vec<String>,
    pub(super) query: Vec<(String, String)>,
    pub(super) body: Option<Value>,
    has_broken_body: bool,
}

impl Question {
    pub(super) fn of(method: &Method, uri: &Uri, body: &Bytes) -> Self {
        let query = url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
        let read = serde_json::from_slice(body);
        Self {
            method: method.to_string(),
            path: uri.path().split('/').skip(1).map(str::to_owned).collect(),
            query: query.into_owned().collect(),
            has_broken_body: !body.is_empty() && read.is_err(),
            body: read.ok(),
        }
    }

    /// The part of the path that follows another one.
    pub(super) fn part_after(&self, before: &str) -> Option<&str> {
        let at = self.path.iter().position(|part| part == before)?;
        self.path.get(at + 1).map(String::as_str)
    }

    /// A parameter of the query.
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        let found = self.query.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }
}

/// A method of an interface.
pub(super) struct Described {
    /// `compute.instances.insert`.
    pub(super) id: String,
    http: String,
    path: Vec<String>,
    description: String,
    parameters: Map<String, Value>,
    request: Option<String>,
    response: Option<String>,
    document: usize,
}

/// The documents of Compute Engine and Cloud Monitoring.
pub(super) struct Discovery {
    documents: Vec<Value>,
    methods: Vec<Described>,
}

impl Discovery {
    /// Reads the documents that google-api-python-client brings along.
    pub(super) fn load() -> anyhow::Result<Self> {
        let mut discovery = Self {
            documents: Vec::new(),
            methods: Vec::new(),
        };
        for name in ["compute.v1.json", "monitoring.v3.json"] {
            let path = "site-packages/googleapiclient/discovery_cache/documents";
            let lib = installed("target/venv/lib")?;
            let file = std::fs::read_dir(lib)?
                .filter_map(Result::ok)
                .map(|python| python.path().join(path).join(name))
                .find(|file| file.exists())
                .with_context(|| {
                    format!("{name} is missing: `cargo xtask test --only install` brings it")
                })?;
            let document: Value = serde_json::from_slice(&std::fs::read(file)?)?;
            let base = document["servicePath"].as_str().unwrap_or_default();
            let base = base.to_owned();
            let number = discovery.documents.len();
            discovery.add(&document["resources"], &base, number);
            discovery.documents.push(document);
        }
        Ok(discovery)
    }

    fn add(&mut self, resources: &Value, base: &str, document: usize) {
        for resource in resources.as_object().into_iter().flat_map(Map::values) {
            let methods = resource["methods"].as_object();
            for method in methods.into_iter().flat_map(Map::values) {
                let text = |name: &str| method[name].as_str().unwrap_or_default().to_owned();
                let path = format!("{base}{}", text("flatPath"));
                let of = |name: &str| method[name]["$ref"].as_str().map(str::to_owned);
                self.methods.push(Described {
                    id: text("id"),
                    http: text("httpMethod"),
                    path: path.split('/').map(str::to_owned).collect(),
                    description: text("description"),
                    parameters: method["parameters"]
                        .as_object()
                        .cloned()
                        .unwrap_or_default(),
                    request: of("request"),
                    response: of("response"),
                    document,
                });
            }
            self.add(&resource["resources"], base, document);
        }
    }

    /// Finds what is called, and tells what does not agree with its description.
    pub(super) fn check_question(&self, question: &Question) -> (Option<&Described>, Vec<String>) {
        let is_called = |method: &&Described| {
            method.http == question.method
                && method.path.len() == question.path.len()
                && method
                    .path
                    .iter()
                    .zip(&question.path)
                    .all(|(wanted, part)| wanted.starts_with('{') || wanted == part)
        };
        // `family/{family}` goes before `{image}`.
        let found = self
            .methods
            .iter()
            .filter(is_called)
            .min_by_key(|method| method.path.iter().filter(|p| p.starts_with('{')).count());
        let Some(method) = found else {
            let path = question.path.join("/");
            return (None, vec![format!("no method {} {path}", question.method)]);
        };
        let mut faults = self.check_query(method, question);
        for (wanted, part) in method.path.iter().zip(&question.path) {
            let name = wanted.trim_matches(['{', '}']);
            let pattern = method.parameters.get(name).map(|about| &about["pattern"]);
            if let Some(pattern) = pattern.and_then(Value::as_str)
                && !Regex::new(&format!("^(?:{pattern})$")).is_ok_and(|p| p.is_match(part))
            {
                faults.push(format!("`{part}` is no {name}"));
            }
        }
        match (&method.request, &question.body) {
            _ if question.has_broken_body => faults.push("the body is no JSON".to_owned()),
            (Some(schema), Some(body)) => {
                let schemas = &self.documents[method.document]["schemas"];
                check(schemas, &schemas[schema], body, schema, &mut faults);
            }
            (Some(_), None) => faults.push("the body is missing".to_owned()),
            (None, Some(_)) => faults.push("there is a body".to_owned()),
            (None, None) => {}
        }
        (Some(method), faults)
    }

    fn check_query(&self, method: &Described, question: &Question) -> Vec<String> {
        let mut faults = Vec::new();
        let mut given: BTreeMap<&str, usize> = BTreeMap::new();
        let of_all = &self.documents[method.document]["parameters"];
        for (name, value) in &question.query {
            *given.entry(name).or_default() += 1;
            let is_query = |about: &&Value| about["location"] == "query";
            let own = method.parameters.get(name).filter(is_query);
            let Some(about) = own.or_else(|| of_all.get(name)) else {
                if !(name == PARTIAL && method.description.contains(PARTIAL)) {
                    faults.push(format!("Cannot bind query parameter `{name}`"));
                }
                continue;
            };
            let is_right = match about["type"].as_str() {
                Some("integer") => value.parse::<i64>().is_ok(),
                Some("boolean") => matches!(value.as_str(), "true" | "false"),
                _ => match about["enum"].as_array() {
                    Some(words) => words.iter().any(|word| word == value.as_str()),
                    None => true,
                },
            };
            if !is_right {
                faults.push(format!("`{value}` is no {name}"));
            }
            if given[name.as_str()] > 1 && about["repeated"] != true {
                faults.push(format!("`{name}` is given twice"));
            }
        }
        for (name, about) in &method.parameters {
            let is_needed = about["required"] == true && about["location"] == "query";
            if is_needed && !given.contains_key(name.as_str()) {
                faults.push(format!("`{name}` is missing"));
            }
        }
        faults
    }

    /// Tells what in an answer does not agree with the description.
    pub(super) fn check_answer(&self, id: &str, answer: &Value) -> Vec<String> {
        let mut faults = Vec::new();
        let method = self.methods.iter().find(|method| method.id == id);
        if let Some(method) = method
            && let Some(schema) = &method.response
        {
            let schemas = &self.documents[method.document]["schemas"];
            check(schemas, &schemas[schema], answer, schema, &mut faults);
        }
        faults
    }
}

/// Holds a value against a schema of a discovery document.
fn check(schemas: &Value, schema: &Value, value: &Value, at: &str, faults: &mut Vec<String>) {
    if let Some(name) = schema["$ref"].as_str() {
        return check(schemas, &schemas[name], value, at, faults);
    }
    let is_right = match schema["type"].as_str() {
        Some("object") => value.is_object(),
        Some("array") => value.is_array(),
        Some("string") => is_text(schema, value),
        Some("integer") => value.is_i64() || value.is_u64(),
        Some("number") => value.is_number(),
        Some("boolean") => value.is_boolean(),
        Some("any") => true,
        _ => false,
    };
    if !is_right {
        faults.push(format!("{at}: {value} is no {schema}"));
        return;
    }
    for (number, item) in value.as_array().into_iter().flatten().enumerate() {
        check(
            schemas,
            &schema["items"],
            item,
            &format!("{at}[{number}]"),
            faults,
        );
    }
    for (name, item) in value.as_object().into_iter().flatten() {
        let at = format!("{at}.{name}");
        let known = schema["properties"].get(name);
        match known.or_else(|| schema.get("additionalProperties")) {
            Some(schema) => check(schemas, schema, item, &at, faults),
            None if schema["type"] == "any" => {}
            None => faults.push(format!("{at}: there is no such field")),
        }
    }
}

fn is_text(schema: &Value, value: &Value) -> bool {
    let Some(text) = value.as_str() else {
        return false;
    };
    let is_of_format = match schema["format"].as_str() {
        Some("int64") => text.parse::<i64>().is_ok(),
        Some("uint64") => text.parse::<u64>().is_ok(),
        Some("google-datetime" | "date-time") => text.parse::<jiff::Timestamp>().is_ok(),
        _ => true,
    };
    let words = schema["enum"].as_array();
    is_of_format && words.is_none_or(|words| words.iter().any(|word| word == text))
}
