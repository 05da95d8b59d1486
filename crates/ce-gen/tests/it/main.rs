//! Runs the real `ce-gen`: what a shell user would see is what is asserted.

mod attributes;
mod check;
mod check_layouts;
mod describe;
mod edges;
mod events;
mod golden;
mod mixture;
mod pool;
mod refusals;
mod shard;
mod template;
mod template_refusals;
mod vectors;

use ce_testkit::Tool;
use serde_json::Value;

fn ce_gen() -> Tool {
    Tool::new(env!("CARGO_BIN_EXE_ce-gen"))
}

/// The lines of a run that must succeed in silence.
#[track_caller]
fn lines(args: &[&str]) -> Vec<String> {
    let run = ce_gen().args(args).run();
    assert_eq!(run.expect_code(0).stderr, "");
    assert!(run.stdout.is_empty() || run.stdout.ends_with('\n'));
    run.stdout.lines().map(ToOwned::to_owned).collect()
}

/// The events of a run that must succeed; each has to be a valid CloudEvent.
#[track_caller]
fn events(args: &[&str]) -> Vec<Value> {
    let parsed = |line: String| {
        if let Err(err) = ce_event::Event::from_json(line.as_bytes()) {
            panic!("{line}: {err}");
        }
        serde_json::from_str(&line).expect("each line is JSON")
    };
    lines(args).into_iter().map(parsed).collect()
}
