//! `yunhai agent` beside a real server.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::program::{Home, PASSWORD};

/// An agent that runs; it ends with its test.
struct Agent(Child);

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Agent {
    fn start(mut command: Command, log: &std::path::Path) -> Self {
        let log = std::fs::File::create(log).unwrap();
        Self(command.stderr(log).stdout(Stdio::null()).spawn().unwrap())
    }
}

/// Asks until the answer is there; a test that waits in vain shows what the agent has said.
fn eventually<T>(log: &std::path::Path, mut ask: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = ask() {
            return found;
        }
        assert!(
            begun.elapsed() < Duration::from_mins(1),
            "in vain: {}",
            std::fs::read_to_string(log).unwrap()
        );
        std::thread::sleep(Duration::from_millis(200));
    }
}

fn agents(home: &Home) -> Vec<Value> {
    let listed = home.run(&["agent", "list", "--format", "json"]).done();
    serde_json::from_str(&listed).unwrap()
}

/// Makes an enrolment token, and returns it and the command that is told beside it.
fn enrolment_token(home: &Home, more: &[&str]) -> (String, String) {
    let made = home.run(&[&["agent-token", "create"], more].concat());
    let told = made.errors.lines().last().unwrap().trim().to_owned();
    (made.done().trim().to_owned(), told)
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
        (&there, "the agent needs a token to join with"),
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

#[test]
fn a_machine_joins_with_a_token_and_has_a_key_of_its_own_until_it_is_revoked() {
    let home = Home::new();
    let server = home.serve_signed_in(&[]);
    let (token, told) = enrolment_token(&home, &["--tag", "team=web"]);
    let url = server.url.trim_end_matches('/');
    let script = format!("curl -fsSL {url}/install.sh | sh -s -- --server {url} --token {token}");
    assert_eq!(told, script);
    home.write("token", &token);
    let (log, state) = (home.path("agent.log"), "state");
    let agent = |machine: &'static str, state: &'static str| {
        home.command(&[
            "agent",
            "--server",
            &server.url,
            "--token-file",
            "token",
            "--buffer",
            state,
            "--machine-id",
            machine,
            "--metadata-endpoint",
            "http://127.0.0.1:9",
            "--name",
            "web-1",
            "--interval",
            "1s",
        ])
    };
    let running = Agent::start(agent("0123456789", state), &log);
    let joined = eventually(&log, || {
        agents(&home)
            .into_iter()
            .find(|agent| agent["last_seen_ms"].is_number())
    });
    assert_eq!(joined["name"], "web-1");
    assert_eq!(joined["machine_id"], "0123456789");
    assert!(joined["clock_skew_ms"].as_i64().unwrap().abs() < 30_000);
    let shown = eventually(&log, || {
        let mut servers = servers(&home).into_iter();
        servers.find(|one| one["name"] == "web-1" && one["state"] == "up")
    });
    assert_eq!(shown["tags"]["team"], "web");
    drop(running);

    // The token is used up; a restart needs none, another machine is told what to do, and ends.
    let listed = home.run(&["agent-token", "list"]).done();
    assert!(
        listed.contains("used up") && listed.contains("1 of 1"),
        "{listed}"
    );
    let mut refused = agent("another machine", "other");
    let refused = refused.output().unwrap();
    assert_eq!(refused.status.code(), Some(1));
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(said.contains("this machine was not let in: the enrolment token is used up"));
    assert!(
        said.contains("hint: make a new one with `yunhai agent-token create`"),
        "{said}"
    );
    assert!(!said.contains(&token), "{said}");
    let before = joined["last_seen_ms"].as_i64().unwrap();
    let again = Agent::start(agent("0123456789", state), &log);
    eventually(&log, || {
        let said = std::fs::read_to_string(&log).unwrap();
        said.contains("measuring this machine").then_some(())
    });
    assert_eq!(agents(&home)[0]["enrolled_at_ms"], joined["enrolled_at_ms"]);
    assert!(agents(&home)[0]["last_seen_ms"].as_i64().unwrap() >= before);

    home.run(&["agent", "revoke", "web-1"]).done();
    assert!(agents(&home).is_empty());
    eventually(&log, || {
        let said = std::fs::read_to_string(&log).unwrap();
        said.contains("key is unknown or was revoked").then_some(())
    });
    drop(again);
    let error = home.run(&["agent", "revoke", "web-1"]).failed();
    assert!(error.contains("there is no agent `web-1`"), "{error}");
    assert_eq!(server.stop(), 0);
}

#[test]
fn the_script_installs_the_agent_from_a_server_with_a_certificate_of_its_own() {
    let home = Home::new();
    home.write(
        "yunhai.toml",
        "[server]\ntls = { mode = \"self-signed\" }\n",
    );
    home.create_administrator();
    let server = home.serve(&["--config", "yunhai.toml"]);
    let login = ["login", "--user", "ann", "--password-stdin", "--server"];
    let trusted = [&server.url, "--ca-file", "data/tls-certificate.pem"];
    home.run_with(&[&login[..], &trusted].concat(), PASSWORD)
        .done();
    let (token, told) = enrolment_token(&home, &[]);
    assert!(told.contains("--pinnedpubkey sha256//"), "{told}");
    let root = home.path("machine");
    let root = root.to_str().unwrap();
    let shell = |script: &str| {
        let mut command = Command::new("sh");
        command.args(["-c", script]).env("TMPDIR", home.0.path());
        command.output().unwrap()
    };
    let install = format!("{told} --root {root} --interval 1s --name 'web 1'");
    for expected in ["Fetching the program", "The program is up to date."] {
        let done = shell(&install);
        let said = String::from_utf8(done.stdout).unwrap();
        assert!(
            done.status.success(),
            "{said}{}",
            String::from_utf8_lossy(&done.stderr)
        );
        assert!(said.contains(expected), "{said}");
    }
    let mode = |path: &str| {
        use std::os::unix::fs::PermissionsExt;
        let path = std::path::Path::new(root).join(path);
        std::fs::metadata(path).unwrap().permissions().mode() & 0o777
    };
    assert_eq!(mode("etc/yunhai/agent-token"), 0o600);
    assert_eq!(mode("usr/local/bin/yunhai"), 0o755);
    assert_eq!(mode("etc/systemd/system/yunhai-agent.service"), 0o644);
    // What the unit does: the settings are the environment, and the certificate is trusted.
    let settings = std::fs::read_to_string(format!("{root}/etc/yunhai/agent.env")).unwrap();
    assert!(
        settings.contains("YUNHAI_CA_FILE=\"/etc/yunhai/agent-ca.pem\""),
        "{settings}"
    );
    let log = home.path("agent.log");
    let program = format!("{root}/usr/local/bin/yunhai");
    let token_file = format!("{root}/etc/yunhai/agent-token");
    let mut command = Command::new(&program);
    command
        .args(["agent", "--token-file", &token_file])
        .args(["--metadata-endpoint", "http://127.0.0.1:9"])
        .env_clear()
        .env("HOME", home.0.path())
        .env(
            "YUNHAI_AGENT_BUFFER",
            format!("{root}/var/lib/yunhai-agent"),
        );
    for line in settings.lines() {
        let (name, value) = line.split_once('=').unwrap();
        let value = value
            .trim_matches('"')
            .replace("/etc/", &format!("{root}/etc/"));
        command.env(name, value);
    }
    let agent = Agent::start(command, &log);
    let joined = eventually(&log, || {
        let mut agents = agents(&home).into_iter();
        agents.find(|agent| agent["last_seen_ms"].is_number())
    });
    assert_eq!(joined["name"], "web 1");
    drop(agent);

    let pin = told.split("--pin ").nth(1).unwrap();
    let wrong = format!("sha256//{}=", "A".repeat(43));
    let refused = shell(&install.replace(pin, &wrong));
    assert_eq!(refused.stdout, b"", "nothing of another server is run");
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(said.contains("(90)"), "curl tells why: {said}");
    let of_script = |arguments: &str| {
        let url = format!("{}/install.sh", server.url.trim_end_matches('/'));
        shell(&format!("curl -fsSk {url} | sh -s -- {arguments}"))
    };
    let said = |arguments: &str| {
        let ended = of_script(arguments);
        assert_eq!(ended.status.code(), Some(1), "{arguments}");
        String::from_utf8(ended.stderr).unwrap()
    };
    let elsewhere = home.path("elsewhere");
    let elsewhere = elsewhere.display();
    let pinned = format!("--server {} --pin {pin} --root {elsewhere}", server.url);
    assert!(said(&pinned).contains("--token is missing"));
    assert!(said(&format!("--root {elsewhere} --token {token}")).contains("--server is missing"));
    assert!(said(&format!("{pinned} --name 'a\"b'")).contains("--name must not hold quotes"));
    let untrusted = format!("--server {} --token {token} --root {elsewhere}", server.url);
    assert!(said(&untrusted).contains("give --pin or --ca-file"));

    let gone = of_script(&format!("--root {root} --uninstall"));
    assert!(gone.status.success());
    let left = shell(&format!("find {root} -type f"));
    assert_eq!(String::from_utf8(left.stdout).unwrap(), "");
}
