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
    Management { url: String, tls: bool, host: String, port: u16 },
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
        if let Some(port) = port(&uri).filter(|port| port.parse::<u16>().is_err()) {
            bail!("`{shown}`: {port} is no port: write a number up to 65535");
        }
        match uri.scheme_str() {
            Some("http" | "https") if has_user(&uri) => {
                bail!("`{shown}`: HTTP has no user in its URL: {HTTP_REMEDY}")
            }
            Some("http" | "https") if !text.is_ascii() => {
                bail!("`{shown}`: write what is not ASCII percent-encoded, e.g., %C3%A9 for é")
            }
            Some(scheme @ ("http" | "https")) => Ok(Self::Http { tls: scheme == "https", uri }),
            Some(scheme @ ("amqp" | "amqps")) => {
                let tls = scheme == "amqps";
                let default = if tls { 5671 } else { 5672 };
                let host = host(&uri).to_owned();
                let port = uri.port_u16().unwrap_or(default);
                Ok(Self::Amqp { url: text.to_owned(), tls, host, port })
            }
            Some(scheme @ ("rabbitmq+http" | "rabbitmq+https")) => {
                let tls = scheme == "rabbitmq+https";
                let host = host(&uri).to_owned();
                let port = uri.port_u16().unwrap_or(management_port(tls));
                Ok(Self::Management { url: text.to_owned(), tls, host, port })
            }
            _ => bail!("`{shown}` is no target: {REMEDY}"),
        }
    }

    /// Whether it is reached over TLS.
    pub(crate) fn is_tls(&self) -> bool {
        match self {
            Self::Http { tls, .. } | Self::Amqp { tls, .. } | Self::Management { tls, .. } => *tls,
            Self::Null => false,
        }
    }

    /// Where the management API of its broker is, as far as it is where it is by default; with the
    /// user and the password of the URL.
    pub(crate) fn management_url(&self) -> Option<String> {
        let (url, tls, host, port) = match self {
            Self::Amqp { url, tls, host, .. } => (url, *tls, host, management_port(*tls)),
            Self::Management { url, tls, host, port } => (url, *tls, host, *port),
            Self::Http { .. } | Self::Null => return None,
        };
        let authority = url.split_once("://")?.1.split(['/', '?', '#']).next()?;
        let login = authority.rsplit_once('@').map_or("", |(login, _)| login);
        let at = if login.is_empty() { "" } else { "@" };
        let host = if host.contains(':') { format!("[{host}]") } else { host.clone() };
        Some(format!("http{}://{login}{at}{host}:{port}/", if tls { "s" } else { "" }))
    }

    /// Host and port, unless everything stays in this process.
    pub(crate) fn address(&self) -> Option<(&str, u16)> {
        match self {
            Self::Http { uri, tls } => {
                Some((host(uri), uri.port_u16().unwrap_or(if *tls { 443 } else { 80 })))
            }
            Self::Amqp { host, port, .. } | Self::Management { host, port, .. } => {
                Some((host, *port))
            }
            Self::Null => None,
        }
    }
}

/// Where `RabbitMQ` serves its management API by default.
fn management_port(tls: bool) -> u16 {
    if tls { 15671 } else { 15672 }
}

const REMEDY: &str = "write http(s)://host[:port]/path, amqp(s)://host[:port]/vhost, \
                      rabbitmq+http(s)://host[:port]/vhost or null:";

/// How to log in over HTTP.
const HTTP_REMEDY: &str =
    "put `authorization: Basic …` into a file, --header @FILE, or use --bearer-token-file FILE";

/// Whether somebody is named before the host.
fn has_user(uri: &Uri) -> bool {
    uri.authority().is_some_and(|authority| authority.as_str().contains('@'))
}

/// The port as it is written, if there is one. A number that is too large would count as none.
fn port(uri: &Uri) -> Option<&str> {
    let authority = uri.authority()?.as_str();
    let place = authority.rsplit_once('@').map_or(authority, |(_, place)| place);
    let (_, port) = place.rsplit_once(':').filter(|(_, port)| !port.ends_with(']'))?;
    (!port.is_empty()).then_some(port)
}

/// The host without the brackets of an IPv6 address.
fn host(uri: &Uri) -> &str {
    let host = uri.host().unwrap_or_default();
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
}

/// Parts of names that production systems have.
const PRODUCTION: [&str; 4] = ["prod", "production", "prd", "live"];

/// Whether a label of the name, or a part of one between dashes, is a word for production; it may
/// have a number.
fn looks_like_production(host: &str) -> bool {
    host.split(['.', '-', '_']).any(|part| {
        let part = part.trim_end_matches(|it: char| it.is_ascii_digit());
        PRODUCTION.iter().any(|word| part.eq_ignore_ascii_case(word))
    })
}

/// Refuses a name that looks like production, unless it was allowed. A target has more than that of
/// its URL where a tunnel leads to it: that in its certificate, and that in a request.
pub(crate) fn refuse_production(host: &str, guard: &GuardArgs) -> anyhow::Result<()> {
    if looks_like_production(host) && !includes(&guard.allow_production, host) {
        bail!("{host} looks like production: if you mean it, add --allow-production {host}");
    }
    Ok(())
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
    refuse_production(host, guard)?;
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
        check("rabbitmq+http://mq.test/", Some(("mq.test", 15672)));
        check("rabbitmq+https://mq.test:1/%2f", Some(("mq.test", 1)));
        check("null:", None);
    }

    #[test]
    fn the_management_api_is_found_beside_the_broker() {
        let check = |text: &str, url: Option<&str>| {
            assert_eq!(Target::parse(text).unwrap().management_url().as_deref(), url, "{text}");
        };
        check("amqp://mq.test:5673/%2f", Some("http://mq.test:15672/"));
        check("amqps://a:b@[::1]/v", Some("https://a:b@[::1]:15671/"));
        check("rabbitmq+http://a:b@mq.test:8/v", Some("http://a:b@mq.test:8/"));
        check("http://mq.test/", None);
    }

    #[test]
    fn other_text_is_refused_without_its_password() {
        for text in ["", "127.0.0.1:80", "ftp://user:s3cret@host/", "http:///x", "null", "amqp:"] {
            let message = Target::parse(text).unwrap_err().to_string();
            assert!(message.ends_with(REMEDY) && !message.contains("s3cret"), "{message}");
        }
    }

    #[test]
    fn what_is_no_port_is_not_taken_for_the_usual_one() {
        for (url, port) in [
            ("http://127.0.0.1:99999/", "99999"),
            ("https://[::1]:65536", "65536"),
            ("amqp://a:b@mq.test:567200/%2f", "567200"),
        ] {
            let message = Target::parse(url).unwrap_err().to_string();
            assert!(message.contains(&format!("{port} is no port")), "{message}");
        }
        let check = |text: &str, address| {
            assert_eq!(Target::parse(text).unwrap().address(), Some(address), "{text}");
        };
        check("http://[::1]/", ("::1", 80));
        check("http://mq.test:/", ("mq.test", 80));
        check("amqp://a:b@mq.test/", ("mq.test", 5672));
        check("amqp://a:9@[::1]", ("::1", 5672));
    }

    #[test]
    fn what_is_not_ascii_has_to_be_encoded() {
        let message = Target::parse("http://127.0.0.1/ä").unwrap_err().to_string();
        assert!(message.contains("write what is not ASCII percent-encoded"), "{message}");
        assert!(Target::parse("http://127.0.0.1/%C3%A4").is_ok());
    }

    #[test]
    fn words_for_production_are_whole_parts_of_a_name() {
        for host in [
            "prod",
            "mq.prod.test",
            "mq-PROD-1.test",
            "live.test",
            "a.prd",
            "production-b",
            "mq_prod",
            "prod1.test",
            "eu-prd02",
        ] {
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
