//! Who may know whom. The rules stand in ARCHITECTURE.md.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

const TOOLS: [&str; 7] =
    ["ce-blast", "ce-gen", "ce-sink", "lat-collect", "report-plot", "slo-check", "sys-watch"];
const LIBRARIES: [&str; 6] = ["ce-amqp", "ce-event", "ce-record", "lat-hist", "load-plan", "slo"];
/// What tools share at their edge; only those on a network need the second.
const EDGES: [&str; 2] = ["ce-cli", "ce-tls"];
const NETWORKED: [&str; 4] = ["ce-blast", "ce-sink", "sys-watch", "ce-tls"];
const DEVELOPMENT: [&str; 3] = ["ce-testkit", "pipeline-tests", "xtask"];

fn cargo(args: &[&str]) -> Vec<u8> {
    let output = Command::new(env!("CARGO")).args(args).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// Each package of the workspace with the names of its dependencies: those for development too, or
/// only those that its users get.
fn packages(development: bool) -> BTreeMap<String, BTreeSet<String>> {
    let metadata = cargo(&["metadata", "--format-version=1", "--no-deps"]);
    let metadata: Value = serde_json::from_slice(&metadata).unwrap();
    let packages = metadata["packages"].as_array().unwrap().iter();
    let wanted = |dependency: &&Value| development || dependency["kind"] != "dev";
    let names = |package: &Value| {
        let all = package["dependencies"].as_array().unwrap().iter().filter(wanted);
        all.map(|dependency| dependency["name"].as_str().unwrap().to_owned()).collect()
    };
    packages.map(|it| (it["name"].as_str().unwrap().to_owned(), names(it))).collect()
}

#[test]
fn every_crate_has_a_place_in_the_rules() {
    let known: BTreeSet<&str> =
        TOOLS.iter().chain(&LIBRARIES).chain(&EDGES).chain(&DEVELOPMENT).copied().collect();
    let found: Vec<String> = packages(true).into_keys().collect();
    assert_eq!(found.iter().map(String::as_str).collect::<BTreeSet<_>>(), known);
}

#[test]
fn tools_meet_only_in_pipes() {
    for (package, dependencies) in packages(true) {
        for tool in TOOLS {
            assert!(!dependencies.contains(tool), "{package} depends on the tool {tool}");
        }
    }
}

#[test]
fn libraries_know_no_command_line_and_no_transport() {
    let all = packages(false);
    for library in LIBRARIES {
        for edge in ["ce-cli", "ce-tls", "clap", "tokio", "reqwest", "hyper", "lapin", "anyhow"] {
            assert!(!all[library].contains(edge), "{library} depends on {edge}");
        }
    }
}

#[test]
fn heavy_and_networked_crates_stay_where_they_belong() {
    for (package, dependencies) in packages(true) {
        for (crates, homes) in [
            (&["polars", "plotters"][..], &["report-plot"][..]),
            (&["lapin", "reqwest", "tokio-rustls", "ce-tls"][..], &NETWORKED[..]),
        ] {
            for name in crates.iter().filter(|_| !homes.contains(&package.as_str())) {
                assert!(!dependencies.contains(*name), "{package} depends on {name}");
            }
        }
    }
}

#[test]
fn what_serves_development_is_not_shipped() {
    for (package, dependencies) in packages(false) {
        for name in DEVELOPMENT.iter().filter(|_| !DEVELOPMENT.contains(&package.as_str())) {
            assert!(!dependencies.contains(*name), "{package} ships {name}");
        }
    }
}

/// Two providers in one tree make rustls panic at the first handshake.
#[test]
fn the_tree_has_one_crypto_provider() {
    let tree = cargo(&["tree", "--workspace", "--edges=normal", "--prefix=none", "--locked"]);
    let tree = String::from_utf8(tree).unwrap();
    let names: BTreeSet<&str> = tree.lines().filter_map(|line| line.split(' ').next()).collect();
    assert!(names.contains("ring"));
    for other in ["aws-lc-rs", "aws-lc-sys", "openssl-sys", "native-tls"] {
        assert!(!names.contains(other), "{other} is in the tree");
    }
}
