//! Secrets never appear in a record, a log or a report.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use anyhow::{Context, bail};

/// Holds a token itself, for those who would rather not write it to a file.
const TOKEN: &str = "CE_BEARER_TOKEN";
/// What to do with a URL that holds one.
const QUERY_REMEDY: &str =
    "give the URL by the variable that --help names, e.g., CE_TO, or in a plan";
/// No secret is longer.
const SECRET_LIMIT_BYTES: u64 = 64 * 1024;

/// The bearer token in `file`, else the one in the environment variable `CE_BEARER_TOKEN`, else none.
pub fn bearer_token(file: Option<&Path>) -> anyhow::Result<Option<String>> {
    let (text, place) = if let Some(file) = file {
        (read_secret(file)?, file.display().to_string())
    } else if let Some(text) = std::env::var_os(TOKEN) {
        (text.into_string().unwrap_or_default(), TOKEN.to_owned())
    } else {
        return Ok(None);
    };
    match text.trim() {
        "" => bail!("{place}: holds no token"),
        token => Ok(Some(token.to_owned())),
    }
}

/// The text of a file that holds a secret.
pub fn read_secret(file: &Path) -> anyhow::Result<String> {
    let mut text = String::new();
    let read = File::open(file)
        .and_then(|file| file.take(SECRET_LIMIT_BYTES + 1).read_to_string(&mut text))
        .with_context(|| format!("{}: cannot read", file.display()))?;
    if read as u64 > SECRET_LIMIT_BYTES {
        bail!("{}: larger than 64 KiB; is it the right file?", file.display());
    }
    Ok(text)
}

/// Refuses a URL with a password on the command line, which every user of the machine can read.
pub fn refuse_passwords(remedy: &str) -> anyhow::Result<()> {
    for arg in args().skip(1) {
        let masked = masked_url(&arg);
        if masked != arg {
            if masked.contains("=***") {
                bail!("`{masked}`: others can read a secret on the command line: {QUERY_REMEDY}");
            }
            bail!("`{masked}`: others can read a password on the command line: {remedy}");
        }
    }
    Ok(())
}

/// The command line of this process, the program by its name alone, the passwords in URLs masked.
pub fn masked_args() -> Vec<String> {
    let mut args: Vec<String> = args().map(|arg| masked_url(&arg)).collect();
    if let Some(program) = args.first_mut() {
        *program = program.rsplit('/').next().unwrap_or_default().to_owned();
    }
    args
}

/// The command line; the name of a file need not be UTF-8.
fn args() -> impl Iterator<Item = String> {
    std::env::args_os().map(|arg| arg.to_string_lossy().into_owned())
}

/// Parts of the names of parameters that hold secrets, and names that are such.
const SECRET_PARTS: [&str; 7] =
    ["token", "secret", "password", "passwd", "signature", "api_key", "apikey"];
const SECRET_NAMES: [&str; 2] = ["sig", "key"];

/// `scheme://user:password@host` as `scheme://user:***@host`, and `?token=…` as `?token=***`; other
/// text as it is.
pub fn masked_url(text: &str) -> String {
    let Some((before, rest)) = text.split_once("://") else { return text.to_owned() };
    let (place, query) = rest.split_once('?').map_or((rest, None), |(it, query)| (it, Some(query)));
    let place = masked_place(place);
    match query {
        Some(query) => {
            let query: Vec<_> = query.split('&').map(masked_parameter).collect();
            format!("{before}://{place}?{}", query.join("&"))
        }
        None => format!("{before}://{place}"),
    }
}

fn masked_place(place: &str) -> String {
    let authority = place.split(['/', '#']).next().unwrap_or_default();
    match authority.rsplit_once('@') {
        Some((userinfo, _)) if userinfo.contains(':') => {
            let user = userinfo.split(':').next().unwrap_or_default();
            format!("{user}:***{}", &place[userinfo.len()..])
        }
        _ => place.to_owned(),
    }
}

fn masked_parameter(parameter: &str) -> String {
    match parameter.split_once('=') {
        Some((name, value)) if !value.is_empty() && is_secret(&name.to_ascii_lowercase()) => {
            format!("{name}=***")
        }
        _ => parameter.to_owned(),
    }
}

fn is_secret(name: &str) -> bool {
    SECRET_NAMES.contains(&name) || SECRET_PARTS.iter().any(|part| name.contains(part))
}

#[cfg(test)]
mod tests {
    use super::masked_url;

    #[test]
    fn passwords_are_masked() {
        let masked = masked_url("--to=amqp://guest:s3cret@127.0.0.1:5672/%2f");
        assert_eq!(masked, "--to=amqp://guest:***@127.0.0.1:5672/%2f");
        assert_eq!(masked_url("http://a:p@ss@h/x@y:z"), "http://a:***@h/x@y:z");
    }

    #[test]
    fn secrets_in_a_query_are_masked() {
        let masked = masked_url("--to=http://127.0.0.1/in?a=b&Access_Token=s3cret&sig=s3cret&c=d");
        assert_eq!(masked, "--to=http://127.0.0.1/in?a=b&Access_Token=***&sig=***&c=d");
        assert_eq!(masked_url("http://a:p?ss@h/"), "http://a:p?ss@h/");
    }

    #[test]
    fn other_text_is_left_alone() {
        for text in [
            "--rate",
            "100/s",
            "http://127.0.0.1:8081/a:b@c",
            "amqp://guest@host/",
            "http://h/?a=b&token=&signal=1",
        ] {
            assert_eq!(masked_url(text), text);
        }
    }
}
