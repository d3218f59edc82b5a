//! A program that writes samples to a server.

use reqwest::blocking::{Client, Response};
use serde_json::Value;

use crate::program::{Home, Running};

/// A token made at the command line, and a client that uses it.
pub(crate) struct Writer<'a> {
    server: &'a Running,
    token: String,
}

impl<'a> Writer<'a> {
    pub(crate) fn new(home: &Home, server: &'a Running) -> Self {
        let create = "token create --name writer --scope metrics:write --scope rules:write \
                      --scope servers:read";
        let words: Vec<&str> = create.split_whitespace().collect();
        let token = home.run(&words).done().trim().to_owned();
        Self { server, token }
    }

    pub(crate) fn post(&self, path: &str, content_type: &str, body: Vec<u8>) -> (u16, Value) {
        let answer = Client::new()
            .post(format!("{}{path}", self.server.url))
            .bearer_auth(&self.token)
            .header("content-type", content_type)
            .header(
                "content-encoding",
                if content_type.contains("protobuf") {
                    "snappy"
                } else {
                    "identity"
                },
            )
            .body(body)
            .send()
            .unwrap();
        read(answer)
    }

    pub(crate) fn write(&self, body: Vec<u8>) -> (u16, Value) {
        self.post("/prometheus/api/v1/write", "application/x-protobuf", body)
    }
}

fn read(answer: Response) -> (u16, Value) {
    let status = answer.status().as_u16();
    (
        status,
        serde_json::from_slice(&answer.bytes().unwrap()).unwrap_or_default(),
    )
}
