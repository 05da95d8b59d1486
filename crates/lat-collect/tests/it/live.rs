//! The run while it goes on, and what is left of it at the end: in a terminal and over HTTP.

use std::fs::{self, File};
use std::io::Write;
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;

use ce_testkit::{Running, Tool};

use crate::http::{address, ask, get};
use crate::{Folder, json, lat_collect, received, sent};

/// Starts to collect `a` and `b` and to serve.
fn serving(a: &Path, b: &Path, out: &Path) -> Running {
    lat_collect()
        .args([a, b])
        .arg("--out")
        .arg(out)
        .args(["--serve", "127.0.0.1:0", "--linger", "100s"])
        .spawn()
}

/// The value of a line of an exposition.
fn value<'a>(metrics: &'a str, series: &str) -> &'a str {
    let line = metrics.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("{series} is not in\n{metrics}"))
}

#[test]
fn the_last_snapshot_is_what_the_directory_says() {
    let folder = Folder::new();
    let out = folder.path("run");
    let (a, b) = (folder.write("sent", sent(500)), folder.write("received", received(497)));
    let mut running = serving(&a, &b, &out);
    let address = address(&running);
    running.wait_for("500 planned");
    let snapshot = get(&address, "/snapshot.json").json();
    let (summary, ledger) = (json(&out, "summary.json"), json(&out, "ledger.json"));
    assert_eq!(snapshot["done"], true);
    assert_eq!(snapshot["overall"], summary["overall"]);
    assert_eq!(snapshot["scenarios"], summary["scenarios"]);
    assert_eq!(snapshot["ledger"]["account"], ledger);
    assert_eq!(snapshot["ledger"]["received"], ledger["received"]);
    assert_eq!(snapshot["generator"], json(&out, "run.json")["generator"]);

    let metrics = get(&address, "/metrics").body;
    let figure =
        |name: &str, labels: &str| value(&metrics, &format!("{name}{{run=\"run\"{labels}}}"));
    let scenario = ",scenario=\"default\"";
    assert_eq!(figure("ce_events_total", &format!("{scenario},outcome=\"ok\"")), "500");
    assert_eq!(figure("ce_events_sent_total", scenario), "500");
    assert_eq!(figure("ce_events_received_total", scenario), "497");
    assert_eq!(figure("ce_ledger_events", ",outcome=\"lost\""), "3");
    assert_eq!(figure("ce_run_done", ""), "1");
    // Each event takes 1.01 ms.
    for (limit, count) in [("0.001", "0"), ("0.0025", "500"), ("60.0", "500"), ("+Inf", "500")] {
        let labels = format!("{scenario},le=\"{limit}\"");
        assert_eq!(figure("ce_latency_seconds_bucket", &labels), count, "{limit}");
    }
    let sum: f64 = figure("ce_latency_seconds_sum", scenario).parse().unwrap();
    assert!((sum - 0.505).abs() < 1e-9, "{sum}");
    assert_eq!(running.stop(), 0);
}

#[test]
fn metrics_come_in_the_format_that_was_asked_for() {
    let folder = Folder::new();
    let (a, b) = (folder.write("sent", sent(5)), folder.write("received", received(5)));
    let running = serving(&a, &b, &folder.path("run"));
    let address = address(&running);
    running.wait_for("5 planned");
    let head = format!("GET /metrics HTTP/1.1\r\nHost: {address}\r\n");
    let accept = "Accept: application/openmetrics-text;version=1.0.0,text/plain;q=0.5\r\n";
    let open = ask(&address, &format!("{head}{accept}"));
    assert!(open.head.contains("application/openmetrics-text; version=1.0.0"), "{}", open.head);
    assert!(open.body.contains("# TYPE ce_events counter\n"), "{}", open.body);
    assert!(open.body.ends_with("\n# EOF\n"));
    let plain = ask(&address, &head);
    assert!(plain.head.contains("text/plain; version=0.0.4"), "{}", plain.head);
    assert!(plain.body.contains("# TYPE ce_events_total counter\n"), "{}", plain.body);
}

#[test]
fn what_is_served_stays_on_this_machine_and_is_read_only() {
    let folder = Folder::new();
    let out = folder.path("run");
    let refused =
        lat_collect().stdin(sent(5)).arg("--out").arg(&out).args(["--serve", "0.0.0.0:0"]).run();
    refused.expect_code(2);
    assert!(refused.stderr.contains("give --serve-remote if they may"), "{}", refused.stderr);
    assert!(!out.exists() && !folder.path("run.partial").exists());

    let (a, b) = (folder.write("sent", sent(5)), folder.write("received", received(5)));
    let running = serving(&a, &b, &out);
    let address = address(&running);
    for (head, status) in [
        (format!("GET / HTTP/1.1\r\nHost: {address}\r\n"), 200),
        ("GET / HTTP/1.1\r\nHost: localhost:1\r\n".to_owned(), 200),
        ("GET / HTTP/1.1\r\nHost: rebound.example\r\n".to_owned(), 403),
        ("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n".to_owned(), 405),
        ("GET /../etc/passwd HTTP/1.1\r\nHost: localhost\r\n".to_owned(), 404),
        (format!("GET / HTTP/1.1\r\nHost: localhost\r\nA: {}\r\n", "a".repeat(20_000)), 431),
    ] {
        let answer = ask(&address, &head);
        assert_eq!(answer.status, status, "{:.60}: {}", head, answer.head);
    }
    let policy = get(&address, "/").head;
    assert!(policy.contains("default-src 'none'") && policy.contains("connect-src 'self'"));
}

#[test]
fn pages_that_do_not_read_slow_nobody() {
    let folder = Folder::new();
    let (a, b) = (folder.path("a"), folder.write("b", received(20_000)));
    assert!(Command::new("mkfifo").arg(&a).status().unwrap().success());
    let mut running = serving(&a, &b, &folder.path("run"));
    let address = address(&running);
    let readers: Vec<TcpStream> = (0..50)
        .map(|_| {
            let mut socket = TcpStream::connect(&address).unwrap();
            write!(socket, "GET /events HTTP/1.1\r\nHost: {address}\r\n\r\n").unwrap();
            socket
        })
        .collect();
    File::options().write(true).open(&a).unwrap().write_all(sent(20_000).as_bytes()).unwrap();
    running.wait_for("20000 planned");
    assert!(get(&address, "/metrics").body.ends_with("# EOF\n"));
    drop(readers);
    assert_eq!(running.stop(), 0);
}

#[test]
fn a_terminal_shows_the_run_and_is_left_as_it_was() {
    let folder = Folder::new();
    let (a, b) = (folder.write("sent", sent(500)), folder.write("received", received(499)));
    for (columns, colour) in [(80, true), (80, false), (30, true)] {
        let out = folder.path(&format!("run-{columns}-{colour}"));
        let script = format!(
            "stty cols {columns} rows 24; exec {} {} {} --out {} --live",
            env!("CARGO_BIN_EXE_lat-collect"),
            a.display(),
            b.display(),
            out.display()
        );
        let no_colour = if colour { "" } else { "1" };
        let shown = Tool::new("script")
            .args(["-qec", &script, "/dev/null"])
            .env("TERM", "xterm-256color")
            .env("NO_COLOR", no_colour)
            .run();
        shown.expect_code(0);
        let text = &shown.stdout;
        assert!(text.contains("\x1b[K\r"), "{text:?}");
        // Neither the alternate screen nor a hidden cursor, so nothing to put back.
        assert!(!text.contains("\x1b[?"), "{text:?}");
        assert_eq!(text.contains("\x1b[32m"), colour, "{text:?}");
        let expected = if columns == 80 { "499 delivered, " } else { "499 deliv" };
        assert!(text.contains(expected), "{text}");
        assert!(fs::exists(out.join("summary.json")).unwrap());
    }
}

/// Takes ten seconds, because that is what is promised.
#[test]
fn without_a_terminal_there_is_a_plain_line_every_ten_seconds() {
    let folder = Folder::new();
    let (a, b) = (folder.path("a"), folder.write("sent", sent(500)));
    assert!(Command::new("mkfifo").arg(&a).status().unwrap().success());
    let mut running =
        lat_collect().args([&a, &b]).arg("--out").arg(folder.path("run")).arg("--live").spawn();
    let mut silent = File::options().write(true).open(&a).unwrap();
    let line = running.wait_for("00:04: 500 planned, 500 sent, 500 ok, 0 not; 100.0/s sent");
    assert!(!line.contains('\x1b'), "{line:?}");
    silent.write_all(received(500).as_bytes()).unwrap();
    drop(silent);
    assert_eq!(running.wait(), 0);
    assert!(running.stderr().contains("500 delivered, 0 lost"), "{}", running.stderr());
}

#[test]
fn objectives_that_cannot_be_read_end_it_before_the_run() {
    let folder = Folder::new();
    let slo = folder.write("slo.toml", "[[slo]]\nname = \"n\"\nmetric = \"e2e\"\n");
    let out = folder.path("run");
    let run = lat_collect()
        .stdin(sent(5))
        .arg("--out")
        .arg(&out)
        .arg("--live")
        .arg("--slo")
        .arg(&slo)
        .run();
    run.expect_code(2);
    assert!(run.stderr.contains("slo.toml:1:1: this objective has no `target`"), "{}", run.stderr);
    assert!(!out.exists());
}
