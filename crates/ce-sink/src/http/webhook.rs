//! The handshake of the webhook specification of CloudEvents: who delivers events asks first, by
//! OPTIONS, and a target that does not answer is not the target of an attack.

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{ALLOW, HeaderValue};
use hyper::{HeaderMap, Response};

/// Who wants to deliver, by a DNS name.
const REQUEST_ORIGIN: &str = "webhook-request-origin";
/// Who may deliver.
const ALLOWED_ORIGIN: &str = "webhook-allowed-origin";
/// How many requests a minute; `*` is any number.
const ALLOWED_RATE: &str = "webhook-allowed-rate";
/// What the sink can be asked for.
pub(crate) const METHODS: &str = "POST, OPTIONS";

/// Grants what is asked for: a sink wants every event, as fast as it comes.
///
/// The permission is given at once, so a callback that the request may name is not called. It needs
/// no token: it is no secret that there is a sink, and each event has to show its own.
pub(crate) fn grant(asked: &HeaderMap) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    let headers = response.headers_mut();
    headers.insert(ALLOW, HeaderValue::from_static(METHODS));
    if let Some(origin) = asked.get(REQUEST_ORIGIN) {
        headers.insert(ALLOWED_ORIGIN, origin.clone());
        headers.insert(ALLOWED_RATE, HeaderValue::from_static("*"));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_asks_may_deliver_at_any_rate() {
        let mut asked = HeaderMap::new();
        asked.insert(REQUEST_ORIGIN, HeaderValue::from_static("events.example.com"));
        asked.insert("webhook-request-rate", HeaderValue::from_static("120"));
        let granted = grant(&asked);
        assert_eq!(granted.status(), 200);
        assert_eq!(granted.headers()[ALLOWED_ORIGIN], "events.example.com");
        assert_eq!(
            (&granted.headers()[ALLOWED_RATE], &granted.headers()[ALLOW]),
            (&HeaderValue::from_static("*"), &HeaderValue::from_static("POST, OPTIONS"),)
        );
    }

    #[test]
    fn who_does_not_ask_is_told_the_methods_only() {
        let granted = grant(&HeaderMap::new());
        assert_eq!((granted.status().as_u16(), granted.headers().len()), (200, 1));
    }
}
