//! What every source file has to keep to.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Lines of a file, tests included.
const LINES: usize = 500;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// The files with an ending below `crates` and `xtask`.
fn files(ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root().join("crates"), root().join("xtask")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|found| found == ending) {
                found.push(path);
            }
        }
    }
    assert!(found.len() > 10, "where are the sources?");
    found
}

fn each_source(mut check: impl FnMut(&str, &str)) {
    for path in files("rs") {
        let name = path.strip_prefix(root()).unwrap().display().to_string();
        check(&name, &fs::read_to_string(&path).unwrap());
    }
}

#[test]
fn files_are_short_and_open_by_saying_why_they_exist() {
    let mut faults = Vec::new();
    each_source(|name, text| {
        if !text.starts_with("//! ") {
            faults.push(format!("{name} does not open with //!"));
        }
        let lines = text.lines().count();
        if lines > LINES {
            faults.push(format!("{name} has {lines} lines: split it by idea"));
        }
    });
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

/// The text that follows the options is shown as it stands, and broken where a terminal ends.
#[test]
fn help_fits_into_a_hundred_columns() {
    let mut faults = Vec::new();
    each_source(|name, text| {
        let after = text.split(": &str = \"\\\n").skip(1);
        let helps = after.filter_map(|rest| rest.split("\";\n").next());
        for line in helps.flat_map(str::lines).map(|line| line.replace('\\', "")) {
            if line.chars().count() > 100 {
                faults.push(format!("{name}: {line}"));
            }
        }
    });
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn nothing_is_left_for_later() {
    // Put together here, so that this file does not find itself.
    let left_over = [["TO", "DO"], ["FIX", "ME"], ["XX", "X"]].map(|parts| parts.concat());
    each_source(|name, text| {
        for word in &left_over {
            assert!(!text.contains(word.as_str()), "{name} says {word}");
        }
        let skipped = ["#[", "ignore"].concat();
        assert!(!text.contains(&skipped), "{name} has a test that does not run");
    });
}

#[test]
fn each_tool_is_one_statement_and_has_tests_of_its_binary() {
    for path in files("rs").iter().filter(|path| path.ends_with("src/main.rs")) {
        let lines = fs::read_to_string(path).unwrap().lines().count();
        assert!(lines <= 10, "{} has {lines} lines", path.display());
        let tests = path.ancestors().nth(2).unwrap().join("tests/it/main.rs");
        assert!(tests.exists(), "{} is missing", tests.display());
    }
}

#[test]
fn architecture_stays_readable() {
    let text = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    assert!(text.lines().count() <= 200, "ARCHITECTURE.md is longer than 200 lines");
    for entry in fs::read_dir(root().join("crates")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(text.contains(&name), "ARCHITECTURE.md does not mention {name}");
    }
}

#[test]
fn shell_scripts_parse() {
    let scripts = fs::read_dir(root().join("scripts")).unwrap().map(|entry| entry.unwrap().path());
    for script in scripts.filter(|path| path.extension().is_some_and(|ending| ending == "sh")) {
        let status = Command::new("bash").arg("-n").arg(&script).status().unwrap();
        assert!(status.success(), "{}", script.display());
    }
}
