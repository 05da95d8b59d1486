//! Reads `/proc`. A process may end between two reads, and other users' files may be out of reach:
//! both are ordinary, so what is missing is `None`.

use std::path::{Path, PathBuf};
use std::{fs, io};

use ce_cli::Clock;

use crate::proc::parse::{self, Stat};
use crate::proc::roster::Look;

/// A process that has not ended.
pub(super) fn stat(pid: u32) -> Option<Stat> {
    parse::stat(&text(&folder(pid).join("stat"))?).filter(|stat| !stat.ended)
}

/// Looks at one process. The time is taken just before its CPU time, because the two are divided.
pub(super) fn look(pid: u32, name: String, clock: &Clock) -> Option<Look> {
    let at_ns = clock.now_ns();
    let stat = stat(pid)?;
    let folder = folder(pid);
    Some(Look {
        at_ns,
        pid,
        name,
        start_ticks: stat.start_ticks,
        cpu_ns: stat
            .cpu_ticks
            .saturating_mul(1_000_000_000 / rustix::param::clock_ticks_per_second()),
        threads: stat.threads,
        resident_bytes: text(&folder.join("status")).and_then(|text| parse::resident_bytes(&text)),
        open_fds: fs::read_dir(folder.join("fd")).ok().map(|entries| entries.count() as u64),
        storage_bytes: text(&folder.join("io")).and_then(|text| parse::storage_bytes(&text)),
    })
}

/// The processes that have one of these names, each with the name that it has.
pub(super) fn named(names: &[String]) -> io::Result<Vec<(u32, String)>> {
    let pids =
        fs::read_dir("/proc")?.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    Ok(pids.filter_map(|pid| Some((pid, name_of(pid, names)?))).collect())
}

fn name_of(pid: u32, names: &[String]) -> Option<String> {
    let comm = stat(pid)?.comm;
    let by_comm = names.iter().find(|&name| *name == comm);
    let found = by_comm.or_else(|| {
        let cmdline = text(&folder(pid).join("cmdline"))?;
        names.iter().find(|&name| name == parse::program(&cmdline))
    });
    found.cloned()
}

fn folder(pid: u32) -> PathBuf {
    Path::new("/proc").join(pid.to_string())
}

fn text(path: &Path) -> Option<String> {
    fs::read(path).ok().map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}
