//! Runs the program with a home of its own, and a server of it in the background.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

pub(crate) const PASSWORD: &str = "violet-tractor-mends-glass";

/// What a command printed and how it ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) output: String,
    pub(crate) errors: String,
}

impl Ended {
    /// Checks that it went well, and returns what it printed.
    #[track_caller]
    pub(crate) fn done(self) -> String {
        assert_eq!(self.code, 0, "{}{}", self.output, self.errors);
        self.output
    }

    /// Checks that it failed, and returns the message: what the log says before it is left out.
    #[track_caller]
    pub(crate) fn failed(self) -> String {
        assert_eq!(self.code, 1, "{}{}", self.output, self.errors);
        let begin = if self.errors.starts_with("error: ") {
            Some(0)
        } else {
            self.errors.find("\nerror: ").map(|line_end| line_end + 1)
        };
        let begin = begin.unwrap_or_else(|| panic!("no error is told: {}", self.errors));
        self.errors[begin..].to_owned()
    }
}

/// A folder that stands for the user's home and holds data directories.
pub(crate) struct Home(pub(crate) TempDir);

impl Home {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Writes a file and returns its path.
    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        let path = self.path(name);
        std::fs::write(&path, content).unwrap();
        path.display().to_string()
    }

    /// Prepares the program; nothing of the machine's own environment reaches it.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_yunhai"));
        command
            .args(arguments)
            .current_dir(self.0.path())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.0.path())
            .env("USER", "tester")
            .env("TZ", "UTC")
            .stdin(Stdio::null());
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ended {
        self.run_with(arguments, "")
    }

    /// Runs a command that reads a text.
    pub(crate) fn run_with(&self, arguments: &[&str], input: &str) -> Ended {
        let mut child = self
            .command(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A command that fails early reads nothing.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        let output = child.wait_with_output().unwrap();
        Ended {
            code: output.status.code().unwrap_or(-1),
            output: String::from_utf8(output.stdout).unwrap(),
            errors: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Starts a server with the data directory `data` and returns once it answers.
    pub(crate) fn serve(&self, arguments: &[&str]) -> Running {
        let mut all = vec!["serve", "--data", "data", "--listen", "127.0.0.1:0"];
        all.extend(arguments);
        let mut child = self
            .command(&all)
            .stdout(Stdio::piped())
            .stderr(std::fs::File::create(self.path("server.log")).unwrap())
            .spawn()
            .unwrap();
        let mut told = String::new();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let url = loop {
            let mut line = String::new();
            if output.read_line(&mut line).unwrap() == 0 {
                let log = std::fs::read_to_string(self.path("server.log")).unwrap_or_default();
                panic!("the server ended at once: {told}{log}");
            }
            let _ = write!(told, "{line}");
            if let Some(url) = line.trim().strip_prefix("Yunhai is at ") {
                break url.to_owned();
            }
        };
        Running { child, url }
    }

    /// Starts a server with an administrator who is signed in at the command line.
    pub(crate) fn serve_signed_in(&self, arguments: &[&str]) -> Running {
        self.create_administrator();
        let server = self.serve(arguments);
        self.login(&server);
        server
    }

    pub(crate) fn login(&self, server: &Running) {
        let login = ["login", "--user", "ann", "--password-stdin", "--server"];
        self.run_with(&[&login[..], &[&server.url]].concat(), PASSWORD)
            .done();
    }

    pub(crate) fn create_administrator(&self) {
        let create = "user create --data data --name ann --role admin --password-stdin";
        let words: Vec<&str> = create.split(' ').collect();
        self.run_with(&words, PASSWORD).done();
    }
}

/// A server that runs; it ends with its test.
pub(crate) struct Running {
    child: Child,
    pub(crate) url: String,
}

impl Running {
    pub(crate) fn port(&self) -> &str {
        self.url.rsplit(':').next().unwrap()
    }

    /// Asks the server to stop, as an operating system does, and returns its exit code.
    pub(crate) fn stop(mut self) -> i32 {
        let asked = Command::new("kill")
            .args(["-TERM", &self.child.id().to_string()])
            .status()
            .unwrap();
        assert!(asked.success());
        self.child.wait().unwrap().code().unwrap_or(-1)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Tells whether a file exists below a folder.
pub(crate) fn exists(folder: &Path, name: &str) -> bool {
    folder.join(name).exists()
}
