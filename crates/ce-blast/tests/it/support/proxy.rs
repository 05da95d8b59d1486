//! Stands between the tool and the broker: holds back what the broker says, or cuts the line.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;

#[derive(Default)]
struct Valve {
    closed: Mutex<bool>,
    changed: Condvar,
}

impl Valve {
    fn close(&self, close: bool) {
        *self.closed.lock().unwrap() = close;
        self.changed.notify_all();
    }

    fn wait(&self) {
        let closed = self.closed.lock().unwrap();
        drop(self.changed.wait_while(closed, |closed| *closed).unwrap());
    }
}

/// A proxy on a port of its own.
pub(crate) struct Proxy {
    address: SocketAddr,
    valve: Arc<Valve>,
    /// The same for what the client says.
    intake: Arc<Valve>,
    /// Drops who wants to connect.
    refuses: Arc<AtomicBool>,
    /// Lets who wants to connect in, and is silent.
    mutes: Arc<AtomicBool>,
    /// The client's end of every connection so far.
    clients: Arc<Mutex<Vec<TcpStream>>>,
}

impl Proxy {
    /// Passes every connection on to the broker at `url`.
    pub(crate) fn start(url: &str) -> Self {
        Self::with_requests(url, pass_on)
    }

    /// As a broker that knows no publisher confirms: it closes the channel of whoever asks.
    pub(crate) fn without_confirms(url: &str) -> Self {
        Self::with_requests(url, |client, server, _| drop(refuse_confirms(client, server)))
    }

    /// A proxy that passes what the client says by `requests`.
    fn with_requests(url: &str, requests: fn(TcpStream, TcpStream, &Valve)) -> Self {
        let rest = url.strip_prefix("amqp://").unwrap();
        let broker = rest.split('/').next().unwrap().to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let valve = Arc::<Valve>::default();
        let clients = Arc::<Mutex<Vec<TcpStream>>>::default();
        let [refuses, mutes] = [(); 2].map(|()| Arc::<AtomicBool>::default());
        let intake = Arc::<Valve>::default();
        let this = Self {
            address,
            valve: Arc::clone(&valve),
            intake: Arc::clone(&intake),
            refuses: Arc::clone(&refuses),
            mutes: Arc::clone(&mutes),
            clients: Arc::clone(&clients),
        };
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                if refuses.load(Relaxed) {
                    continue;
                }
                clients.lock().unwrap().push(client.try_clone().unwrap());
                if mutes.load(Relaxed) {
                    continue;
                }
                let server = TcpStream::connect(&broker).unwrap();
                let (from, to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
                let intake = Arc::clone(&intake);
                thread::spawn(move || requests(from, to, &intake));
                let valve = Arc::clone(&valve);
                thread::spawn(move || pass_on(server, client, &valve));
            }
        });
        this
    }

    pub(crate) fn url(&self) -> String {
        format!("amqp://{}/%2f", self.address)
    }

    /// Holds back what the broker says, or lets it flow again.
    pub(crate) fn hold(&self, hold: bool) {
        self.valve.close(hold);
    }

    /// Reads nothing more from the client, or goes on reading.
    pub(crate) fn stall(&self, stall: bool) {
        self.intake.close(stall);
    }

    /// Drops who wants to connect from now on, or lets them in again.
    pub(crate) fn refuse(&self, refuse: bool) {
        self.refuses.store(refuse, Relaxed);
    }

    /// Says nothing to who connects from now on, and does not pass on either; or does so again.
    pub(crate) fn mute_newcomers(&self, mute: bool) {
        self.mutes.store(mute, Relaxed);
    }

    /// Cuts every connection. What was held back never arrives.
    pub(crate) fn cut(&self) {
        for client in self.clients.lock().unwrap().iter() {
            let _ = client.shutdown(std::net::Shutdown::Both);
        }
        self.hold(false);
    }

    /// Connections so far.
    pub(crate) fn connections(&self) -> usize {
        self.clients.lock().unwrap().len()
    }
}

/// Copies until either side closes.
fn pass_on(mut from: TcpStream, mut to: TcpStream, valve: &Valve) {
    let mut buffer = [0; 4096];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        valve.wait();
        if to.write_all(&buffer[..length]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(std::net::Shutdown::Both);
}

/// Copies frame by frame, and answers `confirm.select` with `channel.close`.
fn refuse_confirms(mut client: TcpStream, mut server: TcpStream) -> std::io::Result<()> {
    let mut protocol = [0; 8];
    client.read_exact(&mut protocol)?;
    server.write_all(&protocol)?;
    loop {
        let mut head = [0; 7];
        client.read_exact(&mut head)?;
        let [kind, a, b, length @ ..] = head;
        let mut rest = vec![0; u32::from_be_bytes(length) as usize + 1];
        client.read_exact(&mut rest)?;
        let confirm_select = [0, 85, 0, 10];
        if kind == 1 && rest.starts_with(&confirm_select) {
            let channel_close = [0, 20, 0, 40];
            let not_implemented = 540_u16.to_be_bytes();
            let text = b"\x0fNOT_IMPLEMENTED";
            let payload = [&channel_close[..], &not_implemented, text, &confirm_select].concat();
            let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
            client.write_all(&[&[1, a, b], &length[..], &payload, &[0xCE]].concat())?;
        } else {
            server.write_all(&[&head, &rest[..]].concat())?;
        }
    }
}
