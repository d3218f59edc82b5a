//! A small HTTP/1.1 client for servers on this machine: plain connections, no redirects, no TLS.
//!
//! A benchmark must not be slowed down by its own client, and xtask must compile quickly.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// How long a connection may take.
const CONNECT_LIMIT: Duration = Duration::from_secs(2);
/// How long a server may be silent while it is waited for.
const READ_LIMIT: Duration = Duration::from_mins(1);
/// How long one that is asked once may be: what is not an HTTP server says nothing at all.
const READ_LIMIT_ONCE: Duration = Duration::from_secs(5);

/// A request without its address.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Request<'a> {
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
    pub(crate) headers: &'a [(&'a str, &'a str)],
    pub(crate) body: &'a [u8],
}

/// What was answered; a compressed body stays compressed.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    /// Names in lower case.
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Response {
    /// A header's first value; its name in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(candidate, _)| candidate == name)
            .map(|(_, value)| value.as_str())
    }

    /// The body as text.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// A connection that is kept for request after request.
pub(crate) struct Connection {
    address: SocketAddr,
    stream: BufReader<TcpStream>,
}

impl Connection {
    pub(crate) fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect_timeout(&address, CONNECT_LIMIT)?;
        stream.set_read_timeout(Some(READ_LIMIT))?;
        stream.set_nodelay(true)?;
        Ok(Self {
            address,
            stream: BufReader::new(stream),
        })
    }

    /// Sends a request and reads the whole answer.
    pub(crate) fn send(&mut self, request: &Request<'_>) -> io::Result<Response> {
        self.begin(request)?;
        let (status, headers) = self.read_head()?;
        let mut response = Response {
            status,
            headers,
            body: Vec::new(),
        };
        let is_chunked = response
            .header("transfer-encoding")
            .is_some_and(|encoding| encoding.eq_ignore_ascii_case("chunked"));
        if is_chunked {
            self.read_chunks(&mut response.body)?;
        } else if let Some(length) = response.header("content-length") {
            let length = length.parse().map_err(|_| malformed("content-length"))?;
            response.body.resize(length, 0);
            self.stream.read_exact(&mut response.body)?;
        } else if !matches!(status, 204 | 304) {
            self.stream.read_to_end(&mut response.body)?;
        }
        Ok(response)
    }

    /// Sends a request whose answer does not end, and hands out its lines as they come.
    pub(crate) fn stream(
        mut self,
        request: &Request<'_>,
    ) -> io::Result<impl Iterator<Item = io::Result<String>>> {
        self.begin(request)?;
        let (status, _) = self.read_head()?;
        if status != 200 {
            return Err(io::Error::other(format!(
                "{} was answered with {status}",
                request.path
            )));
        }
        Ok(self.stream.lines())
    }

    fn begin(&mut self, request: &Request<'_>) -> io::Result<()> {
        let mut bytes = format!(
            "{} {} HTTP/1.1\r\nHost: {}\r\nContent-Length: {}\r\n",
            request.method,
            request.path,
            self.address,
            request.body.len()
        );
        for (name, value) in request.headers {
            bytes.extend([name, ": ", value, "\r\n"]);
        }
        bytes.push_str("\r\n");
        // In one piece, so that no packet waits for the acknowledgement of another.
        let mut bytes = bytes.into_bytes();
        bytes.extend_from_slice(request.body);
        self.stream.get_mut().write_all(&bytes)
    }

    fn read_head(&mut self) -> io::Result<(u16, Vec<(String, String)>)> {
        let line = self.read_line()?;
        let status = line
            .split_whitespace()
            .nth(1)
            .and_then(|status| status.parse().ok())
            .ok_or_else(|| malformed("status line"))?;
        let mut headers = Vec::new();
        loop {
            let line = self.read_line()?;
            if line.is_empty() {
                return Ok((status, headers));
            }
            let (name, value) = line.split_once(':').ok_or_else(|| malformed("header"))?;
            headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
    }

    fn read_chunks(&mut self, body: &mut Vec<u8>) -> io::Result<()> {
        loop {
            let line = self.read_line()?;
            let length = line.split(';').next().unwrap_or_default();
            let length = usize::from_str_radix(length, 16).map_err(|_| malformed("chunk"))?;
            let begin = body.len();
            body.resize(begin + length, 0);
            self.stream.read_exact(&mut body[begin..])?;
            // The line break after a chunk; after the last one it ends the answer.
            self.read_line()?;
            if length == 0 {
                return Ok(());
            }
        }
    }

    fn read_line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        if self.stream.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        line.truncate(line.trim_end().len());
        Ok(line)
    }
}

/// Asks once for a path.
pub(crate) fn get(address: SocketAddr, path: &str) -> io::Result<Response> {
    let mut connection = Connection::open(address)?;
    let stream = connection.stream.get_ref();
    stream.set_read_timeout(Some(READ_LIMIT_ONCE))?;
    connection.send(&Request {
        method: "GET",
        path,
        headers: &[("Connection", "close")],
        ..Request::default()
    })
}

fn malformed(what: &str) -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        format!("the answer is not HTTP/1.1: its {what} cannot be read"),
    )
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    /// Answers every request on one connection with the next of `answers`.
    fn server_that_says(answers: &'static [&'static str]) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            let (stream, _) = listener.accept().unwrap();
            let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
            for answer in answers {
                while lines.next().is_some_and(|line| !line.unwrap().is_empty()) {}
                (&stream).write_all(answer.as_bytes()).unwrap();
            }
        });
        address
    }

    #[test]
    fn answers_of_known_length_in_chunks_and_without_body_share_a_connection() {
        let address = server_that_says(&[
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n",
            "HTTP/1.1 204 No Content\r\n\r\n",
        ]);
        let mut connection = Connection::open(address).unwrap();
        let mut ask = || {
            let request = Request {
                method: "GET",
                path: "/",
                ..Request::default()
            };
            let response = connection.send(&request).unwrap();
            (response.status, response.text())
        };
        assert_eq!(ask(), (200, "hello".to_owned()));
        assert_eq!(ask(), (200, "hello".to_owned()));
        assert_eq!(ask(), (204, String::new()));
    }

    #[test]
    fn something_else_than_http_is_told() {
        let address = server_that_says(&["220 mail.example.com\r\n\r\n"]);
        let error = get(address, "/").unwrap_err().to_string();
        assert!(error.contains("not HTTP/1.1"), "{error}");
    }
}
