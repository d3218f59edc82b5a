//! Where the parts of the checkout are, and what Cargo says about its crates.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, anyhow};
use serde_json::Value;

use crate::command;

/// The checkout that this program belongs to.
pub(crate) struct Workspace {
    /// The folder of the workspace's `Cargo.toml`.
    pub(crate) root: PathBuf,
    /// Where Cargo builds; also where the tests keep their Python and their logs.
    pub(crate) target: PathBuf,
    /// Our own crates, as `cargo metadata` describes them.
    pub(crate) packages: Vec<Value>,
}

impl Workspace {
    /// Asks Cargo about the workspace around this program.
    pub(crate) fn load() -> Result<Self> {
        let manifest = std::env::var_os("CARGO_MANIFEST_DIR")
            .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
        let root = manifest
            .parent()
            .context("xtask lies in a folder of the workspace")?
            .to_owned();
        let text = command::output(
            Command::new("cargo")
                .args([
                    "metadata",
                    "--no-deps",
                    "--offline",
                    "--format-version",
                    "1",
                ])
                .current_dir(&root),
        )?;
        let metadata: Value =
            serde_json::from_str(&text).context("reading the answer of cargo metadata")?;
        let target = metadata["target_directory"]
            .as_str()
            .ok_or_else(|| anyhow!("cargo metadata names no target directory"))?;
        Ok(Self {
            target: PathBuf::from(target),
            packages: metadata["packages"].as_array().cloned().unwrap_or_default(),
            root,
        })
    }

    /// The browser interface's folder.
    pub(crate) fn web(&self) -> PathBuf {
        self.root.join("web")
    }

    /// A path inside the checkout.
    pub(crate) fn path(&self, relative: impl AsRef<Path>) -> PathBuf {
        self.root.join(relative)
    }

    /// A `cargo` command in the checkout.
    pub(crate) fn cargo(&self) -> Command {
        let mut cargo = Command::new("cargo");
        cargo.current_dir(&self.root);
        // What Cargo tells this program about its own package: some build scripts (ring's) look at
        // these, and would have half of the dependencies compiled anew after each `cargo build`.
        for (name, _) in std::env::vars_os() {
            let name = name.to_string_lossy();
            if ["CARGO_PKG_", "CARGO_MANIFEST_"]
                .iter()
                .any(|ours| name.starts_with(ours))
            {
                cargo.env_remove(&*name);
            }
        }
        cargo
    }

    /// An `npm` command in the interface's folder.
    pub(crate) fn npm(&self) -> Command {
        let mut npm = Command::new("npm");
        npm.current_dir(self.web());
        npm
    }

    /// The version that all crates of the workspace share.
    pub(crate) fn version(&self) -> Result<&str> {
        self.packages
            .iter()
            .find(|package| package["name"] == "yunhai")
            .and_then(|package| package["version"].as_str())
            .context("the workspace has no package `yunhai`")
    }
}
