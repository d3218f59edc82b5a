//! The Python in `target/venv` with the packages of `tests/requirements.txt`.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::command;
use crate::workspace::Workspace;

/// A program of the tests' Python, such as `python` or `schemathesis`.
pub(crate) fn program(workspace: &Workspace, name: &str) -> PathBuf {
    workspace.target.join("venv/bin").join(name)
}

/// Makes the environment anew when it is absent, moved, or made from other requirements.
pub(crate) fn install(workspace: &Workspace) -> Result<()> {
    let venv = workspace.target.join("venv");
    let requirements = workspace.path("tests/requirements.txt");
    let text = fs::read_to_string(&requirements)
        .with_context(|| format!("reading {}", requirements.display()))?;
    // Its programs hold their own absolute path, so that a moved environment is a broken one.
    let stamp = format!("# {}\n{text}", venv.display());
    let stamp_file = venv.join("installed-from.txt");
    if fs::read_to_string(&stamp_file).is_ok_and(|found| found == stamp)
        && command::succeeds(
            Command::new(program(workspace, "python")).args(["-c", "import duckdb, moto"]),
        )
    {
        return Ok(());
    }
    if command::find("python3").is_none() {
        bail!("python3 is missing: install Python 3.10 or newer with its venv module");
    }
    if venv.exists() {
        fs::remove_dir_all(&venv).with_context(|| format!("removing {}", venv.display()))?;
    }
    command::run(Command::new("python3").args(["-m", "venv"]).arg(&venv))
        .context("making target/venv (on Debian the package `python3-venv` is needed)")?;
    command::run(
        Command::new(program(workspace, "python"))
            .args([
                "-m",
                "pip",
                "install",
                "--quiet",
                "--disable-pip-version-check",
            ])
            .arg("--requirement")
            .arg(&requirements),
    )?;
    fs::write(&stamp_file, stamp).with_context(|| format!("writing {}", stamp_file.display()))
}
