//! The broker, and how to reach it.

use anyhow::{Context, anyhow, bail};
use ce_cli::{AMQP_LOGIN, log_in, masked_url};
use ce_tls::TlsClient;
use ce_tls::amqp::Endpoint;
use lapin::uri::{AMQPScheme, AMQPUri};
use lapin::{Connection, ConnectionProperties};
use tokio::net::lookup_host;

use crate::amqp::failure::{TIMEOUT, within};
use crate::cli::AmqpArgs;
use crate::session::TOOL;

/// The longest name that AMQP can carry. Of a virtual host the client library takes that for granted.
const NAME_LIMIT_BYTES: usize = 255;

/// Where to connect to, checked as far as that goes without connecting.
pub(crate) struct Broker {
    uri: AMQPUri,
    tls: Option<TlsClient>,
    /// The URL without its password.
    pub(crate) shown: String,
}

impl Broker {
    pub(crate) fn new(args: &AmqpArgs) -> anyhow::Result<Self> {
        let shown = masked_url(&args.from);
        let credentials = AMQP_LOGIN.credentials(args.credentials_file.as_deref())?;
        let url = log_in(&args.from, credentials.as_ref())?;
        // The parser's own message may show the URL, password included.
        let mut uri: AMQPUri = url.parse().map_err(|_| {
            anyhow!("{shown}: not an AMQP URL; write, e.g., amqp://127.0.0.1:5672/%2f")
        })?;
        if uri.vhost.len() > NAME_LIMIT_BYTES {
            bail!("{shown}: the virtual host is longer than {NAME_LIMIT_BYTES} bytes");
        }
        if uri.vhost.is_empty() {
            // By the letter one without a name. Nobody has such a one, and all write URLs like this.
            uri.vhost.push('/');
        }
        let tls = match (&uri.scheme, args.tls.given()) {
            (AMQPScheme::AMQPS, _) => Some(args.tls.client()?),
            (AMQPScheme::AMQP, Some(flag)) => {
                bail!("{flag}: {shown} is not reached over TLS: write amqps:")
            }
            (AMQPScheme::AMQP, None) => None,
        };
        Ok(Self { uri, tls, shown })
    }

    /// Connects. The name is resolved each time, for it may have moved with the broker.
    pub(crate) async fn connect(&self) -> anyhow::Result<Connection> {
        let name = ConnectionProperties::default().with_connection_name(TOOL.into());
        let connect = async {
            let authority = &self.uri.authority;
            let found = lookup_host((authority.host.as_str(), authority.port)).await?;
            let (uri, tls) = (self.uri.clone(), self.tls.clone());
            let to = Endpoint { uri, addresses: found.collect(), tls, patience: TIMEOUT };
            ce_tls::amqp::connect(to, name).await
        };
        within("connect", connect).await.with_context(|| self.shown.clone())
    }
}
