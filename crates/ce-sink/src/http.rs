//! Accepts events over HTTP/1.1.

mod answer;
mod arrivals;
mod simulation;
mod token;
mod webhook;

use std::cell::{Cell, RefCell};
use std::convert::Infallible;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use ce_cli::{DataOut, Exit, say};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::select;
use tokio::sync::Semaphore;
use tokio::task::spawn_local;
use tokio::time::{sleep, timeout};

use crate::cli::HttpArgs;
use crate::gauges::{self, Measured};
use crate::intake::Counts;
use crate::session::{self, TOOL};

use answer::{Answerer, Counted};
use arrivals::{Arrivals, ReportFile};
use simulation::Simulation;
use token::Token;

/// How long a connection may take for the next header. For hyper that includes the time in which a
/// connection is idle; were it short, we would hang up on senders that send seldom.
const HEADER_TIMEOUT: Duration = Duration::from_mins(5);

/// The longest head of a request, the line and all headers. A longer one, or one of more than 100
/// headers, is answered with 431.
const HEAD_LIMIT: usize = 64 << 10;

/// How long requests in progress may take to end, over and above `--delay`.
const GRACE: Duration = Duration::from_secs(5);

/// The pause after a connection could not be accepted, e.g., because all file numbers are taken.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

pub(crate) fn run(args: &HttpArgs, out: &mut DataOut) -> anyhow::Result<Exit> {
    let token = Token::load(args.bearer_token_file.as_deref())?;
    let report = args.arrivals.as_ref().map(ReportFile::create).transpose()?;
    let runtime = session::runtime()?;
    let listener = runtime
        .block_on(TcpListener::bind(args.listen))
        .with_context(|| format!("{}: cannot listen; choose another --listen", args.listen))?;
    session::receive(&args.common, out, runtime, async |intake| {
        say(TOOL, &format!("listening on http://{}", listener.local_addr()?));
        let answerer = Rc::new(Answerer {
            intake,
            simulation: Simulation::new(args),
            max_body: args.max_body,
            body_timeout: args.body_timeout,
            token,
            arrivals: report.is_some().then(|| RefCell::new(Arrivals::new())),
            in_flight: Cell::new(0),
            connections: Cell::new(0),
        });
        serve(args, listener, &answerer).await;
        let arrivals = answerer.arrivals.as_ref().map(|arrivals| arrivals.borrow().report());
        arrivals.zip(report).map_or(Ok(()), |(arrivals, report)| {
            say(TOOL, &arrivals.to_string());
            report.write(&arrivals)
        })
    })
}

async fn serve(args: &HttpArgs, listener: TcpListener, answerer: &Rc<Answerer>) {
    if let Some(stall) = args.stall {
        let intake = Arc::clone(&answerer.intake);
        spawn_local(async move { simulation::freeze(stall, &intake).await });
    }
    let slots = Arc::new(Semaphore::new(args.max_connections as usize));
    if let Some(every) = args.common.gauges {
        let answerer = Rc::clone(answerer);
        spawn_local(async move {
            let measure = async || {
                let gauge = |name, value| Measured { name, queue: None, value };
                vec![
                    gauge("sink_connections", answerer.connections.get()),
                    gauge("sink_requests_in_flight", answerer.in_flight.get()),
                ]
            };
            gauges::tell(every, &answerer.intake, measure).await;
        });
    }
    accept_until_stopped(&listener, &slots, answerer).await;
    drop(listener);
    // All slots are free again when the last connection has ended.
    let _ = timeout(GRACE + args.delay, slots.acquire_many(args.max_connections)).await;
}

async fn accept_until_stopped(
    listener: &TcpListener,
    slots: &Arc<Semaphore>,
    answerer: &Rc<Answerer>,
) {
    let mut complained = false;
    loop {
        let next = async {
            let slot = Arc::clone(slots).acquire_owned().await;
            (slot.expect("the slots are never closed"), listener.accept().await)
        };
        let (slot, accepted) = select! {
            next = next => next,
            () = answerer.intake.stop.asked() => return,
        };
        match accepted {
            Ok((socket, _)) => {
                let answerer = Rc::clone(answerer);
                spawn_local(async move {
                    connection(socket, answerer).await;
                    drop(slot);
                });
            }
            Err(err) => {
                if !std::mem::replace(&mut complained, true) {
                    say(TOOL, &format!("cannot accept a connection: {err}; retrying"));
                }
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Answers the requests of one connection. How it ends is the sender's business: whatever was
/// acknowledged has its receipt.
async fn connection(socket: TcpStream, answerer: Rc<Answerer>) {
    let _counted = Counted::enter(&answerer.connections);
    // Fails only if the peer is gone already.
    let _ = socket.set_nodelay(true);
    let service = service_fn(|request| {
        let answerer = Rc::clone(&answerer);
        async move { Ok::<_, Infallible>(answerer.answer(request).await) }
    });
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(HEADER_TIMEOUT);
    builder.max_header_size(HEAD_LIMIT);
    let mut connection = pin!(builder.serve_connection(TokioIo::new(socket), service));
    let ended = select! {
        ended = connection.as_mut() => ended,
        () = answerer.intake.stop.asked() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if ended.is_err_and(|err| err.is_parse()) {
        Counts::add(&answerer.intake.counts().refused, 1);
    }
}
