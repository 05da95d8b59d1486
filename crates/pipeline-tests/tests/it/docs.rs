//! The commands in the documentation work as they stand there.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use ce_testkit::broker;

use crate::Stage;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap()
}

/// The blocks of a Markdown file that are marked as `sh`, in order.
fn shell_blocks(file: &str) -> Vec<String> {
    let text = fs::read_to_string(root().join(file)).unwrap();
    let after = text.split("\n```sh\n").skip(1);
    after.map(|rest| rest.split("\n```").next().unwrap().to_owned()).collect()
}

/// Runs a guide from top to bottom; it has at least so many blocks.
#[track_caller]
fn run_guide(file: &str, blocks: usize) -> Stage {
    run_guide_with(file, blocks, &[])
}

/// The same with variables that the guide takes from the environment.
#[track_caller]
fn run_guide_with(file: &str, blocks: usize, variables: &[(&str, &str)]) -> Stage {
    let found = shell_blocks(file);
    assert!(found.len() >= blocks, "{found:?}");
    run_commands(&found.join("\n"), variables)
}

/// What a machine that is busy with other things makes of a guide: a load keeps no schedule, or comes
/// before its sink listens, or after it should have begun. The commands rightly take each for a
/// failure.
const BUSY: [&str; 4] = [
    "this machine cannot keep the schedule",
    "a sender did not run when",
    "is the target running?",
    "--start-at has passed",
];

/// Runs commands in a folder of their own, and tries them again where the machine was too busy.
#[track_caller]
fn run_commands(commands: &str, variables: &[(&str, &str)]) -> Stage {
    let run = |stage: &Stage| {
        let shell = stage.shell(commands);
        variables.iter().fold(shell, |shell, (name, value)| shell.env(name, value)).run()
    };
    for _ in 0..2 {
        let stage = Stage::new();
        let run = run(&stage);
        let was_busy = BUSY.iter().any(|it| run.stdout.contains(it) || run.stderr.contains(it));
        if run.code == 0 || !was_busy {
            run.expect_code(0);
            return stage;
        }
    }
    let stage = Stage::new();
    run(&stage).expect_code(0);
    stage
}

#[test]
fn the_first_pipe_of_the_readme_runs_and_ends_in_a_report() {
    let blocks = shell_blocks("README.md");
    let stage = run_commands(blocks.iter().find(|block| block.contains("ce-gen")).unwrap(), &[]);
    stage.json("results/first/summary.json");
    assert!(stage.text("report.html").contains("<svg"));
}

#[test]
fn the_guide_runs_from_top_to_bottom() {
    let stage = run_guide("GUIDE.md", 7);
    assert!(stage.text("stall.html").contains("<svg"));
    assert!(stage.text("results/refused/errors.csv").contains("rejected,503,,50,"));
}

#[test]
fn the_guide_to_events_runs_from_top_to_bottom() {
    run_guide("docs/guide-events.md", 7);
}

#[test]
fn the_guide_to_http_runs_from_top_to_bottom() {
    let stage = run_guide("docs/guide-http.md", 4);
    assert_eq!(stage.json("results/checked/summary.json")["overall"]["checks"][0]["fails"], 20);
}

#[test]
fn the_guide_to_load_plans_runs_from_top_to_bottom() {
    let stage = run_guide("docs/guide-load-plans.md", 5);
    let dues = |file: &str| stage.text(file).lines().count();
    assert_eq!(
        (dues("schedule.ndjson"), dues("first.ndjson"), dues("second.ndjson")),
        (25, 13, 12)
    );
}

#[test]
fn the_guide_to_the_live_view_runs_from_top_to_bottom() {
    run_guide("docs/guide-live.md", 2);
}

#[test]
fn the_guide_to_several_senders_runs_from_top_to_bottom() {
    let stage = run_guide("docs/guide-merge.md", 3);
    assert_eq!(stage.json("results/sharded/ledger.json")["lost"], 0);
}

#[test]
fn the_guide_to_the_sink_runs_from_top_to_bottom() {
    let stage = run_guide("docs/guide-sink.md", 2);
    let receipts = |file| stage.text(file).matches(r#""kind":"receipt""#).count();
    assert_eq!((receipts("received.ndjson"), receipts("cut.ndjson")), (200, 100));
}

#[test]
fn the_guide_to_rabbitmq_runs_from_top_to_bottom() {
    let Some(broker) = broker("the guide to RabbitMQ") else { return };
    let clean = || ["guide.builds", "guide.small", "guide.events"].map(|name| broker.remove(name));
    clean();
    let variables = [
        ("CE_TO", broker.amqp_url.as_str()),
        ("CE_FROM", broker.amqp_url.as_str()),
        ("CE_MANAGEMENT_URL", broker.management_url.as_str()),
    ];
    let stage = run_guide_with("docs/guide-rabbitmq.md", 5, &variables);
    let ledger = stage.json("results/rabbitmq/ledger.json");
    assert_eq!((&ledger["received"], &ledger["lost"]), (&300.into(), &0.into()), "{ledger:#}");
    assert!(stage.text("topology.txt").contains("guide.small"));
    // 20 of those that were routed, 20 through the management API.
    assert_eq!(broker.messages("guide.builds", 100).len(), 40);
    clean();
}

/// README, GUIDE, and the guides in docs/.
fn guides() -> Vec<String> {
    let in_docs = fs::read_dir(root().join("docs")).unwrap();
    let names = in_docs.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let guides = names.filter(|name| name.starts_with("guide-"));
    let guides = guides.map(|name| format!("docs/{name}"));
    ["README.md", "GUIDE.md"].map(String::from).into_iter().chain(guides).collect()
}

/// They run side by side.
#[test]
fn no_two_guides_listen_on_the_same_port() {
    let mut owners = BTreeMap::<String, String>::new();
    for guide in guides() {
        let blocks = shell_blocks(&guide).join("\n");
        let after = blocks.split("127.0.0.1:").skip(1);
        let port = |rest: &str| rest.chars().take_while(char::is_ascii_digit).collect::<String>();
        for port in after.map(port).filter(|port| port.len() > 1).collect::<BTreeSet<_>>() {
            let owner = owners.entry(port.clone()).or_insert_with(|| guide.clone());
            assert_eq!(*owner, guide, "both use port {port}");
        }
    }
    assert!(owners.len() > 5, "{owners:?}");
}

#[test]
fn the_readme_names_every_guide() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    for guide in guides().into_iter().skip(1) {
        assert!(readme.contains(&format!("({guide})")), "{guide}");
    }
}

#[test]
fn every_make_command_of_the_readme_exists() {
    let makefile = fs::read_to_string(root().join("Makefile")).unwrap();
    let blocks = shell_blocks("README.md").join("\n");
    let commands = blocks.lines().filter_map(|line| line.strip_prefix("make "));
    let targets: Vec<&str> = commands.map(|rest| rest.split(' ').next().unwrap()).collect();
    assert!(targets.contains(&"demo") && targets.contains(&"test"), "{targets:?}");
    for target in targets {
        assert!(makefile.contains(&format!("\n{target}:")), "make {target}");
    }
}
