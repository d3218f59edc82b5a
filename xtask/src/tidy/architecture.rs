//! `ARCHITECTURE.md` names paths that exist, and every crate of ours.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};

use super::Fault;

const DOCUMENT: &str = "ARCHITECTURE.md";

/// Checks the document against the checkout.
pub(super) fn check(root: &Path) -> Result<Vec<Fault>> {
    let text = fs::read_to_string(root.join(DOCUMENT)).context("reading ARCHITECTURE.md")?;
    let mut faults: Vec<Fault> = paths(&text)
        .filter(|(_, path)| !root.join(path).exists())
        .map(|(line, path)| {
            Fault::new(
                format!("{DOCUMENT}:{line}"),
                format!("names `{path}`, which does not exist"),
            )
        })
        .collect();
    for entry in fs::read_dir(root.join("crates")).context("listing crates")? {
        let path = format!("crates/{}", entry?.file_name().to_string_lossy());
        if !paths(&text).any(|(_, named)| named.trim_end_matches('/') == path) {
            faults.push(Fault::new(DOCUMENT, format!("does not explain `{path}`")));
        }
    }
    Ok(faults)
}

/// What stands between backticks and looks like a path of the checkout, with its line number.
///
/// A path has a slash inside or ends like a document; it does not begin with a slash, which
/// addresses of the API do.
fn paths(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines().enumerate().flat_map(|(index, line)| {
        line.split('`')
            .skip(1)
            .step_by(2)
            .filter(|word| is_path(word))
            .map(move |word| (index + 1, word))
    })
}

fn is_path(word: &str) -> bool {
    let characters_fit = word
        .chars()
        .all(|character| character.is_ascii_alphanumeric() || "._-/".contains(character));
    let shape_fits = word.contains('/')
        || [".md", ".toml", ".rs"]
            .iter()
            .any(|ending| word.ends_with(ending));
    characters_fit && shape_fits && !word.starts_with('/') && !word.starts_with("./")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_told_from_code_and_addresses() {
        let text = "See `crates/model` and `deny.toml`.\n\
                    `GET /api/openapi.json`, `/metrics`, `Clock`, `cargo xtask up`, `web/src/`";
        let found: Vec<_> = paths(text).collect();
        assert_eq!(
            found,
            [(1, "crates/model"), (1, "deny.toml"), (2, "web/src/")]
        );
    }

    #[test]
    fn a_missing_path_and_an_unexplained_crate_are_faults() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("crates/model")).unwrap();
        fs::create_dir_all(root.path().join("crates/vault")).unwrap();
        fs::write(
            root.path().join(DOCUMENT),
            "`crates/model`\n`crates/gone`\n",
        )
        .unwrap();
        let faults: Vec<String> = check(root.path())
            .unwrap()
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(
            faults,
            [
                "ARCHITECTURE.md:2: names `crates/gone`, which does not exist",
                "ARCHITECTURE.md: does not explain `crates/vault`",
            ]
        );
    }
}
