//! From a request to its answer.

use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use ce_event::{Event, EventError, Mode, Pointer, http};
use ce_record::Receipt;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::{Body, Incoming};
use hyper::header::{ALLOW, CONTENT_TYPE, HeaderValue, WWW_AUTHENTICATE};
use hyper::http::request::Parts;
use hyper::{Method, Request, Response, StatusCode};
use tokio::time::timeout;

use crate::http::arrivals::Arrivals;
use crate::http::simulation::Simulation;
use crate::http::token::Token;
use crate::http::webhook;
use crate::intake::{Counts, Intake, receipt};

/// All that answering takes.
pub(crate) struct Answerer {
    pub(crate) intake: Arc<Intake>,
    pub(crate) simulation: Simulation,
    pub(crate) max_body: u64,
    pub(crate) body_timeout: Duration,
    pub(crate) token: Option<Token>,
    pub(crate) arrivals: Option<RefCell<Arrivals>>,
    /// Requests whose head has been read and whose answer is not ready.
    pub(crate) in_flight: Cell<u64>,
    pub(crate) connections: Cell<u64>,
}

/// Counts for as long as it lives, however what is counted ends.
pub(crate) struct Counted<'a>(&'a Cell<u64>);

impl<'a> Counted<'a> {
    pub(crate) fn enter(count: &'a Cell<u64>) -> Self {
        count.set(count.get() + 1);
        Self(count)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}

/// A status, and a line that says why. The line is empty for success.
type Answer = (StatusCode, String);

impl Answerer {
    pub(crate) async fn answer(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        if let Some(arrivals) = &self.arrivals {
            arrivals.borrow_mut().arrived(self.intake.clock.now_ns());
        }
        if request.method() == Method::OPTIONS {
            return webhook::grant(request.headers());
        }
        let _in_flight = Counted::enter(&self.in_flight);
        let (status, why) = match self.judge(request).await {
            Ok(()) => (StatusCode::ACCEPTED, String::new()),
            Err(answer) => answer,
        };
        self.simulation.delay().await;
        response(status, why)
    }

    async fn judge(&self, request: Request<Incoming>) -> Result<(), Answer> {
        let counts = self.intake.counts();
        let read = self.read(request).await;
        let recv_ns = self.intake.arrived();
        let (head, body) = read.inspect_err(|_| Counts::add(&counts.refused, 1))?;
        let receipts =
            receipts(&head, &body, recv_ns, self.intake.correlate.as_ref()).map_err(|err| {
                self.intake.not_an_event(&err, recv_ns);
                (StatusCode::BAD_REQUEST, err.to_string())
            })?;
        if let Some(status) = self.simulation.rejects(receipts.len()) {
            Counts::add(&counts.rejected, receipts.len());
            return Err((status, "rejected on purpose".into()));
        }
        for receipt in receipts {
            let gone = |_| (StatusCode::SERVICE_UNAVAILABLE, "stopping".into());
            self.intake.keep(receipt).await.map_err(gone)?;
        }
        Ok(())
    }

    /// The head of a POST and its whole body.
    async fn read(&self, request: Request<Incoming>) -> Result<(Parts, Bytes), Answer> {
        let (head, body) = request.into_parts();
        if self.token.as_ref().is_some_and(|token| !token.is_shown(&head.headers)) {
            let why = "show the token: `authorization: Bearer TOKEN`";
            return Err((StatusCode::UNAUTHORIZED, why.into()));
        }
        if head.method != Method::POST {
            return Err((StatusCode::METHOD_NOT_ALLOWED, "send events by POST".into()));
        }
        let too_large = || {
            let why = format!("the body is larger than {} bytes (--max-body)", self.max_body);
            (StatusCode::PAYLOAD_TOO_LARGE, why)
        };
        // A length that is announced need not be read to be refused.
        if body.size_hint().lower() > self.max_body {
            return Err(too_large());
        }
        let limit = usize::try_from(self.max_body).unwrap_or(usize::MAX);
        match timeout(self.body_timeout, Limited::new(body, limit).collect()).await {
            Ok(Ok(whole)) => Ok((head, whole.to_bytes())),
            Ok(Err(err)) if err.is::<LengthLimitError>() => Err(too_large()),
            Ok(Err(err)) => Err((StatusCode::BAD_REQUEST, format!("cannot read the body: {err}"))),
            Err(_) => {
                let limit = self.body_timeout;
                let why = format!("the body took longer than {limit:?} (--body-timeout)");
                Err((StatusCode::REQUEST_TIMEOUT, why))
            }
        }
    }
}

/// One receipt for each event of a request.
fn receipts(
    head: &Parts,
    body: &[u8],
    recv_ns: u64,
    correlate: Option<&Pointer>,
) -> Result<Vec<Receipt<'static>>, EventError> {
    let content_type = head.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let events = match Mode::of(content_type) {
        Mode::Batch => Event::batch_from_json(body)?,
        Mode::Structured => vec![Event::from_json(body)?],
        Mode::Binary => {
            let headers = head.headers.iter();
            let headers = headers.map(|(name, value)| (name.as_str(), value.as_bytes()));
            vec![http::event(headers, body)?]
        }
    };
    let door = head.uri.path();
    Ok(events.into_iter().map(|event| receipt(event, recv_ns, door, correlate)).collect())
}

fn response(status: StatusCode, mut why: String) -> Response<Full<Bytes>> {
    if !why.is_empty() {
        why.push('\n');
    }
    let mut response = Response::new(Full::from(why));
    *response.status_mut() = status;
    let remedy = match status {
        StatusCode::METHOD_NOT_ALLOWED => Some((ALLOW, webhook::METHODS)),
        StatusCode::UNAUTHORIZED => Some((WWW_AUTHENTICATE, "Bearer")),
        _ => None,
    };
    if let Some((name, value)) = remedy {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}
