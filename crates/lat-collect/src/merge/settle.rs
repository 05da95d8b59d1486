//! Events that one directory sent and another received. Each knew half of them, and neither could
//! tell what became of them.
//!
//! A directory lists what is unsettled: events that were sent and never received, and receipts of
//! events that it knows no sample of. The halves are put together as the ledger does it, and then the
//! difference is entered: what each directory said of its half goes, what the whole says comes.
//!
//! What is not listed cannot be settled: events that were sent and received in one directory have
//! left only their count. A receipt that finds no half may therefore be the second one of such an
//! event, a duplicate, or belong to nobody. That is for the caller to accept or not.

use std::collections::BTreeMap;

use anyhow::Context;
use ce_record::run_dir::{LAYOUT, Ledger as Report};
use ce_record::totals::Unsettled;
use serde_json::{Map, Value};

use super::check::{Accept, Refusal};
use super::part::Part;
use crate::ledger::{Event, EventNames, Joined};
use crate::lists::{self, Lost};
use crate::smallest::Smallest;

/// What the halves make together.
pub(super) struct Settled {
    pub(super) names: EventNames,
    /// Events that are whole now.
    pub(super) joined: Vec<Joined>,
    /// Events that are still unsettled.
    pub(super) unsettled: Smallest<Unsettled>,
    /// The sum of all ledgers, halves put together.
    pub(super) ledger: Report,
    /// The lost events; `None` where the lists are cut off, and those of the directories stand.
    lost: Option<Smallest<Lost>>,
    pub(super) refusal: Option<Refusal>,
}

/// Joins the unsettled events of all directories.
pub(super) fn settle(parts: &[Part]) -> anyhow::Result<Settled> {
    let mut total = Tally::default();
    for part in parts {
        total.add(&part.ledger, 1)?;
    }
    let mut settled = Settled {
        names: EventNames::default(),
        joined: Vec::new(),
        unsettled: lists::unsettled(),
        ledger: Report::default(),
        lost: None,
        refusal: None,
    };
    let cut_off = parts.iter().find(|part| !part.lists_all_unsettled());
    let receives_only = |part: &&Part| part.unsettled.iter().any(|event| event.sent.is_none());
    match (cut_off, parts.iter().find(receives_only)) {
        (Some(cut_off), Some(receiver)) if parts.len() > 1 => {
            let why = format!(
                "{} received events that it knows no sample of, and {} has more unsettled events than \
                 it lists: collect all streams at once",
                receiver.name(),
                cut_off.name(),
            );
            settled.refusal = Some(Refusal::never(why));
        }
        (Some(_), _) => settled.keep_lists(parts),
        (None, _) => settled.join(parts, &mut total)?,
    }
    let lowest = parts.iter().filter_map(|part| part.ledger.negative_e2e_lowest_ns);
    let joined = settled.joined.iter().map(|joined| joined.e2e_ns).filter(|ns| *ns < 0);
    let lowest = lowest.chain(joined.clone()).min();
    let negative = joined.count() as u64;
    settled.ledger = total.report()?;
    settled.ledger.negative_e2e += negative;
    settled.ledger.negative_e2e_lowest_ns = lowest;
    Ok(settled)
}

impl Settled {
    fn join(&mut self, parts: &[Part], total: &mut Tally) -> anyhow::Result<()> {
        let mut halves: Vec<(i64, &Unsettled)> = Vec::new();
        for part in parts {
            halves.extend(part.unsettled.iter().map(|event| (part.shift_ns, event)));
        }
        // Receipts first, so that the earliest is known when the sample comes.
        halves.sort_by_key(|(_, event)| event.sent.is_some());
        let mut events: BTreeMap<u128, Event> = BTreeMap::new();
        for (shift_ns, half) in halves {
            let event = Event::of_unsettled(half, &mut self.names, shift_ns);
            total.add(&event.report(self.names.reasons.all()), -1)?;
            let fingerprint = u128::from_str_radix(&half.fingerprint, 16);
            let fingerprint = fingerprint
                .with_context(|| format!("`{}` is no fingerprint of an event", half.fingerprint))?;
            self.joined.extend(events.entry(fingerprint).or_default().absorb_named(event));
        }
        let (mut lost, mut strangers) = (lists::lost(), 0_u64);
        for (fingerprint, event) in events {
            total.add(&event.report(self.names.reasons.all()), 1)?;
            strangers += u64::from(event.is_received_only());
            lost.extend(event.lost());
            if !event.is_pair() {
                self.unsettled.push(event.unsettled(fingerprint, self.names.all()));
            }
        }
        self.lost = Some(lost);
        if strangers > 0 && parts.len() > 1 {
            let why = format!(
                "{strangers} events were received that no directory sent; they count as unexpected, \
                 and may be duplicates of events that another directory has settled"
            );
            self.refusal = Some(Refusal::new(Accept::UnknownReceipts, why));
        }
        Ok(())
    }

    /// Nothing was received that another directory sent, so nothing has to be joined.
    fn keep_lists(&mut self, parts: &[Part]) {
        for part in parts {
            let listed = part.unsettled.len() as u64;
            self.unsettled.count_unkept(part.totals.unsettled.saturating_sub(listed));
            self.unsettled.extend(part.unsettled.iter().cloned().map(|mut event| {
                if let Some(sent) = &mut event.sent {
                    sent.due_ns = sent.due_ns.saturating_add(part.shift_ns);
                }
                event
            }));
        }
    }

    /// The lost events; where their halves are not all listed, what the directories name.
    pub(super) fn lost(&mut self, parts: &[Part]) -> anyhow::Result<Smallest<Lost>> {
        if let Some(lost) = self.lost.take() {
            return Ok(lost);
        }
        let mut lost = lists::lost();
        for part in parts {
            lost.extend(lists::read_lost(&part.dir, part.shift_ns)?);
        }
        Ok(lost)
    }
}

const DO_NOT_ADD_UP: &str = "the ledgers of these directories do not add up";

/// A sum of ledgers, field by field.
#[derive(Default)]
struct Tally(Map<String, Value>);

impl Tally {
    fn add(&mut self, report: &Report, sign: i64) -> anyhow::Result<()> {
        if let Value::Object(fields) = serde_json::to_value(report)? {
            add_fields(&mut self.0, fields, sign).context(DO_NOT_ADD_UP)?;
        }
        Ok(())
    }

    fn report(self) -> anyhow::Result<Report> {
        let report: Report =
            serde_json::from_value(Value::Object(self.0)).context(DO_NOT_ADD_UP)?;
        Ok(Report { format: LAYOUT, ..report })
    }
}

/// `None` where a number is beyond what can be added.
fn add_fields(sum: &mut Map<String, Value>, fields: Map<String, Value>, sign: i64) -> Option<()> {
    for (name, value) in fields {
        match value {
            Value::Object(inner) => {
                let known = sum.entry(name).or_insert_with(|| Map::new().into());
                if let Value::Object(known) = known {
                    add_fields(known, inner, sign)?;
                }
            }
            Value::Bool(value) => {
                let known = sum.get(&name) == Some(&Value::Bool(true));
                sum.insert(name, (known || value).into());
            }
            Value::Number(value) => {
                let known = sum.get(&name).map_or(Some(0), Value::as_i64)?;
                let total = known.checked_add(value.as_i64()?.checked_mul(sign)?)?;
                sum.insert(name, total.into());
            }
            // What is no number has to be decided by whoever knows its meaning.
            _ => {}
        }
    }
    Some(())
}
