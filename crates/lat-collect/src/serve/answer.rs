//! Which request gets which answer.

use std::convert::Infallible;
use std::sync::Arc;

use futures_util::StreamExt as _;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::{Bytes, Frame, Incoming};
use hyper::header::{
    ACCEPT, ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST, HeaderValue,
    REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use hyper::{Method, Request, Response, StatusCode};
use tokio::sync::{Semaphore, watch};

use super::{Newest, events, metrics, page};

/// Pages that may be open at a time. A place is left for Prometheus whatever browsers do.
const READERS: usize = 32;

/// The page talks to where it came from and to nobody else.
const POLICY: &str = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; \
                      img-src data:; connect-src 'self'; base-uri 'none'; form-action 'none'; \
                      frame-ancestors 'none'";

/// What Prometheus asks for, and what anybody else gets.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

const PLAIN_METRICS: &str = "text/plain; version=0.0.4; charset=utf-8";

type Body = UnsyncBoxBody<Bytes, Infallible>;

/// Answers requests from the newest snapshot.
pub(super) struct Answerer {
    newest: watch::Receiver<Newest>,
    loopback: bool,
    readers: Arc<Semaphore>,
}

impl Answerer {
    pub(super) fn new(newest: watch::Receiver<Newest>, loopback: bool) -> Self {
        Self { newest, loopback, readers: Arc::new(Semaphore::new(READERS)) }
    }

    pub(super) fn answer(&self, request: &Request<Incoming>) -> Response<Body> {
        if self.loopback && !names_this_machine(request) {
            // A web site that has its name resolved to 127.0.0.1 must not read along.
            return text(StatusCode::FORBIDDEN, "this is served to 127.0.0.1 and localhost only\n");
        }
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            let mut answer = text(StatusCode::METHOD_NOT_ALLOWED, "there is nothing to write\n");
            answer.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
            return answer;
        }
        let newest = self.newest.borrow().clone();
        match (request.uri().path(), newest) {
            ("/", _) => whole("text/html; charset=utf-8", page::html()),
            ("/events", _) => self.events(),
            ("/metrics", newest) => {
                let open = request.headers().get(ACCEPT).is_some_and(|accept| {
                    accept.to_str().is_ok_and(|accept| accept.contains("openmetrics-text"))
                });
                let content_type = if open { OPEN_METRICS } else { PLAIN_METRICS };
                whole(content_type, metrics::text(newest.as_deref(), open))
            }
            ("/snapshot.json", Some(newest)) => {
                whole("application/json", serde_json::to_string(&*newest).unwrap_or_default())
            }
            ("/snapshot.json", None) => {
                text(StatusCode::SERVICE_UNAVAILABLE, "no record has been read so far\n")
            }
            _ => text(StatusCode::NOT_FOUND, "there is /, /events, /metrics and /snapshot.json\n"),
        }
    }

    fn events(&self) -> Response<Body> {
        let Ok(place) = Arc::clone(&self.readers).try_acquire_owned() else {
            return text(StatusCode::SERVICE_UNAVAILABLE, "too many pages are open\n");
        };
        let stream = events::stream(self.newest.clone());
        let frames = stream.map(move |event| {
            // Given back when the connection is gone.
            let _held = &place;
            Ok(Frame::data(Bytes::from(event)))
        });
        answer(StatusCode::OK, "text/event-stream", StreamBody::new(frames).boxed_unsync())
    }
}

fn names_this_machine(request: &Request<Incoming>) -> bool {
    let Some(host) = request.headers().get(HOST) else { return true };
    let host = host.to_str().unwrap_or_default();
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    name.eq_ignore_ascii_case("localhost") || name == "[::1]" || name.starts_with("127.")
}

fn text(status: StatusCode, text: &'static str) -> Response<Body> {
    answer(status, "text/plain; charset=utf-8", Full::from(text).boxed_unsync())
}

fn whole(content_type: &'static str, text: String) -> Response<Body> {
    answer(StatusCode::OK, content_type, Full::from(text).boxed_unsync())
}

fn answer(status: StatusCode, content_type: &'static str, body: Body) -> Response<Body> {
    let mut answer = Response::new(body);
    *answer.status_mut() = status;
    for (name, value) in [
        (CONTENT_TYPE, content_type),
        (CACHE_CONTROL, "no-store"),
        (CONTENT_SECURITY_POLICY, POLICY),
        (REFERRER_POLICY, "no-referrer"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ] {
        answer.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    answer
}
