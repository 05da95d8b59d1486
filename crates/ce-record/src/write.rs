//! Writes records. The kind comes first, so that a reader knows it at once.

use serde::Serialize;

use crate::Record;

/// Appends `record` and a newline to `out`. [`Record::Unknown`] has no text and adds nothing.
pub fn append(out: &mut Vec<u8>, record: &Record<'_>) {
    match record {
        Record::Start(start) => line(out, "start", start),
        Record::Sample(sample) => line(out, "sample", sample),
        Record::Receipt(receipt) => line(out, "receipt", receipt),
        Record::Gauge(gauge) => line(out, "gauge", gauge),
        Record::Mark(mark) => line(out, "mark", mark),
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
