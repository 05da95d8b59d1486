//! The host that the tests run on.

use crate::stream::Stream;
use crate::sys_watch;

#[test]
fn the_host_has_cpu_memory_and_interfaces() {
    let args = ["--host", "--interval", "100ms", "--duration", "350ms"];
    let run = sys_watch().args(args).run();
    let stream = Stream::read(&run.expect_code(0).stdout);
    let ratios = stream.values("host_cpu_ratio");
    assert!(!ratios.is_empty() && ratios.iter().all(|ratio| (0.0..=1.0).contains(ratio)));
    let memory = stream.values("host_memory_available_bytes");
    assert!(memory.iter().all(|&bytes| bytes > 1_000_000.0), "{memory:?}");
    for name in ["host_network_receive_bytes_total", "host_network_transmit_bytes_total"] {
        let mut gauges = stream.gauges(name).into_iter();
        assert!(gauges.any(|gauge| gauge["labels"]["interface"] == "lo"), "{name}");
    }
}

#[test]
fn looks_keep_to_multiples_of_the_interval_and_end_with_the_duration() {
    let run = sys_watch().args(["--host", "--interval=100ms", "--duration=1050ms"]).run();
    let stream = Stream::read(&run.expect_code(0).stdout);
    let times: Vec<u64> = stream
        .gauges("host_memory_available_bytes")
        .iter()
        .map(|gauge| gauge["at_ns"].as_u64().unwrap())
        .collect();
    // Of those that were missed on a busy machine the tool tells; none is early, none is doubled.
    let looks: Vec<u64> = times.iter().map(|at_ns| at_ns / 100_000_000).collect();
    let last = times.last().unwrap();
    assert!(*last >= 1_050_000_000, "{times:?}");
    let multiples = &looks[..looks.len() - 1];
    assert!(multiples.windows(2).all(|pair| pair[0] < pair[1]), "{times:?}");
    assert_eq!(multiples.len() == 11, run.stderr.is_empty(), "{times:?} {}", run.stderr);
    assert_eq!(stream.end["stopped"], "done");
    assert!(stream.end["elapsed_ns"].as_u64().unwrap() >= 1_050_000_000);
}
