//! An open connection that is only held: it answers heartbeats until it is closed.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout};

use ce_amqp::Said;

/// The largest frame of a broker that is sane.
const LIMIT_BYTES: usize = 128 * 1024;
/// How long it may take to answer a broker that closes a connection.
const COURTESY: Duration = Duration::from_secs(1);
/// What a broker says to a connection that does nothing is shorter.
const READ_BYTES: usize = 256;
/// A broker that is silent for so many of the times at which we speak is gone.
const SILENT: u32 = 4;
/// Where nobody wants heartbeats, one in a while does no harm.
const SELDOM: Duration = Duration::from_hours(1);

/// Holds the connection, on which `bytes` have come before, until `closing` says so, and returns what has
/// come by then of a frame that is not whole; `Err` is why it ended before.
pub(super) async fn hold<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    heartbeat_s: u16,
    mut bytes: Vec<u8>,
    closing: &mut watch::Receiver<bool>,
) -> Result<Vec<u8>, String> {
    // As often as the specification has it: twice in the time that was agreed on.
    let beat = match heartbeat_s {
        0 => SELDOM,
        seconds => Duration::from_secs(seconds.into()) / 2,
    };
    let mut next = Instant::now() + beat;
    let mut silent = 0;
    loop {
        if let Err(why) = understand(&mut bytes) {
            // Only a courtesy: the broker closes the connection anyway.
            let _ = say(stream, &ce_amqp::close_ok(), COURTESY).await;
            return Err(why);
        }
        let mut room = [0; READ_BYTES];
        tokio::select! {
            _ = closing.wait_for(|&closing| closing) => return Ok(bytes),
            () = sleep_until(next) => {
                // Time in which nobody listened is not the broker's silence.
                let away = next.elapsed() >= beat;
                silent += u32::from(!away);
                if silent > SILENT && heartbeat_s > 0 {
                    return Err("no heartbeat from the broker".to_owned());
                }
                // A broker that takes nothing for so long is gone.
                let said = say(stream, &ce_amqp::heartbeat(), beat).await;
                said.map_err(|err| ce_tls::explain(&err))?;
                next = if away { Instant::now() } else { next } + beat;
            }
            read = stream.read(&mut room) => {
                let count = read.map_err(|err| ce_tls::explain(&err))?;
                if count == 0 {
                    return Err("the broker closed the connection".to_owned());
                }
                silent = 0;
                bytes.extend_from_slice(&room[..count]);
            }
        }
    }
}

async fn say<S: AsyncWrite + Unpin>(
    stream: &mut S,
    frame: &[u8],
    patience: Duration,
) -> io::Result<()> {
    let say = async {
        stream.write_all(frame).await?;
        stream.flush().await
    };
    timeout(patience, say).await?
}

/// Takes whole frames off the front; a close is why the connection ends.
fn understand(bytes: &mut Vec<u8>) -> Result<(), String> {
    while let Some((said, taken)) =
        ce_amqp::parse(bytes, LIMIT_BYTES).map_err(|err| err.to_string())?
    {
        bytes.drain(..taken);
        if let Said::Close { code, text } = said {
            return Err(format!("{code} {text}"));
        }
    }
    if bytes.is_empty() {
        // Thousands of connections wait for the next heartbeat.
        *bytes = Vec::new();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use tokio::io::duplex;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn heartbeats_are_kept_until_the_end_is_wanted() {
        let (mut ours, mut theirs) = duplex(1024);
        let (close, mut closing) = watch::channel(false);
        let broker = async {
            for _ in 0..6 {
                let mut beat = [0; 8];
                theirs.read_exact(&mut beat).await.unwrap();
                assert_eq!(beat[..], ce_amqp::heartbeat());
                theirs.write_all(&ce_amqp::heartbeat()).await.unwrap();
            }
            close.send_replace(true);
        };
        let started = Instant::now();
        let (held, ()) = tokio::join!(hold(&mut ours, 10, Vec::new(), &mut closing), broker);
        assert_eq!((held, started.elapsed().as_secs()), (Ok(Vec::new()), 30));
    }

    #[tokio::test(start_paused = true)]
    async fn a_broker_that_says_nothing_any_more_is_gone() {
        let (mut ours, _theirs) = duplex(1024);
        let (_close, mut closing) = watch::channel(false);
        let started = Instant::now();
        let held = hold(&mut ours, 10, Vec::new(), &mut closing).await;
        assert_eq!(held, Err("no heartbeat from the broker".to_owned()));
        assert_eq!(started.elapsed().as_secs(), 25);
    }

    #[tokio::test(start_paused = true)]
    async fn time_in_which_nobody_listened_is_not_the_silence_of_the_broker() {
        let (mut ours, mut theirs) = duplex(1024);
        let (close, mut closing) = watch::channel(false);
        let stopped = async {
            // One beat has its time, and then the process stands still.
            sleep_until(Instant::now() + Duration::from_secs(6)).await;
            tokio::time::advance(Duration::from_mins(10)).await;
            let mut beat = [0; 8];
            theirs.read_exact(&mut beat).await.unwrap();
            theirs.write_all(&ce_amqp::heartbeat()).await.unwrap();
            sleep_until(Instant::now() + Duration::from_secs(1)).await;
            close.send_replace(true);
        };
        let hold = hold(&mut ours, 10, Vec::new(), &mut closing);
        assert_eq!(tokio::join!(hold, stopped).0, Ok(Vec::new()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_broker_that_takes_nothing_any_more_is_gone() {
        // Room for half a heartbeat.
        let (mut ours, _theirs) = duplex(4);
        let (_close, mut closing) = watch::channel(false);
        assert!(hold(&mut ours, 10, Vec::new(), &mut closing).await.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn a_broker_that_closes_is_answered_and_its_reason_told() {
        let (mut ours, mut theirs) = duplex(1024);
        let (_close, mut closing) = watch::channel(false);
        // Code 320, a text, and no method that was the reason.
        let fields = [&[10, 0, 50][..], &320_u16.to_be_bytes(), b"\x04gone\0\0\0\0"].concat();
        let front = [1, 0, 0, 0, 0, 0, u8::try_from(fields.len() + 1).unwrap(), 0];
        let frame = [&front[..], &fields, &[0xCE]].concat();
        theirs.write_all(&frame).await.unwrap();
        let ended = hold(&mut ours, 60, Vec::new(), &mut closing).await;
        assert_eq!(ended, Err("320 gone".to_owned()));
        let mut answer = vec![0; ce_amqp::close_ok().len()];
        theirs.read_exact(&mut answer).await.unwrap();
        assert_eq!(answer, ce_amqp::close_ok());
    }
}
