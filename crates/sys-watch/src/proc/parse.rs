//! The texts in `/proc/PID`: text in, values out.

/// What `/proc/PID/stat` tells of a process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stat {
    /// The name of the program, at most 15 bytes of it.
    pub(super) comm: String,
    /// It has ended, and only its parent has not asked yet how.
    pub(super) ended: bool,
    /// User and system CPU time, in clock ticks.
    pub(super) cpu_ticks: u64,
    /// How many threads it has.
    pub(super) threads: u64,
    /// When it started, in clock ticks since the boot. Tells it from others of the same pid.
    pub(super) start_ticks: u64,
}

/// Reads `/proc/PID/stat`. The name is in brackets and may hold brackets and blanks itself, so its
/// end is the last bracket of the line.
pub(super) fn stat(text: &str) -> Option<Stat> {
    let (_, rest) = text.split_once('(')?;
    let (comm, rest) = rest.rsplit_once(')')?;
    // The manual counts fields from one, and the one after the name is the third.
    let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
    let field = |number: usize| fields.get(number - 3).copied();
    let number = |index: usize| field(index)?.parse::<u64>().ok();
    Some(Stat {
        comm: comm.to_owned(),
        ended: matches!(field(3)?, "Z" | "X" | "x"),
        cpu_ticks: number(14)? + number(15)?,
        threads: number(20)?,
        start_ticks: number(22)?,
    })
}

/// Resident memory in bytes, from `/proc/PID/status`. Threads of the kernel have none.
pub(super) fn resident_bytes(status: &str) -> Option<u64> {
    let kib = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    kib.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

/// Bytes read from and written to storage, from `/proc/PID/io`.
pub(super) fn storage_bytes(io: &str) -> Option<(u64, u64)> {
    let number = |name: &str| {
        io.lines().find_map(|line| line.strip_prefix(name))?.trim().parse::<u64>().ok()
    };
    Some((number("read_bytes:")?, number("write_bytes:")?))
}

/// The last path segment of the first argument, from `/proc/PID/cmdline`.
pub(super) fn program(cmdline: &str) -> &str {
    let first = cmdline.split('\0').next().unwrap_or_default();
    first.rsplit('/').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(comm: &str, state: char) -> String {
        format!(
            "4711 ({comm}) {state} 1 4711 4711 0 -1 4194560 1903 0 12 0 250 50 0 0 20 0 7 0 8812345 \
             230912000 5321 18446744073709551615 1 1 0 0 0 0 0 4096 81923 0 0 0 17 1 0 0 0 0 0\n"
        )
    }

    #[test]
    fn a_stat_line_is_read() {
        let expected = Stat {
            comm: "beam.smp".into(),
            ended: false,
            cpu_ticks: 300,
            threads: 7,
            start_ticks: 8_812_345,
        };
        assert_eq!(stat(&line("beam.smp", 'S')), Some(expected));
    }

    #[test]
    fn names_may_hold_anything() {
        for name in ["tmux: server", "a) S 1 (b", "", ")("] {
            let stat = stat(&line(name, 'R')).unwrap();
            assert_eq!((stat.comm.as_str(), stat.threads), (name, 7));
        }
    }

    #[test]
    fn a_zombie_has_ended() {
        for (state, ended) in [('R', false), ('D', false), ('T', false), ('Z', true), ('X', true)] {
            assert_eq!(stat(&line("sh", state)).unwrap().ended, ended, "{state}");
        }
    }

    #[test]
    fn other_text_is_no_stat_line() {
        for text in ["", "1 (x", "1 (x) S", "1 x S 1 2 3", "1 (x) S 1 1 1 0 -1 a b c d e f g h i"] {
            assert_eq!(stat(text), None, "{text}");
        }
    }

    #[test]
    fn resident_memory_is_in_bytes() {
        let status = "Name:\tsh\nVmHWM:\t    1800 kB\nVmRSS:\t    1732 kB\nThreads:\t1\n";
        assert_eq!(resident_bytes(status), Some(1732 * 1024));
        for wrong in ["", "Name:\tkthreadd\nThreads:\t1\n", "VmRSS:\t kB\n", "VmRSS:\t17 MB\n"] {
            assert_eq!(resident_bytes(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn storage_is_told_from_other_reads() {
        let io = "rchar: 9000\nwchar: 8000\nsyscr: 7\nsyscw: 6\nread_bytes: 4096\n\
                  write_bytes: 512\ncancelled_write_bytes: 0\n";
        assert_eq!(storage_bytes(io), Some((4096, 512)));
        assert_eq!(storage_bytes("rchar: 1\n"), None);
    }

    #[test]
    fn a_program_is_called_by_the_end_of_its_path() {
        for (cmdline, name) in [
            ("/usr/bin/sleep\x0060\0", "sleep"),
            ("sleep\x0060\0", "sleep"),
            ("nginx: master process", "nginx: master process"),
            ("", ""),
        ] {
            assert_eq!(program(cmdline), name);
        }
    }
}
