//! `cargo xtask release`: the archive that people install, in `target/dist`.
//!
//! It holds the binary, the systemd units, the licence, the documents, the completions of shells
//! and the man page. The binary needs nothing but the C library of the machine it runs on.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::running_server::{build_release, without_settings};
use crate::workspace::Workspace;
use crate::{command, toolchain};

/// Parts of glibc, the loader, and the unwinder of the compiler that every system with glibc has.
const ALLOWED_LIBRARIES: [&str; 8] = [
    "linux-vdso",
    "ld-linux",
    "libc.",
    "libm.",
    "libdl.",
    "libpthread.",
    "librt.",
    "libgcc_s.",
];

/// Files that go into the archive under their own paths, so that links between documents hold.
const FILES: [&str; 8] = [
    "LICENSE",
    "README.md",
    "README.zh-CN.md",
    "CHANGELOG.md",
    "ARCHITECTURE.md",
    "CONTRIBUTING.md",
    "packaging/yunhai.service",
    "packaging/yunhai-agent.service",
];

/// Builds the interface and the binary and packs them.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    toolchain::check()?;
    let binary = build_release(workspace)?;
    let libraries = command::output(Command::new("ldd").arg(&binary))?;
    let foreign = foreign_libraries(&libraries);
    if !foreign.is_empty() {
        bail!(
            "the binary needs more than the C library: {}",
            foreign.join(", ")
        );
    }

    let name = format!("yunhai-{}-{}", workspace.version()?, host()?);
    let dist = workspace.target.join("dist");
    let folder = dist.join(&name);
    if folder.exists() {
        fs::remove_dir_all(&folder).with_context(|| format!("removing {}", folder.display()))?;
    }
    gather(workspace, &binary, &folder)?;

    let archive = format!("{name}.tar.gz");
    command::run(
        Command::new("tar")
            .current_dir(&dist)
            .args([
                "--create",
                "--gzip",
                "--owner=0",
                "--group=0",
                "--sort=name",
            ])
            .arg(format!("--file={archive}"))
            .arg(&name),
    )?;
    let checksum = command::output(Command::new("sha256sum").current_dir(&dist).arg(&archive))?;
    fs::write(dist.join(format!("{archive}.sha256")), &checksum).context("writing the checksum")?;
    println!(
        "\n{}\nlinked dynamically to glibc only",
        dist.join(&archive).display()
    );
    println!(
        "sha256 {}",
        checksum.split_whitespace().next().unwrap_or_default()
    );
    Ok(())
}

/// Puts everything that goes into the archive into one folder.
fn gather(workspace: &Workspace, binary: &Path, folder: &Path) -> Result<()> {
    let copy = |from: &Path, to: &str| -> Result<()> {
        let to = folder.join(to);
        if let Some(parent) = to.parent() {
            fs::create_dir_all(parent).with_context(|| format!("making {}", parent.display()))?;
        }
        fs::copy(from, &to)
            .with_context(|| format!("copying {} to {}", from.display(), to.display()))?;
        Ok(())
    };
    copy(binary, "yunhai")?;
    for file in FILES {
        copy(&workspace.path(file), file)?;
    }
    command::run(
        Command::new("cp")
            .arg("--recursive")
            .arg(workspace.path("docs"))
            .arg(folder),
    )?;
    for (arguments, to) in [
        (&["completions", "bash"][..], "completions/yunhai.bash"),
        (&["completions", "zsh"], "completions/_yunhai"),
        (&["completions", "fish"], "completions/yunhai.fish"),
        (&["man"], "man/yunhai.1"),
    ] {
        let mut ask = Command::new(binary);
        without_settings(&mut ask);
        let text = command::output(ask.args(arguments))?;
        let to = folder.join(to);
        if let Some(parent) = to.parent() {
            fs::create_dir_all(parent).with_context(|| format!("making {}", parent.display()))?;
        }
        fs::write(&to, text).with_context(|| format!("writing {}", to.display()))?;
    }
    Ok(())
}

/// The target triple that Rust builds for here.
fn host() -> Result<String> {
    let version = command::output(Command::new("rustc").arg("-vV"))?;
    version
        .lines()
        .find_map(|line| line.strip_prefix("host: "))
        .map(str::to_owned)
        .context("rustc names no host")
}

/// The libraries in what `ldd` prints that are not part of the C library.
fn foreign_libraries(ldd: &str) -> Vec<&str> {
    ldd.lines()
        .filter_map(|line| line.split_whitespace().next())
        .map(|path| path.rsplit('/').next().unwrap_or(path))
        .filter(|library| library.contains(".so"))
        .filter(|library| {
            !ALLOWED_LIBRARIES
                .iter()
                .any(|allowed| library.starts_with(allowed))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_libraries_beside_glibc_are_foreign() {
        let ldd = "\tlinux-vdso.so.1 (0x00007ffd)\n\
                   \tlibgcc_s.so.1 => /lib/x86_64-linux-gnu/libgcc_s.so.1 (0x1)\n\
                   \tlibssl.so.3 => /lib/x86_64-linux-gnu/libssl.so.3 (0x2)\n\
                   \tlibc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x3)\n\
                   \t/lib64/ld-linux-x86-64.so.2 (0x4)\n";
        assert_eq!(foreign_libraries(ldd), ["libssl.so.3"]);
        assert_eq!(
            foreign_libraries("\tstatically linked\n"),
            Vec::<&str>::new()
        );
    }
}
