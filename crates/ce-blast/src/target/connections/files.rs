//! How many files this process may have open: each connection is one.

use anyhow::{Context, bail};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// What the process has open besides: streams, runtimes, libraries.
const OTHERS: u64 = 64;

/// Allows this process so many connections, as far as the machine lets it.
pub(crate) fn allow(connections: u64) -> anyhow::Result<()> {
    let needed = connections.saturating_add(OTHERS);
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current.is_none_or(|current| current >= needed) {
        return Ok(());
    }
    if let Some(most) = maximum.filter(|&most| most < needed) {
        bail!(
            "{connections} connections need {needed} open files, and this machine allows {most}: \
             raise the limit (ulimit -Hn), or spread the load over several senders with --shard"
        );
    }
    let wanted = Rlimit { current: Some(needed), maximum };
    setrlimit(Resource::Nofile, wanted).context("cannot raise the limit of open files")
}
