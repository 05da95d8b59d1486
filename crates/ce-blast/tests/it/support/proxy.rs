//! Stands between the tool and the broker, and can hold back what the broker says.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;

#[derive(Default)]
struct Valve {
    closed: Mutex<bool>,
    changed: Condvar,
}

/// A proxy on a port of its own.
pub(crate) struct Proxy {
    address: SocketAddr,
    valve: Arc<Valve>,
}

impl Proxy {
    /// Passes every connection on to the broker at `url`.
    pub(crate) fn start(url: &str) -> Self {
        let rest = url.strip_prefix("amqp://").unwrap();
        let broker = rest.split('/').next().unwrap().to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let valve = Arc::<Valve>::default();
        let this = Self { address, valve: Arc::clone(&valve) };
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let server = TcpStream::connect(&broker).unwrap();
                let (from, to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
                thread::spawn(move || pass_on(from, to, None));
                let valve = Arc::clone(&valve);
                thread::spawn(move || pass_on(server, client, Some(&valve)));
            }
        });
        this
    }

    pub(crate) fn url(&self) -> String {
        format!("amqp://{}/%2f", self.address)
    }

    /// Holds back what the broker says, or lets it flow again.
    pub(crate) fn hold(&self, hold: bool) {
        *self.valve.closed.lock().unwrap() = hold;
        self.valve.changed.notify_all();
    }
}

/// Copies until either side closes.
fn pass_on(mut from: TcpStream, mut to: TcpStream, valve: Option<&Valve>) {
    let mut buffer = [0; 4096];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        if let Some(valve) = valve {
            let closed = valve.closed.lock().unwrap();
            drop(valve.changed.wait_while(closed, |closed| *closed).unwrap());
        }
        if to.write_all(&buffer[..length]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(std::net::Shutdown::Both);
}
