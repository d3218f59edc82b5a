//! `cargo xtask up`: from a fresh clone to a running Yunhai in one command.
//!
//! Everything that is built already is left alone, so that a second `up` just starts.

use std::net::SocketAddr;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::running_server::build_release;
use crate::workspace::Workspace;
use crate::{http, toolchain};

/// Where Yunhai listens and keeps its data.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The address and port to listen on.
    #[arg(long, default_value = "127.0.0.1:8420")]
    listen: SocketAddr,
    /// The folder that holds everything Yunhai remembers.
    #[arg(long, default_value = "./yunhai-data")]
    data: PathBuf,
}

/// Builds what is not built yet and becomes the server.
pub(crate) fn run(workspace: &Workspace, arguments: &Arguments) -> Result<()> {
    let address = arguments.listen;
    match who_listens(address) {
        Listener::Nobody => {}
        Listener::Yunhai => {
            println!("Yunhai is running already: http://{address}");
            return Ok(());
        }
        Listener::Another => bail!(
            "another program listens on {address}; stop it, or choose a free port: \
             cargo xtask up --listen {}:{}",
            address.ip(),
            address.port().checked_add(1).unwrap_or(8420),
        ),
    }

    toolchain::check()?;
    let binary = build_release(workspace)?;

    // Becoming the server, instead of waiting for it, leaves one process that gets Ctrl-C
    // and one exit code: the server's.
    let error = Command::new(&binary)
        .arg("serve")
        .arg("--data")
        .arg(&arguments.data)
        .arg("--listen")
        .arg(address.to_string())
        .current_dir(&workspace.root)
        .exec();
    Err(error).with_context(|| format!("starting {}", binary.display()))
}

/// Who answers on the address that we want.
#[derive(Debug, PartialEq, Eq)]
enum Listener {
    Nobody,
    Yunhai,
    Another,
}

fn who_listens(address: SocketAddr) -> Listener {
    match http::get(address, "/api/openapi.json") {
        Ok(answer) if answer.text().contains("Yunhai") => Listener::Yunhai,
        Err(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => Listener::Nobody,
        Ok(_) | Err(_) => Listener::Another,
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead as _, BufReader, Write as _};
    use std::net::TcpListener;

    use super::*;

    /// Answers one request on a free port with `answer`, and returns its address.
    fn listener_that_says(answer: &'static str) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let head = BufReader::new(&stream).lines().map(Result::unwrap);
            assert!(head.take_while(|line| !line.is_empty()).count() > 0);
            stream.write_all(answer.as_bytes()).unwrap();
        });
        address
    }

    #[test]
    fn a_running_yunhai_is_told_from_another_program() {
        let yunhai = listener_that_says("HTTP/1.1 200 OK\r\n\r\n{\"info\":{\"title\":\"Yunhai\"}}");
        assert_eq!(who_listens(yunhai), Listener::Yunhai);
        let another = listener_that_says("HTTP/1.1 404 Not Found\r\n\r\n");
        assert_eq!(who_listens(another), Listener::Another);
    }

    #[test]
    fn a_free_port_is_free() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        assert_eq!(who_listens(address), Listener::Nobody);
    }
}
