//! Links between our documents lead somewhere.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use super::Fault;

/// Checks the relative links and images of all Markdown files.
pub(super) fn check(root: &Path, files: &[PathBuf]) -> Result<Vec<Fault>> {
    let mut faults = Vec::new();
    let documents = files
        .iter()
        .filter(|file| file.extension().is_some_and(|extension| extension == "md"));
    for document in documents {
        let path = root.join(document);
        let text =
            fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
        let folder = path.parent().unwrap_or(root);
        for (line, target) in links(&text) {
            if !folder.join(target).exists() {
                faults.push(Fault::new(
                    format!("{}:{line}", document.display()),
                    format!("links to `{target}`, which does not exist"),
                ));
            }
        }
    }
    Ok(faults)
}

/// The files that `[text](target)` links name, with line numbers; fenced code is left out.
fn links(text: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let mut in_code = false;
    for (index, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            in_code = !in_code;
        }
        if in_code {
            continue;
        }
        for rest in line.split("](").skip(1) {
            let Some((target, _)) = rest.split_once(')') else {
                continue;
            };
            let target = target.split(['#', ' ']).next().unwrap_or_default();
            let elsewhere = target.contains("://") || target.starts_with("mailto:");
            if !target.is_empty() && !elsewhere {
                found.push((index + 1, target));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_to_files_are_found_and_links_to_sites_are_not() {
        let text = "[a](docs/a.md#part) and [b](https://example.com/x) and ![c](c.png \"title\")\n\
                    ```\n[code](gone.md)\n```\n[top](#top)";
        assert_eq!(links(text), [(1, "docs/a.md"), (1, "c.png")]);
    }

    #[test]
    fn a_link_is_read_from_its_documents_folder() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("docs/adr")).unwrap();
        fs::write(
            root.path().join("docs/README.md"),
            "[x](adr/1.md) [y](../README.md)",
        )
        .unwrap();
        fs::write(root.path().join("docs/adr/1.md"), "").unwrap();
        let faults = check(root.path(), &[PathBuf::from("docs/README.md")]).unwrap();
        assert_eq!(
            faults,
            [Fault::new(
                "docs/README.md:1",
                "links to `../README.md`, which does not exist"
            )]
        );
    }
}
