//! The shape of a request's JSON: objects stand where the API's description has objects.
//!
//! Serde takes a list for a structure, too, and gives its fields the list's entries in their order:
//! `["open", 5]` would pass for settings, and mean something else once a field is added. All else
//! that a body can be wrong in is refused where it is read.

use std::sync::LazyLock;

use serde_json::{Value, json};
use yunhai_api_types::{Fault, Problem, ProblemCode};

use crate::error::ApiResult;

/// What the API's description says of the bodies.
static SCHEMAS: LazyLock<Value> = LazyLock::new(|| {
    let mut description = serde_json::to_value(crate::routes::openapi()).unwrap_or_default();
    description["components"]["schemas"].take()
});

/// Refuses a body in which a list stands where an object is described. `name` is the body's in the
/// description; one that is not described there is an object.
pub(crate) fn check(name: &str, body: &[u8]) -> ApiResult<()> {
    // What is no JSON has been refused with its place by now.
    let Ok(body) = serde_json::from_slice(body) else {
        return Ok(());
    };
    let any = json!({"type": "object"});
    let schema = SCHEMAS.get(name).unwrap_or(&any);
    let Some(pointer) = misplaced_list(schema, &body) else {
        return Ok(());
    };
    let place = if pointer.is_empty() {
        "the body"
    } else {
        &pointer
    };
    let detail = format!("{place} must be a JSON object, not a list");
    let fault = Fault {
        pointer: Some(pointer),
        detail: "must be a JSON object, not a list".to_owned(),
        ..Fault::default()
    };
    let problem = Problem::new(ProblemCode::ValidationFailed, detail);
    Err(problem.with_errors(vec![fault]).into())
}

/// Finds the first list that should be an object, and returns the JSON pointer to it.
///
/// The pointer is written on the way back: bodies without a fault, which anybody can make long,
/// cost no text for each of their entries.
fn misplaced_list(schema: &Value, value: &Value) -> Option<String> {
    if let Some(schema) = referred(schema) {
        return misplaced_list(schema, value);
    }
    if let Some(parts) = schema["allOf"].as_array() {
        return parts.iter().find_map(|part| misplaced_list(part, value));
    }
    if let Some(choices) = schema["oneOf"].as_array() {
        // Which of them is meant nobody knows before it is read: one that fits is enough. A `null`
        // fits nothing but itself.
        let mut faults = choices
            .iter()
            .filter(|choice| choice["type"] != "null")
            .map(|choice| misplaced_list(choice, value));
        let first = faults.next()?;
        return if faults.any(|fault| fault.is_none()) {
            None
        } else {
            first
        };
    }
    let is = |kind: &str| match &schema["type"] {
        Value::Array(kinds) => kinds.iter().any(|one| one == kind),
        one => one == kind,
    };
    match value {
        Value::Array(_) if is("object") && !is("array") => Some(String::new()),
        Value::Array(entries) => entries.iter().enumerate().find_map(|(at, entry)| {
            let below = misplaced_list(&schema["items"], entry)?;
            Some(format!("/{at}{below}"))
        }),
        Value::Object(fields) => fields.iter().find_map(|(name, field)| {
            let described = schema["properties"].get(name);
            let schema = described.unwrap_or(&schema["additionalProperties"]);
            let below = misplaced_list(schema, field)?;
            let name = name.replace('~', "~0").replace('/', "~1");
            Some(format!("/{name}{below}"))
        }),
        _ => None,
    }
}

/// Follows a reference to another part of the description.
fn referred(schema: &Value) -> Option<&'static Value> {
    let name = schema["$ref"].as_str()?.rsplit('/').next()?;
    SCHEMAS.get(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(name: &str, body: &str) -> Option<String> {
        let error = check(name, body.as_bytes()).err()?;
        error.0.errors[0].pointer.clone()
    }

    #[test]
    fn a_list_is_no_object() {
        let settings = "UpdateSettingsRequest";
        assert_eq!(fault(settings, "[null, null]").as_deref(), Some(""));
        assert_eq!(fault(settings, r#"{"registration": "open"}"#), None);
        assert_eq!(fault("Undescribed", "[]").as_deref(), Some(""));
        assert_eq!(fault("Undescribed", r#"{"a": [[1]]}"#), None);
    }

    #[test]
    fn the_list_is_named_wherever_it_stands() {
        let body = r#"{"matchers": [["server", "=", "a"]], "duration_secs": 60}"#;
        let silence = "CreateSilenceRequest";
        assert_eq!(fault(silence, body).as_deref(), Some("/matchers/0"));
    }

    #[test]
    fn every_body_is_found_in_the_description() {
        let description = serde_json::to_value(crate::routes::openapi()).unwrap();
        let paths = description["paths"].as_object().unwrap();
        let names: Vec<&str> = paths
            .values()
            .flat_map(|path| path.as_object().unwrap().values())
            .filter_map(|operation| {
                operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].as_str()
            })
            .map(|reference| reference.rsplit('/').next().unwrap())
            .collect();
        assert!(names.len() > 20, "{names:?}");
        for name in names {
            assert_eq!(fault(name, "[]").as_deref(), Some(""), "{name}");
        }
    }
}
