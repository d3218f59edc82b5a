//! Opens the database, with the settings under which each engine keeps what it has acknowledged.

mod failure;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use sea_orm::sqlx::sqlite::{SqliteJournalMode, SqliteSynchronous};
use sea_orm::{
    AccessMode, ConnectOptions, ConnectionTrait, DatabaseConnection, DatabaseTransaction,
    DbBackend, IsolationLevel, SqliteTransactionMode, TransactionOptions, TransactionTrait,
};

use crate::Result;
use crate::error::is_conflict;
use crate::url::{Address, ServerAddress, parse};

/// How long a caller waits for a free connection to the file, and a writer for the one before it.
const FILE_WAIT: Duration = Duration::from_secs(15);

/// How long somebody waits who was not let in, before the next attempt.
const FILE_RETRY: Duration = Duration::from_millis(20);

/// How long a caller waits for a connection to a server. Mostly it is waited for when the server is
/// away, which people want to be told soon.
const SERVER_WAIT: Duration = Duration::from_secs(5);

/// How long a transaction of PostgreSQL waits for another one, and how long one may lie idle whose
/// machine may have died: nobody else could write meanwhile.
const PATIENCE: &str =
    "SET LOCAL lock_timeout = '10s'; SET LOCAL idle_in_transaction_session_timeout = '60s'";

/// How long a server may take to accept a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// The state database; cheap to clone.
#[derive(Clone, Debug)]
pub struct Database {
    connection: DatabaseConnection,
    place: Arc<str>,
    /// Where the file of an embedded engine lies.
    folder: Option<Arc<Path>>,
}

impl Database {
    /// Connects to `sqlite:///path/file.db` (or a plain path; made when absent), `postgres://…`
    /// or `mysql://…`, and checks that it answers.
    pub async fn connect(url: &str) -> Result<Self> {
        Self::open(parse(url)?, true).await
    }

    /// Connects to a database that is there: no file is made.
    pub async fn connect_existing(url: &str) -> Result<Self> {
        Self::open(parse(url)?, false).await
    }

    async fn open(address: Address, make: bool) -> Result<Self> {
        let connection = match &address {
            Address::Sqlite(path) => open_file(path, make).await?,
            Address::Server(address) => connect_to_server(address).await?,
        };
        let folder = match &address {
            Address::Sqlite(path) => std::path::absolute(path).ok().and_then(|path| {
                let folder: Arc<Path> = path.parent()?.into();
                Some(folder)
            }),
            Address::Server(_) => None,
        };
        Ok(Self {
            connection,
            place: address.place().into(),
            folder,
        })
    }

    /// Returns the file that an address names; `None` for a server's.
    pub(crate) fn file_of(url: &str) -> Result<Option<PathBuf>> {
        Ok(match parse(url)? {
            Address::Sqlite(path) => Some(path),
            Address::Server(_) => None,
        })
    }

    /// Returns the absolute folder in which the file of an embedded engine lies.
    pub fn folder(&self) -> Option<&Path> {
        self.folder.as_deref()
    }

    /// Returns the engine and where it is, without user and password.
    pub fn place(&self) -> &str {
        &self.place
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
        let transaction = self.connection.begin_with_options(options).await?;
        if self.backend() == DbBackend::Postgres {
            transaction.execute_unprepared(PATIENCE).await?;
        }
        Ok(transaction)
    }

    /// Starts a transaction that only reads, and reads what was committed when it began.
    pub(crate) async fn begin_snapshot(&self) -> Result<DatabaseTransaction> {
        let mut options = TransactionOptions::default();
        if self.backend() != DbBackend::Sqlite {
            options.isolation_level = Some(IsolationLevel::RepeatableRead);
            options.access_mode = Some(AccessMode::ReadOnly);
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

async fn open_file(path: &Path, make: bool) -> Result<DatabaseConnection> {
    if make {
        prepare_file(path).map_err(|error| failure::of_folder(path, &error))?;
    } else if !path.exists() {
        return Err(failure::of_missing_file(path));
    }
    let file = path.to_owned();
    // The name in the address is replaced by the real path, which needs no escaping this way.
    let mut options = ConnectOptions::new("sqlite://state");
    options
        .max_connections(4)
        .acquire_timeout(FILE_WAIT)
        .idle_timeout(None::<Duration>)
        .max_lifetime(None::<Duration>)
        .sqlx_logging(false)
        .map_sqlx_sqlite_opts(move |options| {
            options
                .filename(&file)
                .create_if_missing(make)
                .journal_mode(SqliteJournalMode::Wal)
                .synchronous(SqliteSynchronous::Full)
                .foreign_keys(true)
                .busy_timeout(FILE_WAIT)
        });
    let begun = Instant::now();
    let connection = loop {
        match sea_orm::Database::connect(options.clone()).await {
            // To begin with a write-ahead log, SQLite waits for nobody who does the same.
            Err(error) if is_conflict(&error) && begun.elapsed() < FILE_WAIT => {
                tokio::time::sleep(FILE_RETRY).await;
            }
            outcome => break outcome.map_err(|error| failure::of_file(path, &error))?,
        }
    };
    connection
        .execute_unprepared("SELECT count(*) FROM sqlite_master")
        .await
        .map_err(|error| failure::of_file(path, &error))?;
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
    // The pool would try a dead address until its time is over; one try tells sooner and better.
    if let Some((host, port)) = &address.host_port {
        let found: Vec<_> = tokio::net::lookup_host((host.as_str(), *port))
            .await
            .map_err(|_| failure::of_unknown_host(address, host))?
            .collect();
        tokio::time::timeout(CONNECT_TIMEOUT, tokio::net::TcpStream::connect(&found[..]))
            .await
            .map_err(|_| failure::of_silence(address, CONNECT_TIMEOUT))?
            .map_err(|error| failure::of_network(address, &error))?;
    }
    let mut options = ConnectOptions::new(address.url.clone());
    options
        .max_connections(10)
        .connect_timeout(CONNECT_TIMEOUT)
        .acquire_timeout(SERVER_WAIT)
        .sqlx_logging(false);
    sea_orm::Database::connect(options)
        .await
        .map_err(|error| failure::of_server(address, &error))
}
