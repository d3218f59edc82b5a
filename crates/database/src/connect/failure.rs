//! Says why a database could not be opened: one line of what is wrong, one of what to do.

use std::path::Path;
use std::time::Duration;

use sea_orm::sqlx::error::DatabaseError;
use sea_orm::sqlx::mysql::MySqlDatabaseError;
use sea_orm::{DbErr, RuntimeErr, sqlx};

use crate::Error;
use crate::url::ServerAddress;

const NOT_THERE: &str =
    "check that the database server runs, and that host and port in the address are right";
const FIREWALL: &str =
    "check that host and port in the address are right, and that no firewall stands between";
const PASSWORD: &str = "check user and password in the address; special characters are written \
                        percent-encoded, such as `%40` for `@`";
const NO_DATABASE: &str = "create it (`CREATE DATABASE …`), or name another one in the address";
const NOT_GRANTED: &str = "let the user use the database (`GRANT`), or name another user";
const BUSY: &str = "let the database server take more connections (`max_connections`), or close \
                    some of other programs";

/// What to do about TLS, which each engine's address writes in its own way.
struct Tls {
    /// The server offers none.
    missing: &'static str,
    /// The server's certificate is not trusted.
    untrusted: &'static str,
    /// The server lets nobody in from here, perhaps for want of it.
    wanted: &'static str,
}

const POSTGRES: Tls = Tls {
    missing: "switch TLS on in the database server; or, where the network is trusted, ask for none \
              in the address: `?sslmode=disable`",
    untrusted: "name the authority that signed the server's certificate in the address, \
                `?sslrootcert=FILE`, and use a host name that the certificate is for",
    wanted: "ask for TLS in the address, `?sslmode=require`, or let this machine in in `pg_hba.conf`",
};

const MYSQL: Tls = Tls {
    missing: "switch TLS on in the database server; or, where the network is trusted, ask for none \
              in the address: `?ssl-mode=DISABLED`",
    untrusted: "name the authority that signed the server's certificate in the address, \
                `?ssl-ca=FILE`, and use a host name that the certificate is for",
    wanted: "ask for TLS in the address, `?ssl-mode=REQUIRED`, or let the user in from this machine",
};

/// The address names a host that nobody knows.
pub(super) fn of_unknown_host(address: &ServerAddress, host: &str) -> Error {
    failed(
        address,
        &format!("there is no host `{host}`"),
        "check the host in the address, and the name service of this machine",
    )
}

/// Nothing comes back from where the server should be.
pub(super) fn of_silence(address: &ServerAddress, waited: Duration) -> Error {
    let reason = format!("it does not answer within {} s", waited.as_secs());
    failed(address, &reason, FIREWALL)
}

/// The network cannot reach where the server should be.
pub(super) fn of_network(address: &ServerAddress, error: &std::io::Error) -> Error {
    match error.kind() {
        std::io::ErrorKind::ConnectionRefused => {
            failed(address, "nothing listens there", NOT_THERE)
        }
        _ => failed(address, &error.to_string(), FIREWALL),
    }
}

/// The server, or the driver, refused.
pub(super) fn of_server(address: &ServerAddress, error: &DbErr) -> Error {
    let Some(error) = sqlx_error(error) else {
        return failed(address, &error.to_string(), NOT_THERE);
    };
    match error {
        sqlx::Error::Database(error) => failed(address, error.message(), hint_of(&**error)),
        sqlx::Error::Tls(error) => {
            let reason = error.to_string();
            let hint = if reason.contains("does not support TLS") {
                tls(address).missing
            } else {
                tls(address).untrusted
            };
            failed(address, &reason, hint)
        }
        sqlx::Error::Io(error) if error.to_string().contains("certificate") => {
            failed(address, &error.to_string(), tls(address).untrusted)
        }
        sqlx::Error::Configuration(error) => failed(
            address,
            &format!("the address cannot be used: {error}"),
            "check what follows the `?` in the address",
        ),
        sqlx::Error::PoolTimedOut => {
            failed(address, "it takes the connection and is silent", NOT_THERE)
        }
        other => failed(address, &other.to_string(), NOT_THERE),
    }
}

fn tls(address: &ServerAddress) -> Tls {
    if address.engine == "MySQL" {
        MYSQL
    } else {
        POSTGRES
    }
}

fn hint_of(error: &dyn DatabaseError) -> &'static str {
    if let Some(error) = error.try_downcast_ref::<MySqlDatabaseError>() {
        return match error.number() {
            1049 => NO_DATABASE,
            1044 => NOT_GRANTED,
            1040 | 1203 => BUSY,
            1130 | 3159 => MYSQL.wanted,
            _ => PASSWORD,
        };
    }
    match error.code().as_deref() {
        Some("3D000") => NO_DATABASE,
        Some("42501") => NOT_GRANTED,
        Some("53300") => BUSY,
        Some("57P03") => "the database server is starting or stopping; try again in a moment",
        // The same code stands for a user that does not exist.
        Some("28000") if error.message().contains("pg_hba.conf") => POSTGRES.wanted,
        _ => PASSWORD,
    }
}

fn failed(address: &ServerAddress, reason: &str, hint: &'static str) -> Error {
    Error::Connect {
        engine: address.engine,
        place: address.place.clone(),
        reason: address.redact(reason),
        hint,
    }
}

/// A file of SQLite should be there and is not.
pub(super) fn of_missing_file(path: &Path) -> Error {
    of_path(
        path,
        "there is no such file".to_owned(),
        "name the database that your server uses",
    )
}

/// The file or its folder could not be made.
pub(super) fn of_folder(path: &Path, error: &std::io::Error) -> Error {
    let hint = "check that its folder can be written, and that the disk is not full";
    of_path(path, error.to_string(), hint)
}

/// SQLite refused the file.
pub(super) fn of_file(path: &Path, error: &DbErr) -> Error {
    let (reason, code) = match sqlx_error(error) {
        Some(sqlx::Error::Database(error)) => (
            error.message().to_owned(),
            error.code().and_then(|code| code.parse::<u32>().ok()),
        ),
        Some(other) => (other.to_string(), None),
        None => (error.to_string(), None),
    };
    // The lowest byte is the kind, what is above says more of it.
    let hint = match code.map(|code| code & 0xff) {
        Some(26) => "check that the file is a database",
        Some(11) => "the file is damaged; restore it from a backup",
        Some(13) => "make room on the disk",
        Some(5 | 6) => "another program holds the file; end that one",
        _ => {
            "check that the folder exists and can be written, that the disk is not full, and that \
             the file is a database"
        }
    };
    of_path(path, reason, hint)
}

fn of_path(path: &Path, reason: String, hint: &'static str) -> Error {
    Error::Connect {
        engine: "SQLite",
        place: path.display().to_string(),
        reason,
        hint,
    }
}

fn sqlx_error(error: &DbErr) -> Option<&sqlx::Error> {
    match error {
        DbErr::Conn(RuntimeErr::SqlxError(error))
        | DbErr::Exec(RuntimeErr::SqlxError(error))
        | DbErr::Query(RuntimeErr::SqlxError(error)) => Some(error),
        _ => None,
    }
}
