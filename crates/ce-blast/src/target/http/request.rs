//! The request of an event: structured as it came, or in binary mode with attributes as headers; or
//! of several events, as a batch.

use std::borrow::Cow;

use anyhow::Context;
use bytes::{BufMut, Bytes, BytesMut};
use hyper::header::{CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue};
use hyper::header::{InvalidHeaderName, InvalidHeaderValue, USER_AGENT};
use hyper::{Method, Request, Uri};

use super::body::Body;
use crate::cli::ContentMode;
use crate::event::Event;

/// A request with all of its body at hand.
pub(super) type Outgoing = Request<Body>;

/// What the requests to one endpoint have in common.
#[derive(Debug, Clone)]
pub(super) struct Requests {
    /// The path, or over HTTP/2, which has no header `host`, the whole URL.
    uri: Uri,
    headers: HeaderMap,
    mode: ContentMode,
}

impl Requests {
    /// Requests to `uri`. The headers of the user come before ours.
    pub(super) fn new(
        uri: &Uri,
        mut headers: HeaderMap,
        mode: ContentMode,
        http2: bool,
    ) -> anyhow::Result<Self> {
        let authority = uri.authority().context("the target's host")?.as_str();
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        // A URL may have a query and no path; a request may not.
        let slash = if path.starts_with('/') { "" } else { "/" };
        let path = format!("{slash}{path}");
        let uri = if http2 {
            let host = headers.remove(HOST);
            let host = host.as_ref().map_or(Ok(authority), |host| host.to_str());
            let scheme = uri.scheme_str().unwrap_or("http");
            let whole = Uri::builder().scheme(scheme).authority(host.context("the header `host`")?);
            whole.path_and_query(path).build().context("the header `host`")?
        } else {
            let host = HeaderValue::from_str(authority).context("the target's host")?;
            headers.entry(HOST).or_insert(host);
            path.parse().context("the target's path")?
        };
        let agent = concat!("ce-blast/", env!("CARGO_PKG_VERSION"));
        headers.entry(USER_AGENT).or_insert(HeaderValue::from_static(agent));
        let content_type = match mode {
            ContentMode::Structured => Some("application/cloudevents+json"),
            ContentMode::Batched => Some("application/cloudevents-batch+json"),
            ContentMode::Binary => None,
        };
        if let Some(content_type) = content_type {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        }
        Ok(Self { uri, headers, mode })
    }

    /// The request that carries an event, or why HTTP cannot carry it.
    pub(super) fn of(&self, event: &Event) -> Result<Outgoing, String> {
        let mut headers = self.headers.clone();
        let body = match self.mode {
            ContentMode::Structured => event.body().clone(),
            ContentMode::Batched => batch(std::iter::once(event)),
            ContentMode::Binary => binary(event, &mut headers)?,
        };
        if body.is_empty() {
            // hyper leaves it out, and some servers insist on a length.
            headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
        }
        Ok(self.post(headers, body))
    }

    /// The request that carries several events.
    pub(super) fn of_batch<'a>(&self, events: impl Iterator<Item = &'a Event> + Clone) -> Outgoing {
        self.post(self.headers.clone(), batch(events))
    }

    fn post(&self, headers: HeaderMap, body: Bytes) -> Outgoing {
        let mut request = Request::new(Body::new(body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.uri.clone();
        *request.headers_mut() = headers;
        request
    }
}

/// A JSON array of events.
fn batch<'a>(events: impl Iterator<Item = &'a Event> + Clone) -> Bytes {
    let length: usize = events.clone().map(|event| event.body().len() + 1).sum();
    let mut body = BytesMut::with_capacity(length + 1);
    for event in events {
        body.put_u8(if body.is_empty() { b'[' } else { b',' });
        body.extend_from_slice(event.body());
    }
    body.put_u8(b']');
    body.freeze()
}

/// Adds the attributes of an event to `headers`; returns the body.
fn binary(event: &Event, headers: &mut HeaderMap) -> Result<Bytes, String> {
    let binary = event.to_binary().map_err(|err| err.to_string())?;
    for (name, value) in ce_event::http::headers(&binary) {
        let header = match name {
            Cow::Borrowed(known) => HeaderName::from_static(known),
            Cow::Owned(name) => HeaderName::try_from(&name)
                .map_err(|err: InvalidHeaderName| format!("`{name}` is no header: {err}"))?,
        };
        let value = HeaderValue::from_bytes(value.as_bytes())
            .map_err(|err: InvalidHeaderValue| format!("the value of `{header}`: {err}"))?;
        headers.insert(header, value);
    }
    Ok(event.part(binary.body))
}
