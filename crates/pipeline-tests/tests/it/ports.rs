//! A sender whose machine has no more ports. A network namespace of its own can be given few.

use crate::Stage;

#[test]
fn a_sender_without_ports_is_the_limit_and_its_run_is_invalid() {
    let stage = Stage::new();
    let isolated = |script: &str| format!("unshare -rn bash -euo pipefail -c '{script}'");
    if stage.shell(&isolated("ip link set lo up")).run().code != 0 {
        eprintln!("SKIPPED: this machine lets nobody have a network namespace");
        return;
    }
    let script = r#"
        ip link set lo up
        echo "50000 50019" >/proc/sys/net/ipv4/ip_local_port_range
        ce-sink http --listen 127.0.0.1:8081 --delay 3s >received.ndjson 2>sink.log &
        until grep -q "listening on" sink.log; do sleep 0.05; done
        ce-gen --count 100 |
            ce-blast --to http://127.0.0.1:8081/ --rate 100/s --max-in-flight 100 >sent.ndjson
        kill $! && wait $!"#;
    let run = stage.shell(&isolated(script)).run();
    run.expect_code(0);
    let verdict = "SENDER-LIMITED: this machine could not open 80 connections: 80 for want of ports \
                   (widen net.ipv4.ip_local_port_range); or share the load out with --shard";
    assert!(run.stderr.contains(verdict), "{}", run.stderr);
    stage.shell("lat-collect sent.ndjson received.ndjson --out run").run().expect_code(0);
    let outcomes = stage.json("run/summary.json")["overall"]["outcomes"].clone();
    assert_eq!((&outcomes["ok"], &outcomes["connect_error"]), (&20.into(), &80.into()));
    assert_eq!(stage.json("run/run.json")["generator"]["valid"], false);
}
