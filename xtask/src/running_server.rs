//! A Yunhai server that a test or a benchmark starts on a free port with an empty data folder.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader, Read, Write as _};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use tempfile::TempDir;

use crate::workspace::Workspace;
use crate::{command, http, interface};

/// The server chooses a port itself and prints where it listens.
const ANY_FREE_PORT: &str = "127.0.0.1:0";
/// How long the server may take to print its set-up code and to answer.
const START_LIMIT: Duration = Duration::from_mins(1);
/// How long it may take to shut down after it was asked to.
const STOP_LIMIT: Duration = Duration::from_secs(30);

/// Builds the interface and the program that people get; returns the program's path.
pub(crate) fn build_release(workspace: &Workspace) -> Result<PathBuf> {
    interface::build(workspace)?;
    command::run(workspace.cargo().args([
        "build",
        "--release",
        "--locked",
        "--package",
        "yunhai",
    ]))?;
    Ok(workspace.target.join("release/yunhai"))
}

/// Which build of the program is meant.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Build {
    /// The one that tests compile: quick to build, slow to run.
    Development,
    /// The one that people get.
    Release,
}

/// A started server; dropping it kills it, [`RunningServer::stop`] ends it in good order.
pub(crate) struct RunningServer {
    child: Child,
    /// Goes away with the server.
    _data: TempDir,
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// Everything it printed.
    pub(crate) log: PathBuf,
    /// The code with which the first administrator is created, when it printed one.
    pub(crate) set_up_code: Option<String>,
}

impl RunningServer {
    /// Starts a build and waits until it answers.
    ///
    /// `name` names the log. `prepare` gets the data folder before the server does, and returns
    /// further arguments for it.
    pub(crate) fn start(
        workspace: &Workspace,
        build: Build,
        name: &str,
        prepare: impl FnOnce(&Path) -> Result<Vec<OsString>>,
    ) -> Result<Self> {
        let data = tempfile::tempdir().context("making a data folder")?;
        let arguments = prepare(data.path())?;
        let logs = workspace.target.join("test-logs");
        fs::create_dir_all(&logs).with_context(|| format!("making {}", logs.display()))?;
        let log = logs.join(format!("{name}-server.log"));

        let mut child = yunhai(workspace, build)
            .arg("serve")
            .arg("--data")
            .arg(data.path())
            .arg("--listen")
            .arg(ANY_FREE_PORT)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .context("starting the server")?;
        let lines = collect_lines(&mut child, &log)?;
        let mut server = Self {
            child,
            _data: data,
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            log,
            set_up_code: None,
        };
        server.wait_until_ready(&lines)?;
        Ok(server)
    }

    /// The server's process id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The address as browsers want it.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Asks the server to end and fails unless it does so with exit code 0.
    pub(crate) fn stop(mut self) -> Result<()> {
        let pid = self.child.id().to_string();
        command::output(Command::new("kill").args(["-TERM", &pid]))?;
        let status = self.wait(STOP_LIMIT)?.with_context(|| {
            format!(
                "the server did not end within {} s of SIGTERM",
                STOP_LIMIT.as_secs()
            )
        })?;
        if !status.success() {
            bail!("the server ended with {status}; see {}", self.log.display());
        }
        Ok(())
    }

    fn wait_until_ready(&mut self, lines: &Receiver<String>) -> Result<()> {
        let deadline = Instant::now() + START_LIMIT;
        loop {
            match lines.recv_timeout(Duration::from_millis(100)) {
                Ok(line) => {
                    self.understand(&line);
                    continue;
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    bail!("the server ended at once:\n{}", self.printed());
                }
            }
            let is_up = self.address.port() != 0
                && http::get(self.address, "/readyz").is_ok_and(|answer| answer.status == 200);
            if is_up {
                self.read_set_up_code(lines);
                return Ok(());
            }
            if Instant::now() > deadline {
                bail!(
                    "the server was not ready within {} s:\n{}",
                    START_LIMIT.as_secs(),
                    self.printed()
                );
            }
        }
    }

    /// Takes the address or the code out of a line that the server printed.
    fn understand(&mut self, line: &str) {
        if let Some(address) = listening_address(line) {
            self.address = address;
        }
        if let Some(code) = set_up_code(line) {
            self.set_up_code = Some(code);
        }
    }

    /// Gives a server that is ready a moment more to print its code, if it has one.
    fn read_set_up_code(&mut self, lines: &Receiver<String>) {
        while self.set_up_code.is_none()
            && let Ok(line) = lines.recv_timeout(Duration::from_secs(1))
        {
            self.understand(&line);
        }
    }

    fn printed(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    fn wait(&mut self, limit: Duration) -> Result<Option<ExitStatus>> {
        let deadline = Instant::now() + limit;
        loop {
            if let Some(status) = self.child.try_wait().context("waiting for the server")? {
                return Ok(Some(status));
            }
            if Instant::now() > deadline {
                return Ok(None);
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for RunningServer {
    fn drop(&mut self) {
        // Both fail when it ended already, which is what we want.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A command of a build, free of the settings that the caller's shell may hold.
pub(crate) fn yunhai(workspace: &Workspace, build: Build) -> Command {
    let folder = match build {
        Build::Development => "debug",
        Build::Release => "release",
    };
    let mut command = Command::new(workspace.target.join(folder).join("yunhai"));
    command.current_dir(&workspace.root);
    without_settings(&mut command);
    command
}

/// Takes every `YUNHAI_…` variable of the caller's shell away from a command.
pub(crate) fn without_settings(command: &mut Command) {
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("YUNHAI_") {
            command.env_remove(name);
        }
    }
}

/// Copies what the server prints into the log, and line by line to the caller.
fn collect_lines(child: &mut Child, log: &Path) -> Result<Receiver<String>> {
    let file = File::create(log).with_context(|| format!("creating {}", log.display()))?;
    let (sender, receiver) = channel();
    if let Some(stdout) = child.stdout.take() {
        copy_lines(stdout, file.try_clone()?, sender.clone());
    }
    if let Some(stderr) = child.stderr.take() {
        copy_lines(stderr, file, sender);
    }
    Ok(receiver)
}

fn copy_lines(from: impl Read + Send + 'static, mut log: File, lines: Sender<String>) {
    std::thread::spawn(move || {
        for line in BufReader::new(from).lines().map_while(io::Result::ok) {
            // Nobody listens any more once the server is ready; the log still wants the rest.
            let _ = writeln!(log, "{line}");
            let _ = lines.send(line);
        }
    });
}

/// Finds the address in a line such as `Yunhai is at http://127.0.0.1:40001`.
fn listening_address(line: &str) -> Option<SocketAddr> {
    let (_, address) = line.split_once("Yunhai is at http://")?;
    address.split('/').next()?.trim().parse().ok()
}

/// Finds the code in a line such as `set-up code: ABCD-1234`.
fn set_up_code(line: &str) -> Option<String> {
    let lower = line.to_ascii_lowercase();
    let label = ["set-up code", "setup code", "set_up_code", "setup_code"]
        .into_iter()
        .find_map(|label| lower.find(label).map(|at| at + label.len()))?;
    line[label..]
        .split(|character: char| !(character.is_ascii_alphanumeric() || character == '-'))
        .find(|word| word.len() >= 6)
        .map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_set_up_code_is_found_in_what_the_server_prints() {
        assert_eq!(
            set_up_code("Set-up code: 7KQF-2M9X"),
            Some("7KQF-2M9X".to_owned())
        );
        assert_eq!(
            set_up_code("  set-up code   AB12CD34  (once)"),
            Some("AB12CD34".to_owned())
        );
        assert_eq!(set_up_code("Yunhai listens on http://127.0.0.1:8420"), None);
    }

    #[test]
    fn the_address_is_found_in_what_the_server_prints() {
        let expected = "127.0.0.1:40001".parse().ok();
        assert_eq!(
            listening_address("Yunhai is at http://127.0.0.1:40001"),
            expected
        );
        assert_eq!(
            listening_address("Yunhai is at http://127.0.0.1:40001/"),
            expected
        );
        assert_eq!(listening_address("see http://127.0.0.1:40001"), None);
    }
}
