//! The servers that are compared: how each is started, left to come to rest, weighed and ended.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::command;
use crate::http::{self, Connection, Request};
use crate::running_server::{Build, RunningServer, yunhai};
use crate::workspace::Workspace;

/// How long a server may take to start.
const START_LIMIT: Duration = Duration::from_mins(1);
/// A server whose files have not changed for so long has come to rest. Prometheus looks for work
/// once a minute, Yunhai twice.
const QUIET: Duration = Duration::from_secs(65);
/// One that never rests is measured as it is.
const SETTLE_LIMIT: Duration = Duration::from_mins(5);

/// A server that takes remote write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Contender {
    Yunhai,
    Prometheus,
    VictoriaMetrics,
}

impl Contender {
    pub(crate) const ALL: [Self; 3] = [Self::Yunhai, Self::Prometheus, Self::VictoriaMetrics];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Yunhai => "yunhai",
            Self::Prometheus => "prometheus",
            Self::VictoriaMetrics => "victoria-metrics",
        }
    }

    /// Fails with what to do unless all programs that are not ours are on this machine.
    pub(crate) fn are_here(contenders: &[Self]) -> Result<()> {
        let missing: Vec<&str> = contenders
            .iter()
            .filter(|contender| **contender != Self::Yunhai)
            .map(|contender| contender.name())
            .filter(|name| command::find(name).is_none())
            .collect();
        ensure!(
            missing.is_empty(),
            "to compare with, {} must be installed: apt-get install --no-install-recommends {}\n\
             (or leave the comparison out: cargo xtask bench series --in-process)",
            missing.join(" and "),
            missing.join(" ")
        );
        Ok(())
    }

    /// What the program says of its version.
    pub(crate) fn version(self, workspace: &Workspace) -> Result<String> {
        if self == Self::Yunhai {
            let text = command::output(yunhai(workspace, Build::Release).arg("--version"))?;
            return Ok(text.trim().to_owned());
        }
        // Both print more than a line, and not always to the same stream.
        let output = Command::new(self.name())
            .arg("--version")
            .stdin(Stdio::null())
            .output()
            .with_context(|| format!("starting {}", self.name()))?;
        let text = [output.stdout, output.stderr].concat();
        let text = String::from_utf8_lossy(&text);
        let line = text.lines().next().unwrap_or_default().trim();
        // Debian's build of VictoriaMetrics does not know its version, its package does.
        let package = command::output(Command::new("dpkg-query").args([
            "--show",
            "--showformat=${Version}",
            self.name(),
        ]));
        Ok(match package {
            Ok(package) => format!("{} {}", self.name(), package.trim()),
            Err(_) => line.to_owned(),
        })
    }

    /// Starts the server with an empty folder.
    pub(crate) fn start(self, workspace: &Workspace) -> Result<Running> {
        let folder = tempfile::tempdir().context("making a data folder")?;
        match self {
            Self::Yunhai => start_yunhai(workspace, folder),
            Self::Prometheus => {
                let configuration = folder.path().join("prometheus.yml");
                // Some connections are ahead of others, which is out of order for Prometheus.
                let text = "storage:\n  tsdb:\n    out_of_order_time_window: 8d\n";
                fs::write(&configuration, text).context("writing the configuration")?;
                let address = free_address()?;
                let mut command = Command::new(self.name());
                command
                    .arg(format!("--config.file={}", configuration.display()))
                    .arg(format!(
                        "--storage.tsdb.path={}",
                        folder.path().join("data").display()
                    ))
                    .arg(format!("--web.listen-address={address}"))
                    .args([
                        "--web.enable-remote-write-receiver",
                        "--web.enable-admin-api",
                    ])
                    .args(["--storage.tsdb.retention.time=60d", "--log.level=warn"]);
                start_other(
                    command,
                    folder,
                    address,
                    "/-/ready",
                    Paths {
                        write: "/api/v1/write",
                        query_range: "/api/v1/query_range?",
                    },
                )
            }
            Self::VictoriaMetrics => {
                let address = free_address()?;
                let mut command = Command::new(self.name());
                command
                    .arg(format!(
                        "-storageDataPath={}",
                        folder.path().join("data").display()
                    ))
                    .arg(format!("-httpListenAddr={address}"))
                    .args(["-retentionPeriod=2", "-loggerLevel=WARN"]);
                start_other(
                    command,
                    folder,
                    address,
                    "/health",
                    Paths {
                        write: "/api/v1/write",
                        // It would answer the second time from its cache of answers.
                        query_range: "/api/v1/query_range?nocache=1&",
                    },
                )
            }
        }
    }
}

/// Where a server has what the benchmark needs.
#[derive(Clone, Copy, Debug)]
struct Paths {
    write: &'static str,
    /// As far as the first parameter.
    query_range: &'static str,
}

/// A contender that answers.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    pub(crate) authorization: Option<String>,
    paths: Paths,
    process: Process,
    folder: TempDir,
}

enum Process {
    Yunhai(RunningServer),
    Other(Killed),
}

/// A program that ends with its owner.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        // Both fail when it ended already, which is what we want.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Running {
    pub(crate) fn write_path(&self) -> &'static str {
        self.paths.write
    }

    /// A path that asks for a range, as far as the first parameter.
    pub(crate) fn query_range_path(&self) -> &'static str {
        self.paths.query_range
    }

    /// Waits until everything is written and merged that the server writes and merges on its own.
    pub(crate) fn settle(&self) -> Result<()> {
        for path in self.final_requests() {
            let answer = http::get(self.address, path).with_context(|| format!("asking {path}"))?;
            ensure!(answer.status < 300, "{path} answered {}", answer.status);
        }
        let begun = Instant::now();
        let (mut files, mut since) = (list(self.folder.path())?, Instant::now());
        while since.elapsed() < QUIET && begun.elapsed() < SETTLE_LIMIT {
            std::thread::sleep(Duration::from_secs(1));
            let now = list(self.folder.path())?;
            if now != files {
                (files, since) = (now, Instant::now());
            }
        }
        Ok(())
    }

    fn pid(&self) -> u32 {
        match &self.process {
            Process::Yunhai(server) => server.pid(),
            Process::Other(child) => child.0.id(),
        }
    }

    /// How long processors have worked for the server, which other programs on the machine change
    /// less than they change the time on the wall.
    pub(crate) fn processor_time(&self) -> Result<Duration> {
        // The kernel counts hundredths of a second for every program, whatever its own tick is.
        const TICK: Duration = Duration::from_millis(10);
        let path = format!("/proc/{}/stat", self.pid());
        let text = fs::read_to_string(&path).with_context(|| format!("reading {path}"))?;
        // The name in brackets may hold anything; the fields after it are numbered from the third.
        let fields = text.rsplit_once(')').map_or("", |(_, fields)| fields);
        let ticks = fields.split_whitespace().skip(11).take(2);
        let ticks: u32 = ticks
            .map(str::parse::<u32>)
            .sum::<Result<u32, _>>()
            .with_context(|| format!("reading {path}"))?;
        Ok(TICK * ticks)
    }

    /// The most memory that was resident.
    pub(crate) fn peak_bytes(&self) -> Result<u64> {
        let path = format!("/proc/{}/status", self.pid());
        let status = fs::read_to_string(&path).with_context(|| format!("reading {path}"))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kibibytes: u64 = line
            .and_then(|line| line.split_whitespace().next())
            .with_context(|| format!("{path} has no VmHWM"))?
            .parse()
            .with_context(|| format!("reading {path}"))?;
        Ok(kibibytes * 1024)
    }

    /// How large the samples are on disk, as far as that can be told while the server runs.
    pub(crate) fn size_bytes(&self) -> Result<Option<u64>> {
        let data = self.folder.path().join("data");
        match &self.process {
            Process::Yunhai(_) => Ok(None),
            Process::Other(_) if self.paths.query_range.contains("nocache") => {
                let parts = ["data", "indexdb"].map(|part| data.join(part));
                Ok(Some(folder_bytes(&parts[0])? + folder_bytes(&parts[1])?))
            }
            Process::Other(_) => {
                // What Prometheus still has in memory becomes a block in the snapshot.
                let request = Request {
                    method: "POST",
                    path: "/api/v1/admin/tsdb/snapshot",
                    ..Request::default()
                };
                let answer = Connection::open(self.address)?.send(&request)?;
                let answer: Value = serde_json::from_slice(&answer.body)
                    .context("reading the answer of Prometheus")?;
                let name = answer["data"]["name"]
                    .as_str()
                    .with_context(|| format!("Prometheus made no snapshot: {answer}"))?;
                Ok(Some(folder_bytes(&data.join("snapshots").join(name))?))
            }
        }
    }

    /// Ends the server and hands out its folder.
    pub(crate) fn stop(self) -> Result<TempDir> {
        match self.process {
            Process::Yunhai(server) => server.stop()?,
            Process::Other(child) => drop(child),
        }
        Ok(self.folder)
    }

    /// What makes VictoriaMetrics write and merge at once; the others have no such thing.
    fn final_requests(&self) -> &'static [&'static str] {
        if self.paths.query_range.contains("nocache") {
            &["/internal/force_flush", "/internal/force_merge"]
        } else {
            &[]
        }
    }
}

fn start_yunhai(workspace: &Workspace, folder: TempDir) -> Result<Running> {
    let series = folder.path().join("series");
    let server = RunningServer::start(workspace, Build::Release, "series", |data| {
        let configuration = data.join("yunhai.toml");
        let text = format!(
            "[server]\nrequests_per_minute = 1000000\n\n[series]\ndirectory = {:?}\n",
            series.display().to_string()
        );
        fs::write(&configuration, text).context("writing the configuration")?;
        Ok(vec!["--config".into(), configuration.into()])
    })?;
    let code = server
        .set_up_code
        .as_deref()
        .context("the server printed no set-up code")?;
    let token = create_token(server.address, code)?;
    Ok(Running {
        address: server.address,
        authorization: Some(format!("Bearer {token}")),
        paths: Paths {
            write: "/prometheus/api/v1/write",
            query_range: "/prometheus/api/v1/query_range?",
        },
        process: Process::Yunhai(server),
        folder,
    })
}

/// Creates the administrator and a token that may write and read samples.
fn create_token(address: SocketAddr, code: &str) -> Result<String> {
    let mut connection = Connection::open(address)?;
    let mut post = |path: &str, headers: &[(&str, &str)], body: &Value| -> Result<_> {
        let body = body.to_string();
        let response = connection
            .send(&Request {
                method: "POST",
                path,
                headers,
                body: body.as_bytes(),
            })
            .with_context(|| format!("asking for {path}"))?;
        if !matches!(response.status, 200 | 201) {
            bail!("{path} answered {}: {}", response.status, response.text());
        }
        let answer: Value = serde_json::from_slice(&response.body)
            .with_context(|| format!("reading the answer of {path}"))?;
        Ok((response, answer))
    };
    let json_body = ("Content-Type", "application/json");
    let new =
        json!({"code": code, "name": "admin", "password": "nine otters under the old bridge"});
    let (response, session) = post("/api/v1/setup", &[json_body], &new)?;
    let cookie = response
        .header("set-cookie")
        .and_then(|cookie| cookie.split(';').next())
        .context("the sign-in sets no cookie")?;
    let csrf_token = session["csrf_token"]
        .as_str()
        .context("there is no CSRF token")?;
    let headers = [json_body, ("Cookie", cookie), ("X-CSRF-Token", csrf_token)];
    let token = json!({"name": "series", "scopes": ["metrics:write", "servers:read"]});
    let (_, token) = post("/api/v1/tokens", &headers, &token)?;
    let token = token["token"].as_str().context("the answer has no token")?;
    Ok(token.to_owned())
}

fn start_other(
    mut command: Command,
    folder: TempDir,
    address: SocketAddr,
    ready_path: &str,
    paths: Paths,
) -> Result<Running> {
    let log = fs::File::create(folder.path().join("log")).context("creating the log")?;
    let child = command
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .spawn()
        .with_context(|| format!("starting {}", command.get_program().display()))?;
    let mut child = Killed(child);
    let begun = Instant::now();
    while http::get(address, ready_path).map_or(true, |answer| answer.status != 200) {
        let has_ended = child.0.try_wait()?.is_some();
        if has_ended || begun.elapsed() > START_LIMIT {
            let log = fs::read_to_string(folder.path().join("log")).unwrap_or_default();
            bail!(
                "{} does not answer:\n{log}",
                command.get_program().display()
            );
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(Running {
        address,
        authorization: None,
        paths,
        process: Process::Other(child),
        folder,
    })
}

/// An address that was free a moment ago, for programs that cannot choose one themselves.
fn free_address() -> Result<SocketAddr> {
    let listener =
        TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("looking for a free port")?;
    Ok(listener.local_addr()?)
}

/// The size of all files below a folder.
fn folder_bytes(folder: &Path) -> Result<u64> {
    Ok(list(folder)?.iter().map(|(_, bytes)| bytes).sum())
}

/// All files below a folder with their sizes, logs left out; what vanishes meanwhile is none.
fn list(folder: &Path) -> Result<Vec<(String, u64)>> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = fs::read_dir(&folder) else {
            continue;
        };
        for entry in entries {
            let path = entry
                .with_context(|| format!("listing {}", folder.display()))?
                .path();
            let Ok(metadata) = fs::symlink_metadata(&path) else {
                continue;
            };
            let is_log = path.components().any(|part| {
                matches!(
                    part.as_os_str().to_str(),
                    Some("wal" | "wbl" | "cache" | "log")
                )
            });
            if metadata.is_dir() {
                folders.push(path);
            } else if !is_log {
                files.push((path.display().to_string(), metadata.len()));
            }
        }
    }
    files.sort_unstable();
    Ok(files)
}
