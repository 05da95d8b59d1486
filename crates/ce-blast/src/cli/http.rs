//! The flags of HTTP targets, as typed.

use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::str::FromStr;

/// Status codes that a final answer can have.
const CODES: RangeInclusive<u16> = 200..=599;

/// How to send over HTTP, and which answers are good.
#[derive(Debug, Clone, clap::Args)]
pub struct HttpArgs {
    /// HTTP: the status codes that mean success, e.g., 200-299,302; redirects are not followed
    #[arg(long, env = "CE_SUCCESS", value_name = "CODES", default_value = "200-299")]
    pub success: Success,

    // Parsed later: clap would print a value that it refuses, and it may be a secret.
    /// HTTP: a header of every request, as `Name: value`, or @FILE with one in a line; repeatable
    #[arg(long = "header", value_name = "HEADER")]
    pub headers: Vec<String>,

    /// HTTP: send the token in this file as `authorization: Bearer TOKEN`; the environment variable
    /// `CE_BEARER_TOKEN` may hold the token itself instead
    #[arg(long, env = "CE_BEARER_TOKEN_FILE", value_name = "FILE")]
    pub bearer_token_file: Option<PathBuf>,
}

/// A set of status codes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Success(Vec<RangeInclusive<u16>>);

impl Success {
    /// Whether an answer with this status is a success.
    pub(crate) fn includes(&self, status: u16) -> bool {
        self.0.iter().any(|range| range.contains(&status))
    }
}

impl FromStr for Success {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let range = |part: &str| {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            let code = |text: &str| text.trim().parse().ok().filter(|code| CODES.contains(code));
            let (first, last): (u16, u16) = code(first).zip(code(last))?;
            (first <= last).then_some(first..=last)
        };
        let known = |part: &str| {
            range(part).ok_or_else(|| {
                format!("`{part}` is no status code from 200 to 599: write, e.g., 200-299,302")
            })
        };
        text.split(',').map(known).collect::<Result<_, _>>().map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_ranges_are_read() {
        let check = |text: &str, good: &[u16], bad: &[u16]| {
            let success: Success = text.parse().unwrap();
            assert!(good.iter().all(|&code| success.includes(code)), "{text}");
            assert!(!bad.iter().any(|&code| success.includes(code)), "{text}");
        };
        check("200-299", &[200, 204, 299], &[199, 300, 404]);
        check("202", &[202], &[200, 201, 203]);
        check("200-204, 302,599", &[200, 204, 302, 599], &[205, 301, 303, 598]);
    }

    #[test]
    fn other_text_is_refused_with_the_part_that_is_wrong() {
        for (text, part) in [
            ("", "``"),
            ("2xx", "`2xx`"),
            ("200,", "``"),
            ("199", "`199`"),
            ("200-600", "`200-600`"),
            ("200,299-200", "`299-200`"),
            ("200-202-204", "`200-202-204`"),
            ("70000", "`70000`"),
        ] {
            let message = text.parse::<Success>().unwrap_err();
            assert!(message.starts_with(part), "{text}: {message}");
        }
    }
}
