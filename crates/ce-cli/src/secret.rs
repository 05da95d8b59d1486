//! Secrets never appear in a record, a log or a report.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use anyhow::{Context, bail};

/// Holds a token itself, for those who would rather not write it to a file.
const TOKEN: &str = "CE_BEARER_TOKEN";
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

/// `scheme://user:password@host` as `scheme://user:***@host`; other text as it is.
pub fn masked_url(text: &str) -> String {
    let Some((before, rest)) = text.split_once("://") else { return text.to_owned() };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let Some((userinfo, _)) = authority.rsplit_once('@') else { return text.to_owned() };
    let user = userinfo.split(':').next().unwrap_or_default();
    let after = &rest[userinfo.len()..];
    if userinfo.contains(':') {
        format!("{before}://{user}:***{after}")
    } else {
        format!("{before}://{user}{after}")
    }
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
    fn other_text_is_left_alone() {
        for text in ["--rate", "100/s", "http://127.0.0.1:8081/a:b@c", "amqp://guest@host/"] {
            assert_eq!(masked_url(text), text);
        }
    }
}
