//! Builds the browser interface in `web/`, and only when something of it changed.

use std::fs;
use std::path::Path;
use std::time::SystemTime;

use anyhow::{Context as _, Result};

use crate::command;
use crate::workspace::Workspace;

/// What lies in `web/` and does not go into the build.
const NOT_AN_INPUT: [&str; 4] = ["dist", "node_modules", "e2e", "screenshots"];

/// Installs the npm packages that `package-lock.json` names, unless they are there already.
pub(crate) fn install_packages(workspace: &Workspace) -> Result<()> {
    let web = workspace.web();
    let lock = fs::read(web.join("package-lock.json")).context("reading web/package-lock.json")?;
    // A copy of the lock file beside the packages tells from which one they were installed.
    let installed = web.join("node_modules/.installed-from.json");
    if fs::read(&installed).is_ok_and(|copy| copy == lock) {
        return Ok(());
    }
    command::run(workspace.npm().args(["ci", "--no-audit", "--no-fund"]))?;
    fs::write(&installed, lock).with_context(|| format!("writing {}", installed.display()))
}

/// Installs the npm packages of `tests/package-lock.json` into `target/node`, where the tests look
/// for them, unless they are there already.
pub(crate) fn install_emulators(workspace: &Workspace) -> Result<()> {
    let folder = workspace.target.join("node");
    let names = ["package.json", "package-lock.json"];
    let read = |folder: &Path| names.map(|name| fs::read(folder.join(name)).ok());
    let installed = folder.join("node_modules/.package-lock.json");
    if installed.exists() && read(&folder) == read(&workspace.path("tests")) {
        return Ok(());
    }
    fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
    for name in names {
        let (from, to) = (workspace.path("tests").join(name), folder.join(name));
        fs::copy(&from, &to).with_context(|| format!("copying {}", from.display()))?;
    }
    let mut npm = workspace.npm();
    npm.current_dir(&folder);
    let installed = command::run(npm.args(["ci", "--no-audit", "--no-fund"]));
    if installed.is_err() {
        // So that the next run tries again.
        fs::remove_file(folder.join("package.json"))?;
    }
    installed
}

/// Builds `web/dist`, or leaves it when it is newer than everything that it is made of.
pub(crate) fn build(workspace: &Workspace) -> Result<()> {
    install_packages(workspace)?;
    let built = modified(&workspace.path("web/dist/index.html"));
    let changed = newest_input(&workspace.web())?;
    if built.is_some_and(|built| built >= changed) {
        println!("the interface in web/dist is up to date");
        return Ok(());
    }
    command::run(workspace.npm().args(["run", "build"]))
}

/// When the newest file or folder that the build reads was changed.
///
/// Folders count, since a file that is taken away changes nothing else.
fn newest_input(web: &Path) -> Result<SystemTime> {
    let mut newest = SystemTime::UNIX_EPOCH;
    for entry in fs::read_dir(web).with_context(|| format!("listing {}", web.display()))? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if NOT_AN_INPUT.contains(&name.as_ref()) || name.starts_with('.') {
            continue;
        }
        newest = newest.max(newest_below(&entry.path())?);
    }
    Ok(newest)
}

fn newest_below(path: &Path) -> Result<SystemTime> {
    let mut newest = modified(path).unwrap_or(SystemTime::UNIX_EPOCH);
    if path.is_dir() {
        for entry in fs::read_dir(path).with_context(|| format!("listing {}", path.display()))? {
            newest = newest.max(newest_below(&entry?.path())?);
        }
    }
    Ok(newest)
}

fn modified(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).and_then(|meta| meta.modified()).ok()
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::time::Duration;

    use super::*;

    fn touch(path: &Path, seconds: u64) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let file = File::create(path).unwrap();
        file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds))
            .unwrap();
    }

    #[test]
    fn a_source_deep_in_the_tree_counts_and_the_output_does_not() {
        let web = tempfile::tempdir().unwrap();
        let far = 4_000_000_000;
        touch(&web.path().join("src/pages/overview.tsx"), far);
        touch(&web.path().join("dist/index.html"), far + 10);
        touch(&web.path().join("node_modules/react/index.js"), far + 20);
        let newest = newest_input(web.path()).unwrap();
        assert_eq!(newest, SystemTime::UNIX_EPOCH + Duration::from_secs(far));
    }
}
