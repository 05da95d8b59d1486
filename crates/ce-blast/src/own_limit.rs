//! What this machine may have no more of. A connection that it could not open for that reason says
//! nothing about the target.

use std::fmt::Write;
use std::io;

use rustix::io::Errno;

/// What it takes to open a connection, and was not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OwnLimit {
    /// This process has as many files open as it may.
    Files,
    /// All processes together have.
    SystemFiles,
    /// Every port from here to this address is taken.
    Ports,
    /// The kernel has no memory for a socket.
    Memory,
}

impl OwnLimit {
    const ALL: [Self; 4] = [Self::Files, Self::SystemFiles, Self::Ports, Self::Memory];

    /// The limit that an error is about, if it is about one.
    pub(crate) fn of(err: &io::Error) -> Option<Self> {
        match Errno::from_raw_os_error(err.raw_os_error()?) {
            Errno::MFILE => Some(Self::Files),
            Errno::NFILE => Some(Self::SystemFiles),
            Errno::ADDRNOTAVAIL => Some(Self::Ports),
            Errno::NOBUFS | Errno::NOMEM => Some(Self::Memory),
            _ => None,
        }
    }

    fn what(self) -> &'static str {
        match self {
            Self::Files => "open files",
            Self::SystemFiles => "open files in the whole system",
            Self::Ports => "ports",
            Self::Memory => "memory",
        }
    }

    /// What to do about it.
    pub(crate) fn remedy(self) -> &'static str {
        match self {
            Self::Files => "raise ulimit -n",
            Self::SystemFiles => "raise fs.file-max",
            Self::Ports => "widen net.ipv4.ip_local_port_range",
            Self::Memory => "free some",
        }
    }
}

/// How often each limit kept a connection from being opened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct OwnLimits([u64; OwnLimit::ALL.len()]);

impl OwnLimits {
    /// A connection was not opened.
    pub(crate) fn count(&mut self, limit: OwnLimit) {
        self.0[limit as usize] += 1;
    }

    pub(crate) fn add(&mut self, other: &Self) {
        for (count, more) in self.0.iter_mut().zip(other.0) {
            *count += more;
        }
    }

    /// Connections that were not opened, for whichever limit.
    pub(crate) fn sum(&self) -> u64 {
        self.0.iter().sum()
    }
}

/// In words: how many, for want of what, and what to do about it.
impl std::fmt::Display for OwnLimits {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "this machine could not open {} connections", self.sum())?;
        let mut before = ':';
        for limit in OwnLimit::ALL {
            let count = self.0[limit as usize];
            if count > 0 {
                f.write_char(before)?;
                write!(f, " {count} for want of {} ({})", limit.what(), limit.remedy())?;
                before = ',';
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use ce_record::Outcome;

    use super::*;
    use crate::job::Answer;

    #[test]
    fn each_cause_is_told_from_the_others_with_its_own_remedy() {
        let check = |errno: Errno, limit, remedy: &str| {
            let answer = Answer::refused(&errno.into());
            let error = answer.error.unwrap();
            assert_eq!((answer.outcome, answer.own_limit), (Outcome::ConnectError, limit));
            assert_eq!(error.starts_with("this machine is the limit: "), limit.is_some());
            assert!(error.ends_with(remedy), "{error}");
        };
        check(Errno::MFILE, Some(OwnLimit::Files), "; raise ulimit -n");
        check(Errno::NFILE, Some(OwnLimit::SystemFiles), "; raise fs.file-max");
        let ports = "; widen net.ipv4.ip_local_port_range";
        check(Errno::ADDRNOTAVAIL, Some(OwnLimit::Ports), ports);
        check(Errno::NOBUFS, Some(OwnLimit::Memory), "; free some");
        check(Errno::NOMEM, Some(OwnLimit::Memory), "; free some");
        check(Errno::CONNREFUSED, None, "Connection refused (os error 111)");
        check(Errno::TIMEDOUT, None, "(os error 110)");
        let ours = io::Error::other("too many open files, says the peer");
        assert_eq!(Answer::refused(&ours).own_limit, None);
    }

    #[test]
    fn counts_add_up_and_name_only_what_struck() {
        let mut limits = OwnLimits::default();
        limits.count(OwnLimit::Files);
        let mut more = OwnLimits::default();
        more.count(OwnLimit::Ports);
        more.count(OwnLimit::Files);
        limits.add(&more);
        assert_eq!(
            limits.to_string(),
            "this machine could not open 3 connections: 2 for want of open files (raise ulimit -n), \
             1 for want of ports (widen net.ipv4.ip_local_port_range)"
        );
    }
}
