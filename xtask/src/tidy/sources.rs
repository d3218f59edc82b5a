//! Every module says what it is for, and every file is named after what it holds.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use super::Fault;

/// Names that say nothing: whoever reaches for one has not found the noun yet.
const EMPTY_NAMES: [&str; 8] = [
    "util", "utils", "common", "helper", "helpers", "manager", "misc", "stuff",
];

/// Checks the names of all source files and the first lines of the Rust ones.
pub(super) fn check(root: &Path, files: &[PathBuf]) -> Result<Vec<Fault>> {
    let mut faults = Vec::new();
    for file in files {
        if let Some(text) = fault_in_name(file) {
            faults.push(Fault::new(file.display().to_string(), text));
        }
        if is_module(file) {
            let path = root.join(file);
            let text =
                fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
            if !has_module_docs(&text) {
                faults.push(Fault::new(
                    file.display().to_string(),
                    "does not open with `//!`: say what the module is for and what it leaves out",
                ));
            }
        }
    }
    Ok(faults)
}

/// Whether a file is a module of a crate or of xtask.
fn is_module(file: &Path) -> bool {
    let parts: Vec<_> = file.iter().map(|part| part.to_string_lossy()).collect();
    let in_sources = match parts.first().map(AsRef::as_ref) {
        Some("crates") => parts.get(2).is_some_and(|part| part == "src"),
        Some("xtask") => parts.get(1).is_some_and(|part| part == "src"),
        _ => false,
    };
    in_sources && file.extension().is_some_and(|extension| extension == "rs")
}

fn has_module_docs(text: &str) -> bool {
    text.lines()
        .find(|line| !line.trim().is_empty())
        .is_some_and(|line| line.trim_start().starts_with("//!"))
}

fn fault_in_name(file: &Path) -> Option<String> {
    let extension = file.extension()?.to_str()?;
    if !["rs", "ts", "tsx", "mjs", "py"].contains(&extension) {
        return None;
    }
    let stem = file.file_stem()?.to_str()?;
    if stem == "mod" && extension == "rs" {
        return Some("is a `mod.rs`; put `foo.rs` beside the folder `foo`".to_owned());
    }
    let word = words(stem)
        .into_iter()
        .find(|word| EMPTY_NAMES.contains(&word.as_str()))?;
    Some(format!("is named `{word}`; name it after what it holds"))
}

/// The words of a file name, whether written `alert_rule`, `alert-rule` or `alertRule`.
fn words(stem: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    for character in stem.chars() {
        if !character.is_alphanumeric() || character.is_uppercase() {
            words.push(String::new());
        }
        if character.is_alphanumeric()
            && let Some(word) = words.last_mut()
        {
            word.extend(character.to_lowercase());
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_must_open_with_their_documentation() {
        assert!(has_module_docs("//! What it is for.\n\nfn main() {}\n"));
        assert!(!has_module_docs("use std::fs;\n//! Too late.\n"));
        assert!(!has_module_docs(""));
    }

    #[test]
    fn only_sources_of_crates_and_xtask_are_modules() {
        assert!(is_module(Path::new("crates/series/src/wal/replay.rs")));
        assert!(is_module(Path::new("xtask/src/main.rs")));
        assert!(!is_module(Path::new("crates/series/tests/it.rs")));
        assert!(!is_module(Path::new("web/src/app.tsx")));
    }

    #[test]
    fn names_that_say_nothing_are_faults_in_every_spelling() {
        for name in [
            "src/utils.rs",
            "src/http_helper.rs",
            "web/src/chartUtils.ts",
            "a/mod.rs",
        ] {
            assert!(fault_in_name(Path::new(name)).is_some(), "{name}");
        }
        for name in [
            "src/alertmanager.rs",
            "src/prune.rs",
            "docs/common.md",
            "src/model.rs",
        ] {
            assert_eq!(fault_in_name(Path::new(name)), None, "{name}");
        }
    }
}
