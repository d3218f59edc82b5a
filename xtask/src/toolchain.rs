//! Checks that the tools which nothing can be built without are there and new enough.

use std::process::{Command, Stdio};

use anyhow::{Result, bail};

/// A tool, the oldest version that will do, and where to get it.
struct Tool {
    program: &'static str,
    minimum: (u32, u32),
    hint: &'static str,
}

const CARGO: Tool = Tool {
    program: "cargo",
    minimum: (1, 94),
    hint: "install Rust from https://rustup.rs, or run `rustup update stable`",
};

const NODE: Tool = Tool {
    program: "node",
    // Vite asks for 20.19; every later major version will do.
    minimum: (20, 19),
    hint: "install Node.js 20 LTS (20.19 or later) or newer from https://nodejs.org",
};

const NPM: Tool = Tool {
    program: "npm",
    minimum: (10, 0),
    hint: "npm comes with Node.js from https://nodejs.org; on Debian it is the package `npm`",
};

/// Checks cargo, Node and npm, and names everything that is missing or too old at once.
pub(crate) fn check() -> Result<()> {
    let faults: Vec<String> = [&CARGO, &NODE, &NPM]
        .into_iter()
        .filter_map(|tool| judge(tool, printed_version(tool.program).as_deref()))
        .collect();
    if !faults.is_empty() {
        bail!(
            "this machine cannot build Yunhai yet:\n  {}",
            faults.join("\n  ")
        );
    }
    Ok(())
}

/// What `PROGRAM --version` prints, or nothing when it cannot be run.
fn printed_version(program: &str) -> Option<String> {
    let output = Command::new(program)
        .arg("--version")
        .stdin(Stdio::null())
        .output()
        .ok()?;
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Says what is wrong with a tool that prints `version`, if anything is.
fn judge(tool: &Tool, version: Option<&str>) -> Option<String> {
    let Tool {
        program,
        minimum: (major, minor),
        hint,
    } = tool;
    let Some(found) = version else {
        return Some(format!("{program} is missing: {hint}"));
    };
    match parse_version(found) {
        Some(version) if version >= tool.minimum => None,
        Some((found_major, found_minor)) => Some(format!(
            "{program} is {found_major}.{found_minor}, needed is {major}.{minor} or newer: {hint}"
        )),
        None => Some(format!(
            "{program} prints no version that can be read ({:?}): {hint}",
            found.trim()
        )),
    }
}

/// Finds the first `MAJOR.MINOR` in a line such as `cargo 1.94.0 (abc 2026-01-01)` or `v20.19.5`.
fn parse_version(text: &str) -> Option<(u32, u32)> {
    text.split_whitespace().find_map(|word| {
        let mut numbers = word.trim_start_matches('v').split('.');
        Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_from_what_the_tools_print() {
        assert_eq!(
            parse_version("cargo 1.95.0 (f2d3ce0bd 2026-03-21)"),
            Some((1, 95))
        );
        assert_eq!(parse_version("v20.19.5\n"), Some((20, 19)));
        assert_eq!(parse_version("10.8.2"), Some((10, 8)));
        assert_eq!(parse_version("nonsense"), None);
    }

    #[test]
    fn a_missing_tool_is_named_with_where_to_get_it() {
        let fault = judge(&NODE, None).unwrap();
        assert!(
            fault.starts_with("node is missing: install Node.js 20"),
            "{fault}"
        );
    }

    #[test]
    fn an_old_tool_is_named_with_both_versions() {
        let fault = judge(&CARGO, Some("cargo 1.80.1 (376290515 2024-07-16)")).unwrap();
        assert!(
            fault.starts_with("cargo is 1.80, needed is 1.94 or newer"),
            "{fault}"
        );
    }

    #[test]
    fn a_new_major_version_is_enough() {
        assert_eq!(judge(&NODE, Some("v22.3.0")), None);
    }
}
