//! The flags of HTTP targets, as typed.

use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use anyhow::bail;
use ce_cli::parse;

use super::ContentMode;
use crate::target::BatchSize;

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

    /// HTTP, --mode batched: the most events in a request; without it, 100
    #[arg(long, env = "CE_BATCH", value_name = "N",
          value_parser = clap::value_parser!(u16).range(1..=10_000))]
    pub batch: Option<u16>,

    /// HTTP, --mode batched: how long an event waits for others to leave with, at most 50ms, as that is
    /// lag; without it, 5ms
    #[arg(long, env = "CE_BATCH_WAIT", value_name = "DURATION", value_parser = batch_wait)]
    pub batch_wait: Option<Duration>,
}

/// A longer wait would make the events later than a schedule allows that counts as kept.
const BATCH_WAIT: Duration = Duration::from_millis(50);

fn batch_wait(text: &str) -> Result<Duration, String> {
    let wait = parse::duration(text)?;
    if wait <= BATCH_WAIT {
        Ok(wait)
    } else {
        Err(format!("events would be late: wait {BATCH_WAIT:?} at most"))
    }
}

impl HttpArgs {
    /// A flag that was given and means nothing without an HTTP target.
    pub(crate) fn given(&self) -> Option<&'static str> {
        [
            (!self.headers.is_empty(), "--header"),
            (self.bearer_token_file.is_some(), "--bearer-token-file"),
            (self.batch.is_some(), "--batch"),
            (self.batch_wait.is_some(), "--batch-wait"),
        ]
        .into_iter()
        .find_map(|(is_given, flag)| is_given.then_some(flag))
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
