//! A real SMTP server, aiosmtpd, on a free port of this machine.
//!
//! It runs in the Python environment that `cargo xtask test` makes in `target/venv`.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

use anyhow::{Context as _, bail};
use serde::Deserialize;
use serde_json::json;

const SERVER: &str = include_str!("smtp/server.py");

/// How long the server may take to start, or a mail to arrive.
const PATIENCE: Duration = Duration::from_secs(30);

/// How the server wants to be spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SmtpMode {
    /// In the clear.
    Plain,
    /// In the clear at first, refusing mail before STARTTLS.
    StartTls,
    /// TLS from the beginning.
    Tls,
}

/// A mail as the server received it, taken apart by Python's own mail library.
#[derive(Clone, Debug, Deserialize)]
pub struct ReceivedMail {
    /// The envelope's sender.
    pub sender: String,
    /// The envelope's recipients.
    pub recipients: Vec<String>,
    /// The decoded headers, names in lower case.
    pub headers: BTreeMap<String, String>,
    /// The type of the whole.
    pub content_type: String,
    /// The plain part.
    pub text: Option<String>,
    /// The HTML part.
    pub html: Option<String>,
    /// Whether it came through TLS.
    pub encrypted: bool,
    /// Whether the client had shown user and password.
    pub authenticated: bool,
    /// The longest line in bytes; more than 998 is not allowed (RFC 5322, 2.1.1).
    pub longest_line: usize,
}

/// What the server says first.
#[derive(Deserialize)]
struct Started {
    port: u16,
}

/// A running SMTP server; it ends when this is dropped.
#[derive(Debug)]
pub struct SmtpServer {
    /// Its port on 127.0.0.1.
    pub port: u16,
    /// The certificate (PEM) that it shows, good for `localhost`.
    pub certificate_pem: String,
    process: Child,
    lines: Receiver<String>,
    _folder: tempfile::TempDir,
}

impl SmtpServer {
    /// Starts a server; with `login` it takes mail only from that user with that password.
    pub fn start(mode: SmtpMode, login: Option<(&str, &str)>) -> anyhow::Result<Self> {
        let python = python()?;
        let folder = tempfile::tempdir()?;
        let identity = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
        let certificate_pem = identity.cert.pem();
        let certificate = write(folder.path(), "certificate.pem", &certificate_pem)?;
        let key = write(
            folder.path(),
            "key.pem",
            &identity.signing_key.serialize_pem(),
        )?;
        let options = json!({
            "mode": match mode {
                SmtpMode::Plain => "plain",
                SmtpMode::StartTls => "starttls",
                SmtpMode::Tls => "tls",
            },
            "certificate": certificate,
            "key": key,
            "user": login.map(|(user, _)| user),
            "password": login.map(|(_, password)| password),
        });
        let mut process = Command::new(&python)
            .args(["-W", "ignore", "-c", SERVER, &options.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {}", python.display()))?;
        let output = process.stdout.take().context("the output is piped")?;
        let (sender, lines) = mpsc::channel();
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        let mut server = Self {
            port: 0,
            certificate_pem,
            process,
            lines,
            _folder: folder,
        };
        let started: Started = server
            .next_line()
            .context("the SMTP server did not start")?;
        server.port = started.port;
        Ok(server)
    }

    /// Waits for the next mail.
    pub fn next_mail(&self) -> anyhow::Result<ReceivedMail> {
        self.next_line().context("no mail arrived")
    }

    fn next_line<T: for<'de> Deserialize<'de>>(&self) -> anyhow::Result<T> {
        let line = self.lines.recv_timeout(PATIENCE)?;
        serde_json::from_str(&line).with_context(|| format!("odd line `{line}`"))
    }
}

impl Drop for SmtpServer {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn write(folder: &Path, name: &str, text: &str) -> anyhow::Result<PathBuf> {
    let path = folder.join(name);
    std::fs::File::create(&path)?.write_all(text.as_bytes())?;
    Ok(path)
}

fn python() -> anyhow::Result<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let python = root.join("target/venv/bin/python");
    if !python.exists() {
        bail!("target/venv is missing: `cargo xtask test` makes it from tests/requirements.txt");
    }
    Ok(python)
}
