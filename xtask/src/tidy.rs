//! `cargo xtask tidy`: the rules of the code that no compiler knows.
//!
//! Each check is a function from what it reads to the faults it finds, in a file of its own; all
//! of them run, and all faults are shown at once.

mod architecture;
mod configuration;
mod layers;
mod links;
mod locales;
mod sources;
mod tree;

use std::fmt;

use anyhow::{Result, bail};

use crate::workspace::Workspace;

/// Something that breaks a rule: where it is, and what to do about it.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Fault {
    place: String,
    text: String,
}

impl Fault {
    fn new(place: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            place: place.into(),
            text: text.into(),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.place, self.text)
    }
}

/// Runs every check over the checkout.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    let root = &workspace.root;
    let files = tree::files(root)?;
    let checks = [
        Ok(layers::check(&workspace.packages)),
        layers::check_manifests(workspace),
        sources::check(root, &files),
        architecture::check(root),
        configuration::check(root),
        links::check(root, &files),
        locales::check(root),
    ];
    // A check that cannot read what it needs has found a fault as well.
    let mut faults: Vec<Fault> = checks
        .into_iter()
        .flat_map(|found| {
            found.unwrap_or_else(|error| vec![Fault::new("tidy", format!("{error:#}"))])
        })
        .collect();

    if faults.is_empty() {
        println!("tidy: {} files, no fault", files.len());
        return Ok(());
    }
    faults.sort();
    for fault in &faults {
        println!("{fault}");
    }
    bail!("tidy found {} faults", faults.len());
}
