//! What keeps a server from starting: each is told with what to do, and nothing is harmed.

use std::io::Write;
use std::net::TcpListener;

use crate::program::{Home, exists};

const SERVE: [&str; 5] = ["serve", "--data", "data", "--listen", "127.0.0.1:0"];

fn serve_with(home: &Home, arguments: &[&str]) -> String {
    home.run(&[&SERVE[..], arguments].concat()).failed()
}

#[test]
fn an_unknown_configuration_key_is_named_with_the_file_and_the_nearest_key() {
    let home = Home::new();
    home.write(
        "yunhai.toml",
        "[server]\nlissten = \"127.0.0.1:0\"\nmax_body = \"lots\"\n[series]\nretention = \"5d\"\n",
    );
    let error = serve_with(&home, &["--config", "yunhai.toml"]);
    insta::assert_snapshot!(error, @r"
    error: the configuration yunhai.toml is not usable:
      line 2, column 1: there is no key `server.lissten`; did you mean `server.listen`?
      line 3, column 12: server.max_body: `lots` is not a size; write it like `512MiB`, `5GiB` or `10MB`
      line 5, column 1: there is no key `series.retention`; did you mean `series.retention_rules`?
    hint: docs/configuration.md lists every key
    ");
    assert!(!exists(home.0.path(), "data"));
}

#[test]
fn values_that_do_not_go_together_are_all_told() {
    let home = Home::new();
    home.write(
        "yunhai.toml",
        "[server]\nrequests_per_minute = 0\n[collect]\ninterval = \"10ms\"\n",
    );
    let error = serve_with(&home, &["--config", "yunhai.toml"]);
    assert!(error.contains("server.requests_per_minute"), "{error}");
    assert!(error.contains("collect.interval"), "{error}");
}

#[test]
fn plain_http_beyond_this_machine_is_refused_with_the_ways_out() {
    let home = Home::new();
    let arguments = ["serve", "--data", "data", "--listen", "0.0.0.0:0"];
    let error = home.run(&arguments).failed();
    assert!(error.contains("server.listen"), "{error}");
    assert!(error.contains("self-signed"), "{error}");
}

#[test]
fn an_unreachable_database_is_named_without_its_password() {
    let home = Home::new();
    // Bound and let go: nobody listens there.
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    for engine in ["postgres", "mysql"] {
        let url = format!("{engine}://ann:hush-hush@127.0.0.1:{port}/yunhai");
        let error = serve_with(&home, &["--database", &url]);
        assert!(error.contains(&format!("127.0.0.1:{port}")), "{error}");
        assert!(
            error.contains("check that the database server runs"),
            "{error}"
        );
        assert!(!error.contains("hush-hush"), "{error}");
    }
    let error = serve_with(&home, &["--database", "redis://h/x"]);
    assert!(
        error.contains("postgres://user:password@host/database"),
        "{error}"
    );
}

#[test]
fn a_wrong_a_damaged_and_a_missing_key_file_stop_the_start() {
    let (home, other) = (Home::new(), Home::new());
    home.create_administrator();
    other.create_administrator();
    let key = home.path("data/master.key");
    let right = std::fs::read(&key).unwrap();

    std::fs::copy(other.path("data/master.key"), &key).unwrap();
    let error = serve_with(&home, &[]);
    assert!(
        error.contains("data/master.key: this is the wrong master key"),
        "{error}"
    );
    assert!(
        error.contains("use the key file that belongs to this database"),
        "{error}"
    );

    std::fs::write(&key, b"not a key").unwrap();
    let error = serve_with(&home, &[]);
    assert!(error.contains("master.key"), "{error}");

    std::fs::remove_file(&key).unwrap();
    let error = serve_with(&home, &[]);
    assert!(error.contains("master.key"), "{error}");
    assert!(
        !key.exists(),
        "a new key would hide that the old one is lost"
    );

    std::fs::write(&key, right).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(&key, mode).unwrap();
    home.serve(&[]).stop();
}

#[test]
fn a_taken_port_is_told_before_the_data_is_touched() {
    let home = Home::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let error = home
        .run(&["serve", "--data", "data", "--listen", &address])
        .failed();
    assert!(error.contains(&address), "{error}");
    assert!(
        error.contains("choose another port with --listen"),
        "{error}"
    );
    assert!(!exists(home.0.path(), "data"));
}

#[test]
fn a_data_directory_that_cannot_be_written_is_told() {
    let home = Home::new();
    home.write("data", "a file in the way");
    let error = serve_with(&home, &[]);
    assert!(
        error.contains("cannot make the data directory data"),
        "{error}"
    );
    assert!(error.contains("hint: choose a folder"), "{error}");
}

#[test]
fn a_second_server_on_the_same_data_is_refused_and_the_first_goes_on() {
    let home = Home::new();
    let first = home.serve_signed_in(&[]);
    let error = serve_with(&home, &[]);
    assert!(
        error.contains("in use by another yunhai (process "),
        "{error}"
    );
    let error = home.run(&["monitor", "once", "--data", "data"]).failed();
    assert!(error.contains("in use by another yunhai"), "{error}");
    home.run(&["status"]).done();
    assert_eq!(first.stop(), 0);
    home.serve(&[]);
}

/// Needs root, as only root mounts; elsewhere there is nothing to test.
#[test]
fn a_full_disk_is_told_and_everything_goes_on_when_there_is_room_again() {
    let home = Home::new();
    std::fs::create_dir(home.path("data")).unwrap();
    let Some(_mounted) = Mounted::small(&home.path("data")) else {
        return;
    };
    let server = home.serve_signed_in(&[]);
    let fill = || {
        let filler = home.path("data/filler");
        let mut filler = std::fs::File::create(filler).unwrap();
        while filler.write_all(&[0; 4096]).is_ok() {}
    };
    let edit = ["user", "edit", "ann", "--display-name"];
    let renamed = |name: &str| home.run(&[&edit[..], &[name]].concat());
    fill();
    // What still fits into the journal of the database may be written.
    let refused = (0..200).any(|at| renamed(&format!("Ann {at}")).code == 1);
    assert!(refused, "a full disk was not noticed");
    home.run(&["me"]).done();
    std::fs::remove_file(home.path("data/filler")).unwrap();
    renamed("Ann").done();
    assert_eq!(server.stop(), 0);
    fill();
    let error = serve_with(&home, &[]);
    assert!(
        error.contains("No space left on device") || error.contains("full"),
        "{error}"
    );
    std::fs::remove_file(home.path("data/filler")).unwrap();
    let _server = home.serve(&[]);
}

/// A small file system in memory, as long as it lives.
struct Mounted(std::path::PathBuf);

impl Mounted {
    fn small(folder: &std::path::Path) -> Option<Self> {
        let mounted = std::process::Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=8m", "tmpfs"])
            .arg(folder)
            .stderr(std::process::Stdio::null())
            .status();
        matches!(mounted, Ok(status) if status.success()).then(|| Self(folder.to_owned()))
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount")
            .args(["--lazy"])
            .arg(&self.0)
            .status();
    }
}
