//! The programs that tests run beside Yunhai, from Debian's packages.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::command;

/// A package and how to see whether what it brings is on the machine already.
struct Package {
    name: &'static str,
    present: fn() -> bool,
    wanted_for: &'static str,
}

const PACKAGES: [Package; 6] = [
    Package {
        name: "chromium",
        present: || chromium().is_some(),
        wanted_for: "the browser tests",
    },
    Package {
        name: "fonts-noto-cjk",
        present: || Path::new("/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc").exists(),
        wanted_for: "Chinese text in the browser tests",
    },
    Package {
        name: "postgresql",
        present: || command::find("initdb").is_some() || postgresql_of_debian(),
        wanted_for: "the tests of the state database",
    },
    Package {
        name: "mariadb-server",
        present: || command::find("mariadbd").is_some(),
        wanted_for: "the tests of the state database",
    },
    Package {
        name: "prometheus",
        present: || command::find("prometheus").is_some(),
        wanted_for: "the comparison of PromQL answers",
    },
    Package {
        name: "python3-venv",
        present: || {
            command::succeeds(Command::new("python3").args(["-c", "import ensurepip, venv"]))
        },
        wanted_for: "the tests' own Python",
    },
];

/// Installs what is missing when we are root on Debian; otherwise says what to install.
pub(crate) fn install() -> Result<()> {
    let missing: Vec<&Package> = PACKAGES
        .iter()
        .filter(|package| !(package.present)())
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    if !is_root() || command::find("apt-get").is_none() {
        let list: Vec<String> = missing
            .iter()
            .map(|package| format!("{} for {}", package.name, package.wanted_for))
            .collect();
        bail!(
            "the tests need programs that are missing here:\n  {}\n\
             install them (on Debian as root: apt-get install --no-install-recommends {})",
            list.join("\n  "),
            names(&missing).join(" "),
        );
    }
    let _no_services = ServicesStayOff::begin()?;
    command::run(apt_get().arg("update"))?;
    command::run(
        apt_get()
            .args(["install", "--yes", "--no-install-recommends"])
            .args(names(&missing)),
    )
}

/// The browser, under whichever name it is installed.
pub(crate) fn chromium() -> Option<PathBuf> {
    ["chromium", "chromium-browser", "google-chrome"]
        .into_iter()
        .find_map(command::find)
}

fn names(packages: &[&Package]) -> Vec<&'static str> {
    packages.iter().map(|package| package.name).collect()
}

fn apt_get() -> Command {
    let mut apt_get = Command::new("apt-get");
    apt_get
        .arg("--quiet")
        .env("DEBIAN_FRONTEND", "noninteractive");
    apt_get
}

fn is_root() -> bool {
    command::output(Command::new("id").arg("-u")).is_ok_and(|id| id.trim() == "0")
}

/// Debian keeps PostgreSQL's programs outside `PATH`, by version.
fn postgresql_of_debian() -> bool {
    fs::read_dir("/usr/lib/postgresql").is_ok_and(|versions| {
        versions
            .filter_map(Result::ok)
            .any(|version| version.path().join("bin/initdb").exists())
    })
}

/// While it lives, packages start no services: the tests start their own on free ports.
struct ServicesStayOff {
    /// Whether the policy is ours to take away again.
    ours: bool,
}

/// Debian's own hook: exit code 101 forbids a package to start its service.
const POLICY: &str = "/usr/sbin/policy-rc.d";

impl ServicesStayOff {
    fn begin() -> Result<Self> {
        let created = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o755)
            .open(POLICY);
        match created {
            Ok(mut file) => {
                file.write_all(b"#!/bin/sh\nexit 101\n")
                    .with_context(|| format!("writing {POLICY}"))?;
                Ok(Self { ours: true })
            }
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
                Ok(Self { ours: false })
            }
            Err(error) => Err(error).with_context(|| format!("writing {POLICY}")),
        }
    }
}

impl Drop for ServicesStayOff {
    fn drop(&mut self) {
        if self.ours {
            // Nothing better can be done about a failure here than leaving the file.
            let _ = fs::remove_file(POLICY);
        }
    }
}
