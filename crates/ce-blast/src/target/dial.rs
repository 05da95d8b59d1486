//! Connections to AMQP brokers, at an address that is known already, with or without TLS.

use std::cell::Cell;
use std::time::{Duration, Instant};

use ce_cli::AMQP_LOGIN;
use ce_record::Outcome;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;

use super::Route;
use super::handshake::{Login, Stage, Talk, Tuned};
use super::patience::within;
use crate::job::{Answer, Opened};
use crate::own_limit::OwnLimit;

/// A broker, and how to reach it. What was checked is what is connected to: its host is not resolved
/// again.
#[derive(Debug, Clone)]
pub(crate) struct Broker {
    pub(crate) route: Route,
    pub(crate) login: Login,
}

/// A connection with or without TLS.
pub(super) trait Stream: AsyncRead + AsyncWrite + Unpin {}

impl<S: AsyncRead + AsyncWrite + Unpin> Stream for S {}

/// An open connection, what was agreed on, and what the broker has said since.
pub(super) type Open = (Box<dyn Stream>, Tuned, Vec<u8>);

/// How far a connection that is being opened has come.
pub(super) struct Progress {
    pub(super) stage: Cell<Stage>,
    pub(super) opened: Cell<Option<Opened>>,
}

impl Progress {
    pub(super) fn new() -> Self {
        Self { stage: Cell::new(Stage::Connecting), opened: Cell::new(None) }
    }
}

impl Broker {
    /// Opens a connection, or says how far it came.
    pub(super) async fn open_within(
        &self,
        patience: Duration,
        progress: &Progress,
    ) -> Result<Open, Answer> {
        within(patience, self.open(progress)).await.unwrap_or_else(|| {
            let missing = progress.stage.get().missing();
            Err(Answer::text(Outcome::Timeout, &format!("{missing} in time")))
        })
    }

    /// Opens a connection.
    pub(super) async fn open(&self, progress: &Progress) -> Result<Open, Answer> {
        let begun = Instant::now();
        let socket = self.route.addresses.connect().await.map_err(|err| Answer::refused(&err))?;
        socket.set_nodelay(true).map_err(|err| Answer::refused(&err))?;
        let opened = Opened { connect_ns: ns_since(begun), tls_ns: None };
        progress.opened.set(Some(opened));
        let Some(tls) = &self.route.tls else {
            let mut socket = socket;
            let (tuned, rest) = self.shake_hands(&mut socket, progress).await?;
            return Ok((Box::new(socket), tuned, rest));
        };
        progress.stage.set(Stage::Securing);
        let begun = Instant::now();
        let name = tls.server_name(&self.route.host);
        let name = name.map_err(|err| Answer::text(Outcome::ConnectError, &err.to_string()))?;
        let connect = TlsConnector::from(tls.config()).connect(name, socket);
        // Large, and only needed for a moment.
        let mut stream = Box::pin(connect).await.map_err(|err| Answer::refused(&err))?;
        progress.opened.set(Some(Opened { tls_ns: Some(ns_since(begun)), ..opened }));
        match self.shake_hands(&mut stream, progress).await {
            Ok((tuned, rest)) => Ok((Box::new(stream), tuned, rest)),
            Err(answer) if progress.stage.get() == Stage::Accepted && !tls.has_certificate() => {
                Err(maybe_nameless(answer))
            }
            Err(answer) => Err(answer),
        }
    }

    async fn shake_hands(
        &self,
        stream: &mut impl Stream,
        progress: &Progress,
    ) -> Result<(Tuned, Vec<u8>), Answer> {
        let mut talk = Talk::new(stream, &progress.stage, Vec::new());
        let tuned = talk.shake_hands(&self.login).await?;
        Ok((tuned, talk.rest()))
    }
}

/// With TLS 1.3 a server refuses a client without a certificate after the handshake, and when it
/// closes the connection, that may overtake the alert which says why.
fn maybe_nameless(answer: Answer) -> Answer {
    let remedy = "give one with --client-cert and --client-key";
    let error = answer.error.unwrap_or_default();
    if error.contains(remedy) {
        return Answer { error: Some(error), ..answer };
    }
    let error = format!("{error}; if the server wants a client certificate, {remedy}");
    Answer { error: Some(error.into()), ..answer }
}

fn ns_since(begun: Instant) -> u64 {
    u64::try_from(begun.elapsed().as_nanos()).unwrap_or(u64::MAX)
}

/// Why something could not be opened, in words.
#[derive(Debug, thiserror::Error)]
#[error("{text}")]
pub(super) struct NotOpened {
    text: String,
    /// What this machine had no more of, if that is why.
    pub(super) own_limit: Option<OwnLimit>,
}

/// Why a connection could not be opened that was to show whether it can, and what to do about it.
pub(super) fn explained(answer: Answer, progress: &Progress) -> NotOpened {
    let log_in = AMQP_LOGIN.remedy();
    let said = answer.error.as_deref().unwrap_or_default();
    let hint = match (progress.stage.get(), answer.outcome) {
        (Stage::Connecting, Outcome::ConnectError) => "is the broker running?",
        (Stage::Accepted, Outcome::ConnectError | Outcome::ProtocolError) => {
            "is it the port for AMQP? with TLS, write amqps:"
        }
        (Stage::Started, Outcome::Rejected | Outcome::ConnectError) => log_in.as_str(),
        (Stage::Tuned, Outcome::Rejected) if said.contains("not found") => {
            "the virtual host is the last part of the URL, %2f the one that is called /"
        }
        // A limit, or a right that is missing, and both are said.
        (_, Outcome::Rejected) => return error_of(answer),
        _ => "is it a broker, and well?",
    };
    error_of(answer.hinted(hint))
}

/// An answer to an attempt to open something, as an error.
pub(super) fn error_of(answer: Answer) -> NotOpened {
    let code = answer.code.map_or_else(String::new, |code| format!("{code} "));
    let text = format!("{code}{}", answer.error.unwrap_or_default());
    NotOpened { text, own_limit: answer.own_limit }
}
