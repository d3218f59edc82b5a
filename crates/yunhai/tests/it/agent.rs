//! `yunhai agent` beside a real server.

use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::program::Home;

/// An agent that runs; it ends with its test.
struct Agent(Child);

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn servers(home: &Home) -> Vec<Value> {
    let listed = home.run(&["server", "list", "--format", "json"]).done();
    serde_json::from_str(&listed).unwrap()
}

#[test]
fn a_machine_with_an_agent_is_a_server_of_the_list() {
    let home = Home::new();
    let server = home.serve_signed_in(&[]);
    let create = "token create --name web-1 --scope metrics:write --format json";
    let words: Vec<&str> = create.split(' ').collect();
    let token: Value = serde_json::from_str(&home.run(&words).done()).unwrap();
    home.write("token", format!("{}\n", token["token"].as_str().unwrap()));
    let mut command = home.command(&[
        "agent",
        "--server",
        &server.url,
        "--token-file",
        "token",
        "--name",
        "web-1",
        "--region",
        "上海",
        "--tag",
        "env=prod",
        "--interval",
        "1s",
    ]);
    let log = std::fs::File::create(home.path("agent.log")).unwrap();
    let _agent = Agent(command.stderr(log).stdout(Stdio::null()).spawn().unwrap());

    let begun = Instant::now();
    let found = loop {
        let found = servers(&home)
            .into_iter()
            .find(|one| one["name"] == "web-1" && one["cpu_ratio"].is_number());
        match found {
            Some(found) => break found,
            None if begun.elapsed() > Duration::from_mins(1) => {
                let log = std::fs::read_to_string(home.path("agent.log")).unwrap();
                panic!("the server does not list the machine: {log}");
            }
            None => std::thread::sleep(Duration::from_millis(200)),
        }
    };
    assert_eq!(found["state"], "up");
    assert_eq!(found["region"], "上海");
    assert_eq!(found["tags"]["env"], "prod");
    assert_eq!(server.stop(), 0);
}

#[test]
fn an_agent_that_cannot_work_says_why() {
    let home = Home::new();
    home.write("token", "yh_token");
    home.write("empty", "\n");
    let there = ["--server", "http://127.0.0.1:1"];
    let cases: [(&[&str], &str); 6] = [
        (&["--token-file", "token"], "to which server?"),
        (&there, "a token that may write metrics"),
        (
            &[
                "--server",
                "http://yunhai.example.com",
                "--token-file",
                "token",
            ],
            "--allow-plain-http",
        ),
        (
            &["--server", "http://127.0.0.1:1", "--token-file", "missing"],
            "cannot read the token from missing",
        ),
        (
            &["--server", "http://127.0.0.1:1", "--token-file", "empty"],
            "holds no token",
        ),
        (
            &[
                "--server",
                "http://127.0.0.1:1",
                "--token-file",
                "token",
                "--tag",
                "env",
            ],
            "--tag env: write it as NAME=VALUE",
        ),
    ];
    for (arguments, expected) in cases {
        let error = home.run(&[&["agent"], arguments].concat()).failed();
        assert!(error.contains(expected), "{arguments:?}: {error}");
    }
}
