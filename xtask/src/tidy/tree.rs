//! The files of the checkout, without what is built, installed or kept by version control.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

/// Folders that hold nothing written by us.
const NOT_OURS: [&str; 5] = [".git", "target", "node_modules", "dist", "yunhai-data"];

/// Every file below `root`, relative to it and sorted.
pub(super) fn files(root: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    collect(root, Path::new(""), &mut found)?;
    found.sort();
    Ok(found)
}

fn collect(root: &Path, below: &Path, found: &mut Vec<PathBuf>) -> Result<()> {
    let folder = root.join(below);
    for entry in fs::read_dir(&folder).with_context(|| format!("listing {}", folder.display()))? {
        let entry = entry?;
        let name = entry.file_name();
        if NOT_OURS.iter().any(|skipped| name == *skipped) {
            continue;
        }
        let path = below.join(&name);
        if entry.file_type()?.is_dir() {
            collect(root, &path, found)?;
        } else {
            found.push(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_built_or_installed_is_left_out() {
        let root = tempfile::tempdir().unwrap();
        for path in [
            "web/src/app.tsx",
            "web/node_modules/a/b.js",
            "target/debug/x",
            "README.md",
        ] {
            let file = root.path().join(path);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, "").unwrap();
        }
        let expected = [PathBuf::from("README.md"), PathBuf::from("web/src/app.tsx")];
        assert_eq!(files(root.path()).unwrap(), expected);
    }
}
