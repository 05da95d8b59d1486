//! The scripts that run a load by its name, on a compressed clock.

use std::path::Path;

use ce_testkit::{Tool, broker, unique_name};

use crate::Stage;

fn script(stage: &Stage, name: &str, settings: &str) -> Tool {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let out = stage.path("run");
    // The tools of this build are on the path already; there are none in an empty folder.
    stage.shell(&format!(
        "OUT={} BIN=/nowhere {settings} {}/scripts/{name}",
        out.display(),
        root.display()
    ))
}

#[test]
fn the_baseline_load_ends_in_a_verdict_on_all_its_events() {
    let stage = Stage::new();
    let (mut sink, url) = stage.http_sink(&[]);
    let run = script(&stage, "load.sh baseline", &format!("BROKER_URL={url} TIME_SCALE=100"));
    let run = run.run();
    assert_eq!(sink.stop(), 0, "{}", sink.stderr());
    assert_eq!(stage.json("run/summary.json")["overall"]["outcomes"]["ok"], 3000);
    // A busy machine may be too slow for the compressed clock; a verdict is printed all the same.
    assert!([0, 1, 3].contains(&run.code), "{run:?}");
    assert!(run.stdout.contains("p(95)<2000"), "{}", run.stdout);
    assert!(run.stdout.contains("rate>0.99"), "{}", run.stdout);
}

#[test]
fn the_saturation_load_holds_connections_while_events_go_on() {
    let Some(broker) = broker("the saturation load") else { return };
    let queue = unique_name("saturation");
    assert_eq!(broker.api("PUT", &format!("/queues/%2f/{queue}"), "{}").0, 201);
    let stage = Stage::new();
    // Straight to the queue, through the default exchange.
    let settings = format!(
        "BROKER_URL={} TIME_SCALE=20 CE_EXCHANGE= CE_ROUTING_KEY={queue} CE_TIMEOUT=60s",
        broker.amqp_url
    );
    let run = script(&stage, "load.sh saturation", &settings).run();
    broker.remove(&queue);
    // A busy machine may be too slow for the compressed clock.
    assert!([0, 1, 3].contains(&run.code), "{run:?}");
    let summary = stage.json("run/summary.json");
    let ok = |scenario: &str| summary["scenarios"][scenario]["outcomes"]["ok"].clone();
    assert_eq!((ok("connections"), ok("build-events")), (2000.into(), 16_000.into()), "{run:?}");
    let [held] = summary["connections"].as_array().unwrap().as_slice() else { panic!("{summary}") };
    assert_eq!((&held["scenario"], &held["opened"]), (&"connections".into(), &2000.into()));
}

#[test]
fn a_duration_shortens_the_loads_that_have_one() {
    let stage = Stage::new();
    let (mut sink, url) = stage.http_sink(&[]);
    let settings = format!("BROKER_URL={url} DURATION=3");
    let run = script(&stage, "load.sh sustained", &settings).run();
    assert_eq!(sink.stop(), 0, "{}", sink.stderr());
    assert_eq!(stage.json("run/summary.json")["overall"]["outcomes"]["ok"], 300);
    assert!([0, 3].contains(&run.code), "{run:?}");
    let run = script(&stage, "load.sh spike", "DURATION=3 OUT=other").run();
    run.expect_code(2);
    let says = "load.sh: the stages of spike have durations of their own: leave out DURATION";
    assert!(run.stderr.starts_with(says), "{}", run.stderr);
}

#[test]
fn a_closed_loop_whose_target_refuses_ends_with_the_code_of_its_verdict() {
    let stage = Stage::new();
    let (mut sink, url) = stage.http_sink(&["--reject-every", "2"]);
    let settings = format!("BROKER_URL={url} CONCURRENT=4 DURATION=2 RAMP_UP=1 PAUSE_MS=20");
    let run = script(&stage, "closed-loop.sh", &settings).run();
    assert_eq!(sink.stop(), 0, "{}", sink.stderr());
    run.expect_code(1);
    assert!(run.stdout.contains("rate>=0.95"), "{}", run.stdout);
}

#[test]
fn a_target_that_is_not_there_is_judged_or_refused_and_never_passes() {
    let stage = Stage::new();
    let settings = "BROKER_URL=http://127.0.0.1:1 TIME_SCALE=1000";
    let run = script(&stage, "load.sh baseline", settings).run();
    assert!([1, 2, 3].contains(&run.code), "{run:?}");
}

#[test]
fn production_is_refused_by_each_script_before_anything_is_sent() {
    let stage = Stage::new();
    for name in ["load.sh spike", "closed-loop.sh", "pf-broker.sh"] {
        let run = script(&stage, name, "ENV=Production").run();
        run.expect_code(2);
        assert!(run.stderr.contains("is production, which is never loaded"), "{}", run.stderr);
    }
    assert!(!stage.path("run").exists());
}

#[test]
fn a_run_that_is_there_already_is_kept_whole() {
    let stage = Stage::new();
    stage.shell("mkdir run && echo kept > run/summary.json").run().expect_code(0);
    for name in ["load.sh spike", "closed-loop.sh"] {
        let run = script(&stage, name, "BROKER_URL=http://127.0.0.1:1").run();
        run.expect_code(2);
        assert!(run.stderr.contains("exists already: choose another OUT"), "{}", run.stderr);
        assert_eq!(stage.text("run/summary.json"), "kept\n");
    }
}

#[test]
fn a_forwarded_port_without_kubectl_is_one_line() {
    let stage = Stage::new();
    // A path with a shell on it and nothing else.
    stage.shell("mkdir bin && ln -s \"$(command -v bash)\" bin/bash").run().expect_code(0);
    let path = format!("PATH={}", stage.path("bin").display());
    let run = script(&stage, "pf-broker.sh", &path).run();
    run.expect_code(2);
    assert!(run.stderr.contains("kubectl is missing"), "{}", run.stderr);
    assert_eq!(run.stderr.lines().count(), 1, "{}", run.stderr);
}
