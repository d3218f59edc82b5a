//! Schemathesis: hundreds of made-up requests against everything that the API describes.
//!
//! No request may be answered with a server error, or otherwise than `/api/openapi.json` says.

use std::process::Command;

use anyhow::{Context as _, Result};

use super::Outcome;
use crate::running_server::RunningServer;
use crate::workspace::Workspace;
use crate::{command, python};

pub(super) fn run(workspace: &Workspace) -> Result<Outcome> {
    python::install(workspace)?;
    let server = RunningServer::start(workspace, "contract")?;
    let mut contract = Command::new(python::program(workspace, "python"));
    contract
        .current_dir(workspace.path("tests"))
        .arg("contract.py")
        .arg(server.url())
        .arg(server.set_up_code.as_deref().unwrap_or_default());
    command::run(&mut contract)
        .with_context(|| format!("the server's log is {}", server.log.display()))?;
    server.stop()?;
    Ok(Outcome::Passed)
}
