//! Events of which one half is missing, as other directories can read them: who merges directories
//! puts the halves together.

use ce_record::run_dir::Ledger as Report;
use ce_record::totals::{Unsettled, UnsettledSample};

use super::event::{Event, Sent, Texts};
use super::is_acked;
use super::report::Account;
use crate::lists::Lost;
use crate::names::Names;

/// The names behind the numbers of events.
#[derive(Debug, Default)]
pub(crate) struct EventNames {
    pub(crate) scenarios: Names,
    pub(crate) types: Names,
    pub(crate) reasons: Names,
}

impl EventNames {
    /// Scenarios, types, and reasons, by number.
    pub(crate) fn all(&self) -> [&[String]; 3] {
        [self.scenarios.all(), self.types.all(), self.reasons.all()]
    }
}

impl Event {
    /// Received, and no sample speaks of it.
    pub(crate) fn is_received_only(&self) -> bool {
        self.sent.is_none()
    }

    /// Its line in the list of lost events.
    pub(crate) fn lost(&self) -> Option<Lost> {
        let (sent, texts) = self.sent.as_ref().zip(self.texts.as_ref())?;
        let (source, id) = (texts.source().to_owned(), texts.id().to_owned());
        self.is_lost().then_some(Lost { due_ns: sent.due_ns, source, id })
    }

    /// Acknowledged, and neither arrived nor dead-lettered.
    pub(crate) fn is_lost(&self) -> bool {
        self.sent.is_some_and(|sent| is_acked(sent.outcome))
            && self.receipts == 0
            && self.dead_lettered.is_none()
    }

    /// A half as it was listed, on a clock that began `shift_ns` earlier.
    pub(crate) fn of_unsettled(half: &Unsettled, names: &mut EventNames, shift_ns: i64) -> Self {
        let sent = half.sent.as_ref().map(|sent| Sent {
            due_ns: sent.due_ns.saturating_add(shift_ns),
            outcome: sent.outcome,
            scenario: names.scenarios.number(&sent.scenario),
            event_type: names.types.number(&sent.event_type),
            warm_up: sent.warm_up,
        });
        Self {
            sent,
            samples: half.samples,
            receipts: half.receipts,
            redelivered: half.redelivered,
            dead_lettered: half.dead_lettered.as_deref().map(|why| names.reasons.number(why)),
            first_receipt_ns: half.first_receipt_ns.map(|ns| ns.saturating_add(shift_ns)),
            texts: half.source.as_deref().zip(half.id.as_deref()).map(|(s, id)| Texts::new(s, id)),
        }
    }

    /// The line that lists it.
    pub(crate) fn unsettled(
        &self,
        fingerprint: u128,
        [scenarios, types, reasons]: [&[String]; 3],
    ) -> Unsettled {
        let sent = self.sent.map(|sent| UnsettledSample {
            due_ns: sent.due_ns,
            outcome: sent.outcome,
            scenario: scenarios[usize::from(sent.scenario)].clone(),
            event_type: types[usize::from(sent.event_type)].clone(),
            warm_up: sent.warm_up,
        });
        Unsettled {
            fingerprint: format!("{fingerprint:032x}"),
            source: self.texts.as_ref().map(|texts| texts.source().to_owned()),
            id: self.texts.as_ref().map(|texts| texts.id().to_owned()),
            sent,
            samples: self.samples,
            receipts: self.receipts,
            redelivered: self.redelivered,
            dead_lettered: self.dead_lettered.map(|why| reasons[usize::from(why)].clone()),
            first_receipt_ns: self.first_receipt_ns,
        }
    }

    /// What the ledger says of this event alone.
    pub(crate) fn report(&self, reasons: &[String]) -> Report {
        let mut account = Account::open(&Report::default(), true);
        account.enter(self);
        account.close(reasons)
    }
}
