//! Real databases for tests: SQLite files, and PostgreSQL and MariaDB from Debian's packages.
//!
//! Test processes come and go, a database server takes seconds to start. So the first test that
//! needs one starts it (under a file lock, on a free port of the loopback, with its data in the
//! temporary directory), the others share it with a database of their own each, and a watchdog
//! ends it by its process id when no test has used it for a minute.

use std::fs::File;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, Result, bail, ensure};

/// Seconds without use after which the watchdog ends a server.
const IDLE_SECS: u64 = 60;

/// How long a server may take to start on a loaded machine.
const START_TIMEOUT: Duration = Duration::from_mins(2);

const POSTGRES_BIN: &str = "/usr/lib/postgresql/15/bin";

/// A database engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// The embedded engine.
    Sqlite,
    /// PostgreSQL 15.
    Postgres,
    /// MariaDB, standing for MySQL too.
    Mysql,
}

/// An empty database that belongs to one test and goes with it.
#[derive(Debug)]
pub struct TestDatabase {
    /// The address to give to `Database::connect`.
    pub url: String,
    place: Place,
}

#[derive(Debug)]
enum Place {
    File(#[allow(dead_code, reason = "kept for its drop")] tempfile::TempDir),
    Server { server: Server, name: String },
}

impl TestDatabase {
    /// Makes an empty database on an engine, starting its server when none runs.
    ///
    /// # Panics
    /// Where the engine is not installed or does not start, with what to install.
    pub fn start(engine: Engine) -> Self {
        match engine {
            Engine::Sqlite => {
                let folder = tempfile::tempdir().expect("the temporary directory can be written");
                Self {
                    url: format!("sqlite://{}/state.db", folder.path().display()),
                    place: Place::File(folder),
                }
            }
            Engine::Postgres => Self::on_server(&POSTGRES),
            Engine::Mysql => Self::on_server(&MARIADB),
        }
    }

    fn on_server(kind: &'static Kind) -> Self {
        let server = Server::shared(kind)
            .unwrap_or_else(|error| panic!("cannot start {} for the test: {error:#}", kind.name));
        let unique = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .map_or(0, |elapsed| elapsed.as_nanos());
        let name = format!("test_{}_{unique}", std::process::id());
        server
            .sql(&format!("CREATE DATABASE {name}"))
            .unwrap_or_else(|error| panic!("cannot make a database on {}: {error:#}", kind.name));
        Self {
            url: format!(
                "{}://yunhai:test-password@127.0.0.1:{}/{name}",
                kind.scheme, server.port
            ),
            place: Place::Server { server, name },
        }
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        if let Place::Server { server, name } = &self.place {
            let force = if server.kind.scheme == "postgres" {
                " WITH (FORCE)"
            } else {
                ""
            };
            // What stays behind goes with the server.
            let _ = server.sql(&format!("DROP DATABASE IF EXISTS {name}{force}"));
        }
    }
}

/// A database on a server that belongs to one test, which can stop it and start it again.
#[derive(Debug)]
pub struct OwnServer {
    /// The address to give to `Database::connect`; it stays the same.
    pub url: String,
    server: Server,
    child: Option<Child>,
}

impl OwnServer {
    /// Makes a server with an empty database and starts it.
    ///
    /// # Panics
    /// Where the engine is embedded, is not installed, or does not start.
    pub fn start(engine: Engine) -> Self {
        let kind = match engine {
            Engine::Sqlite => panic!("an embedded engine has no server to stop"),
            Engine::Postgres => &POSTGRES,
            Engine::Mysql => &MARIADB,
        };
        let make = || -> Result<Self> {
            let base = base_folder()?;
            let server = Server::make(kind, &base)?;
            let url = format!(
                "{}://yunhai:test-password@127.0.0.1:{}/own",
                kind.scheme, server.port
            );
            let mut own = Self {
                url,
                server,
                child: None,
            };
            // In the test's process group, so that whoever kills the test ends it too.
            own.child = Some(own.server.spawn(own.server.command())?);
            for statement in kind.prepare {
                own.server.sql(statement)?;
            }
            own.server.sql("CREATE DATABASE own")?;
            Ok(own)
        };
        make().unwrap_or_else(|error| panic!("cannot start {} for the test: {error:#}", kind.name))
    }

    /// Stops the server and returns when it has ended.
    ///
    /// # Panics
    /// Where it cannot be told to.
    pub fn stop(&mut self) {
        let Some(mut child) = self.child.take() else {
            return;
        };
        let signal = format!("-{}", self.server.kind.stop_signal);
        done(Command::new("kill").args([&signal, &child.id().to_string()]))
            .and_then(|()| Ok(child.wait()?))
            .unwrap_or_else(|error| panic!("cannot stop the server: {error:#}"));
    }

    /// Starts the server again, on the same port and with the same data.
    ///
    /// # Panics
    /// Where it does not start.
    pub fn restart(&mut self) {
        self.stop();
        let started = self.server.spawn(self.server.command());
        self.child =
            Some(started.unwrap_or_else(|error| panic!("cannot start it again: {error:#}")));
    }
}

impl Drop for OwnServer {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
        let _ = std::fs::remove_dir_all(&self.server.folder);
    }
}

/// Defines tests that run on each engine: `async fn name(url: &str) { … }` becomes the tests
/// `name::sqlite`, `name::postgres` and `name::mysql`. The crate needs `tokio`.
#[macro_export]
macro_rules! on_every_database {
    ($($(#[$meta:meta])* async fn $name:ident($url:ident: &str) $body:block)*) => {$(
        $(#[$meta])*
        mod $name {
            #[allow(unused_imports)]
            use super::*;

            async fn body_on($url: &str) $body

            async fn run_on(engine: $crate::databases::Engine) {
                let database = $crate::databases::TestDatabase::start(engine);
                body_on(&database.url).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                run_on($crate::databases::Engine::Sqlite).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                run_on($crate::databases::Engine::Postgres).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn mysql() {
                run_on($crate::databases::Engine::Mysql).await;
            }
        }
    )*};
}

/// How one engine's server is made, started and spoken to.
#[derive(Debug)]
struct Kind {
    name: &'static str,
    scheme: &'static str,
    program: &'static str,
    package: &'static str,
    stop_signal: &'static str,
    initialise: fn(&Path) -> Result<()>,
    start: fn(&Path, u16) -> Command,
    client: fn(&Path, u16) -> Command,
    prepare: &'static [&'static str],
}

static POSTGRES: Kind = Kind {
    name: "PostgreSQL",
    scheme: "postgres",
    program: "/usr/lib/postgresql/15/bin/postgres",
    package: "postgresql",
    stop_signal: "INT",
    initialise: |folder| {
        let data = folder.join("data");
        std::fs::create_dir(&data)?;
        if is_root() {
            done(Command::new("chown").args(["-R", "postgres:"]).arg(folder))?;
        }
        done(
            as_user("postgres", &format!("{POSTGRES_BIN}/initdb"))
                .args(["--auth=trust", "--username=yunhai", "--encoding=UTF8"])
                .args(["--locale=C.UTF-8", "--no-sync", "-D"])
                .arg(data),
        )
    },
    start: |folder, port| {
        let mut command = as_user("postgres", &format!("{POSTGRES_BIN}/postgres"));
        command
            .arg("-D")
            .arg(folder.join("data"))
            .arg("-k")
            .arg(folder);
        command.args(["-h", "127.0.0.1", "-p", &port.to_string()]);
        for setting in [
            "fsync=off",
            "full_page_writes=off",
            "synchronous_commit=off",
            "max_connections=300",
            "shared_buffers=32MB",
        ] {
            command.args(["-c", setting]);
        }
        command
    },
    client: |folder, port| {
        let mut command = Command::new(format!("{POSTGRES_BIN}/psql"));
        command
            .arg("-h")
            .arg(folder)
            .args(["-p", &port.to_string()]);
        command.args(["-U", "yunhai", "-d", "postgres", "-qAt"]);
        command.args(["-v", "ON_ERROR_STOP=1", "-c"]);
        command
    },
    prepare: &["SELECT 1"],
};

static MARIADB: Kind = Kind {
    name: "MariaDB",
    scheme: "mysql",
    program: "/usr/sbin/mariadbd",
    package: "mariadb-server",
    stop_signal: "TERM",
    initialise: |folder| {
        if is_root() {
            done(Command::new("chown").args(["-R", "mysql:"]).arg(folder))?;
        }
        done(
            as_user("mysql", "mariadb-install-db")
                .args([
                    "--no-defaults",
                    "--skip-test-db",
                    "--auth-root-authentication-method=normal",
                ])
                .arg(format!("--datadir={}", folder.join("data").display()))
                .arg(format!("--tmpdir={}", folder.display())),
        )
    },
    start: |folder, port| {
        let mut command = as_user("mysql", "/usr/sbin/mariadbd");
        command
            .arg("--no-defaults")
            .arg(format!("--datadir={}", folder.join("data").display()))
            .arg(format!("--tmpdir={}", folder.display()))
            .arg(format!("--socket={}", folder.join("socket").display()))
            .arg(format!(
                "--pid-file={}",
                folder.join("server.pid").display()
            ))
            .arg(format!("--port={port}"))
            .args([
                "--bind-address=127.0.0.1",
                "--skip-name-resolve",
                "--skip-log-bin",
            ])
            .args([
                "--innodb-flush-log-at-trx-commit=0",
                "--innodb-doublewrite=0",
            ])
            .args(["--innodb-buffer-pool-size=32M", "--max-connections=300"]);
        command
    },
    client: |folder, _| {
        let mut command = Command::new("mariadb");
        command
            .arg("--no-defaults")
            .arg(format!("--socket={}", folder.join("socket").display()))
            .args(["--user=root", "--batch", "-e"]);
        command
    },
    prepare: &[
        "CREATE USER IF NOT EXISTS 'yunhai'@'127.0.0.1' IDENTIFIED BY 'test-password'",
        "GRANT ALL ON *.* TO 'yunhai'@'127.0.0.1'",
    ],
};

/// A running server.
#[derive(Clone, Debug)]
struct Server {
    kind: &'static Kind,
    folder: PathBuf,
    port: u16,
}

impl Server {
    /// Finds the server that runs, or starts it.
    fn shared(kind: &'static Kind) -> Result<Self> {
        ensure!(
            Path::new(kind.program).exists(),
            "{} is missing; install it with `apt-get install {}`",
            kind.program,
            kind.package
        );
        let base = base_folder()?;
        let lock = File::create(base.join(format!("{}.lock", kind.scheme)))?;
        lock.lock().context("cannot lock")?;
        let note = base.join(format!("{}.running", kind.scheme));
        if let Some(server) = Self::running(kind, &note) {
            server.keep_alive(&note);
            return Ok(server);
        }
        let server = Self::start(kind, &base, &note)?;
        server.keep_alive(&note);
        Ok(server)
    }

    /// Reads the note that a running server left, and asks whether it still answers.
    fn running(kind: &'static Kind, note: &Path) -> Option<Self> {
        let text = std::fs::read_to_string(note).ok()?;
        let (port, folder) = text.trim().split_once(' ')?;
        let server = Self {
            kind,
            folder: folder.into(),
            port: port.parse().ok()?,
        };
        server.sql("SELECT 1").ok().map(|()| server)
    }

    fn start(kind: &'static Kind, base: &Path, note: &Path) -> Result<Self> {
        let server = Self::make(kind, base)?;
        let child = server.spawn(detached(&server.command()))?;
        for statement in kind.prepare {
            server.sql(statement)?;
        }
        std::fs::write(note, format!("{} {}", server.port, server.folder.display()))?;
        server.watch(child.id(), base, note)?;
        Ok(server)
    }

    /// Makes a server's folder and finds it a port.
    fn make(kind: &'static Kind, base: &Path) -> Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix(kind.scheme)
            .tempdir_in(base)?
            .keep();
        open_to_other_users(&folder)?;
        (kind.initialise)(&folder).context("cannot make its data directory")?;
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?
            .local_addr()?
            .port();
        Ok(Self { kind, folder, port })
    }

    /// Returns what starts the process.
    fn command(&self) -> Command {
        (self.kind.start)(&self.folder, self.port)
    }

    /// Starts the process and returns once it answers.
    fn spawn(&self, mut command: Command) -> Result<Child> {
        let log = File::create(self.folder.join("log"))?;
        let mut child = command
            .stdin(Stdio::null())
            .current_dir("/")
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .context("cannot start it")?;
        self.await_answer(&mut child)?;
        Ok(child)
    }

    fn await_answer(&self, child: &mut Child) -> Result<()> {
        let start = Instant::now();
        loop {
            let is_up = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).is_ok()
                && self.sql("SELECT 1").is_ok();
            if is_up {
                return Ok(());
            }
            let has_ended = child.try_wait()?.is_some();
            if has_ended || start.elapsed() > START_TIMEOUT {
                let log = std::fs::read_to_string(self.folder.join("log")).unwrap_or_default();
                let _ = child.kill();
                bail!("it does not answer; its log says:\n{log}");
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Runs one statement as the administrator.
    fn sql(&self, statement: &str) -> Result<()> {
        done((self.kind.client)(&self.folder, self.port).arg(statement))
    }

    /// Starts the process that ends the server when the note has not been touched for a while.
    /// It holds the lock while it looks, so that no test takes a server that is being stopped.
    fn watch(&self, pid: u32, base: &Path, note: &Path) -> Result<()> {
        const SCRIPT: &str = r#"
            while sleep 5 && kill -0 "$PID" 2>/dev/null; do
                flock "$LOCK" sh -c '
                    used=$(stat -c %Y "$NOTE" 2>/dev/null || echo 0)
                    [ $(($(date +%s) - used)) -gt "$IDLE" ] || exit 0
                    rm -f "$NOTE"
                    kill -s "$SIGNAL" "$PID"'
            done
            rm -rf "$FOLDER"
        "#;
        let mut shell = Command::new("sh");
        shell
            .args(["-c", SCRIPT])
            .env("PID", pid.to_string())
            .env("LOCK", base.join(format!("{}.lock", self.kind.scheme)))
            .env("NOTE", note)
            .env("IDLE", IDLE_SECS.to_string())
            .env("SIGNAL", self.kind.stop_signal)
            .env("FOLDER", &self.folder);
        detached(&shell)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("cannot start the watchdog")?;
        Ok(())
    }

    /// Touches the note now and then for as long as this process lives.
    fn keep_alive(&self, note: &Path) {
        static STARTED: [OnceLock<()>; 2] = [OnceLock::new(), OnceLock::new()];
        let touch = |note: &Path| {
            if let Ok(file) = File::options().append(true).open(note) {
                let _ = file.set_modified(SystemTime::now());
            }
        };
        touch(note);
        let at = usize::from(self.kind.scheme == "mysql");
        STARTED[at].get_or_init(|| {
            let note = note.to_owned();
            std::thread::spawn(move || {
                loop {
                    std::thread::sleep(Duration::from_secs(IDLE_SECS / 4));
                    touch(&note);
                }
            });
        });
    }
}

/// The folder of all servers of this checkout and user; short, as a socket's path has a limit.
fn base_folder() -> Result<PathBuf> {
    use std::hash::{DefaultHasher, Hash, Hasher};
    use std::os::unix::fs::MetadataExt;

    let mut hasher = DefaultHasher::new();
    env!("CARGO_MANIFEST_DIR").hash(&mut hasher);
    let me = std::fs::metadata("/proc/self")?.uid();
    let folder =
        std::env::temp_dir().join(format!("yunhai-test-{me}-{:08x}", hasher.finish() as u32));
    std::fs::create_dir_all(&folder)?;
    open_to_other_users(&folder)?;
    Ok(folder)
}

/// Lets the database's own user pass, which is another one when the tests run as root.
fn open_to_other_users(folder: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    Ok(std::fs::set_permissions(
        folder,
        std::fs::Permissions::from_mode(0o755),
    )?)
}

fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata("/proc/self").is_ok_and(|me| me.uid() == 0)
}

/// Runs a program as another user when this is root, since database servers refuse root.
fn as_user(user: &str, program: &str) -> Command {
    if is_root() {
        let mut command = Command::new("setpriv");
        command.arg(format!("--reuid={user}"));
        command.arg(format!("--regid={user}"));
        command.args(["--clear-groups", program]);
        command
    } else {
        Command::new(program)
    }
}

/// Takes a program out of the test's session, so that it outlives the test and its terminal.
fn detached(command: &Command) -> Command {
    let mut outer = Command::new("setsid");
    outer.arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        if let Some(value) = value {
            outer.env(name, value);
        }
    }
    outer.stdin(Stdio::null()).current_dir("/");
    outer
}

fn done(command: &mut Command) -> Result<()> {
    let program = command.get_program().to_owned();
    let output = command
        .current_dir("/")
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot run {}", program.display()))?;
    ensure!(
        output.status.success(),
        "{} failed: {}{}",
        program.display(),
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(())
}
