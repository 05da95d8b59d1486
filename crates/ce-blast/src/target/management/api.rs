//! Requests to the management API, and where it is.

use std::cell::Cell;
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use ce_cli::{AMQP_LOGIN, masked_url};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderMap, HeaderValue};
use hyper::{Method, Request, Response, Uri};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde_json::Value;
use tokio::time::timeout;

use crate::job::{Answer, Opened};
use crate::target::Route;
use crate::target::http::{Body, Connection, Connector, One};

/// The description of a broker with ten thousand queues is smaller.
const BODY_LIMIT: usize = 16 << 20;
/// What a name in a path may hold as it is.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A management API and who asks it.
#[derive(Clone)]
pub(crate) struct Api {
    connector: Connector,
    headers: HeaderMap,
    /// The URL without a password.
    shown: String,
}

impl std::fmt::Debug for Api {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Api").field("shown", &self.shown).finish_non_exhaustive()
    }
}

impl Api {
    /// The API at `url`, which may hold user and password, and is reached by a route.
    pub(crate) fn new(url: &str, route: Route) -> anyhow::Result<Self> {
        let shown = masked_url(url);
        let uri: Uri = url.parse().ok().with_context(|| format!("`{shown}` is no URL"))?;
        let authority = uri.authority().map_or("", |authority| authority.as_str());
        let (login, host_and_port) = match authority.rsplit_once('@') {
            Some((userinfo, rest)) => (login(userinfo)?, rest),
            None => ("guest:guest".to_owned(), authority),
        };
        let mut headers = HeaderMap::new();
        headers.insert(HOST, HeaderValue::from_str(host_and_port).context("the API's host")?);
        let mut basic = HeaderValue::from_str(&format!("Basic {}", STANDARD.encode(login)))
            .context("the credentials")?;
        basic.set_sensitive(true);
        headers.insert(AUTHORIZATION, basic);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        Ok(Self { connector: Connector::new(route, false)?, headers, shown })
    }

    /// The URL without a password.
    pub(super) fn shown(&self) -> &str {
        &self.shown
    }

    /// Opens the first connection; one to an API that is just starting takes a moment.
    pub(crate) async fn open(&self, patience: Duration) -> anyhow::Result<One> {
        match self.connector.open(patience).await? {
            Connection::One(connection) => Ok(connection),
            Connection::Two(_) => bail!("{}: HTTP/2 was not asked for", self.shown),
        }
    }

    /// Opens another, and notes how long that took.
    pub(super) async fn connect(&self, opened: &Cell<Option<Opened>>) -> Result<One, Answer> {
        self.connector.connect_one(opened).await
    }

    pub(super) fn post(&self, to: &Uri, body: Bytes) -> Request<Body> {
        self.request(Method::POST, to.clone(), body)
    }

    fn request(&self, method: Method, to: Uri, body: Bytes) -> Request<Body> {
        let mut request = Request::new(Body::new(body));
        *request.method_mut() = method;
        *request.uri_mut() = to;
        *request.headers_mut() = self.headers.clone();
        request
    }

    /// Asks for a path; status and body of the answer.
    pub(crate) async fn get(
        &self,
        connection: &mut One,
        path: &str,
        patience: Duration,
    ) -> anyhow::Result<(u16, Bytes)> {
        let request = self.request(Method::GET, path.parse()?, Bytes::new());
        let ask = async {
            connection.ready().await?;
            let response = connection.send_request(request).await?;
            read(response).await.map_err(|why| anyhow!(why))
        };
        let answer = timeout(patience, ask).await;
        let answer =
            answer.map_err(|_| anyhow!("no answer within {patience:?}")).and_then(|answer| answer);
        answer.map_err(|err| {
            let why = ce_tls::explain(err.as_ref());
            anyhow!("{}: {why}; is this the address of the management API?", self.shown)
        })
    }

    /// What an answer says that is neither a description nor that there is none.
    pub(crate) fn refusal(&self, status: u16, body: &[u8]) -> String {
        let shown = &self.shown;
        let log_in = AMQP_LOGIN.remedy();
        let why = reason(body).map_or_else(String::new, |reason| format!(" ({reason})"));
        match status {
            401 | 403 => format!(
                "{shown}: the API refuses this user with {status}{why}; it needs the tag \
                 `management` and the right to the virtual host: {log_in}"
            ),
            _ => {
                format!("{shown}: status {status}{why}; is this the address of the management API?")
            }
        }
    }
}

/// `user:password` as in a URL, decoded.
fn login(userinfo: &str) -> anyhow::Result<String> {
    let Some((user, password)) = userinfo.split_once(':') else {
        bail!("there is no password for the user `{userinfo}`: {}", AMQP_LOGIN.remedy());
    };
    let decoded = |text| percent_decode_str(text).decode_utf8().context("user or password");
    Ok(format!("{}:{}", decoded(user)?, decoded(password)?))
}

/// The whole body of an answer, within a limit.
pub(super) async fn read(response: Response<Incoming>) -> Result<(u16, Bytes), String> {
    let status = response.status().as_u16();
    let mut body = response.into_body();
    let mut bytes = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|err| ce_tls::explain(&err))?;
        bytes.extend_from_slice(frame.data_ref().map_or(&[], |data| data));
        if bytes.len() > BODY_LIMIT {
            return Err(format!("the answer is longer than {BODY_LIMIT} bytes"));
        }
    }
    Ok((status, bytes.into()))
}

/// What the API says about a refusal.
pub(super) fn reason(body: &[u8]) -> Option<String> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let reason = body.get("reason")?.as_str()?;
    Some(reason.chars().take(200).collect())
}

/// A name as a part of a path.
pub(crate) fn encoded(name: &str) -> String {
    utf8_percent_encode(name, PLAIN).to_string()
}

/// The virtual host that a URL names by its path; `/` where there is none.
pub(crate) fn vhost_of(url: &str) -> anyhow::Result<String> {
    let rest = url.split_once("://").map_or("", |(_, rest)| rest);
    let path = rest.split(['?', '#']).next().unwrap_or_default();
    let name = path.split_once('/').map_or("", |(_, name)| name);
    if name.contains('/') {
        bail!("`{name}` is more than a virtual host: write its name with %2F for a slash");
    }
    let name = percent_decode_str(name).decode_utf8().context("the virtual host")?;
    Ok(if name.is_empty() { "/".to_owned() } else { name.into_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_of_a_url_is_the_virtual_host() {
        let check = |url: &str, vhost: &str| assert_eq!(vhost_of(url).unwrap(), vhost, "{url}");
        check("rabbitmq+http://127.0.0.1:15672", "/");
        check("rabbitmq+http://127.0.0.1:15672/", "/");
        check("amqp://mq/%2f", "/");
        check("amqp://mq/orders", "orders");
        check("amqp://mq/a%2Fb?heartbeat=5", "a/b");
        assert!(vhost_of("rabbitmq+http://mq/a/b").unwrap_err().to_string().contains("%2F"));
    }

    #[test]
    fn who_logs_in_is_decoded_and_needs_a_password() {
        assert_eq!(login("bob:p%40ss%3A").unwrap(), "bob:p@ss:");
        assert!(login("bob").unwrap_err().to_string().starts_with("there is no password"));
        assert_eq!(encoded("/a b.c-d"), "%2Fa%20b.c-d");
    }
}
