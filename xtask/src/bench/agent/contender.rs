//! The programs that measure the machine.

use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use tempfile::TempDir;

use super::INTERVAL;
use super::process::{self, Usage};
use crate::running_server::{Build, yunhai};
use crate::workspace::Workspace;
use crate::{command, http};

/// A program that measures the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Contender {
    Yunhai,
    NodeExporter,
    Netdata,
}

/// A contender at work; dropping it ends it.
pub(crate) struct Running {
    pub(crate) contender: Contender,
    child: Child,
    /// Where it is scraped.
    address: Option<SocketAddr>,
    folder: TempDir,
}

/// Makes a token with which the agent joins, before the server starts.
pub(crate) fn enrolment_token(workspace: &Workspace, build: Build, data: &Path) -> Result<String> {
    let made = command::output(
        yunhai(workspace, build)
            .args(["agent-token", "create", "--name", "bench", "--data"])
            .arg(data),
    )?;
    Ok(made.trim().to_owned())
}

impl Contender {
    pub(crate) const ALL: [Self; 3] = [Self::Yunhai, Self::NodeExporter, Self::Netdata];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Yunhai => "yunhai agent",
            Self::NodeExporter => "prometheus-node-exporter",
            Self::Netdata => "netdata",
        }
    }

    /// Debian's package.
    pub(crate) fn package(self) -> &'static str {
        match self {
            Self::Yunhai => "yunhai",
            Self::NodeExporter => "prometheus-node-exporter",
            Self::Netdata => "netdata",
        }
    }

    pub(crate) fn is_here(self) -> bool {
        self == Self::Yunhai || command::find(self.package()).is_some()
    }

    /// Starts it with a folder of its own.
    pub(crate) fn start(
        self,
        workspace: &Workspace,
        build: Build,
        server: &str,
        token: &str,
    ) -> Result<Running> {
        let folder = tempfile::tempdir().context("making a folder")?;
        let path = folder.path();
        let (mut command, address) = match self {
            Self::Yunhai => (agent(workspace, build, server, token, path)?, None),
            Self::NodeExporter => {
                let address = free_address()?;
                let mut command = Command::new(self.package());
                command.arg(format!("--web.listen-address={address}"));
                (command, Some(address))
            }
            Self::Netdata => (netdata(path)?, None),
        };
        let log = File::create(path.join("log")).context("making a log")?;
        let child = command
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()?;
        Ok(Running {
            contender: self,
            child,
            address,
            folder,
        })
    }
}

fn agent(
    workspace: &Workspace,
    build: Build,
    server: &str,
    token: &str,
    folder: &Path,
) -> Result<Command> {
    let file = folder.join("token");
    fs::write(&file, token).context("writing the token")?;
    let mut command = yunhai(workspace, build);
    command
        .args(["agent", "--server", server, "--name", "bench"])
        .args(["--interval", &format!("{}s", INTERVAL.as_secs())])
        .arg("--token-file")
        .arg(file)
        .arg("--buffer")
        .arg(folder.join("buffer"));
    Ok(command)
}

/// Netdata as Debian sets it up, in the same interval, in a folder of its own, telling nobody.
fn netdata(folder: &Path) -> Result<Command> {
    let at = |name: &str| folder.join(name).display().to_string();
    for name in ["cache", "lib", "log"] {
        let made = fs::create_dir_all(folder.join(format!("netdata-{name}")));
        made.context("making a folder of netdata")?;
    }
    let text = format!(
        "[global]\n  update every = {}\n  cache directory = {}\n  lib directory = {}\n  \
         log directory = {}\n  run as user = root\n[db]\n  update every = {0}\n\
         [directories]\n  cache = {1}\n  lib = {2}\n  log = {3}\n[web]\n  bind to = {4}\n",
        INTERVAL.as_secs(),
        at("netdata-cache"),
        at("netdata-lib"),
        at("netdata-log"),
        free_address()?,
    );
    let configuration = folder.join("netdata.conf");
    fs::write(&configuration, text).context("writing the configuration of netdata")?;
    let mut command = Command::new("netdata");
    command.arg("-D").arg("-c").arg(configuration);
    command.env("DO_NOT_TRACK", "1").env("HOME", folder);
    Ok(command)
}

impl Running {
    /// Asks for what it has measured, where it does not send that itself.
    pub(crate) fn scrape(&mut self) -> Result<()> {
        if let Some(status) = self.child.try_wait()? {
            let log = fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
            anyhow::bail!("{} ended with {status}: {log}", self.contender.name());
        }
        let Some(address) = self.address else {
            return Ok(());
        };
        // It has just been started.
        let Ok(answer) = http::get(address, "/metrics") else {
            return Ok(());
        };
        ensure!(answer.status == 200, "/metrics answered {}", answer.status);
        Ok(())
    }

    /// What it has taken by now.
    pub(crate) fn usage(&self) -> Result<Usage> {
        process::usage(self.child.id())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Netdata's plugins go when it is asked to end; all fail when it ended already.
        let pid = self.child.id().to_string();
        let _ = command::output(Command::new("kill").args(["-TERM", &pid]));
        for _ in 0..50 {
            if matches!(self.child.try_wait(), Ok(Some(_))) {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(100));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn free_address() -> Result<SocketAddr> {
    let listener =
        TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("looking for a free port")?;
    Ok(listener.local_addr()?)
}
