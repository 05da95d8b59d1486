//! A small HTTP server on a port of its own. What it does with each request is for the test to say.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use rustix::net::{SendFlags, send};

/// What to do with a request that was read whole.
#[derive(Debug, Clone)]
pub(crate) enum Act {
    /// Answers with this status and a small body.
    Reply(u16),
    /// Answers with this status, these header lines, each with its line end, and this body.
    Answer(u16, String, String),
    /// Answers with this status and a small body, once this instant has passed.
    ReplyAt(Instant, u16),
    /// The same, after this much work.
    ReplyAfter(Duration, u16),
    /// Answers, and closes the connection with the last byte, without having said so.
    ReplyAndClose(u16),
    /// Announces a longer body than it sends, then closes.
    BreakOff,
    /// Closes without an answer.
    Close,
    /// Sends what is no HTTP.
    Garbage,
    /// Keeps the client waiting until it leaves.
    Silence,
    /// The whole server goes away: no answer, and nobody listens any more.
    Vanish,
}

/// A request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    /// Request line and headers, names in lower case.
    pub(crate) head: Vec<String>,
    pub(crate) body: String,
}

type Script = dyn Fn(u64) -> Act + Send + Sync;

struct Shared {
    script: Box<Script>,
    address: SocketAddr,
    presence: Mutex<Presence>,
    /// Notified when its presence changes.
    changed: Condvar,
    connections: AtomicU64,
    requests: Mutex<Vec<Request>>,
    sockets: Mutex<Vec<TcpStream>>,
}

/// How much of the server is still there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Presence {
    Here,
    /// It is to go, and still listens.
    Leaving,
    /// Whoever connects from now on is refused.
    Gone,
}

/// A running server; it ends with the test.
pub(crate) struct Server(Arc<Shared>);

impl Server {
    /// Serves by a script that is given the number of the request, from zero.
    pub(crate) fn start(script: impl Fn(u64) -> Act + Send + Sync + 'static) -> Self {
        Self::start_at("127.0.0.1", script)
    }

    /// The same at another address of this machine.
    pub(crate) fn start_at(
        host: &str,
        script: impl Fn(u64) -> Act + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind((host, 0)).unwrap();
        let shared = Arc::new(Shared {
            script: Box::new(script),
            address: listener.local_addr().unwrap(),
            presence: Mutex::new(Presence::Here),
            changed: Condvar::new(),
            connections: AtomicU64::new(0),
            requests: Mutex::default(),
            sockets: Mutex::default(),
        });
        let this = Self(Arc::clone(&shared));
        thread::spawn(move || shared.listen(listener));
        this
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/in?a=b", self.0.address)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.0.address
    }

    /// Connections so far.
    pub(crate) fn connections(&self) -> u64 {
        self.0.connections.load(SeqCst)
    }

    /// Requests so far, in the order in which they were read.
    pub(crate) fn requests(&self) -> Vec<Request> {
        self.0.requests.lock().unwrap().clone()
    }

    pub(crate) fn request_count(&self) -> usize {
        self.0.requests.lock().unwrap().len()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.0.vanish();
    }
}

impl Shared {
    fn listen(self: Arc<Self>, listener: TcpListener) {
        for socket in listener.incoming().map_while(Result::ok) {
            if *self.presence.lock().unwrap() != Presence::Here {
                break;
            }
            self.connections.fetch_add(1, SeqCst);
            self.sockets.lock().unwrap().push(socket.try_clone().unwrap());
            let shared = Arc::clone(&self);
            thread::spawn(move || drop(shared.serve(&socket)));
        }
        drop(listener);
        self.change(Presence::Leaving, Presence::Gone);
    }

    /// Whether it was `from`, and is `to` now.
    fn change(&self, from: Presence, to: Presence) -> bool {
        let mut presence = self.presence.lock().unwrap();
        let changes = *presence == from;
        if changes {
            *presence = to;
            self.changed.notify_all();
        }
        changes
    }

    /// Waits while `still` holds, and no longer than `time`.
    fn wait_while(&self, time: Duration, still: impl Fn(Presence) -> bool) {
        let presence = self.presence.lock().unwrap();
        drop(self.changed.wait_timeout_while(presence, time, |it| still(*it)).unwrap());
    }

    /// Stops to listen, and only then cuts every connection: a client that notices finds nobody.
    fn vanish(&self) {
        if !self.change(Presence::Here, Presence::Leaving) {
            return;
        }
        // Wakes the listening thread, which then leaves.
        drop(TcpStream::connect(self.address));
        self.wait_while(Duration::from_secs(10), |it| it != Presence::Gone);
        for socket in self.sockets.lock().unwrap().drain(..) {
            let _ = socket.shutdown(Shutdown::Both);
        }
    }

    /// Takes its time, unless the server goes away before.
    fn work(&self, time: Duration) {
        self.wait_while(time, |it| it == Presence::Here);
    }

    fn serve(&self, socket: &TcpStream) -> std::io::Result<()> {
        let mut input = BufReader::new(socket);
        while let Some(request) = read_request(&mut input)? {
            let number = {
                let mut requests = self.requests.lock().unwrap();
                requests.push(request);
                u64::try_from(requests.len() - 1).unwrap()
            };
            match (self.script)(number) {
                Act::Reply(status) => reply(socket, status)?,
                Act::Answer(status, headers, body) => answer(socket, status, &headers, &body)?,
                Act::ReplyAt(instant, status) => {
                    self.work(instant.saturating_duration_since(Instant::now()));
                    reply(socket, status)?;
                }
                Act::ReplyAfter(work, status) => {
                    self.work(work);
                    reply(socket, status)?;
                }
                Act::ReplyAndClose(status) => {
                    // Held back until the end is known, so that both arrive as one.
                    send(socket, &response(status, "", "body"), SendFlags::MORE)?;
                    return socket.shutdown(Shutdown::Both);
                }
                Act::BreakOff => {
                    (&mut &*socket)
                        .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf")?;
                    return socket.shutdown(Shutdown::Both);
                }
                Act::Close => return socket.shutdown(Shutdown::Both),
                Act::Garbage => (&mut &*socket).write_all(b"SMTP 220 welcome\r\n\r\n")?,
                Act::Silence => drop(input.read(&mut [0])?),
                Act::Vanish => self.vanish(),
            }
        }
        Ok(())
    }
}

fn reply(socket: &TcpStream, status: u16) -> std::io::Result<()> {
    answer(socket, status, "", "body")
}

fn answer(mut socket: &TcpStream, status: u16, more: &str, body: &str) -> std::io::Result<()> {
    socket.write_all(&response(status, more, body))
}

fn response(status: u16, more: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {status} Some\r\n{more}content-length: {length}\r\n\r\n{body}").into_bytes()
}

/// The next request, or `None` when the client has closed.
pub(super) fn read_request(input: &mut impl BufRead) -> std::io::Result<Option<Request>> {
    let mut head = Vec::new();
    let mut length = 0;
    loop {
        let mut line = String::new();
        if input.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        let line = line.trim_end();
        if line.is_empty() {
            break;
        }
        let text = match line.split_once(": ") {
            Some((name, value)) => format!("{}: {value}", name.to_lowercase()),
            None => line.to_owned(),
        };
        if let Some(value) = text.strip_prefix("content-length: ") {
            length = value.parse().unwrap();
        }
        head.push(text);
    }
    let mut body = vec![0; length];
    input.read_exact(&mut body)?;
    Ok(Some(Request { head, body: String::from_utf8(body).unwrap() }))
}
