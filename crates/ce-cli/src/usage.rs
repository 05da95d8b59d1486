//! What this process has used: part of every `end` record.

/// CPU time and memory of this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// User and system CPU time.
    pub cpu_ns: u64,
    /// Largest resident memory so far.
    pub peak_rss_bytes: u64,
}

/// What this process has used so far; zeros where `/proc` is missing.
pub fn process_usage() -> Usage {
    let cpu = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak_kib = status.lines().find_map(|line| {
        line.strip_prefix("VmHWM:")?.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()
    });
    Usage {
        cpu_ns: u64::try_from(cpu.tv_sec).unwrap_or(0) * 1_000_000_000
            + u64::try_from(cpu.tv_nsec).unwrap_or(0),
        peak_rss_bytes: peak_kib.unwrap_or(0) * 1024,
    }
}
