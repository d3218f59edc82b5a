//! Google's own clients, and an emulator that others wrote.

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, bail};
use serde::Deserialize;
use serde_json::Value;

use crate::python::{Program, installed};

const CLIENTS: &str = include_str!("clients.py");

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Told {
    Answer(Value),
    Error(String),
}

/// Google's clients for Python: google-cloud-compute, and google-api-python-client for Cloud
/// Monitoring, whose newer client speaks gRPC only.
#[derive(Debug)]
pub struct GoogleClients {
    program: Program,
}

impl GoogleClients {
    /// Points the clients at an address, with the key of a service account.
    pub fn start(address: &str, key: &Value) -> anyhow::Result<Self> {
        let key = key.to_string();
        let (program, _) = Program::start::<Value>("Google's clients", CLIENTS, &[address, &key])?;
        Ok(Self { program })
    }

    /// Has them do something: `list`, `make`, `change` or `measurements`, with what that needs.
    pub fn ask(&mut self, question: &Value) -> anyhow::Result<Value> {
        match self.program.ask(question)? {
            Told::Answer(answer) => Ok(answer),
            Told::Error(error) => bail!("{error}"),
        }
    }
}

/// The emulator gcplocal; it ends when this is dropped.
#[derive(Debug)]
pub struct GcpLocal {
    /// Its address, without a final `/`.
    pub endpoint: String,
    process: Child,
}

impl GcpLocal {
    /// Starts it with nothing in it.
    pub async fn start() -> anyhow::Result<Self> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let process = Command::new(installed("target/venv/bin/gcplocal")?)
            .args(["start", "--host", "127.0.0.1", "--port", &port.to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("cannot start gcplocal")?;
        let mut started = Self {
            endpoint: format!("http://127.0.0.1:{port}"),
            process,
        };
        for _ in 0..1200 {
            if tokio::net::TcpStream::connect(("127.0.0.1", port))
                .await
                .is_ok()
            {
                return Ok(started);
            }
            if let Some(status) = started.process.try_wait()? {
                bail!("gcplocal ended with {status}");
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        bail!("gcplocal does not answer")
    }
}

impl Drop for GcpLocal {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
