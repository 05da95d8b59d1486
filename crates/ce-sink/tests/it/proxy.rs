//! Stands between the sink and the broker: a broker that can go away and come back, at the expense
//! of nobody else.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

#[derive(Default)]
struct State {
    away: bool,
    muted: bool,
    turned_away: usize,
    sockets: Vec<TcpStream>,
}

/// A proxy on a port of its own.
pub(crate) struct Proxy {
    url: String,
    state: Arc<Mutex<State>>,
}

impl Proxy {
    /// Passes every connection on to the broker at `url`.
    pub(crate) fn to(url: &str) -> Self {
        let host = url.rsplit(['@', '/']).nth(1).unwrap().to_owned();
        let broker: SocketAddr = host.parse().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = url.replace(&host, &listener.local_addr().unwrap().to_string());
        let state = Arc::<Mutex<State>>::default();
        let this = Self { url, state: Arc::clone(&state) };
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let mut held = state.lock().unwrap();
                if held.away {
                    held.turned_away += 1;
                } else {
                    let server = TcpStream::connect(broker).unwrap();
                    let sink_speaks = Arc::clone(&state);
                    pass_on(&client, &server, move || !sink_speaks.lock().unwrap().muted);
                    pass_on(&server, &client, || true);
                    held.sockets.extend([client, server]);
                }
            }
        });
        this
    }

    /// The URL that leads through the proxy.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Cuts all connections; new ones are accepted and closed until [`Self::come_back`].
    pub(crate) fn go_away(&self) {
        let mut state = self.state.lock().unwrap();
        state.away = true;
        for socket in state.sockets.drain(..) {
            // One that the other side has closed is gone already.
            let _ = socket.shutdown(Shutdown::Both);
        }
    }

    /// What the sink says from now on never reaches the broker, until [`Self::come_back`].
    pub(crate) fn mute(&self) {
        self.state.lock().unwrap().muted = true;
    }

    pub(crate) fn come_back(&self) {
        let mut state = self.state.lock().unwrap();
        (state.away, state.muted) = (false, false);
    }

    /// Connections that were tried in vain so far.
    pub(crate) fn turned_away(&self) -> usize {
        self.state.lock().unwrap().turned_away
    }
}

/// Copies what may pass until the sockets are shut down.
fn pass_on(from: &TcpStream, to: &TcpStream, may_pass: impl Fn() -> bool + Send + 'static) {
    let (mut from, mut to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
    thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(length @ 1..) = from.read(&mut buffer) {
            if may_pass() && to.write_all(&buffer[..length]).is_err() {
                break;
            }
        }
        let _ = to.shutdown(Shutdown::Both);
    });
}
