//! The processes to watch: found anew at each look, compared with the look before.

mod parse;
mod read;
mod roster;

use std::collections::BTreeMap;

use anyhow::{Context, bail};
use ce_cli::{Clock, say};
use ce_record::Record;

use crate::TOOL;
use crate::plan::Target;
use crate::proc::roster::Roster;

/// A name that fits more processes than this is a slip; the first ones are watched.
const LIMIT: usize = 256;

/// All processes that were asked for.
#[derive(Debug)]
pub(crate) struct Processes {
    pids: Vec<ByPid>,
    names: Vec<String>,
    roster: Roster,
    left_out: usize,
}

/// One process that was named by its pid, whatever else may get that number later.
#[derive(Debug)]
struct ByPid {
    pid: u32,
    start_ticks: u64,
    name: String,
}

impl Processes {
    /// Looks for what was named. A pid must exist; a name may come later.
    pub(crate) fn open(targets: &[Target]) -> anyhow::Result<Self> {
        let mut this =
            Self { pids: Vec::new(), names: Vec::new(), roster: Roster::default(), left_out: 0 };
        for target in targets {
            match target {
                Target::Pid(pid) => this.pids.push(ByPid::open(*pid)?),
                Target::Name(name) => this.names.push(name.clone()),
            }
        }
        if this.pids.len() > LIMIT {
            bail!("{} processes are too many: name at most {LIMIT}", this.pids.len());
        }
        let found = this.find().context("/proc: cannot list processes; --proc needs Linux")?;
        for (pid, name) in this.admit(found) {
            if let Some(stat) = read::stat(pid) {
                this.roster.expect(pid, stat.start_ticks, &name);
            }
        }
        let found = read::named(&this.names).context("/proc: cannot list processes")?;
        for name in this.names.iter().filter(|&name| found.iter().all(|(_, found)| found != name)) {
            say(TOOL, &format!("no process is called {name} yet: waiting for it"));
        }
        Ok(this)
    }

    /// Whether there is nothing left to wait for.
    pub(crate) fn all_ended(&self) -> bool {
        self.names.is_empty() && self.pids.is_empty()
    }

    /// Looks at every process once.
    pub(crate) fn look(&mut self, clock: &Clock) -> Vec<Record<'static>> {
        self.pids.retain(ByPid::runs);
        // A list that cannot be read for once, say, for want of a file descriptor, is no news.
        let found = self.find().unwrap_or_else(|_| self.roster.members());
        let admitted = self.admit(found);
        let looks =
            admitted.into_iter().filter_map(|(pid, name)| read::look(pid, name, clock)).collect();
        self.roster.update(clock.now_ns(), looks)
    }

    /// The processes that are wanted, by pid, with the name that they are watched under.
    fn find(&self) -> std::io::Result<BTreeMap<u32, String>> {
        let mut found: BTreeMap<u32, String> =
            self.pids.iter().map(|watched| (watched.pid, watched.name.clone())).collect();
        if !self.names.is_empty() {
            for (pid, name) in read::named(&self.names)? {
                found.entry(pid).or_insert(name);
            }
        }
        Ok(found)
    }

    /// Leaves out newcomers for which there is no room, and says so once.
    fn admit(&mut self, mut found: BTreeMap<u32, String>) -> BTreeMap<u32, String> {
        let known = found.keys().filter(|&&pid| self.roster.knows(pid)).count();
        let mut room = LIMIT.saturating_sub(known);
        let all = found.len();
        found.retain(|&pid, _| {
            let admitted = self.roster.knows(pid) || room > 0;
            room -= usize::from(admitted && !self.roster.knows(pid));
            admitted
        });
        let left_out = all - found.len();
        if left_out > 0 && self.left_out == 0 {
            say(TOOL, &format!("{all} processes have the names given: {LIMIT} are watched"));
        }
        self.left_out = left_out;
        found
    }
}

impl ByPid {
    fn open(pid: u32) -> anyhow::Result<Self> {
        let Some(stat) = read::stat(pid) else {
            bail!("--proc {pid}: no such process; name the program to wait for it");
        };
        Ok(Self { pid, start_ticks: stat.start_ticks, name: stat.comm })
    }

    fn runs(&self) -> bool {
        read::stat(self.pid).is_some_and(|stat| stat.start_ticks == self.start_ticks)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_of_too_many_processes_keeps_those_that_are_known() {
        let mut processes = Processes::open(&[]).unwrap();
        let all = |pids: std::ops::Range<u32>| pids.map(|pid| (pid, "app".into())).collect();
        let first = processes.admit(all(1000..1256));
        assert_eq!(first.len(), LIMIT);
        for (pid, name) in &first {
            processes.roster.expect(*pid, 1, name);
        }
        assert_eq!(processes.admit(all(0..2000)), first);
    }
}
