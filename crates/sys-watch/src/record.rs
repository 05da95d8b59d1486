//! Shorthand for the two kinds of records that this tool writes.

use ce_record::{Gauge, Mark, Record};

/// A measured value.
pub(crate) fn gauge(
    at_ns: u64,
    name: &'static str,
    labels: &[(&str, &str)],
    value: f64,
) -> Record<'static> {
    Record::Gauge(Gauge { at_ns, name: name.into(), labels: owned(labels), value })
}

/// Something that happened to `name`.
pub(crate) fn mark(
    at_ns: u64,
    what: &'static str,
    name: &str,
    labels: &[(&str, &str)],
) -> Record<'static> {
    Record::Mark(Mark {
        at_ns,
        what: what.into(),
        name: name.to_owned().into(),
        labels: owned(labels),
    })
}

fn owned(labels: &[(&str, &str)]) -> std::collections::BTreeMap<String, String> {
    labels.iter().map(|&(key, value)| (key.to_owned(), value.to_owned())).collect()
}

/// A count as the value of a gauge.
#[expect(clippy::cast_precision_loss, reason = "exact up to 2^53, which is 9 PB")]
pub(crate) fn float(count: u64) -> f64 {
    count as f64
}
