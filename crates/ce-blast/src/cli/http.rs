//! The flags of HTTP targets, as typed.

use std::fmt;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use anyhow::bail;
use ce_cli::parse;
use clap::builder::BoolishValueParser;

use super::ContentMode;
use super::check::Check;
use super::retry::RetryArgs;
use crate::target::BatchSize;

/// Status codes that a final answer can have.
const CODES: RangeInclusive<u16> = 200..=599;

/// How to send over HTTP, and which answers are good.
#[derive(Debug, Clone, clap::Args)]
pub struct HttpArgs {
    /// HTTP: the status codes that mean success, e.g., 200-299,302; redirects are not followed
    #[arg(long, env = "CE_SUCCESS", value_name = "CODES", default_value = "200-299")]
    pub success: Codes,

    /// HTTP: speak HTTP/2, by prior knowledge on http:, and agreed on by ALPN on https:
    #[arg(long, env = "CE_HTTP2", value_parser = BoolishValueParser::new())]
    pub http2: bool,

    /// HTTP: check the status of every answer, e.g., 202. Checks are counted apart, as k6's are: an
    /// event whose check fails is named in errors.csv, and is a success or not by --success alone;
    /// without an answer every check fails
    #[arg(long, env = "CE_EXPECT_STATUS", value_name = "CODES")]
    pub expect_status: Option<Codes>,

    /// HTTP: check a value in the JSON body of every answer, e.g., /status=accepted or /items/0/id=7;
    /// repeatable. A body of more than 1 MiB has no value
    #[arg(long, value_name = "POINTER=VALUE", value_parser = Check::json)]
    pub expect_json: Vec<Check>,

    /// HTTP: check that every answer comes within this time, e.g., 500ms, after its request was handed
    /// over
    #[arg(long, env = "CE_EXPECT_WITHIN", value_name = "DURATION", value_parser = parse::duration)]
    pub expect_within: Option<Duration>,

    // Parsed later: clap would print a value that it refuses, and it may be a secret.
    /// HTTP: a header of every request, as `Name: value`, or @FILE with one in a line; repeatable
    #[arg(long = "header", value_name = "HEADER")]
    pub headers: Vec<String>,

    /// HTTP: send the token in this file as `authorization: Bearer TOKEN`; the environment variable
    /// `CE_BEARER_TOKEN` may hold the token itself instead
    #[arg(long, env = "CE_BEARER_TOKEN_FILE", value_name = "FILE")]
    pub bearer_token_file: Option<PathBuf>,

    /// HTTP, --mode batched: the most events in a request; without it, 100
    #[arg(long, env = "CE_BATCH", value_name = "N",
          value_parser = clap::value_parser!(u16).range(1..=10_000))]
    pub batch: Option<u16>,

    /// HTTP, --mode batched: how long an event waits for others to leave with, at most 50ms, as that is
    /// lag; without it, 5ms
    #[arg(long, env = "CE_BATCH_WAIT", value_name = "DURATION", value_parser = super::lateness)]
    pub batch_wait: Option<Duration>,

    /// Sending again.
    #[command(flatten)]
    pub retry: RetryArgs,
}

impl HttpArgs {
    /// A flag that was given and means nothing without an HTTP target.
    pub(crate) fn given(&self) -> Option<&'static str> {
        [
            (!self.headers.is_empty(), "--header"),
            (self.bearer_token_file.is_some(), "--bearer-token-file"),
            (self.http2, "--http2"),
            (self.retry.retry > 0, "--retry"),
            (self.expect_status.is_some(), "--expect-status"),
            (!self.expect_json.is_empty(), "--expect-json"),
            (self.expect_within.is_some(), "--expect-within"),
            (self.batch.is_some(), "--batch"),
            (self.batch_wait.is_some(), "--batch-wait"),
        ]
        .into_iter()
        .find_map(|(is_given, flag)| is_given.then_some(flag))
    }

    /// What answers are held to, nothing twice.
    pub(crate) fn checks(&self) -> Vec<Check> {
        let status = self.expect_status.clone().map(Check::Status);
        let within = self.expect_within.map(Check::Within);
        let mut checks: Vec<Check> = status.into_iter().chain(within).collect();
        for check in &self.expect_json {
            if !checks.contains(check) {
                checks.push(check.clone());
            }
        }
        checks
    }

    /// How many events leave together, if several do.
    pub(crate) fn batch_size(&self, mode: ContentMode) -> anyhow::Result<Option<BatchSize>> {
        if mode == ContentMode::Batched {
            let events = usize::from(self.batch.unwrap_or(100));
            let wait = self.batch_wait.unwrap_or(Duration::from_millis(5));
            return Ok(Some(BatchSize { events, wait }));
        }
        for (is_given, flag) in
            [(self.batch.is_some(), "--batch"), (self.batch_wait.is_some(), "--batch-wait")]
        {
            if is_given {
                bail!("{flag} is about events that leave together: add --mode batched");
            }
        }
        Ok(None)
    }
}

/// A set of status codes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Codes {
    text: String,
    ranges: Vec<RangeInclusive<u16>>,
}

impl Codes {
    /// Whether a status is one of them.
    pub(crate) fn includes(&self, status: u16) -> bool {
        self.ranges.iter().any(|range| range.contains(&status))
    }
}

/// As typed.
impl fmt::Display for Codes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for Codes {
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
        let ranges = text.split(',').map(known).collect::<Result<_, _>>()?;
        Ok(Self { text: text.to_owned(), ranges })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_ranges_are_read() {
        let check = |text: &str, good: &[u16], bad: &[u16]| {
            let success: Codes = text.parse().unwrap();
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
            let message = text.parse::<Codes>().unwrap_err();
            assert!(message.starts_with(part), "{text}: {message}");
        }
    }
}
