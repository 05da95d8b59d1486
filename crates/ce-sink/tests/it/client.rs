//! A small HTTP client that shows everything and hides nothing.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// One connection, kept alive.
pub(crate) struct Client {
    stream: BufReader<TcpStream>,
}

/// An answer.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Client {
    pub(crate) fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
        Self { stream: BufReader::new(stream) }
    }

    pub(crate) fn post(&mut self, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        self.send("POST", path, headers, body);
        self.answer()
    }

    /// Posts an event in JSON format; returns the status.
    pub(crate) fn event(&mut self, id: &str) -> u16 {
        self.post("/", &[crate::STRUCTURED], &crate::event(id)).status
    }

    /// Posts an event; returns the status, or `None` if the sink hangs up instead of an answer.
    pub(crate) fn event_if_open(&mut self, id: &str) -> Option<u16> {
        let request = request("POST", "/", &[crate::STRUCTURED], &crate::event(id));
        self.stream.get_mut().write_all(request.as_bytes()).ok()?;
        let is_answered = self.stream.fill_buf().is_ok_and(|bytes| !bytes.is_empty());
        is_answered.then(|| self.answer().status)
    }

    pub(crate) fn send(&mut self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) {
        self.raw(request(method, path, headers, body).as_bytes());
    }

    pub(crate) fn raw(&mut self, bytes: &[u8]) {
        self.stream.get_mut().write_all(bytes).unwrap();
    }

    pub(crate) fn answer(&mut self) -> Answer {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            assert!(self.stream.read_line(&mut head).unwrap() > 0, "no answer, only `{head}`");
        }
        let head = head.to_ascii_lowercase();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
        self.stream.read_exact(&mut body).unwrap();
        Answer { status, head, body: String::from_utf8(body).unwrap() }
    }

    /// Whether the sink has closed the connection.
    pub(crate) fn is_closed(&mut self) -> bool {
        self.stream.read(&mut [0]).unwrap() == 0
    }
}

fn request(method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> String {
    let lines = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n"));
    let (lines, length) = (lines.collect::<String>(), body.len());
    format!(
        "{method} {path} HTTP/1.1\r\nhost: sink\r\n{lines}content-length: {length}\r\n\r\n{body}"
    )
}
