//! Reads samples and receipts in the exact shape that our own writers give them, which nearly all
//! lines of a long run have. A line of any other shape is `None` here and goes to `serde_json`,
//! which also finds the words for what is wrong with it. So this may be strict: it has to agree with
//! `serde_json` on whatever it takes, and need not take everything.

use std::borrow::Cow;

use crate::{Outcome, Receipt, Sample};

/// The sample on a line that is one, if the line has our shape.
pub(crate) fn sample(line: &[u8]) -> Option<Sample<'_>> {
    let mut rest = Rest::of(line)?;
    let sample = Sample {
        seq: rest.number("{\"kind\":\"sample\",\"seq\":")?,
        source: rest.string(",\"source\":\"")?,
        id: rest.string(",\"id\":\"")?,
        event_type: rest.string(",\"type\":\"")?,
        scenario: rest.string(",\"scenario\":\"")?,
        due_ns: rest.number(",\"due_ns\":")?,
        lag_ns: rest.number(",\"lag_ns\":")?,
        service_ns: rest.number(",\"service_ns\":")?,
        connect_ns: rest.optional_number(",\"connect_ns\":")?,
        tls_ns: rest.optional_number(",\"tls_ns\":")?,
        outcome: outcome(&rest.string(",\"outcome\":\"")?)?,
        code: rest.optional_number(",\"code\":")?,
        error: rest.optional_string(",\"error\":\"")?,
        bytes: rest.number(",\"bytes\":")?,
        attempt: rest.number(",\"attempt\":")?.try_into().ok()?,
        superseded: rest.skip(",\"superseded\":true").is_some(),
        key: rest.optional_string(",\"key\":\"")?,
        connection: rest.skip(",\"connection\":true").is_some(),
    };
    rest.is_closed().then_some(sample)
}

/// The receipt on a line that is one, if the line has our shape.
pub(crate) fn receipt(line: &[u8]) -> Option<Receipt<'_>> {
    let mut rest = Rest::of(line)?;
    rest.skip("{\"kind\":\"receipt\"")?;
    let receipt = Receipt {
        seq: rest.optional_number(",\"seq\":")?,
        source: rest.string(",\"source\":\"")?,
        id: rest.string(",\"id\":\"")?,
        event_type: rest.string(",\"type\":\"")?,
        recv_ns: rest.number(",\"recv_ns\":")?,
        door: rest.string(",\"door\":\"")?,
        redelivered: rest.skip(",\"redelivered\":true").is_some(),
        dead_lettered: rest.optional_string(",\"dead_lettered\":\"")?,
        key: rest.optional_string(",\"key\":\"")?,
    };
    rest.is_closed().then_some(receipt)
}

fn outcome(name: &str) -> Option<Outcome> {
    Outcome::ALL.into_iter().find(|outcome| outcome.as_str() == name)
}

/// What has not been read of a line.
struct Rest<'a>(&'a str);

impl<'a> Rest<'a> {
    /// One look over the whole line is cheaper than one at each string. A line with an escape or a
    /// control character has no string that could be taken as it stands.
    fn of(line: &'a [u8]) -> Option<Self> {
        let is_special = |byte: u8| byte < b' ' || byte == b'\\';
        // Without a way out of the loop the compiler looks at many bytes at a time.
        let special = line.iter().fold(false, |found, &byte| found | is_special(byte));
        if special { None } else { std::str::from_utf8(line).ok().map(Self) }
    }

    fn skip(&mut self, text: &str) -> Option<()> {
        self.0 = self.0.strip_prefix(text)?;
        Some(())
    }

    /// `key` ends with the opening quote of its value.
    fn string(&mut self, key: &str) -> Option<Cow<'a, str>> {
        self.skip(key)?;
        let end = memchr::memchr(b'"', self.0.as_bytes())?;
        let (text, rest) = self.0.split_at(end);
        self.0 = &rest[1..];
        Some(Cow::Borrowed(text))
    }

    fn number(&mut self, key: &str) -> Option<u64> {
        self.skip(key)?;
        let digits = self.0.bytes().take_while(u8::is_ascii_digit).count();
        let (number, rest) = self.0.split_at(digits);
        self.0 = rest;
        // JSON has no number such as 007; an empty one and one that is too large do not parse.
        if digits > 1 && number.starts_with('0') { None } else { number.parse().ok() }
    }

    /// `None` is a value that is wrong; one that is not there is `Some(None)`.
    #[expect(clippy::option_option, reason = "wrong and absent are two things")]
    fn optional_number<T: TryFrom<u64>>(&mut self, key: &str) -> Option<Option<T>> {
        if !self.0.starts_with(key) {
            return Some(None);
        }
        self.number(key)?.try_into().ok().map(Some)
    }

    #[expect(clippy::option_option, reason = "wrong and absent are two things")]
    fn optional_string(&mut self, key: &str) -> Option<Option<Cow<'a, str>>> {
        if !self.0.starts_with(key) {
            return Some(None);
        }
        self.string(key).map(Some)
    }

    fn is_closed(&self) -> bool {
        self.0 == "}"
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop_assert_eq, proptest};

    use super::*;

    const SAMPLE: &str = r#"{"kind":"sample","seq":7,"source":"/s","id":"1","type":"t","scenario":"d","due_ns":1,"lag_ns":2,"service_ns":3,"outcome":"rejected","code":503,"error":"é","bytes":10,"attempt":1,"superseded":true,"key":"ctx-1"}"#;
    const RECEIPT: &str = r#"{"kind":"receipt","seq":9,"source":"/s","id":"1","type":"t","recv_ns":5,"door":"/","redelivered":true,"dead_lettered":"expired","key":"ctx-1"}"#;

    /// Where the shape is taken, both readers find the same; where `serde_json` refuses, so do we.
    fn agrees(line: &[u8]) {
        if let Some(sample) = sample(line) {
            assert_eq!(serde_json::from_slice::<Sample<'_>>(line).unwrap(), sample);
        }
        if let Some(receipt) = receipt(line) {
            assert_eq!(serde_json::from_slice::<Receipt<'_>>(line).unwrap(), receipt);
        }
    }

    #[test]
    fn our_own_lines_have_the_shape() {
        assert!(sample(SAMPLE.as_bytes()).is_some() && receipt(RECEIPT.as_bytes()).is_some());
        let opened = SAMPLE.replace(",\"outcome\"", ",\"connect_ns\":8,\"tls_ns\":9,\"outcome\"");
        let opened = sample(opened.as_bytes()).expect("it has the shape");
        assert_eq!((opened.connect_ns, opened.tls_ns), (Some(8), Some(9)));
        let shorter = SAMPLE.replace(",\"superseded\":true,\"key\":\"ctx-1\"", "");
        assert!(sample(shorter.as_bytes()).is_some_and(|it| !it.superseded && it.key.is_none()));
        agrees(SAMPLE.as_bytes());
        agrees(RECEIPT.as_bytes());
    }

    #[test]
    fn what_json_does_not_allow_is_not_taken() {
        let check = |from: &str, to: &str| {
            let line = SAMPLE.replace(from, to);
            assert_ne!(line, SAMPLE);
            assert_eq!(sample(line.as_bytes()), None, "{line}");
        };
        check(":7,", ":07,");
        check(":7,", ":,");
        check(":7,", ":18446744073709551616,");
        check(":503,", ":65536,");
        check("\"rejected\"", "\"refused\"");
        check("/s", "\u{1}");
        check("/s", "\\u0041");
        check("ctx-1\"}", "ctx-1\"}}");
        check("ctx-1\"}", "ctx-1\",\"more\":2}");
    }

    proptest! {
        /// One byte of a line changed to any other: the shape is left, or both read the same.
        #[test]
        fn a_changed_byte_never_makes_the_two_readers_differ(at in any::<usize>(), byte: u8) {
            for line in [SAMPLE, RECEIPT] {
                let mut line = line.as_bytes().to_vec();
                let at = at % line.len();
                line[at] = byte;
                agrees(&line);
                line.truncate(at);
                prop_assert_eq!((sample(&line), receipt(&line)), (None, None));
            }
        }
    }
}
