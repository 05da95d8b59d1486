//! The flags that guard against loading the wrong system and against showing a secret.

use std::path::PathBuf;

use anyhow::{Context, bail};
use ce_cli::{masked_url, read_secret};
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

const USER: &str = "CE_AMQP_USER";
const PASSWORD: &str = "CE_AMQP_PASSWORD";
/// What to do instead of writing a password on the command line.
pub(crate) const PASSWORD_REMEDY: &str = "set CE_AMQP_USER and CE_AMQP_PASSWORD, or use --credentials-file FILE; for HTTP, --header @FILE";

/// What may be loaded, and as whom.
#[derive(Debug, Clone, clap::Args)]
pub struct GuardArgs {
    /// A host that may be loaded although it is not this machine, by its exact name; repeatable
    #[arg(long, env = "CE_ALLOW_TARGET", value_name = "HOST", value_delimiter = ',')]
    pub allow_target: Vec<String>,

    // Has no variable: what stays set in a shell is no decision about this run.
    /// A host that may be loaded although its name looks like production, besides --allow-target;
    /// repeatable
    #[arg(long, value_name = "HOST", value_delimiter = ',')]
    pub allow_production: Vec<String>,

    /// AMQP: log in with the `user:password` in this file; the environment variables `CE_AMQP_USER`
    /// and `CE_AMQP_PASSWORD` may hold them instead
    #[arg(long, env = "CE_CREDENTIALS_FILE", value_name = "FILE")]
    pub credentials_file: Option<PathBuf>,
}

/// Who logs in to brokers whose URL names nobody. Has no `Debug`, which would show the password.
pub(crate) struct Credentials {
    user: String,
    password: String,
}

impl GuardArgs {
    /// The credentials in the file, else those in the environment, else none.
    pub(crate) fn credentials(&self) -> anyhow::Result<Option<Credentials>> {
        if let Some(path) = &self.credentials_file {
            let text = read_secret(path)?;
            let pair = text.trim().split_once(':').filter(|(user, _)| !user.is_empty());
            let (user, password) = pair
                .with_context(|| format!("{}: write user:password in one line", path.display()))?;
            return Ok(Some(Credentials { user: user.into(), password: password.into() }));
        }
        match (std::env::var(USER), std::env::var(PASSWORD)) {
            (Ok(user), Ok(password)) => Ok(Some(Credentials { user, password })),
            (Err(_), Err(_)) => Ok(None),
            (Ok(_), Err(_)) => bail!("{USER} is set and {PASSWORD} is not: set both"),
            (Err(_), Ok(_)) => bail!("{PASSWORD} is set and {USER} is not: set both"),
        }
    }
}

/// The URL of a broker with credentials, if there are any.
pub(crate) fn log_in(url: &str, credentials: Option<&Credentials>) -> anyhow::Result<String> {
    match credentials {
        Some(credentials) => credentials.fill_in(url).with_context(|| masked_url(url)),
        None => Ok(url.to_owned()),
    }
}

impl Credentials {
    /// The URL of a broker with these credentials, unless it has a password already.
    fn fill_in(&self, url: &str) -> anyhow::Result<String> {
        let Some((scheme, rest)) = url.split_once("://") else { return Ok(url.to_owned()) };
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        match authority.rsplit_once('@') {
            Some((user, _)) if user.contains(':') => Ok(url.to_owned()),
            Some((user, _)) if *percent_decode_str(user).decode_utf8_lossy() != self.user => {
                bail!("the URL names the user `{user}`, and credentials are given: leave it out")
            }
            named => {
                let encoded = |text| utf8_percent_encode(text, NON_ALPHANUMERIC);
                let (user, password) = (encoded(&self.user), encoded(&self.password));
                let rest = named.map_or(rest, |(user, _)| &rest[user.len() + 1..]);
                Ok(format!("{scheme}://{user}:{password}@{rest}"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_go_where_the_url_has_none() {
        let bob = Credentials { user: "bob".into(), password: "p@ss:/é".into() };
        let check = |url, expected: &str| assert_eq!(bob.fill_in(url).unwrap(), expected);
        check("amqp://mq:5672/%2f", "amqp://bob:p%40ss%3A%2F%C3%A9@mq:5672/%2f");
        check("amqps://[::1]/a@b:c", "amqps://bob:p%40ss%3A%2F%C3%A9@[::1]/a@b:c");
        check("amqp://eve:x@mq/", "amqp://eve:x@mq/");
        check("rabbitmq+http://bob@mq:1/v", "rabbitmq+http://bob:p%40ss%3A%2F%C3%A9@mq:1/v");
        let message = bob.fill_in("amqp://eve@mq/").unwrap_err().to_string();
        assert!(message.ends_with("leave it out"), "{message}");
    }
}
