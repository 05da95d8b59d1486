//! The URL of a broker in its parts, and what is wrong with it.

use amq_protocol_uri::AMQPUri;
use anyhow::{anyhow, bail};
use ce_amqp::ShortText;

/// Frames cannot be agreed on to be smaller than this.
const LEAST_FRAME_BYTES: u32 = 4096;

/// Reads the URL of a broker. The parser's own message may show it, password included, so that no error
/// has it.
pub(crate) fn parse(url: &str) -> anyhow::Result<AMQPUri> {
    let (_, query) = url.split('#').next().unwrap_or(url).split_once('?').unwrap_or_default();
    for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
        check(parameter.split_once('=').unwrap_or((parameter, "")))?;
    }
    let uri = url.parse::<AMQPUri>();
    let mut uri =
        uri.map_err(|_| anyhow!("not an AMQP URL: write, e.g., amqp://127.0.0.1:5672/%2f"))?;
    if uri.vhost.len() > ShortText::LIMIT_BYTES {
        bail!("the virtual host is longer than 255 bytes");
    }
    if uri.vhost.is_empty() {
        // By the letter one without a name. Nobody has such a one, and all write URLs like this.
        uri.vhost.push('/');
    }
    uri.query.frame_max = uri.query.frame_max.filter(|&bytes| bytes > 0);
    Ok(uri)
}

fn check((name, value): (&str, &str)) -> anyhow::Result<()> {
    match name {
        "heartbeat" if value.parse::<u16>().is_err() => {
            bail!("heartbeat: write seconds, 0 to 65535")
        }
        "frame_max"
            if !value.parse().is_ok_and(|bytes: u32| bytes == 0 || bytes >= LEAST_FRAME_BYTES) =>
        {
            bail!(
                "frame_max: write bytes, at least {LEAST_FRAME_BYTES}, or 0 for what the broker wants"
            )
        }
        "heartbeat" | "frame_max" => Ok(()),
        other => bail!("`{other}` means nothing here: there are heartbeat and frame_max"),
    }
}
