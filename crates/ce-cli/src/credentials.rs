//! Who logs in to a broker. Others can read a command line, so user and password come from a file or
//! from the environment.

use std::path::Path;

use anyhow::{Context, anyhow, bail};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::{masked_url, read_secret};

/// What may stand in a URL as it is.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Environment variables that hold a user and a password.
#[derive(Debug, Clone, Copy)]
pub struct LoginVariables {
    /// Holds the user.
    pub user: &'static str,
    /// Holds the password.
    pub password: &'static str,
}

/// For the broker that events go to, or come from.
pub const AMQP_LOGIN: LoginVariables =
    LoginVariables { user: "CE_AMQP_USER", password: "CE_AMQP_PASSWORD" };

/// Who logs in to brokers whose URL names nobody. Has no `Debug`, which would show the password.
pub struct Credentials {
    user: String,
    password: String,
}

impl LoginVariables {
    /// What to do instead of writing a password on the command line.
    pub fn remedy(self) -> String {
        let Self { user, password } = self;
        format!("set {user} and {password}, or use --credentials-file FILE")
    }

    /// The credentials in `file`, which has `user:password`, else those in the variables, else none.
    pub fn credentials(self, file: Option<&Path>) -> anyhow::Result<Option<Credentials>> {
        if let Some(file) = file {
            let text = read_secret(file)?;
            let pair = text.trim().split_once(':').filter(|(user, _)| !user.is_empty());
            let (user, password) = pair
                .with_context(|| format!("{}: write user:password in one line", file.display()))?;
            return Ok(Some(Credentials { user: user.into(), password: password.into() }));
        }
        match (variable(self.user)?, variable(self.password)?) {
            (Some(user), Some(password)) => Ok(Some(Credentials { user, password })),
            (None, None) => Ok(None),
            (Some(_), None) => bail!("{} is set and {} is not: set both", self.user, self.password),
            (None, Some(_)) => bail!("{} is set and {} is not: set both", self.password, self.user),
        }
    }
}

fn variable(name: &str) -> anyhow::Result<Option<String>> {
    let value = std::env::var_os(name).map(std::ffi::OsString::into_string).transpose();
    value.map_err(|_| anyhow!("{name} is not UTF-8: use --credentials-file FILE"))
}

impl Credentials {
    /// User and password, for those who do not put them into a URL.
    pub fn into_parts(self) -> (String, String) {
        (self.user, self.password)
    }

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
                let encoded = |text| utf8_percent_encode(text, PLAIN);
                let (user, password) = (encoded(&self.user), encoded(&self.password));
                let rest = named.map_or(rest, |(user, _)| &rest[user.len() + 1..]);
                Ok(format!("{scheme}://{user}:{password}@{rest}"))
            }
        }
    }
}

/// The URL of a broker with credentials, if there are any.
pub fn log_in(url: &str, credentials: Option<&Credentials>) -> anyhow::Result<String> {
    match credentials {
        Some(credentials) => credentials.fill_in(url).with_context(|| masked_url(url)),
        None => Ok(url.to_owned()),
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
        let team = Credentials { user: "load-test_1.~".into(), password: "x".into() };
        assert_eq!(team.fill_in("amqp://mq/").unwrap(), "amqp://load-test_1.~:x@mq/");
        let message = bob.fill_in("amqp://eve@mq/").unwrap_err().to_string();
        assert!(message.ends_with("leave it out"), "{message}");
    }

    #[test]
    fn a_file_holds_a_user_and_a_password_in_one_line() {
        let read = |text: &str| {
            let path = std::env::temp_dir().join(format!("ce-cli-login-{}", std::process::id()));
            std::fs::write(&path, text).unwrap();
            let read = AMQP_LOGIN.credentials(Some(&path));
            std::fs::remove_file(&path).unwrap();
            read.map(|found| found.unwrap().into_parts()).map_err(|err| err.to_string())
        };
        assert_eq!(read("bob:a:b\n"), Ok(("bob".into(), "a:b".into())));
        for wrong in ["", "bob", ":secret"] {
            assert!(read(wrong).unwrap_err().ends_with("write user:password in one line"));
        }
    }
}
