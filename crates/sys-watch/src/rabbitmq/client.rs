//! Asks the management API over HTTP.

use std::error::Error;
use std::io;
use std::net::ToSocketAddrs;
use std::time::Duration;

use anyhow::{Context, bail};
use ce_tls::TlsClient;
use reqwest::{ClientBuilder, Response, StatusCode, Url, redirect};
use tokio::runtime::{Builder, Runtime};

use crate::plan::Endpoint;
use crate::rabbitmq::api::{self, NODES, OVERVIEW, QUEUES, Seen};

/// A request that takes longer has failed.
pub(super) const DEADLINE: Duration = Duration::from_secs(2);

/// Requests for one look.
pub(super) const REQUESTS: u32 = 3;

/// A larger answer is refused: a hundred queues are a few tens of kilobytes.
const BODY_LIMIT: usize = 4 << 20;

/// A connection to the API, kept open between two looks.
pub(super) struct Client {
    http: reqwest::Client,
    runtime: Runtime,
    /// As the user wrote it.
    base: Url,
    /// The same, with the name that the server's certificate has.
    dialled: Url,
    user: String,
    password: String,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("base", &self.base.as_str()).finish_non_exhaustive()
    }
}

impl Client {
    /// Sends nothing yet. Neither a proxy nor a redirect may come to know the password.
    pub(super) fn new(endpoint: &Endpoint) -> anyhow::Result<Self> {
        let Endpoint { base, user, password, tls } = endpoint;
        // Fails if there is a provider already, and then that one serves.
        let _ = tokio_rustls::rustls::crypto::ring::default_provider().install_default();
        let builder = reqwest::Client::builder()
            .timeout(DEADLINE)
            .redirect(redirect::Policy::none())
            .no_proxy();
        let (builder, dialled) = match tls {
            Some(tls) => over_tls(builder, tls, base)?,
            None => (builder, base.clone()),
        };
        let http = builder.build().context("cannot set up HTTP")?;
        let runtime =
            Builder::new_current_thread().enable_all().build().context("cannot start a runtime")?;
        let (user, password) = (user.clone(), password.clone());
        Ok(Self { http, runtime, base: base.clone(), dialled, user, password })
    }

    /// The address of the API.
    pub(super) fn address(&self) -> &str {
        self.base.as_str()
    }

    /// Looks at the broker once. After the first failure the other requests are not sent.
    pub(super) fn look(&self) -> anyhow::Result<Seen> {
        let look = async {
            let overview = self.get(OVERVIEW).await?;
            let nodes = self.get(NODES).await?;
            let queues = self.get(QUEUES).await?;
            api::seen(&overview, &nodes, &queues)
        };
        self.runtime.block_on(look).with_context(|| self.base.to_string())
    }

    async fn get(&self, request: &str) -> anyhow::Result<Vec<u8>> {
        let url = self.dialled.join(request).context("the address cannot be extended")?;
        let request = self.http.get(url).basic_auth(&self.user, Some(&self.password));
        let mut response = request.send().await.map_err(|err| failure(&err))?;
        check(&response)?;
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|err| failure(&err))? {
            body.extend_from_slice(&chunk);
            if body.len() > BODY_LIMIT {
                bail!("{}: the answer is longer than {BODY_LIMIT} bytes", response.url().path());
            }
        }
        Ok(body)
    }
}

/// Our TLS. Where the certificate has another name than the host, that name is dialled, and leads to
/// the addresses of the host.
fn over_tls(
    builder: ClientBuilder,
    tls: &TlsClient,
    base: &Url,
) -> anyhow::Result<(ClientBuilder, Url)> {
    let builder = builder.tls_backend_preconfigured(tls.config().as_ref().clone());
    let host = base.host_str().unwrap_or_default();
    let name = tls.name(host);
    if name == host {
        return Ok((builder, base.clone()));
    }
    if name.parse::<std::net::IpAddr>().is_ok() {
        bail!("--tls-server-name {name}: write a name, or the address in the URL");
    }
    let without_brackets = host.trim_matches(['[', ']']);
    let port = base.port_or_known_default().unwrap_or_default();
    let found = (without_brackets, port).to_socket_addrs();
    let found: Vec<_> =
        found.with_context(|| format!("{host}: cannot resolve the name"))?.collect();
    let mut dialled = base.clone();
    dialled.set_host(Some(name)).context("--tls-server-name")?;
    Ok((builder.resolve_to_addrs(name, &found), dialled))
}

fn check(response: &Response) -> anyhow::Result<()> {
    let path = response.url().path();
    match response.status() {
        StatusCode::OK => Ok(()),
        status @ (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) => bail!(
            "{path}: {status}; set CE_RABBITMQ_USER and CE_RABBITMQ_PASSWORD to a user with the tag \
             `monitoring`"
        ),
        status => bail!("{path}: {status}; is this the address of the management API?"),
    }
}

/// The root cause only: the errors around it repeat the address.
fn failure(err: &reqwest::Error) -> anyhow::Error {
    if err.is_timeout() {
        return anyhow::anyhow!("no answer within {DEADLINE:?}; is it a management API, and well?");
    }
    let mut cause: &(dyn Error + 'static) = err;
    while let Some(source) = cause.source() {
        cause = source;
    }
    if let Some(remedy) = ce_tls::remedy(err) {
        return anyhow::anyhow!("{cause}; {remedy}");
    }
    let refused = cause.downcast_ref::<io::Error>().map(io::Error::kind);
    let remedy = if refused == Some(io::ErrorKind::ConnectionRefused) {
        "is the broker up, and its management plugin enabled?"
    } else {
        "are scheme, host and port those of the management API?"
    };
    anyhow::anyhow!("{cause}; {remedy}")
}
