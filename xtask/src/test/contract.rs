//! Schemathesis: hundreds of made-up requests against everything that the API describes.
//!
//! No request may be answered with a server error, or otherwise than `/api/openapi.json` says, and
//! what that document does not allow must be refused. And the interface's types are those of that
//! document.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail, ensure};

use super::Outcome;
use crate::http::{Connection, Request};
use crate::running_server::{Build, RunningServer, yunhai};
use crate::workspace::Workspace;
use crate::{command, interface, python};

/// The administrator in whose name the requests are made.
const USER: &str = "contract";
const PASSWORD: &str = "seven quiet herons over the lake";

/// The configuration of the server under test: no limit that many requests would run into.
const CONFIGURATION: &str = "\
[server]
requests_per_minute = 1000000
sign_ins_per_minute = 1000000
";

/// What is compared with the contract.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
                      response_headers_conformance,response_schema_conformance,ignored_auth,\
                      unsupported_method,negative_data_rejection";

/// The operations that made-up requests must leave alone: they would send messages out of this
/// machine, or sign in to clouds.
const LEFT_ALONE: [&str; 3] = [
    "POST /api/v1/channels/{id}/test",
    "POST /api/v1/cloud-accounts",
    "POST /api/v1/cloud-account-tests",
];

pub(super) fn run(workspace: &Workspace) -> Result<Outcome> {
    interface::install_packages(workspace)?;
    command::run(
        workspace
            .npm()
            .args(["run", "check-schema"])
            .env("YUNHAI_BINARY", workspace.target.join("debug/yunhai")),
    )?;
    python::install(workspace)?;
    let home = tempfile::tempdir().context("making a home for the login")?;
    let configuration = home.path().join("yunhai.toml");
    fs::write(&configuration, CONFIGURATION).context("writing the configuration")?;
    let server = RunningServer::start(workspace, Build::Development, "contract", |data| {
        create_user(workspace, data)?;
        Ok(vec!["--config".into(), configuration.clone().into()])
    })?;
    let token = sign_in(workspace, &server, home.path())?;

    let mut schemathesis = Command::new(python::program(workspace, "schemathesis"));
    schemathesis
        .current_dir(home.path())
        .env("PYTHONWARNINGS", "ignore")
        .arg("run")
        .arg(format!("{}/api/openapi.json", server.url()))
        .args(["--checks", CHECKS])
        .args(["--phases", "examples,coverage,fuzzing"])
        // Every run makes up the same.
        .args(["--max-examples", "25", "--generation-deterministic"])
        .args(["--request-timeout", "20"])
        .args(["--suppress-health-check", "all", "--warnings", "off"])
        .args(
            LEFT_ALONE
                .into_iter()
                .flat_map(|name| ["--exclude-name", name]),
        )
        .args(["--header", &format!("Authorization: Bearer {token}")]);
    command::run(&mut schemathesis)
        .with_context(|| format!("the server's log is {}", server.log.display()))?;
    check_still_let_in(&server, &token)?;
    server.stop()?;
    Ok(Outcome::Passed)
}

/// Makes the administrator before the server's first start, as one without a browser would.
fn create_user(workspace: &Workspace, data: &Path) -> Result<()> {
    let mut create = yunhai(workspace, Build::Development);
    create
        .args([
            "user",
            "create",
            "--name",
            USER,
            "--role",
            "admin",
            "--password-stdin",
        ])
        .arg("--data")
        .arg(data);
    with_password(&mut create)
}

/// Signs in from the command line and returns the token that it keeps.
fn sign_in(workspace: &Workspace, server: &RunningServer, home: &Path) -> Result<String> {
    let mut login = yunhai(workspace, Build::Development);
    login
        .args(["login", "--user", USER, "--password-stdin", "--server"])
        .arg(server.url())
        .env("XDG_CONFIG_HOME", home);
    with_password(&mut login)?;
    let kept = home.join("yunhai/login.toml");
    let text = fs::read_to_string(&kept).with_context(|| format!("reading {}", kept.display()))?;
    let login: toml::Table = toml::from_str(&text).context("reading the login")?;
    login
        .get("token")
        .and_then(toml::Value::as_str)
        .map(str::to_owned)
        .context("the login holds no token")
}

/// Fails where some request has ended the token: all that came later was refused unseen.
fn check_still_let_in(server: &RunningServer, token: &str) -> Result<()> {
    let authorization = format!("Bearer {token}");
    let answer = Connection::open(server.address)
        .and_then(|mut connection| {
            connection.send(&Request {
                method: "GET",
                path: "/api/v1/me",
                headers: &[("authorization", &authorization)],
                body: &[],
            })
        })
        .context("asking who is let in")?;
    ensure!(
        answer.status == 200,
        "a request has ended the token that all were made with: {}",
        answer.text()
    );
    Ok(())
}

/// Runs a command that reads the password from its standard input.
fn with_password(command: &mut Command) -> Result<()> {
    let mut child = command
        .stdin(Stdio::piped())
        .spawn()
        .context("starting yunhai")?;
    if let Some(mut stdin) = child.stdin.take() {
        writeln!(stdin, "{PASSWORD}").context("handing over the password")?;
    }
    let status = child.wait().context("waiting for yunhai")?;
    if !status.success() {
        bail!("{command:?} failed: {status}");
    }
    Ok(())
}
