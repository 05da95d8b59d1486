//! Writes records. The kind comes first, so that a reader knows it at once.

use serde::Serialize;

use crate::{Record, Sample};

/// Appends `record` and a newline to `out`. [`Record::Unknown`] has no text and adds nothing.
pub fn append(out: &mut Vec<u8>, record: &Record<'_>) {
    match record {
        Record::Start(start) => line(out, "start", start),
        Record::Sample(sample) => sample_line(out, sample),
        Record::Receipt(receipt) => line(out, "receipt", receipt),
        Record::Gauge(gauge) => line(out, "gauge", gauge),
        Record::Mark(mark) => line(out, "mark", mark),
        Record::Window(window) => line(out, "window", window),
        Record::End(end) => line(out, "end", end),
        Record::Unknown => {}
    }
}

/// Writes the kind, then the record with its opening brace turned into the comma between the two.
fn line<T: Serialize>(out: &mut Vec<u8>, kind: &str, body: &T) {
    out.extend_from_slice(b"{\"kind\":\"");
    out.extend_from_slice(kind.as_bytes());
    out.push(b'"');
    let brace = out.len();
    serde_json::to_writer(&mut *out, body)
        .expect("records hold strings and numbers, and a Vec takes any number of bytes");
    out[brace] = b',';
    out.push(b'\n');
}

/// Writes what [`line`] would write, in half the time: nearly all records are samples, and the
/// sender's processor time is not the target's.
fn sample_line(out: &mut Vec<u8>, sample: &Sample<'_>) {
    number(out, "{\"kind\":\"sample\",\"seq\":", sample.seq);
    string(out, ",\"source\":", &sample.source);
    string(out, ",\"id\":", &sample.id);
    string(out, ",\"type\":", &sample.event_type);
    string(out, ",\"scenario\":", &sample.scenario);
    number(out, ",\"due_ns\":", sample.due_ns);
    number(out, ",\"lag_ns\":", sample.lag_ns);
    number(out, ",\"service_ns\":", sample.service_ns);
    if let Some(connect_ns) = sample.connect_ns {
        number(out, ",\"connect_ns\":", connect_ns);
    }
    if let Some(tls_ns) = sample.tls_ns {
        number(out, ",\"tls_ns\":", tls_ns);
    }
    string(out, ",\"outcome\":", sample.outcome.as_str());
    if let Some(code) = sample.code {
        number(out, ",\"code\":", code.into());
    }
    if let Some(error) = &sample.error {
        string(out, ",\"error\":", error);
    }
    number(out, ",\"bytes\":", sample.bytes);
    number(out, ",\"attempt\":", sample.attempt.into());
    if sample.superseded {
        out.extend_from_slice(b",\"superseded\":true");
    }
    if let Some(key) = &sample.key {
        string(out, ",\"key\":", key);
    }
    if sample.connection {
        out.extend_from_slice(b",\"connection\":true");
    }
    out.extend_from_slice(b"}\n");
}

fn number(out: &mut Vec<u8>, key: &str, value: u64) {
    out.extend_from_slice(key.as_bytes());
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

fn string(out: &mut Vec<u8>, key: &str, value: &str) {
    out.extend_from_slice(key.as_bytes());
    let needs_escape = |byte: u8| byte < b' ' || byte == b'"' || byte == b'\\';
    // Without a way out of the loop the compiler looks at many bytes at a time.
    if value.bytes().fold(false, |found, byte| found | needs_escape(byte)) {
        serde_json::to_writer(&mut *out, value).expect("a Vec takes any number of bytes");
    } else {
        out.push(b'"');
        out.extend_from_slice(value.as_bytes());
        out.push(b'"');
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use proptest::collection::vec;
    use proptest::option;
    use proptest::prelude::{Strategy, any, prop_assert, prop_assert_eq, proptest};
    use proptest::sample::select;

    use super::*;
    use crate::Outcome;

    /// Any characters, control characters among them.
    fn text() -> impl Strategy<Value = Cow<'static, str>> {
        let char = proptest::prop_oneof![any::<char>(), proptest::char::range('\0', '\u{7f}')];
        vec(char, 0..12).prop_map(|chars| Cow::Owned(chars.into_iter().collect()))
    }

    fn sample() -> impl Strategy<Value = Sample<'static>> {
        let optional = (option::of(text()), option::of(text()));
        let texts = (text(), text(), text(), text(), optional);
        let times = (any::<u64>(), any::<u64>(), any::<u64>(), any::<u64>());
        let rest = (any::<u64>(), any::<u32>(), option::of(any::<u16>()));
        let is = (any::<bool>(), any::<bool>());
        let opened = (option::of(any::<u64>()), option::of(any::<u64>()));
        let outcome = select(&Outcome::ALL[..]);
        let all = (texts, times, opened, rest, is, outcome);
        all.prop_map(|(texts, times, opened, rest, is, outcome)| {
            let (source, id, event_type, scenario, (error, key)) = texts;
            let (seq, due_ns, lag_ns, service_ns) = times;
            let (bytes, attempt, code) = rest;
            let (superseded, connection) = is;
            Sample {
                seq,
                source,
                id,
                event_type,
                scenario,
                due_ns,
                lag_ns,
                service_ns,
                connect_ns: opened.0,
                tls_ns: opened.1,
                outcome,
                code,
                error,
                bytes,
                attempt,
                superseded,
                key,
                connection,
            }
        })
    }

    proptest! {
        #[test]
        fn a_sample_is_written_as_serde_would_write_it(sample in sample()) {
            let (mut ours, mut serdes) = (Vec::new(), Vec::new());
            append(&mut ours, &Record::Sample(sample.clone()));
            line(&mut serdes, "sample", &sample);
            prop_assert_eq!(String::from_utf8(ours.clone()), String::from_utf8(serdes));
            let read: Sample<'_> = serde_json::from_slice(&ours).expect("it is a sample");
            prop_assert_eq!(&read, &sample);
            let quickly = crate::shape::sample(ours.trim_ascii());
            prop_assert!(quickly.is_none_or(|read| read == sample));
        }
    }
}
