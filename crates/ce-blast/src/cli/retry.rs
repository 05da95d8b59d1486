//! The flags of retries, as typed.

use std::str::FromStr;
use std::time::Duration;

use anyhow::bail;
use ce_cli::parse;

use super::http::Codes;
use crate::target::Retry;

/// Whether and when an event is sent again.
#[derive(Debug, Clone, clap::Args)]
pub struct RetryArgs {
    /// HTTP: send an event again, up to N times, when it was refused for now. Each attempt has a
    /// sample of its own, and the event stays in flight until the last has ended. The target may
    /// receive an event more than once
    #[arg(long, env = "CE_RETRY", value_name = "N", default_value_t = 0,
          value_parser = clap::value_parser!(u32).range(0..=100))]
    pub retry: u32,

    /// HTTP, --retry: after which ends to send again: status codes, `connect` for a connection that
    /// cannot be opened, `timeout` for no answer; without it, 429,502-504,connect,timeout
    #[arg(long, env = "CE_RETRY_ON", value_name = "CAUSES")]
    pub retry_on: Option<RetryOn>,

    /// HTTP, --retry: the longest first wait; each further one may be twice as long, and half of it is
    /// random; without it, 200ms
    #[arg(long, env = "CE_RETRY_WAIT", value_name = "DURATION", value_parser = parse::duration)]
    pub retry_wait: Option<Duration>,

    /// HTTP, --retry: the longest wait of all, also where `Retry-After` asks for more; without it, 10s
    #[arg(long, env = "CE_RETRY_MAX_WAIT", value_name = "DURATION", value_parser = parse::duration)]
    pub retry_max_wait: Option<Duration>,
}

impl RetryArgs {
    /// Retries as they were asked for, if they were.
    pub(crate) fn policy(&self, seed: u64) -> anyhow::Result<Option<Retry>> {
        if self.retry > 0 {
            let on = || "429,502-504,connect,timeout".parse().expect("these are causes");
            return Ok(Some(Retry {
                attempts: self.retry,
                on: self.retry_on.clone().unwrap_or_else(on),
                first_wait: self.retry_wait.unwrap_or(Duration::from_millis(200)),
                max_wait: self.retry_max_wait.unwrap_or(Duration::from_secs(10)),
                seed,
            }));
        }
        for (is_given, flag) in [
            (self.retry_on.is_some(), "--retry-on"),
            (self.retry_wait.is_some(), "--retry-wait"),
            (self.retry_max_wait.is_some(), "--retry-max-wait"),
        ] {
            if is_given {
                bail!("{flag} is about events that are sent again: add --retry N");
            }
        }
        Ok(None)
    }
}

/// How an attempt has to end for another to follow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetryOn {
    pub(crate) codes: Option<Codes>,
    pub(crate) connect: bool,
    pub(crate) timeout: bool,
}

impl FromStr for RetryOn {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (words, codes): (Vec<&str>, Vec<&str>) =
            text.split(',').map(str::trim).partition(|part| ["connect", "timeout"].contains(part));
        let codes = (!codes.is_empty()).then(|| codes.join(",").parse()).transpose();
        let codes = codes.map_err(|err| format!("{err}, connect or timeout"))?;
        let has = |word| words.contains(&word);
        Ok(Self { codes, connect: has("connect"), timeout: has("timeout") })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_are_codes_and_words() {
        let on: RetryOn = "timeout, 503,429-430".parse().unwrap();
        assert_eq!((on.connect, on.timeout), (false, true));
        let codes = on.codes.unwrap();
        assert!([429, 430, 503].iter().all(|&code| codes.includes(code)) && !codes.includes(502));
        let on: RetryOn = "connect".parse().unwrap();
        assert_eq!(on, RetryOn { codes: None, connect: true, timeout: false });
    }

    #[test]
    fn other_words_are_refused() {
        for text in ["", "5xx", "connect,", "503,reset"] {
            let message = text.parse::<RetryOn>().unwrap_err();
            assert!(message.ends_with("connect or timeout"), "{text}: {message}");
        }
    }
}
