//! Records on their way from the threads that parse them to the one that counts them: many at a
//! time, their texts in one buffer, so that no record allocates. What can be worked out without
//! knowing the other records is worked out here, beside the counting.

use ce_record::run_dir::Keyed;
use ce_record::{End, Gauge, Mark, Outcome, Receipt, Record, Sample, Start};

use crate::fingerprint::Fingerprints;

/// Records that travel together.
const RECORDS: usize = 1024;
/// How many names back a name is looked for before it is put into the batch once more.
const LOOK_BACK: usize = 8;

/// Some consecutive records of one stream.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    pub(crate) items: Vec<Item>,
    text: String,
    pub(crate) scenarios: Names,
    pub(crate) types: Names,
    sources: Names,
    doors: Names,
    /// How many have a key.
    pub(crate) keyed: Keyed,
    opened: Vec<Opened>,
}

/// How long it took to open a connection; few samples have that.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Opened {
    pub(crate) connect_ns: u64,
    pub(crate) tls_ns: Option<u64>,
}

/// Where a text stands in its batch.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Span {
    start: u32,
    end: u32,
}

/// Texts that many records of a batch share, numbered. One may have several numbers.
#[derive(Debug, Default)]
pub(crate) struct Names(Vec<Span>);

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

/// What an event is known by.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Known {
    pub(crate) fingerprint: u128,
    /// A number among the sources of the batch.
    source: u16,
    id: Span,
}

/// A [`Sample`] with its texts in the batch.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SampleItem {
    pub(crate) event: Known,
    /// A number among the types of the batch.
    pub(crate) event_type: u16,
    /// A number among the scenarios of the batch.
    pub(crate) scenario: u16,
    pub(crate) error: Option<Span>,
    pub(crate) due_ns: u64,
    pub(crate) lag_ns: u64,
    pub(crate) service_ns: u64,
    pub(crate) outcome: Outcome,
    pub(crate) code: Option<u16>,
    /// Counts the attempts for one event, from one.
    pub(crate) attempt: u32,
    /// Another attempt for the same event follows.
    pub(crate) superseded: bool,
    /// A connection that was opened, and no event.
    pub(crate) connection: bool,
    /// Where the time stands that it took to open a connection for it.
    pub(crate) opened: Option<u32>,
}

/// A [`Receipt`] with its texts in the batch.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ReceiptItem {
    pub(crate) event: Known,
    pub(crate) recv_ns: u64,
    pub(crate) seq: Option<u64>,
    door: u16,
    pub(crate) redelivered: bool,
    pub(crate) dead_lettered: Option<Span>,
}

impl SampleItem {
    /// Whether it tells when its event left: the first attempt does.
    pub(crate) fn is_first(&self) -> bool {
        self.attempt <= 1
    }
}

impl Batch {
    pub(crate) fn is_full(&self) -> bool {
        self.items.len() >= RECORDS
    }

    /// Whether it holds samples or receipts.
    pub(crate) fn has_events(&self) -> bool {
        !self.sources.0.is_empty()
    }

    pub(crate) fn text(&self, span: Span) -> &str {
        text(&self.text, span)
    }

    /// The texts of these names, by number.
    pub(crate) fn names<'a>(&'a self, names: &'a Names) -> impl Iterator<Item = &'a str> {
        names.0.iter().map(|&span| self.text(span))
    }

    pub(crate) fn source(&self, event: Known) -> &str {
        self.text(self.sources.0[usize::from(event.source)])
    }

    pub(crate) fn id(&self, event: Known) -> &str {
        self.text(event.id)
    }

    /// The connection that was opened for a sample.
    pub(crate) fn opened(&self, sample: &SampleItem) -> Option<Opened> {
        sample.opened.map(|place| self.opened[place as usize])
    }

    pub(crate) fn door(&self, receipt: &ReceiptItem) -> &str {
        self.text(self.doors.0[usize::from(receipt.door)])
    }

    /// Takes a record in; a kind that this version does not know is left out.
    pub(crate) fn push(&mut self, record: Record<'_>, fingerprints: &mut Fingerprints) {
        let item = match record {
            Record::Sample(sample) => Item::Sample(self.sample(&sample, fingerprints)),
            Record::Receipt(receipt) => Item::Receipt(self.receipt(&receipt, fingerprints)),
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
            // Windows are made of records, and none of them.
            Record::Window(_) | Record::Unknown => return,
        };
        if self.items.is_empty() {
            self.items.reserve_exact(RECORDS);
        }
        self.items.push(item);
    }

    fn sample(&mut self, sample: &Sample<'_>, fingerprints: &mut Fingerprints) -> SampleItem {
        self.keyed.samples += u64::from(sample.key.is_some());
        SampleItem {
            event: self.event(&sample.source, &sample.id, sample.key.as_deref(), fingerprints),
            event_type: self.types.number(&mut self.text, &sample.event_type),
            scenario: self.scenarios.number(&mut self.text, &sample.scenario),
            error: sample.error.as_deref().map(|error| keep(&mut self.text, error)),
            due_ns: sample.due_ns,
            lag_ns: sample.lag_ns,
            service_ns: sample.service_ns,
            outcome: sample.outcome,
            code: sample.code,
            attempt: sample.attempt,
            superseded: sample.superseded,
            connection: sample.connection,
            opened: sample.connect_ns.map(|connect_ns| {
                self.opened.push(Opened { connect_ns, tls_ns: sample.tls_ns });
                u32::try_from(self.opened.len() - 1).expect("a batch has few records")
            }),
        }
    }

    fn receipt(&mut self, receipt: &Receipt<'_>, fingerprints: &mut Fingerprints) -> ReceiptItem {
        self.keyed.receipts += u64::from(receipt.key.is_some());
        ReceiptItem {
            event: self.event(&receipt.source, &receipt.id, receipt.key.as_deref(), fingerprints),
            recv_ns: receipt.recv_ns,
            seq: receipt.seq,
            door: self.doors.number(&mut self.text, &receipt.door),
            redelivered: receipt.redelivered,
            dead_lettered: receipt
                .dead_lettered
                .as_deref()
                .map(|reason| keep(&mut self.text, reason)),
        }
    }

    fn event(
        &mut self,
        source: &str,
        id: &str,
        key: Option<&str>,
        fingerprints: &mut Fingerprints,
    ) -> Known {
        Known {
            fingerprint: match key {
                Some(key) => fingerprints.of_key(key),
                None => fingerprints.of(source, id),
            },
            source: self.sources.number(&mut self.text, source),
            id: keep(&mut self.text, id),
        }
    }
}

impl Names {
    fn number(&mut self, texts: &mut String, name: &str) -> u16 {
        let from = self.0.len().saturating_sub(LOOK_BACK);
        let known = self.0[from..].iter().rposition(|&span| text(texts, span) == name);
        let number = known.map_or(self.0.len(), |position| from + position);
        if known.is_none() {
            self.0.push(keep(texts, name));
        }
        u16::try_from(number).expect("a batch has 1024 records")
    }
}

fn text(texts: &str, span: Span) -> &str {
    &texts[span.start as usize..span.end as usize]
}

fn keep(texts: &mut String, text: &str) -> Span {
    let position = |text: &str| {
        u32::try_from(text.len()).expect("1024 lines of at most 1 MiB are below 4 GiB")
    };
    let start = position(texts);
    texts.push_str(text);
    Span { start, end: position(texts) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_keeps_every_text_whatever_the_order() {
        let (mut batch, mut fingerprints) = (Batch::default(), Fingerprints::default());
        // More names than are looked back for, and each of them again and again.
        let source = |number: usize| format!("source {}", number * 7 % (LOOK_BACK + 3));
        for number in 0..200 {
            let receipt = Receipt {
                source: source(number).into(),
                id: number.to_string().into(),
                ..Receipt::default()
            };
            batch.push(Record::Receipt(receipt), &mut fingerprints);
        }
        for (number, item) in batch.items.iter().enumerate() {
            let Item::Receipt(receipt) = item else { panic!("{item:?}") };
            assert_eq!(batch.source(receipt.event), source(number));
            assert_eq!(batch.id(receipt.event), number.to_string());
            let fingerprint = fingerprints.of(&source(number), &number.to_string());
            assert_eq!(receipt.event.fingerprint, fingerprint);
        }
    }

    #[test]
    fn names_that_take_turns_are_kept_once() {
        let (mut names, mut texts) = (Names::default(), String::new());
        let numbers: Vec<u16> =
            ["a", "b", "a", "b", "c"].map(|name| names.number(&mut texts, name)).into();
        assert_eq!((numbers.as_slice(), texts.as_str()), ([0, 1, 0, 1, 2].as_slice(), "abc"));
    }
}
