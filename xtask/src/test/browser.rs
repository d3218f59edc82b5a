//! The main journey through the interface, in a real browser against a real server.

use anyhow::{Context as _, Result};

use super::Outcome;
use crate::running_server::{Build, RunningServer, without_settings};
use crate::workspace::Workspace;
use crate::{command, debian, interface};

pub(super) fn run(workspace: &Workspace) -> Result<Outcome> {
    interface::install_packages(workspace)?;
    let chromium = debian::chromium().context("chromium is missing: install Debian's package")?;
    let server =
        RunningServer::start(workspace, Build::Development, "browser", |_| Ok(Vec::new()))?;
    let code = server.set_up_code.clone().with_context(|| {
        format!(
            "the server printed no set-up code; see {}",
            server.log.display()
        )
    })?;
    let mut journey = workspace.npm();
    without_settings(&mut journey);
    command::run(
        journey
            .args(["run", "e2e"])
            .env("CHROMIUM", chromium)
            .env("YUNHAI_URL", server.url())
            .env("YUNHAI_SETUP_CODE", code),
    )
    .with_context(|| format!("the server's log is {}", server.log.display()))?;
    server.stop()?;
    Ok(Outcome::Passed)
}
