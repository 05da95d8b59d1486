//! How many files this process may have open: each connection is one.

use anyhow::bail;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// What the process has open besides: streams, runtimes, libraries.
const OTHERS: u64 = 64;

/// Allows this process as many as the machine lets it have, and makes sure that they are enough for so
/// many connections that are to be held. Events in flight need some, too; how many, nobody knows.
pub(crate) fn allow(connections: u64) -> anyhow::Result<()> {
    let needed = connections.saturating_add(OTHERS);
    let limit = getrlimit(Resource::Nofile);
    // Not every system that sets no limit takes that for an answer.
    let wanted = [limit.maximum, Some(needed)].map(|current| Rlimit { current, ..limit });
    let _ = wanted.into_iter().any(|wanted| setrlimit(Resource::Nofile, wanted).is_ok());
    let allowed = getrlimit(Resource::Nofile).current;
    if connections > 0
        && let Some(most) = allowed.filter(|&most| most < needed)
    {
        bail!(
            "{connections} connections need {needed} open files, and this machine allows {most}: \
             raise the limit (ulimit -Hn), or spread the load over several senders with --shard"
        );
    }
    Ok(())
}
