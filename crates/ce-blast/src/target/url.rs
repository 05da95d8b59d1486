//! The target as typed, checked before anything is sent.

use std::net::{SocketAddr, ToSocketAddrs};

use anyhow::{Context, bail};
use ce_cli::masked_url;
use hyper::Uri;

use crate::cli::guard::GuardArgs;

/// A target's scheme and what is needed to reach it.
#[derive(Debug, Clone)]
pub(crate) enum Target {
    Http { uri: Uri, tls: bool },
    Amqp { url: String, tls: bool, host: String, port: u16 },
    Null,
}

impl Target {
    /// Reads a URL. Errors name it with its password masked.
    pub(crate) fn parse(text: &str) -> anyhow::Result<Self> {
        if text == "null:" {
            return Ok(Self::Null);
        }
        let shown = masked_url(text);
        let uri: Uri = text
            .parse()
            .ok()
            .filter(|uri: &Uri| uri.host().is_some_and(|host| !host.is_empty()))
            .with_context(|| format!("`{shown}` is no target: {REMEDY}"))?;
        match uri.scheme_str() {
            Some("http" | "https") if has_user(&uri) => {
                bail!("`{shown}`: HTTP has no user in its URL: {HTTP_REMEDY}")
            }
            Some(scheme @ ("http" | "https")) => Ok(Self::Http { tls: scheme == "https", uri }),
            Some(scheme @ ("amqp" | "amqps")) => {
                let tls = scheme == "amqps";
                let default = if tls { 5671 } else { 5672 };
                let host = host(&uri).to_owned();
                let port = uri.port_u16().unwrap_or(default);
                Ok(Self::Amqp { url: text.to_owned(), tls, host, port })
            }
            _ => bail!("`{shown}` is no target: {REMEDY}"),
        }
    }

    /// Whether it is reached over TLS.
    pub(crate) fn is_tls(&self) -> bool {
        matches!(self, Self::Http { tls: true, .. } | Self::Amqp { tls: true, .. })
    }

    /// Host and port, unless everything stays in this process.
    pub(crate) fn address(&self) -> Option<(&str, u16)> {
        match self {
            Self::Http { uri, tls } => {
                Some((host(uri), uri.port_u16().unwrap_or(if *tls { 443 } else { 80 })))
            }
            Self::Amqp { host, port, .. } => Some((host, *port)),
            Self::Null => None,
        }
    }
}

const REMEDY: &str = "write http(s)://host[:port]/path, amqp(s)://host[:port]/vhost or null:";

/// How to log in over HTTP.
const HTTP_REMEDY: &str =
    "put `authorization: Basic …` into a file, --header @FILE, or use --bearer-token-file FILE";

/// Whether somebody is named before the host.
fn has_user(uri: &Uri) -> bool {
    uri.authority().is_some_and(|authority| authority.as_str().contains('@'))
}

/// The host without the brackets of an IPv6 address.
fn host(uri: &Uri) -> &str {
    let host = uri.host().unwrap_or_default();
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
}

/// Parts of names that production systems have.
const PRODUCTION: [&str; 4] = ["prod", "production", "prd", "live"];

/// Whether a label of the name, or a part of one between dashes, is a word for production.
fn looks_like_production(host: &str) -> bool {
    host.split(['.', '-']).any(|part| PRODUCTION.iter().any(|word| part.eq_ignore_ascii_case(word)))
}

fn includes(allowed: &[String], host: &str) -> bool {
    allowed.iter().any(|name| name.eq_ignore_ascii_case(host))
}

/// Resolves the target and refuses one that is not this machine, unless it was allowed by name: a
/// load test of somebody else's system must not start from a slip of the fingers. A name that looks
/// like production needs a second word, wherever it leads. What is connected to are the addresses
/// that were checked; a target within this process has none.
pub(crate) fn check_allowed(target: &Target, guard: &GuardArgs) -> anyhow::Result<Vec<SocketAddr>> {
    let Some((host, port)) = target.address() else { return Ok(Vec::new()) };
    if looks_like_production(host) && !includes(&guard.allow_production, host) {
        bail!("{host} looks like production: if you mean it, add --allow-production {host}");
    }
    let found: Vec<SocketAddr> = (host, port)
        .to_socket_addrs()
        .with_context(|| format!("{host}: cannot resolve the target's name"))?
        .collect();
    let Some(&first) = found.first() else { bail!("{host}: the name has no address") };
    let loopback = found.iter().all(|address| address.ip().is_loopback());
    if !loopback && !includes(&guard.allow_target, host) {
        bail!("{host} ({}) is not this machine: allow it with --allow-target {host}", first.ip());
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_read() {
        let check = |text: &str, address| {
            assert_eq!(Target::parse(text).unwrap().address(), address, "{text}");
        };
        check("http://127.0.0.1:8081/", Some(("127.0.0.1", 8081)));
        check("https://broker.test/default", Some(("broker.test", 443)));
        check("amqp://guest:guest@[::1]/%2f", Some(("::1", 5672)));
        check("amqps://mq.test/", Some(("mq.test", 5671)));
        check("null:", None);
    }

    #[test]
    fn other_text_is_refused_without_its_password() {
        for text in ["", "127.0.0.1:80", "ftp://user:s3cret@host/", "http:///x", "null", "amqp:"] {
            let message = Target::parse(text).unwrap_err().to_string();
            assert!(message.ends_with(REMEDY) && !message.contains("s3cret"), "{message}");
        }
    }

    #[test]
    fn words_for_production_are_whole_parts_of_a_name() {
        for host in ["prod", "mq.prod.test", "mq-PROD-1.test", "live.test", "a.prd", "production-b"]
        {
            assert!(looks_like_production(host), "{host}");
        }
        for host in ["product.test", "reprod.test", "delivery.test", "alive-1", "127.0.0.1", "::1"]
        {
            assert!(!looks_like_production(host), "{host}");
        }
    }

    #[test]
    fn only_this_machine_is_loaded_without_a_word() {
        let guard = |allowed: &[&str]| GuardArgs {
            allow_target: allowed.iter().map(|&name| name.into()).collect(),
            allow_production: Vec::new(),
            credentials_file: None,
        };
        let local = Target::parse("http://127.0.0.1:1/").unwrap();
        assert_eq!(check_allowed(&local, &guard(&[])).unwrap(), [([127, 0, 0, 1], 1).into()]);
        let other = Target::parse("http://192.0.2.1/").unwrap();
        let message = check_allowed(&other, &guard(&["192.0.2"])).unwrap_err().to_string();
        assert!(message.ends_with("allow it with --allow-target 192.0.2.1"), "{message}");
        assert!(check_allowed(&other, &guard(&["192.0.2.1"])).is_ok());
    }
}
