//! Opens the database, with the settings under which each engine keeps what it has acknowledged.

use std::path::Path;
use std::time::Duration;

use sea_orm::sqlx::sqlite::{SqliteJournalMode, SqliteSynchronous};
use sea_orm::{
    ConnectOptions, ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend,
    IsolationLevel, SqliteTransactionMode, TransactionOptions, TransactionTrait,
};

use crate::url::{Address, ServerAddress, parse};
use crate::{Error, Result};

/// How long a caller waits for a free connection, and a writer for the one before it.
const WAIT: Duration = Duration::from_secs(15);

/// How long a server may take to accept a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// The state database; cheap to clone.
#[derive(Clone, Debug)]
pub struct Database {
    connection: DatabaseConnection,
}

impl Database {
    /// Connects to `sqlite:///path/file.db` (or a plain path; made when absent), `postgres://…`
    /// or `mysql://…`, and checks that it answers.
    pub async fn connect(url: &str) -> Result<Self> {
        let connection = match parse(url)? {
            Address::Sqlite(path) => open_file(&path).await?,
            Address::Server(address) => connect_to_server(&address).await?,
        };
        Ok(Self { connection })
    }

    /// Returns the pool, for single statements.
    pub fn connection(&self) -> &DatabaseConnection {
        &self.connection
    }

    /// Returns which engine this is.
    pub fn backend(&self) -> DbBackend {
        self.connection.get_database_backend()
    }

    /// Starts a transaction that may write.
    ///
    /// All engines read what is committed at each statement; on SQLite the transaction is the
    /// one writer from the start, so that it never fails half-way for another one's sake.
    pub async fn begin(&self) -> Result<DatabaseTransaction> {
        let mut options = TransactionOptions::default();
        match self.backend() {
            DbBackend::Sqlite => {
                options.sqlite_transaction_mode = Some(SqliteTransactionMode::Immediate);
            }
            // MySQL would otherwise read from a snapshot taken at the first statement.
            _ => options.isolation_level = Some(IsolationLevel::ReadCommitted),
        }
        Ok(self.connection.begin_with_options(options).await?)
    }

    /// Asks the engine for a sign of life.
    pub async fn ping(&self) -> Result<()> {
        Ok(self.connection.ping().await?)
    }

    /// Closes all connections; SQLite then folds its write-ahead log into the file.
    pub async fn close(self) -> Result<()> {
        Ok(self.connection.close().await?)
    }
}

async fn open_file(path: &Path) -> Result<DatabaseConnection> {
    let failed = |reason: String| Error::Connect {
        engine: "SQLite",
        place: path.display().to_string(),
        reason,
        hint: "check that the folder exists and can be written, that the disk is not full, and \
               that the file is a database",
    };
    prepare_file(path).map_err(|error| failed(error.to_string()))?;
    let file = path.to_owned();
    // The name in the address is replaced by the real path, which needs no escaping this way.
    let mut options = ConnectOptions::new("sqlite://state");
    options
        .max_connections(4)
        .acquire_timeout(WAIT)
        .idle_timeout(None::<Duration>)
        .max_lifetime(None::<Duration>)
        .sqlx_logging(false)
        .map_sqlx_sqlite_opts(move |options| {
            options
                .filename(&file)
                .create_if_missing(true)
                .journal_mode(SqliteJournalMode::Wal)
                .synchronous(SqliteSynchronous::Full)
                .foreign_keys(true)
                .busy_timeout(WAIT)
        });
    let connection = sea_orm::Database::connect(options)
        .await
        .map_err(|error| failed(error.to_string()))?;
    connection
        .execute_unprepared("SELECT count(*) FROM sqlite_master")
        .await
        .map_err(|error| failed(error.to_string()))?;
    Ok(connection)
}

/// Makes the file and its folder when absent; the state is nobody else's to read.
fn prepare_file(path: &Path) -> std::io::Result<()> {
    if let Some(folder) = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
    {
        std::fs::create_dir_all(folder)?;
    }
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}

async fn connect_to_server(address: &ServerAddress) -> Result<DatabaseConnection> {
    let failed = |reason: &str, hint: &'static str| Error::Connect {
        engine: address.engine,
        place: address.place.clone(),
        reason: address.redact(reason),
        hint,
    };
    // The pool would try a dead address until its time is over; one try tells sooner and better.
    if let Some((host, port)) = &address.host_port {
        const HINT: &str = "check that the server runs, that host and port are right, and that \
                            no firewall stands between";
        tokio::time::timeout(
            CONNECT_TIMEOUT,
            tokio::net::TcpStream::connect((host.as_str(), *port)),
        )
        .await
        .map_err(|_| failed("it does not answer within 5 s", HINT))?
        .map_err(|error| failed(&error.to_string(), HINT))?;
    }
    let mut options = ConnectOptions::new(address.url.clone());
    options
        .max_connections(10)
        .connect_timeout(CONNECT_TIMEOUT)
        .acquire_timeout(WAIT)
        .sqlx_logging(false);
    sea_orm::Database::connect(options).await.map_err(|error| {
        failed(
            &error.to_string(),
            "check the user, the password and the database's name",
        )
    })
}
