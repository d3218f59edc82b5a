//! What an account is opened with, as JSON that only the provider's crate understands, and the
//! secrets within it, which are never shown.

use std::collections::BTreeMap;

use serde_json::Value;
use yunhai_model::Secret;

use crate::error::{Error, Result};

/// Reads what people entered.
pub(crate) fn parse(access: &Secret) -> Result<Value> {
    // The parser's words can repeat what was read, a secret among it.
    serde_json::from_str(access.expose())
        .ok()
        .filter(Value::is_object)
        .ok_or_else(|| Error::Invalid(vec!["access: is no JSON object".to_owned()]))
}

/// Takes the secrets out, and leaves `null` in their places.
pub(crate) fn shown(access: &Value, secret_fields: &[&str]) -> Value {
    match access {
        Value::Object(fields) => fields
            .iter()
            .map(|(name, value)| {
                let value = if secret_fields.contains(&name.as_str()) {
                    Value::Null
                } else {
                    shown(value, secret_fields)
                };
                (name.clone(), value)
            })
            .collect(),
        other => other.clone(),
    }
}

/// Puts the secrets that were there in the places of those that are absent or `null`, where they
/// belong to the same key: where everything beside them stayed. Whoever changes where it is asked,
/// by a field whose name ends with `endpoint`, has to know them, as they are of use there.
pub(crate) fn with_kept_secrets(access: Value, before: &Value, secret_fields: &[&str]) -> Value {
    if endpoints(&access) == endpoints(before) {
        kept(access, before, secret_fields)
    } else {
        access
    }
}

fn endpoints(access: &Value) -> BTreeMap<&String, &Value> {
    let fields = access.as_object().into_iter().flatten();
    fields
        .filter(|(name, value)| name.ends_with("endpoint") && !value.is_null())
        .collect()
}

fn kept(access: Value, before: &Value, secret_fields: &[&str]) -> Value {
    let (Value::Object(fields), Value::Object(before)) = (&access, before) else {
        return access;
    };
    let is_secret = |name: &String| secret_fields.contains(&name.as_str());
    let is_same = fields
        .iter()
        .filter(|(name, value)| !is_secret(name) && !value.is_null())
        .all(|(name, value)| before.get(name) == Some(value));
    let mut whole: serde_json::Map<String, Value> = fields
        .iter()
        .map(|(name, value)| {
            let old = before.get(name).unwrap_or(&Value::Null);
            let value = kept(value.clone(), old, secret_fields);
            (name.clone(), value)
        })
        .collect();
    for (name, old) in before.iter().filter(|(name, _)| is_same && is_secret(name)) {
        let is_left_out = whole.get(name).is_none_or(Value::is_null);
        if is_left_out {
            whole.insert(name.clone(), old.clone());
        }
    }
    Value::Object(whole)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const SECRETS: &[&str] = &["secret_access_key"];

    #[test]
    fn secrets_are_taken_out_wherever_they_stand() {
        let access = json!({
            "credentials": { "kind": "keys", "access_key_id": "AKIA1", "secret_access_key": "s" },
            "regions": ["eu-central-1"],
        });
        assert_eq!(
            shown(&access, SECRETS),
            json!({
                "credentials": {
                    "kind": "keys", "access_key_id": "AKIA1", "secret_access_key": null,
                },
                "regions": ["eu-central-1"],
            })
        );
    }

    #[test]
    fn secrets_that_are_not_entered_again_stay_unless_they_are_of_another_key() {
        let before = json!({
            "credentials": { "kind": "keys", "access_key_id": "AKIA1", "secret_access_key": "s" },
            "regions": [],
        });
        let regions = json!({
            "credentials": { "kind": "keys", "access_key_id": "AKIA1", "secret_access_key": null },
            "regions": ["eu-central-1"],
        });
        let kept = with_kept_secrets(regions, &before, SECRETS);
        assert_eq!(kept["credentials"]["secret_access_key"], "s");
        assert_eq!(kept["regions"], json!(["eu-central-1"]));
        let other_key = json!({
            "credentials": { "kind": "keys", "access_key_id": "AKIA2", "secret_access_key": null },
        });
        let other = with_kept_secrets(other_key, &before, SECRETS);
        assert_eq!(other["credentials"]["secret_access_key"], Value::Null);
        let elsewhere = json!({
            "credentials": { "kind": "keys", "access_key_id": "AKIA1", "secret_access_key": null },
            "regions": [],
            "endpoint": "https://cloud.example",
        });
        let other = with_kept_secrets(elsewhere, &before, SECRETS);
        assert_eq!(other["credentials"]["secret_access_key"], Value::Null);
        let signed_in_elsewhere = json!({
            "credentials": { "kind": "keys", "access_key_id": "AKIA1", "secret_access_key": null },
            "regions": [],
            "login_endpoint": "https://cloud.example",
        });
        let other = with_kept_secrets(signed_in_elsewhere, &before, SECRETS);
        assert_eq!(other["credentials"]["secret_access_key"], Value::Null);
        let role = json!({ "credentials": { "kind": "instance_role" } });
        let other = with_kept_secrets(role, &before, SECRETS);
        assert_eq!(other["credentials"], json!({ "kind": "instance_role" }));
    }
}
