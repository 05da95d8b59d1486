//! The texts in `/proc` about the host: text in, values out.

use crate::record::float;

/// CPU time of all cores since the boot, in clock ticks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct CpuTime {
    busy: u64,
    total: u64,
}

impl CpuTime {
    /// The busy part of the time since `last`: 1 is all cores. Iowait may run backwards, and then
    /// there is nothing to tell.
    pub(super) fn busy_since(self, last: Self) -> Option<f64> {
        let total = self.total.checked_sub(last.total).filter(|&ticks| ticks > 0)?;
        Some(float(self.busy.checked_sub(last.busy)?.min(total)) / float(total))
    }
}

/// Reads `/proc/stat`. Waiting for disks is idle; time that a hypervisor gave to others is busy,
/// because it is not to be had. Guests are left out: the kernel counts them as user time as well.
pub(super) fn cpu_time(stat: &str) -> Option<CpuTime> {
    let line = stat.lines().find_map(|line| line.strip_prefix("cpu "))?;
    let fields = line.split_ascii_whitespace().take(8).map(|field| field.parse::<u64>().ok());
    let ticks: Vec<u64> = fields.collect::<Option<_>>()?;
    let [user, nice, system, idle, iowait, irq, softirq, steal] = ticks[..] else { return None };
    let busy = user + nice + system + irq + softirq + steal;
    Some(CpuTime { busy, total: busy + idle + iowait })
}

/// Memory that new work could have without swapping, from `/proc/meminfo`.
pub(super) fn available_bytes(meminfo: &str) -> Option<u64> {
    let kib = meminfo.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    kib.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

/// A network interface and its counters since it came up.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Interface<'a> {
    pub(super) name: &'a str,
    pub(super) received_bytes: u64,
    pub(super) transmitted_bytes: u64,
}

/// Reads `/proc/net/dev`; its two lines of headings have no colon.
pub(super) fn interfaces(text: &str) -> Vec<Interface<'_>> {
    text.lines().filter_map(interface).collect()
}

fn interface(line: &str) -> Option<Interface<'_>> {
    // A name may hold a colon, a number cannot.
    let (name, counters) = line.rsplit_once(':')?;
    let mut counters = counters.split_ascii_whitespace();
    let received_bytes = counters.next()?.parse().ok()?;
    // Seven further counters of receiving come before the first of transmitting.
    let transmitted_bytes = counters.nth(7)?.parse().ok()?;
    Some(Interface { name: name.trim(), received_bytes, transmitted_bytes })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn busy_is_everything_but_idle_and_iowait() {
        let stat = "cpu  100 20 30 800 40 5 6 7 50 0\ncpu0 1 1 1 1 1 1 1 1 0 0\nintr 5\n";
        assert_eq!(cpu_time(stat), Some(CpuTime { busy: 168, total: 1008 }));
        for wrong in ["", "cpu0 1 2 3 4 5 6 7 8\n", "cpu  1 2 3\n", "cpu  1 2 3 x 5 6 7 8\n"] {
            assert_eq!(cpu_time(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn the_ratio_is_of_all_cores() {
        let at = |busy, total| CpuTime { busy, total };
        assert_eq!(at(150, 400).busy_since(at(100, 200)), Some(0.25));
        assert_eq!(at(300, 400).busy_since(at(100, 200)), Some(1.0));
        assert_eq!(at(100, 200).busy_since(at(100, 200)), None);
        assert_eq!(at(100, 199).busy_since(at(100, 200)), None);
    }

    #[test]
    fn available_memory_is_in_bytes() {
        let meminfo = "MemTotal:  24684084 kB\nMemFree:  19317276 kB\nMemAvailable:  2000 kB\n";
        assert_eq!(available_bytes(meminfo), Some(2_048_000));
        assert_eq!(available_bytes("MemTotal: 1 kB\n"), None);
    }

    #[test]
    fn every_interface_has_two_counters() {
        let text = "\
Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop
    lo: 145109 4431 0 0 0 0 0 0 145110 4431 0 0 0 0 0 0
eth0:501151814 18478 0 0 0 0 0 0 1167165 11094 0 0 0 0 0 0
 eth0:1: 1 0 0 0 0 0 0 0 2 0 0 0 0 0 0 0
 short: 1 2 3
";
        let interface = |name, received_bytes, transmitted_bytes| Interface {
            name,
            received_bytes,
            transmitted_bytes,
        };
        let expected = [
            interface("lo", 145_109, 145_110),
            interface("eth0", 501_151_814, 1_167_165),
            interface("eth0:1", 1, 2),
        ];
        assert_eq!(interfaces(text), expected);
    }
}
