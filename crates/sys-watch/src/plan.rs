//! The command line, checked: what to watch, and when.

use std::time::Duration;

use anyhow::{Context, bail};
use ce_cli::LoginVariables;
use ce_tls::TlsClient;
use reqwest::Url;

use crate::cli::Cli;

const SHORTEST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_hours(1);

/// Who asks the management API.
pub(crate) const LOGIN: LoginVariables =
    LoginVariables { user: "CE_RABBITMQ_USER", password: "CE_RABBITMQ_PASSWORD" };

/// What to watch, and when.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) processes: Vec<Target>,
    pub(crate) host: bool,
    pub(crate) rabbitmq: Option<Endpoint>,
    pub(crate) interval_ns: u64,
    pub(crate) duration_ns: Option<u64>,
    pub(crate) run: String,
}

/// How a process was named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target {
    Pid(u32),
    Name(String),
}

/// A management API and who asks it.
pub(crate) struct Endpoint {
    /// Ends with a slash, and holds no secret.
    pub(crate) base: Url,
    pub(crate) user: String,
    pub(crate) password: String,
    pub(crate) tls: Option<TlsClient>,
}

impl std::fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Endpoint").field("base", &self.base.as_str()).finish_non_exhaustive()
    }
}

impl Plan {
    pub(crate) fn new(cli: Cli) -> anyhow::Result<Self> {
        if cli.proc.is_empty() && cli.rabbitmq.is_none() && !cli.host {
            bail!("nothing to watch: name --proc, --rabbitmq or --host (see --help)");
        }
        if !(SHORTEST..=LONGEST).contains(&cli.interval) {
            bail!("--interval {:?} is out of range: choose from 100ms to 1h", cli.interval);
        }
        Ok(Self {
            processes: cli.proc.iter().map(|text| target(text)).collect::<anyhow::Result<_>>()?,
            host: cli.host,
            rabbitmq: rabbitmq(&cli)?,
            interval_ns: nanoseconds(cli.interval)?,
            duration_ns: cli.duration.map(nanoseconds).transpose()?,
            run: cli.run,
        })
    }
}

fn nanoseconds(span: Duration) -> anyhow::Result<u64> {
    u64::try_from(span.as_nanos()).context("a duration must be shorter than 584 years")
}

/// A number is a pid, everything else a name.
fn target(text: &str) -> anyhow::Result<Target> {
    if text.is_empty() {
        bail!("--proc: the name is empty: write a pid, or the name of a program");
    }
    if text.contains('/') {
        bail!("--proc {text}: a name has no slash: write the last part of the path only");
    }
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(Target::Name(text.to_owned()));
    }
    let pid = text.parse().with_context(|| format!("--proc {text}: no pid is that large"))?;
    Ok(Target::Pid(pid))
}

fn rabbitmq(cli: &Cli) -> anyhow::Result<Option<Endpoint>> {
    let Cli { rabbitmq, credentials_file, tls, .. } = cli;
    let base = rabbitmq.as_deref().map(base).transpose()?;
    if credentials_file.is_some() && base.is_none() {
        bail!("--credentials-file: nobody is asked: add --rabbitmq URL");
    }
    let is_tls = base.as_ref().is_some_and(|base| base.scheme() == "https");
    if let Some(flag) = tls.given().filter(|_| !is_tls) {
        bail!("{flag}: nothing is asked over TLS: write --rabbitmq https://host:port");
    }
    let tls = is_tls.then(|| tls.client()).transpose()?;
    let Some(base) = base else { return Ok(None) };
    let credentials = LOGIN.credentials(credentials_file.as_deref())?;
    let guest = || ("guest".to_owned(), "guest".to_owned());
    let (user, password) = credentials.map_or_else(guest, ce_cli::Credentials::into_parts);
    Ok(Some(Endpoint { base, user, password, tls }))
}

/// The address of the API. Errors do not quote the text, which may hold a password.
fn base(text: &str) -> anyhow::Result<Url> {
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    let Some(mut url) = url else {
        bail!("--rabbitmq: not the address of a management API: write http(s)://host:port");
    };
    if !url.username().is_empty() || url.password().is_some() {
        bail!("--rabbitmq: the URL names a user: leave it out, and {}", LOGIN.remedy());
    }
    if url.query().is_some() || url.fragment().is_some() {
        bail!("--rabbitmq: the URL has a query or a fragment: write http(s)://host:port only");
    }
    let path = format!("{}/", url.path().trim_end_matches('/'));
    url.set_path(&path);
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_a_pid_and_the_rest_is_a_name() {
        let name = |text: &str| Target::Name(text.into());
        for (text, expected) in
            [("17", Target::Pid(17)), ("beam.smp", name("beam.smp")), ("7zip", name("7zip"))]
        {
            assert_eq!(target(text).unwrap(), expected);
        }
        for wrong in ["", "/usr/bin/sleep", "99999999999"] {
            assert!(target(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_address_of_the_api_ends_with_a_slash() {
        for (text, expected) in [
            ("http://127.0.0.1:15672", "http://127.0.0.1:15672/"),
            ("https://mq.test/rabbit", "https://mq.test/rabbit/"),
            ("https://mq.test/rabbit/", "https://mq.test/rabbit/"),
        ] {
            assert_eq!(base(text).unwrap().as_str(), expected);
        }
    }

    #[test]
    fn other_addresses_are_refused_without_their_password() {
        for text in [
            "",
            "127.0.0.1:15672",
            "guest:s3cret@127.0.0.1",
            "amqp://guest:s3cret@127.0.0.1/",
            "http://guest:s3cret@127.0.0.1/",
            "http://guest@127.0.0.1/",
            "http://127.0.0.1/?password=s3cret",
        ] {
            let message = base(text).unwrap_err().to_string();
            assert!(
                message.starts_with("--rabbitmq: ") && !message.contains("s3cret"),
                "{message}"
            );
        }
    }
}
