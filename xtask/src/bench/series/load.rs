//! Sending the week, and asking for parts of it.

use std::fs;
use std::path::Path;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use super::contender::Running;
use super::{Figures, figure};
use crate::http::{Connection, Request};

/// How many requests a connection may be ahead of the slowest: two hours of samples.
const LEAD: usize = 4;
/// How often each question is asked.
const TIMES: usize = 31;

/// Remote write requests by connection, in the order of time.
pub(crate) struct Load {
    connections: Vec<Vec<Vec<u8>>>,
    pub(crate) samples: u64,
}

impl Load {
    /// Reads what the benchmark's program has prepared.
    pub(crate) fn read(file: &Path) -> Result<Self> {
        let bytes = fs::read(file).with_context(|| format!("reading {}", file.display()))?;
        let mut load = Self {
            connections: Vec::new(),
            samples: 0,
        };
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            let (head, tail) = rest
                .split_at_checked(12)
                .context("the requests break off")?;
            let number = |at: usize| -> Result<usize> {
                let bytes: [u8; 4] = head[at..at + 4].try_into()?;
                Ok(u32::from_le_bytes(bytes) as usize)
            };
            let (connection, samples) = (number(0)?, number(4)?);
            let (body, tail) = tail
                .split_at_checked(number(8)?)
                .context("the requests break off")?;
            if load.connections.len() <= connection {
                load.connections.resize(connection + 1, Vec::new());
            }
            load.connections[connection].push(body.to_vec());
            load.samples += samples as u64;
            rest = tail;
        }
        Ok(load)
    }

    /// Sends everything and returns how long it took until the last request was acknowledged.
    pub(crate) fn send(&self, to: &Running) -> Result<Duration> {
        let progress = Progress::new(self.connections.len());
        let begun = Instant::now();
        std::thread::scope(|scope| {
            let senders: Vec<_> = self
                .connections
                .iter()
                .enumerate()
                .map(|(number, requests)| {
                    let progress = &progress;
                    scope.spawn(move || send_all(to, number, requests, progress))
                })
                .collect();
            senders.into_iter().try_for_each(|sender| {
                sender
                    .join()
                    .unwrap_or_else(|_| Err(anyhow::anyhow!("a sender panicked")))
            })
        })?;
        Ok(begun.elapsed())
    }
}

fn send_all(to: &Running, number: usize, requests: &[Vec<u8>], progress: &Progress) -> Result<()> {
    // Whatever happens, nobody waits for a connection that is no more.
    let _done = Done(progress, number);
    let mut headers = vec![
        ("Content-Type", "application/x-protobuf"),
        ("Content-Encoding", "snappy"),
        ("X-Prometheus-Remote-Write-Version", "0.1.0"),
    ];
    if let Some(authorization) = &to.authorization {
        headers.push(("Authorization", authorization));
    }
    let mut connection = Connection::open(to.address).context("connecting")?;
    for (at, body) in requests.iter().enumerate() {
        progress.wait(number, at);
        let response = connection
            .send(&Request {
                method: "POST",
                path: to.write_path(),
                headers: &headers,
                body,
            })
            .context("writing samples")?;
        ensure!(
            matches!(response.status, 200 | 204),
            "samples were answered with {}: {}",
            response.status,
            response.text()
        );
    }
    Ok(())
}

/// How far each connection is, so that none gets far ahead.
struct Progress {
    at: Mutex<Vec<usize>>,
    moved: Condvar,
}

impl Progress {
    fn new(connections: usize) -> Self {
        Self {
            at: Mutex::new(vec![0; connections]),
            moved: Condvar::new(),
        }
    }

    /// Waits until a connection may send a request.
    fn wait(&self, connection: usize, request: usize) {
        let mut at = self.set(connection, request);
        while at.iter().any(|other| other + LEAD < request) {
            at = self.moved.wait(at).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn set(&self, connection: usize, request: usize) -> MutexGuard<'_, Vec<usize>> {
        let mut at = self.at.lock().unwrap_or_else(PoisonError::into_inner);
        at[connection] = request;
        self.moved.notify_all();
        at
    }
}

/// Tells the others that a connection has ended.
struct Done<'a>(&'a Progress, usize);

impl Drop for Done<'_> {
    fn drop(&mut self) {
        drop(self.0.set(self.1, usize::MAX - LEAD));
    }
}

/// The two questions and the time they are about.
pub(crate) struct Question {
    start_secs: i64,
    end_secs: i64,
}

impl Question {
    pub(crate) fn of_range(range: &Figures) -> Result<Self> {
        Ok(Self {
            start_secs: figure(range, "start_ms")? as i64 / 1000,
            end_secs: figure(range, "end_ms")? as i64 / 1000,
        })
    }

    /// Asks for seven days of one series.
    pub(crate) fn one_series(&self, of: &Running) -> Result<Duration> {
        let query = "server_memory_utilization_percent%7Bserver%3D%22server-0250%22%7D";
        ask(of, query, self.start_secs, self.end_secs, [1, 2016])
    }

    /// Asks for the averages of 500 series over a day.
    pub(crate) fn averages(&self, of: &Running) -> Result<Duration> {
        let query = "avg%20by%20%28region%29%20%28server_cpu_utilization_percent%29";
        ask(of, query, self.end_secs - 86_400, self.end_secs, [10, 2890])
    }
}

/// Asks again and again and returns the median; the answer must have so many series and points.
fn ask(of: &Running, query: &str, start: i64, end: i64, expected: [usize; 2]) -> Result<Duration> {
    let path = format!(
        "{}query={query}&start={start}&end={end}&step=300",
        of.query_range_path()
    );
    let authorization = of
        .authorization
        .as_deref()
        .map(|authorization| ("Authorization", authorization));
    let headers: Vec<_> = authorization.into_iter().collect();
    let mut connection = Connection::open(of.address).context("connecting")?;
    let mut times = Vec::new();
    for _ in 0..TIMES {
        let begun = Instant::now();
        let response = connection
            .send(&Request {
                method: "GET",
                path: &path,
                headers: &headers,
                ..Request::default()
            })
            .with_context(|| format!("asking {path}"))?;
        times.push(begun.elapsed());
        let answer: Value = serde_json::from_slice(&response.body)
            .with_context(|| format!("{path} answered {}: {}", response.status, response.text()))?;
        let series = answer["data"]["result"].as_array();
        let found = series.map(|series| {
            let points = series.iter().filter_map(|one| one["values"].as_array());
            [series.len(), points.map(Vec::len).sum()]
        });
        ensure!(
            found == Some(expected),
            "{path} answered {found:?} series and points in place of {expected:?}"
        );
    }
    times.sort_unstable();
    Ok(times[TIMES / 2])
}
