//! The steps that Cargo does.

use anyhow::Result;

use super::Outcome;
use crate::running_server::{Build, RunningServer, without_settings};
use crate::workspace::Workspace;
use crate::{command, interface, release};

pub(super) fn format(workspace: &Workspace) -> Result<Outcome> {
    command::run(workspace.cargo().args(["fmt", "--all", "--check"]))?;
    Ok(Outcome::Passed)
}

pub(super) fn lint(workspace: &Workspace) -> Result<Outcome> {
    interface::build(workspace)?;
    command::run(workspace.cargo().args([
        "clippy",
        "--workspace",
        "--all-targets",
        "--locked",
        "--",
        "--deny",
        "warnings",
    ]))?;
    Ok(Outcome::Passed)
}

/// Licences, bans and sources of dependencies, where cargo-deny is installed. Advisories are left
/// out: a test must not fail for what others published today.
pub(super) fn licences(workspace: &Workspace) -> Result<Outcome> {
    if command::find("cargo-deny").is_none() {
        return Ok(Outcome::Skipped(
            "cargo-deny is not installed: cargo install cargo-deny",
        ));
    }
    command::run(workspace.cargo().args([
        "deny",
        "--workspace",
        "check",
        "bans",
        "licenses",
        "sources",
    ]))?;
    Ok(Outcome::Passed)
}

pub(super) fn unit(workspace: &Workspace) -> Result<Outcome> {
    interface::build(workspace)?;
    let mut tests = workspace.cargo();
    if command::find("cargo-nextest").is_some() {
        tests.args([
            "nextest",
            "run",
            "--workspace",
            "--locked",
            "--no-fail-fast",
        ]);
    } else {
        println!("cargo-nextest is not installed; cargo's own test runner does it");
        tests.args(["test", "--workspace", "--locked", "--no-fail-fast"]);
        tests.args(["--lib", "--bins", "--tests"]);
    }
    without_settings(&mut tests);
    command::run(&mut tests)?;
    Ok(Outcome::Passed)
}

pub(super) fn doc(workspace: &Workspace) -> Result<Outcome> {
    interface::build(workspace)?;
    let mut tests = workspace.cargo();
    tests.args(["test", "--workspace", "--locked", "--doc", "--no-fail-fast"]);
    without_settings(&mut tests);
    command::run(&mut tests)?;
    Ok(Outcome::Passed)
}

/// Builds the binary with the features that the tests were built with, so that nothing is
/// compiled twice.
pub(super) fn build(workspace: &Workspace) -> Result<Outcome> {
    interface::build(workspace)?;
    command::run(workspace.cargo().args([
        "build",
        "--workspace",
        "--locked",
        "--bins",
        "--tests",
    ]))?;
    Ok(Outcome::Passed)
}

/// Packs what people get and starts it once: the compiler has limits that only optimised builds
/// meet.
pub(super) fn release(workspace: &Workspace) -> Result<Outcome> {
    release::run(workspace)?;
    RunningServer::start(workspace, Build::Release, "release", |_| Ok(Vec::new()))?.stop()?;
    Ok(Outcome::Passed)
}
