//! Sends the prepared samples, each request at its time.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};

use super::simulation::Write;
use crate::http::{Connection, Request};

/// The connection over which samples come.
pub(crate) struct Writer {
    connection: Connection,
    authorization: String,
}

/// How writing went.
#[derive(Debug, Default)]
pub(crate) struct Written {
    /// Samples that the server has acknowledged.
    pub(crate) samples: usize,
    /// How long each acknowledgement took.
    pub(crate) times: Vec<Duration>,
    /// By how much the latest request missed its time.
    pub(crate) lateness: Duration,
}

impl Written {
    /// Adds what was written after this.
    pub(crate) fn merge(&mut self, later: Self) {
        self.samples += later.samples;
        self.times.extend(later.times);
        self.lateness = self.lateness.max(later.lateness);
    }
}

impl Writer {
    pub(crate) fn open(address: SocketAddr, authorization: String) -> Result<Self> {
        Ok(Self {
            connection: Connection::open(address).context("connecting to write samples")?,
            authorization,
        })
    }

    /// Sends requests one after another, none before its time after `begin`.
    pub(crate) fn send(&mut self, writes: &[Write], begin: Instant) -> Result<Written> {
        let mut written = Written::default();
        for write in writes {
            let due = Duration::from_millis(write.at_ms);
            std::thread::sleep(due.saturating_sub(begin.elapsed()));
            let lateness = begin.elapsed().saturating_sub(due);
            written.lateness = written.lateness.max(lateness);
            let begun = Instant::now();
            self.send_one(write)?;
            written.times.push(begun.elapsed());
            written.samples += write.samples;
        }
        Ok(written)
    }

    fn send_one(&mut self, write: &Write) -> Result<()> {
        let headers = [
            ("Authorization", self.authorization.as_str()),
            ("Content-Type", "application/x-protobuf"),
            ("Content-Encoding", "snappy"),
            ("X-Prometheus-Remote-Write-Version", "0.1.0"),
        ];
        let request = Request {
            method: "POST",
            path: "/prometheus/api/v1/write",
            headers: &headers,
            body: &write.body,
        };
        let response = self.connection.send(&request).context("writing samples")?;
        ensure!(
            response.status == 204,
            "samples were answered with {}: {}",
            response.status,
            response.text()
        );
        Ok(())
    }
}
