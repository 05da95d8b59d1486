//! A server that speaks as much AMQP as it takes to open a connection, and then does as told.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

/// Connections that may wait to be accepted.
const QUEUE: u32 = 8;
/// A connection that takes longer has found the queue full.
const FULL: Duration = Duration::from_millis(500);

/// What to do with a connection.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Act {
    /// Opens it, and agrees to its end.
    Open,
    /// Accepts it and says nothing, as a broker without file descriptors does.
    Silence,
    /// Says nothing to the login.
    SilenceAfterLogin,
    /// Says nothing to the wish to open it.
    SilenceAtLast,
    /// Closes it at once.
    Close,
    /// Says what is no AMQP.
    Garbage,
    /// Refuses to open it, with this code and text.
    Refuse(u16, &'static str),
    /// Closes it, and nobody listens any more.
    Vanish,
    /// Opens it, and accepts none from then on: the kernel lets those that come wait.
    OpenTheLast,
}

/// A running server; its threads end with the test process.
pub(crate) struct AmqpServer(SocketAddr);

impl AmqpServer {
    /// Serves by a script that is given the number of the connection, from zero.
    pub(crate) fn start(script: impl Fn(u64) -> Act + Send + 'static) -> Self {
        let listener = listen();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || {
            for number in 0.. {
                let Ok((mut socket, _)) = listener.accept() else { return };
                let act = script(number);
                if matches!(act, Act::Vanish) {
                    drop(listener);
                    read_header(&mut socket);
                    return;
                }
                // A queue that is full before the client hears that its connection is open.
                let queue = matches!(act, Act::OpenTheLast).then(|| fill_queue(address));
                thread::spawn(move || serve(socket, act));
                while queue.is_some() {
                    thread::park();
                }
            }
        });
        Self(address)
    }

    pub(crate) fn url(&self) -> String {
        format!("amqp://{}/%2f", self.0)
    }
}

/// A listener with a queue that is soon full.
fn listen() -> TcpListener {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().unwrap();
    let _inside = runtime.enter();
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind(([127, 0, 0, 1], 0).into()).unwrap();
    let listener = socket.listen(QUEUE).unwrap().into_std().unwrap();
    listener.set_nonblocking(false).unwrap();
    listener
}

/// Fills the queue of a listener that accepts nothing, up to a connection that has to wait.
fn fill_queue(address: SocketAddr) -> Vec<TcpStream> {
    let connect = || TcpStream::connect_timeout(&address, FULL).ok();
    std::iter::from_fn(connect).collect()
}

fn serve(mut socket: TcpStream, act: Act) {
    match act {
        Act::Silence => wait_for_end(&mut socket),
        Act::Close | Act::Vanish => read_header(&mut socket),
        Act::Garbage => {
            let _ = socket.write_all(b"220 welcome\r\n");
            wait_for_end(&mut socket);
        }
        // An error only means that the client has left.
        Act::Open
        | Act::OpenTheLast
        | Act::SilenceAfterLogin
        | Act::SilenceAtLast
        | Act::Refuse(..) => drop(open(&mut socket, act)),
    }
}

/// What is closed with something unread is reset.
fn read_header(socket: &mut TcpStream) {
    let mut header = [0; 8];
    socket.read_exact(&mut header).unwrap();
    assert_eq!(&header, b"AMQP\x00\x00\x09\x01");
}

fn wait_for_end(socket: &mut TcpStream) {
    while socket.read(&mut [0; 64]).is_ok_and(|count| count > 0) {}
}

fn open(socket: &mut TcpStream, act: Act) -> std::io::Result<()> {
    read_header(socket);
    // Version, no properties, one mechanism, one locale.
    socket.write_all(&method(10, b"\x00\x09\0\0\0\0\0\0\0\x05PLAIN\0\0\0\x05en_US"))?;
    assert_eq!(read_method(socket)?, 11);
    if matches!(act, Act::SilenceAfterLogin) {
        wait_for_end(socket);
        return Ok(());
    }
    // 2047 channels, frames of 128 KiB, a heartbeat each minute.
    socket.write_all(&method(30, &[7, 255, 0, 2, 0, 0, 0, 60]))?;
    assert_eq!(read_method(socket)?, 31);
    assert_eq!(read_method(socket)?, 40);
    if matches!(act, Act::SilenceAtLast) {
        wait_for_end(socket);
        return Ok(());
    }
    if let Act::Refuse(code, text) = act {
        let mut fields = code.to_be_bytes().to_vec();
        fields.push(u8::try_from(text.len()).unwrap());
        fields.extend(text.as_bytes());
        fields.extend([0, 10, 0, 40]);
        socket.write_all(&method(50, &fields))?;
        assert_eq!(read_method(socket)?, 51);
        return Ok(());
    }
    socket.write_all(&method(41, &[0]))?;
    assert_eq!(read_method(socket)?, 50);
    socket.write_all(&method(51, &[]))
}

/// A frame with a method of the class `connection`.
fn method(number: u8, fields: &[u8]) -> Vec<u8> {
    let size = u32::try_from(fields.len() + 4).unwrap();
    let head = [&[1, 0, 0][..], &size.to_be_bytes(), &[0, 10, 0, number]].concat();
    [&head[..], fields, &[0xCE]].concat()
}

/// The number of the next method.
fn read_method(socket: &mut TcpStream) -> std::io::Result<u8> {
    let mut head = [0; 7];
    socket.read_exact(&mut head)?;
    let size = u32::from_be_bytes([head[3], head[4], head[5], head[6]]);
    let mut rest = vec![0; usize::try_from(size).unwrap() + 1];
    socket.read_exact(&mut rest)?;
    assert_eq!((head[0], rest[1], rest[rest.len() - 1]), (1, 10, 0xCE));
    Ok(rest[3])
}
