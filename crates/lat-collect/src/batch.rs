//! Records on their way from the threads that parse them to the one that counts them: many at a
//! time, their texts in one buffer, so that no record allocates.

use ce_record::{End, Gauge, Mark, Outcome, Receipt, Record, Sample, Start};

/// Records that travel together.
const RECORDS: usize = 1024;

/// Some consecutive records of one stream.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    pub(crate) items: Vec<Item>,
    text: String,
}

/// Where a text stands in its batch.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Span {
    start: u32,
    end: u32,
}

/// A record that lasts longer than its line.
#[derive(Debug)]
pub(crate) enum Item {
    Start(Box<Start>),
    Sample(SampleItem),
    Receipt(ReceiptItem),
    Gauge(Box<Gauge<'static>>),
    Mark(Box<Mark<'static>>),
    End(Box<End>),
}

/// A [`Sample`] with its texts in the batch.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SampleItem {
    pub(crate) source: Span,
    pub(crate) id: Span,
    pub(crate) event_type: Span,
    pub(crate) scenario: Span,
    pub(crate) error: Option<Span>,
    pub(crate) due_ns: u64,
    pub(crate) lag_ns: u64,
    pub(crate) service_ns: u64,
    pub(crate) outcome: Outcome,
    pub(crate) code: Option<u16>,
}

/// A [`Receipt`] with its texts in the batch.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ReceiptItem {
    pub(crate) source: Span,
    pub(crate) id: Span,
    pub(crate) recv_ns: u64,
    pub(crate) redelivered: bool,
    pub(crate) dead_lettered: bool,
}

impl Batch {
    pub(crate) fn is_full(&self) -> bool {
        self.items.len() >= RECORDS
    }

    pub(crate) fn text(&self, span: Span) -> &str {
        &self.text[span.start as usize..span.end as usize]
    }

    /// Takes a record in; a kind that this version does not know is left out.
    pub(crate) fn push(&mut self, record: Record<'_>) {
        let item = match record {
            Record::Sample(sample) => Item::Sample(self.sample(&sample)),
            Record::Receipt(receipt) => Item::Receipt(self.receipt(&receipt)),
            Record::Start(start) => Item::Start(start),
            Record::End(end) => Item::End(end),
            Record::Gauge(gauge) => Item::Gauge(Box::new(Gauge {
                at_ns: gauge.at_ns,
                name: gauge.name.into_owned().into(),
                labels: gauge.labels,
                value: gauge.value,
            })),
            Record::Mark(mark) => Item::Mark(Box::new(Mark {
                at_ns: mark.at_ns,
                what: mark.what.into_owned().into(),
                name: mark.name.into_owned().into(),
                labels: mark.labels,
            })),
            Record::Unknown => return,
        };
        self.items.push(item);
    }

    fn sample(&mut self, sample: &Sample<'_>) -> SampleItem {
        SampleItem {
            source: self.keep(&sample.source),
            id: self.keep(&sample.id),
            event_type: self.keep(&sample.event_type),
            scenario: self.keep(&sample.scenario),
            error: sample.error.as_deref().map(|error| self.keep(error)),
            due_ns: sample.due_ns,
            lag_ns: sample.lag_ns,
            service_ns: sample.service_ns,
            outcome: sample.outcome,
            code: sample.code,
        }
    }

    fn receipt(&mut self, receipt: &Receipt<'_>) -> ReceiptItem {
        ReceiptItem {
            source: self.keep(&receipt.source),
            id: self.keep(&receipt.id),
            recv_ns: receipt.recv_ns,
            redelivered: receipt.redelivered,
            dead_lettered: receipt.dead_lettered.is_some(),
        }
    }

    fn keep(&mut self, text: &str) -> Span {
        let position = |text: &String| {
            u32::try_from(text.len()).expect("1024 lines of at most 1 MiB are below 4 GiB")
        };
        let start = position(&self.text);
        self.text.push_str(text);
        Span { start, end: position(&self.text) }
    }
}
