//! Understands the address of a database, and what of it may be shown.

use std::path::PathBuf;

use crate::{Error, Result};

/// Where the state lives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Address {
    /// A file of the embedded engine.
    Sqlite(PathBuf),
    /// A database server.
    Server(ServerAddress),
}

/// A database server's address.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct ServerAddress {
    /// The engine's name.
    pub(crate) engine: &'static str,
    /// The address in the form that the driver wants.
    pub(crate) url: String,
    /// The host, port and database without user and password.
    pub(crate) place: String,
    /// The host and port to try; none for a socket.
    pub(crate) host_port: Option<(String, u16)>,
    /// What must not be shown.
    password: Option<String>,
}

impl std::fmt::Debug for ServerAddress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} at {}", self.engine, self.place)
    }
}

impl ServerAddress {
    /// Takes the password out of a text from elsewhere.
    pub(crate) fn redact(&self, text: &str) -> String {
        match self.password.as_deref().filter(|text| !text.is_empty()) {
            Some(password) => text.replace(password, "***"),
            None => text.to_owned(),
        }
    }
}

impl Address {
    /// Writes what may be shown.
    pub(crate) fn place(&self) -> String {
        match self {
            Self::Sqlite(path) => format!("SQLite at {}", path.display()),
            Self::Server(address) => format!("{} at {}", address.engine, address.place),
        }
    }
}

/// Names the engine behind a scheme, its driver's scheme and its usual port.
fn server(scheme: &str) -> Option<(&'static str, &'static str, u16)> {
    match scheme {
        "postgres" | "postgresql" => Some(("PostgreSQL", "postgres", 5432)),
        "mysql" | "mariadb" => Some(("MySQL", "mysql", 3306)),
        _ => None,
    }
}

/// Understands an address.
pub(crate) fn parse(text: &str) -> Result<Address> {
    let text = text.trim();
    let wrong = |reason: &str| Error::Address {
        reason: reason.to_owned(),
    };
    if text.is_empty() {
        return Err(wrong("it is empty"));
    }
    if let Some(rest) = text.strip_prefix("sqlite:") {
        let path = rest.strip_prefix("//").unwrap_or(rest);
        let path = path.split_once('?').map_or(path, |(path, _)| path);
        return match path {
            "" => Err(wrong("it names no file")),
            ":memory:" => Err(wrong("state in memory would be lost at every stop")),
            path => Ok(Address::Sqlite(path.into())),
        };
    }
    let Some((scheme, rest)) = text.split_once("://") else {
        // As a file its name would be shown, and with it the password.
        if text
            .split_once(':')
            .is_some_and(|(scheme, _)| server(scheme).is_some())
        {
            return Err(wrong("the engine's name is not followed by `://`"));
        }
        return Ok(Address::Sqlite(text.into()));
    };
    let (engine, driver, default_port) =
        server(scheme).ok_or_else(|| wrong(&format!("there is no engine `{scheme}`")))?;
    let (before_query, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (authority, database) = before_query.split_once('/').unwrap_or((before_query, ""));
    let (user_password, host_port) = authority.rsplit_once('@').unwrap_or(("", authority));
    // What follows the `/` is shown, so nothing of a password may get there.
    if database.contains('@') {
        return Err(wrong(
            "a `/` in the user or the password is written as `%2F`, an `@` as `%40`",
        ));
    }
    if database.is_empty() {
        return Err(wrong("it names no database after the host"));
    }
    let password = user_password
        .split_once(':')
        .map(|(_, password)| password.to_owned());
    // An IPv6 address stands in brackets, so a colon after the last `]` begins the port.
    let host_end = host_port.rfind(']').map_or(0, |at| at + 1);
    let (host, port) = match host_port[host_end..].rfind(':') {
        Some(at) => {
            let port = host_port[host_end + at + 1..]
                .parse()
                .map_err(|_| wrong("the port is not a number from 1 to 65535"))?;
            (&host_port[..host_end + at], port)
        }
        None => (host_port, default_port),
    };
    let is_socket = query
        .split('&')
        .any(|pair| pair.starts_with("host=") || pair.starts_with("socket="));
    let host = if host.is_empty() { "localhost" } else { host };
    Ok(Address::Server(ServerAddress {
        engine,
        url: format!("{driver}://{rest}"),
        place: if is_socket {
            format!("a socket of this machine, database `{database}`")
        } else {
            format!("{host}:{port}, database `{database}`")
        },
        host_port: (!is_socket).then(|| (host.trim_matches(['[', ']']).to_owned(), port)),
        password,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server_of(text: &str) -> ServerAddress {
        match parse(text).unwrap() {
            Address::Server(server) => server,
            Address::Sqlite(path) => panic!("{}", path.display()),
        }
    }

    #[test]
    fn a_path_is_a_file_of_the_embedded_engine() {
        for (text, path) in [
            ("sqlite:///var/lib/y.db", "/var/lib/y.db"),
            ("sqlite://y.db", "y.db"),
            ("/var/lib/y.db", "/var/lib/y.db"),
        ] {
            assert_eq!(parse(text).unwrap(), Address::Sqlite(path.into()));
        }
    }

    #[test]
    fn a_server_is_named_without_its_password() {
        let address = server_of("postgres://yun:s3c:ret@db.example:6543/state?sslmode=require");
        assert_eq!(address.host_port, Some(("db.example".to_owned(), 6543)));
        assert_eq!(address.place, "db.example:6543, database `state`");
        assert!(!format!("{address:?}").contains("s3c:ret"));
        assert_eq!(address.redact("bad s3c:ret"), "bad ***");
        let address = server_of("mariadb://[::1]/state");
        assert_eq!(address.host_port, Some(("::1".to_owned(), 3306)));
        assert_eq!(address.url, "mysql://[::1]/state");
    }

    #[test]
    fn a_wrong_address_says_how_to_write_one() {
        for (text, reason) in [
            ("oracle://x/y", "no engine `oracle`"),
            ("postgres://user:geheim@host", "names no database"),
            ("mysql://host:port/x", "the port is not a number"),
            ("sqlite::memory:", "would be lost"),
            ("postgres:user:geheim@host/db", "not followed by `://`"),
            ("postgres://user:12/geheim@host/db", "written as `%2F`"),
            ("mysql://user:geheim?x@host/db", "names no database"),
            ("", "is empty"),
        ] {
            let error = parse(text).unwrap_err().to_string();
            assert!(error.contains(reason), "{error}");
            assert!(error.contains("sqlite:///path/file.db") && !error.contains("geheim"));
        }
    }
}
