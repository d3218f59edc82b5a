//! The journeys through the interface, in a real browser. Each starts a server of its own, so that
//! they run beside each other; `web/e2e` has them.

use anyhow::{Context as _, Result};

use super::Outcome;
use crate::running_server::without_settings;
use crate::workspace::Workspace;
use crate::{command, debian, interface, python};

pub(super) fn run(workspace: &Workspace) -> Result<Outcome> {
    interface::install_packages(workspace)?;
    // The journeys through clouds meet emulators.
    python::install(workspace)?;
    let chromium = debian::chromium().context("chromium is missing: install Debian's package")?;
    let mut journeys = workspace.npm();
    without_settings(&mut journeys);
    command::run(
        journeys
            .args(["run", "e2e"])
            .env("CHROMIUM", chromium)
            .env("YUNHAI_BINARY", workspace.target.join("debug/yunhai")),
    )
    .context("pictures of what failed are in target/e2e-failures")?;
    Ok(Outcome::Passed)
}
