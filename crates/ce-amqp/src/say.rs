//! What we say to open and to close, each as the bytes to send. Publishing is in [`crate::publish`].

use crate::fields::{ShortText, put_long, put_short, put_with_length};
use crate::frame::{HEARTBEAT, put, put_method};

/// The name of an exchange.
pub type ExchangeName = ShortText<'static>;

/// `Connection.StartOk`: who we are. The capabilities make the broker say why it refuses a login, and
/// when it takes nothing any more.
pub fn start_ok(name: &str, user: &str, password: &str) -> Vec<u8> {
    let yes = |to: &mut Vec<u8>, capability| {
        put_short(to, capability);
        to.extend([b't', 1]);
    };
    let text = |to: &mut Vec<u8>, property, value: &str| {
        put_short(to, property);
        to.push(b'S');
        put_long(to, value.as_bytes());
    };
    call(0, (10, 11), |to| {
        put_with_length(to, |to| {
            text(to, "product", "ce-load");
            text(to, "connection_name", name);
            put_short(to, "capabilities");
            to.push(b'F');
            put_with_length(to, |to| {
                yes(to, "authentication_failure_close");
                yes(to, "connection.blocked");
                yes(to, "basic.nack");
                yes(to, "publisher_confirms");
            });
        });
        put_short(to, "PLAIN");
        put_long(to, format!("\0{user}\0{password}").as_bytes());
        put_short(to, "en_US");
    })
}

/// `Connection.TuneOk`.
pub fn tune_ok(channel_max: u16, frame_max: u32, heartbeat_s: u16) -> Vec<u8> {
    call(0, (10, 31), |to| {
        to.extend(channel_max.to_be_bytes());
        to.extend(frame_max.to_be_bytes());
        to.extend(heartbeat_s.to_be_bytes());
    })
}

/// `Connection.Open` of a virtual host.
pub fn open(vhost: &str) -> Vec<u8> {
    call(0, (10, 40), |to| {
        put_short(to, vhost);
        // Two fields that older versions had.
        to.extend([0, 0]);
    })
}

/// `Connection.Close`, for no particular reason.
pub fn close() -> Vec<u8> {
    call(0, (10, 50), |to| {
        to.extend(200_u16.to_be_bytes());
        put_short(to, "done");
        // The method that was the reason: none.
        to.extend([0; 4]);
    })
}

/// `Connection.CloseOk`.
pub fn close_ok() -> Vec<u8> {
    call(0, (10, 51), |_| {})
}

/// `Channel.Open`.
pub fn open_channel(channel: u16) -> Vec<u8> {
    // A field that older versions had.
    call(channel, (20, 10), |to| to.push(0))
}

/// `Exchange.Declare` that only looks whether the exchange is there.
pub fn look_for_exchange(channel: u16, exchange: &ExchangeName) -> Vec<u8> {
    call(channel, (40, 10), |to| {
        to.extend([0, 0]);
        exchange.put(to);
        // The type does not matter here.
        put_short(to, "topic");
        to.push(1);
        // No arguments.
        to.extend([0; 4]);
    })
}

/// `Confirm.Select`.
pub fn confirm_select(channel: u16) -> Vec<u8> {
    call(channel, (85, 10), |to| to.push(0))
}

/// A heartbeat.
pub fn heartbeat() -> Vec<u8> {
    let mut bytes = Vec::new();
    put(&mut bytes, HEARTBEAT, 0, |_| {});
    bytes
}

fn call(channel: u16, method: (u16, u16), fields: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut bytes = Vec::new();
    put_method(&mut bytes, channel, method, fields);
    bytes
}
