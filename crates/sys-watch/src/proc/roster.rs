//! Who is there: compares the processes of a look with those of the look before.

use std::collections::BTreeMap;

use ce_record::Record;

use crate::record::{float, gauge, mark};

/// One process as one look saw it.
#[derive(Debug, Clone)]
pub(super) struct Look {
    pub(super) at_ns: u64,
    pub(super) pid: u32,
    /// The name that it is watched under.
    pub(super) name: String,
    /// When it started; another value means another process of the same pid.
    pub(super) start_ticks: u64,
    /// User and system CPU time since its start.
    pub(super) cpu_ns: u64,
    pub(super) threads: u64,
    pub(super) resident_bytes: Option<u64>,
    pub(super) open_fds: Option<u64>,
    /// Read from and written to storage since its start.
    pub(super) storage_bytes: Option<(u64, u64)>,
}

/// The processes that are there, as far as is known.
#[derive(Debug, Default)]
pub(super) struct Roster {
    known: BTreeMap<u32, Member>,
}

#[derive(Debug)]
struct Member {
    name: String,
    start_ticks: u64,
    /// When it was last looked at, and its CPU time then.
    last: Option<(u64, u64)>,
}

impl Roster {
    /// Notes a process that is there before the first look: it has not "started" at that, but it
    /// may have ended.
    pub(super) fn expect(&mut self, pid: u32, start_ticks: u64, name: &str) {
        self.known.insert(pid, Member { name: name.to_owned(), start_ticks, last: None });
    }

    /// Whether a process of this pid is there, as far as is known.
    pub(super) fn knows(&self, pid: u32) -> bool {
        self.known.contains_key(&pid)
    }

    /// The processes that are there, by pid, with their names.
    pub(super) fn members(&self) -> BTreeMap<u32, String> {
        self.known.iter().map(|(&pid, member)| (pid, member.name.clone())).collect()
    }

    /// Takes over what a look saw; returns what that means: who ended, who is new, and gauges.
    pub(super) fn update(&mut self, at_ns: u64, looks: Vec<Look>) -> Vec<Record<'static>> {
        let mut records = self.take_out_ended(at_ns, &looks);
        for look in looks {
            let pid = look.pid.to_string();
            let labels = [("name", look.name.as_str()), ("pid", pid.as_str())];
            let member = self.known.entry(look.pid).or_insert_with(|| {
                records.push(mark(look.at_ns, "process_started", &look.name, &labels[1..]));
                Member { name: look.name.clone(), start_ticks: look.start_ticks, last: None }
            });
            let ratio = member.last.and_then(|last| cpu_ratio(last, &look));
            member.last = Some((look.at_ns, look.cpu_ns));
            let values = ratio.map(|ratio| ("process_cpu_ratio", ratio)).into_iter();
            for (name, value) in values.chain(counts(&look)) {
                records.push(gauge(look.at_ns, name, &labels, value));
            }
        }
        records
    }

    fn take_out_ended(&mut self, at_ns: u64, looks: &[Look]) -> Vec<Record<'static>> {
        let lives = |pid: u32, start_ticks: u64| {
            looks.iter().any(|look| look.pid == pid && look.start_ticks == start_ticks)
        };
        self.known
            .extract_if(.., |&pid, member| !lives(pid, member.start_ticks))
            .map(|(pid, member)| {
                mark(at_ns, "process_ended", &member.name, &[("pid", &pid.to_string())])
            })
            .collect()
    }
}

/// CPU time used since the last look, per wall time: 1 is one core.
fn cpu_ratio((last_at_ns, last_cpu_ns): (u64, u64), look: &Look) -> Option<f64> {
    let wall_ns = look.at_ns.checked_sub(last_at_ns).filter(|&ns| ns > 0)?;
    Some(float(look.cpu_ns.checked_sub(last_cpu_ns)?) / float(wall_ns))
}

/// Everything that one look alone can tell.
fn counts(look: &Look) -> impl Iterator<Item = (&'static str, f64)> {
    let (read, written) = look.storage_bytes.unzip();
    [
        ("process_resident_memory_bytes", look.resident_bytes),
        ("process_open_fds", look.open_fds),
        ("process_threads", Some(look.threads)),
        ("process_read_bytes_total", read),
        ("process_write_bytes_total", written),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some((name, float(value?))))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    fn look(pid: u32, start_ticks: u64, at_ms: u64, cpu_ms: u64) -> Look {
        Look {
            at_ns: at_ms * MS,
            pid,
            name: "app".into(),
            start_ticks,
            cpu_ns: cpu_ms * MS,
            threads: 3,
            resident_bytes: Some(4096),
            open_fds: Some(9),
            storage_bytes: Some((10, 20)),
        }
    }

    /// A roster that expects the process 7.
    fn roster() -> Roster {
        let mut roster = Roster::default();
        roster.expect(7, 1, "app");
        roster
    }

    /// Marks as `what pid`, CPU ratios as numbers; the other gauges are left out.
    fn told(records: &[Record<'_>]) -> Vec<String> {
        let tell = |record: &Record<'_>| match record {
            Record::Mark(mark) => Some(format!("{} {}", mark.what, mark.labels["pid"])),
            Record::Gauge(gauge) if gauge.name == "process_cpu_ratio" => {
                Some(format!("{} {}", gauge.labels["pid"], gauge.value))
            }
            _ => None,
        };
        records.iter().filter_map(tell).collect()
    }

    #[test]
    fn the_first_look_has_counts_and_no_ratio() {
        let records = roster().update(0, vec![look(7, 1, 0, 500)]);
        let values: Vec<(&str, f64)> = records
            .iter()
            .map(|record| match record {
                Record::Gauge(gauge) => (gauge.name.as_ref(), gauge.value),
                other => panic!("{other:?}"),
            })
            .collect();
        let expected = [
            ("process_resident_memory_bytes", 4096.0),
            ("process_open_fds", 9.0),
            ("process_threads", 3.0),
            ("process_read_bytes_total", 10.0),
            ("process_write_bytes_total", 20.0),
        ];
        assert_eq!(values, expected);
    }

    #[test]
    fn what_cannot_be_read_is_left_out() {
        let mute =
            Look { resident_bytes: None, open_fds: None, storage_bytes: None, ..look(7, 1, 0, 0) };
        assert_eq!(roster().update(0, vec![mute]).len(), 1);
    }

    #[test]
    fn cpu_time_is_divided_by_the_time_that_passed() {
        let mut roster = roster();
        roster.update(0, vec![look(7, 1, 0, 500)]);
        assert_eq!(told(&roster.update(0, vec![look(7, 1, 1000, 750)])), ["7 0.25"]);
        assert_eq!(told(&roster.update(0, vec![look(7, 1, 1500, 1750)])), ["7 2"]);
        assert_eq!(told(&roster.update(0, vec![look(7, 1, 1500, 1750)])), [""; 0]);
    }

    #[test]
    fn starts_and_ends_are_marks() {
        let mut roster = roster();
        assert_eq!(told(&roster.update(0, vec![look(7, 1, 0, 0)])), [""; 0]);
        let both = vec![look(7, 1, 10, 0), look(8, 5, 10, 0)];
        assert_eq!(told(&roster.update(0, both)), ["7 0", "process_started 8"]);
        let ended = roster.update(20 * MS, vec![look(8, 5, 20, 0)]);
        assert_eq!(told(&ended), ["process_ended 7", "8 0"]);
        assert_eq!(told(&roster.update(0, vec![])), ["process_ended 8"]);
    }

    #[test]
    fn a_pid_that_is_used_again_is_another_process() {
        let mut roster = roster();
        roster.update(0, vec![look(7, 1, 0, 500)]);
        let records = roster.update(0, vec![look(7, 2, 1000, 600)]);
        assert_eq!(told(&records), ["process_ended 7", "process_started 7"]);
    }

    #[test]
    fn an_expected_process_that_never_showed_up_has_ended() {
        let mut roster = roster();
        assert_eq!(told(&roster.update(0, vec![])), ["process_ended 7"]);
    }
}
