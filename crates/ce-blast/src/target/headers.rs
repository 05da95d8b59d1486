//! The headers that the user adds to every request. No message shows a value: it may be a secret.

use std::path::Path;

use anyhow::{Context, bail};
use hyper::header::{AUTHORIZATION, HOST, HeaderMap, HeaderName, HeaderValue};

use crate::cli::http::HttpArgs;

/// Decided by the event and by the connection, and wrong from anywhere else.
const OURS: [&str; 7] = [
    "connection",
    "content-length",
    "content-type",
    "expect",
    "te",
    "transfer-encoding",
    "upgrade",
];
/// Parts of the names of headers that hold secrets.
const SECRET: [&str; 11] = [
    "auth",
    "cookie",
    "token",
    "secret",
    "password",
    "credential",
    "api-key",
    "apikey",
    "access-key",
    "subscription-key",
    "functions-key",
];

/// The headers of the command line, of the files that it names, and the bearer token.
pub(crate) fn collect(args: &HttpArgs) -> anyhow::Result<HeaderMap> {
    let mut headers = HeaderMap::new();
    for text in &args.headers {
        if let Some(path) = text.strip_prefix('@') {
            add_file(&mut headers, path)?;
            continue;
        }
        let (name, value) = parse(text).context("--header")?;
        if SECRET.iter().any(|part| name.as_str().contains(part)) {
            bail!(
                "--header: everybody on this machine can read `{name}` in the command line: use \
                 --bearer-token-file, CE_BEARER_TOKEN or --header @FILE"
            );
        }
        headers.append(name, value);
    }
    if headers.get_all(HOST).iter().count() > 1 {
        bail!("--header: there are two `host`: keep one of them");
    }
    if let Some(token) = ce_cli::bearer_token(args.bearer_token_file.as_deref())? {
        let value = HeaderValue::from_str(&format!("Bearer {token}"));
        let mut value = value.ok().context("the bearer token holds a control character")?;
        value.set_sensitive(true);
        if headers.insert(AUTHORIZATION, value).is_some() {
            bail!("there is a bearer token and a header `authorization`: keep one of them");
        }
    }
    Ok(headers)
}

fn add_file(headers: &mut HeaderMap, path: &str) -> anyhow::Result<()> {
    let text = ce_cli::read_secret(Path::new(path)).context("--header")?;
    for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let (name, mut value) =
            parse(line).with_context(|| format!("--header: {path}:{}", number + 1))?;
        value.set_sensitive(true);
        headers.append(name, value);
    }
    Ok(())
}

/// Reads `Name: value`.
fn parse(text: &str) -> anyhow::Result<(HeaderName, HeaderValue)> {
    let (name, value) = text.split_once(':').context("no header: write `Name: value`")?;
    let name: HeaderName =
        name.trim().parse().ok().context("the name before the colon is not one of a header")?;
    if OURS.contains(&name.as_str()) {
        bail!("`{name}` follows from the event and the connection: leave it out");
    }
    if name.as_str().starts_with("ce-") {
        bail!("`{name}` is an attribute: set it in the events");
    }
    let value = HeaderValue::from_str(value.trim());
    let value = value.ok().with_context(|| format!("`{name}`: the value has a control character"));
    Ok((name, value?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_a_name_and_a_value() {
        let check = |text: &str, name: &str, value: &str| {
            let (found, given) = parse(text).unwrap();
            assert_eq!((found.as_str(), given.to_str().unwrap()), (name, value), "{text}");
        };
        check("X-Tenant: a b", "x-tenant", "a b");
        check("x-time:12:30", "x-time", "12:30");
        check("x-empty:", "x-empty", "");
    }

    #[test]
    fn what_is_refused_is_refused_without_the_value() {
        let check = |text: &str, says: &str| {
            let message = format!("{:#}", parse(text).unwrap_err());
            assert!(message.contains(says) && !message.contains("s3cret"), "{text}: {message}");
        };
        check("s3cret", "write `Name: value`");
        check(": s3cret", "the name before the colon");
        check("a b: s3cret", "the name before the colon");
        check("x-a: s3cret\u{7}", "`x-a`: the value has a control character");
        check("Content-Type: s3cret", "`content-type` follows from the event");
        check("CE-Id: s3cret", "`ce-id` is an attribute");
    }
}
