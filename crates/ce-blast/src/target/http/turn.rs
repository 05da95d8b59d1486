//! What hyper does with a connection, it does in a task of its own. These let that task have its turn,
//! so that what is still to be done afterwards is up to the peer.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use tokio::time::sleep;

use super::body::Owner;
use super::connection::One;

/// How long a connection has to be rid of a request that was answered before it was read.
const REST: Duration = Duration::from_secs(1);

/// A connection that was answered on, if it can take another request. One that was closed cannot, and
/// neither can one whose server answered before it had read all of a request: it may never do so, and
/// hyper does not say when it has. That one is left alone for a while, to be rid of the rest.
pub(in crate::target) async fn if_free(mut connection: One) -> Option<One> {
    let mut asked = false;
    let ready = poll_fn(|cx| match connection.poll_ready(cx) {
        Poll::Ready(ready) => Poll::Ready(Some(ready.is_ok())),
        Poll::Pending if asked => Poll::Ready(None),
        Poll::Pending => {
            // Its own task may be about to say so.
            asked = true;
            cx.waker().wake_by_ref();
            Poll::Pending
        }
    });
    if let Some(is_open) = ready.await {
        return is_open.then_some(connection);
    }
    tokio::task::spawn_local(async move {
        sleep(REST).await;
        connection.cut();
    });
    None
}

/// Waits for the answer to a request over HTTP/2. hyper is asked to write it, in a task of its own,
/// before this is polled again. What has not left by then, the peer keeps waiting, since it takes no
/// more streams or no more bytes: that wait is its own, and not a lag of ours.
pub(super) async fn handed_over<T>(answer: impl Future<Output = T>, mut owner: Option<Owner>) -> T {
    let mut answer = pin!(answer);
    let mut asked = false;
    poll_fn(|cx| {
        let polled = answer.as_mut().poll(cx);
        if polled.is_pending() {
            if !asked {
                asked = true;
                cx.waker().wake_by_ref();
            } else if let Some(owner) = owner.take() {
                owner.leave();
            }
        }
        polled
    })
    .await
}

#[cfg(test)]
mod tests {
    use hyper::Request;
    use hyper_util::rt::TokioIo;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
    use tokio::task::LocalSet;

    use super::*;
    use crate::target::http::Body;
    use crate::target::http::connection::one;

    /// Sends a body of 9999 bytes to a peer that answers as soon as it has seen a part of it.
    async fn answered_early() -> (One, DuplexStream) {
        let (ours, mut theirs) = duplex(512);
        let mut connection = one(TokioIo::new(ours)).await.expect("it has not said a word yet");
        let request = Request::post("/").body(Body::new(vec![b'7'; 9999].into()));
        let answer = connection.try_send_request(request.expect("a request"));
        let early = async {
            theirs.read_exact(&mut [0; 99]).await.expect("a part of it");
            let answer = b"HTTP/1.1 413 Too Large\r\ncontent-length: 0\r\n\r\n";
            theirs.write_all(answer).await.expect("there is room");
        };
        let (answer, ()) = tokio::join!(answer, early);
        assert_eq!(answer.map(|answer| answer.status().as_u16()).ok(), Some(413));
        (connection, theirs)
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_that_was_answered_early_is_not_used_and_may_end_what_it_does() {
        LocalSet::new()
            .run_until(async {
                let (connection, mut theirs) = answered_early().await;
                assert!(if_free(connection).await.is_none());
                let mut rest = Vec::new();
                theirs.read_to_end(&mut rest).await.expect("the rest, and the end");
                assert!(rest.len() > 9900 && rest.ends_with(b"7"));
            })
            .await;
    }
}
