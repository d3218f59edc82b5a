//! A crate depends on lower layers only, and takes over the workspace's lints.
//!
//! The layer stands in each `Cargo.toml` as `[package.metadata.yunhai] layer = N`. Layer −1 is
//! for what only tests use. `xtask` has no layer and may use anything, and nothing may use it.

use std::collections::BTreeMap;
use std::fs;

use anyhow::{Context as _, Result};
use serde_json::Value;

use super::Fault;
use crate::workspace::Workspace;

/// The layer of crates that no shipped crate may need.
const TESTS_ONLY: i64 = -1;

/// Checks the dependencies among our own crates, given as `cargo metadata` describes them.
pub(super) fn check(packages: &[Value]) -> Vec<Fault> {
    let mut faults = Vec::new();
    let mut layers = BTreeMap::new();
    for package in packages.iter().filter(|package| name(package) != "xtask") {
        match package["metadata"]["yunhai"]["layer"].as_i64() {
            Some(layer) => {
                layers.insert(name(package), layer);
            }
            None => faults.push(Fault::new(
                manifest_of(package),
                "has no `[package.metadata.yunhai] layer`",
            )),
        }
    }
    for package in packages {
        let Some(&layer) = layers.get(name(package)) else {
            continue;
        };
        for dependency in package["dependencies"].as_array().into_iter().flatten() {
            if dependency["path"].is_null() {
                continue;
            }
            let for_tests = dependency["kind"] == "dev";
            let target = name(dependency);
            let text = match layers.get(target) {
                None => format!("depends on `{target}`, which has no layer"),
                Some(&TESTS_ONLY) if for_tests => continue,
                Some(&TESTS_ONLY) => {
                    format!("depends on `{target}`, which is for `[dev-dependencies]` only")
                }
                // Tests may look at neighbours; what tests are made of may use the words of all.
                Some(0) if layer == TESTS_ONLY => continue,
                Some(&below) if below < layer => continue,
                Some(&beside) => format!(
                    "is on layer {layer} and depends on `{target}` on layer {beside}; \
                     a crate uses lower layers only"
                ),
            };
            faults.push(Fault::new(manifest_of(package), text));
        }
    }
    faults
}

/// Checks that every crate takes over the workspace's lints.
pub(super) fn check_manifests(workspace: &Workspace) -> Result<Vec<Fault>> {
    let mut faults = Vec::new();
    for package in &workspace.packages {
        let path = package["manifest_path"].as_str().unwrap_or_default();
        let text = fs::read_to_string(path).with_context(|| format!("reading {path}"))?;
        let manifest: toml::Table =
            toml::from_str(&text).with_context(|| format!("reading {path}"))?;
        if !inherits_lints(&manifest) {
            faults.push(Fault::new(
                manifest_of(package),
                "does not take over the workspace's lints; add `[lints] workspace = true`",
            ));
        }
    }
    Ok(faults)
}

fn inherits_lints(manifest: &toml::Table) -> bool {
    manifest
        .get("lints")
        .and_then(|lints| lints.get("workspace"))
        .and_then(toml::Value::as_bool)
        .unwrap_or(false)
}

fn name(package: &Value) -> &str {
    package["name"].as_str().unwrap_or_default()
}

/// The last two folders and the name of a crate's manifest: `crates/series/Cargo.toml`.
fn manifest_of(package: &Value) -> String {
    let path = package["manifest_path"].as_str().unwrap_or_default();
    let mut parts: Vec<&str> = path.rsplit('/').take(3).collect();
    parts.reverse();
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn package(name: &str, layer: i64, dependencies: &[(&str, Option<&str>)]) -> Value {
        let dependencies: Vec<Value> = dependencies
            .iter()
            .map(|(name, kind)| json!({ "name": name, "kind": kind, "path": "/w/crates/x" }))
            .collect();
        json!({
            "name": name,
            "manifest_path": format!("/w/crates/{name}/Cargo.toml"),
            "metadata": { "yunhai": { "layer": layer } },
            "dependencies": dependencies,
        })
    }

    fn faults(packages: &[Value]) -> Vec<String> {
        check(packages).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn lower_layers_and_test_support_in_tests_are_allowed() {
        let packages = [
            package("model", 0, &[("test-support", Some("dev"))]),
            package("series", 2, &[("model", None)]),
            package("test-support", -1, &[("model", None)]),
        ];
        assert_eq!(faults(&packages), Vec::<String>::new());
    }

    #[test]
    fn a_neighbour_and_a_higher_layer_are_faults() {
        let packages = [
            package("model", 0, &[("series", None)]),
            package("series", 2, &[("notify", None)]),
            package("notify", 2, &[]),
        ];
        assert_eq!(
            faults(&packages),
            [
                "crates/model/Cargo.toml: is on layer 0 and depends on `series` on layer 2; \
                 a crate uses lower layers only",
                "crates/series/Cargo.toml: is on layer 2 and depends on `notify` on layer 2; \
                 a crate uses lower layers only",
            ]
        );
    }

    #[test]
    fn test_support_may_not_be_shipped() {
        let packages = [
            package("series", 2, &[("test-support", None)]),
            package("test-support", -1, &[]),
        ];
        assert_eq!(
            faults(&packages),
            ["crates/series/Cargo.toml: depends on `test-support`, \
              which is for `[dev-dependencies]` only"]
        );
    }

    #[test]
    fn a_crate_without_a_layer_is_a_fault_unless_it_is_xtask() {
        let mut lonely = package("lonely", 0, &[]);
        lonely["metadata"] = Value::Null;
        let mut xtask = package("xtask", 0, &[("lonely", None)]);
        xtask["metadata"] = Value::Null;
        assert_eq!(
            faults(&[lonely, xtask]),
            ["crates/lonely/Cargo.toml: has no `[package.metadata.yunhai] layer`"]
        );
    }

    #[test]
    fn lints_are_taken_over_by_name() {
        let with: toml::Table = toml::from_str("[lints]\nworkspace = true").unwrap();
        let without: toml::Table = toml::from_str("[lints.rust]\nmissing_docs = \"warn\"").unwrap();
        assert!(inherits_lints(&with));
        assert!(!inherits_lints(&without));
    }
}
